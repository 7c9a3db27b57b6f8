import Foundation

// The standard's ways to write things that Swift has types for.

extension Decoder {
    /// What kind of object it says it is.
    func objectType() throws -> String? {
        try container(keyedBy: ObjectTypeKey.self).decodeIfPresent(String.self, forKey: .objectType)
    }
}

private enum ObjectTypeKey: String, CodingKey { case objectType }

extension KeyedDecodingContainer {
    /// A text in several languages.
    func texts(forKey key: Key) throws -> [String: String] {
        try decodeIfPresent([String: String].self, forKey: key) ?? [:]
    }

    /// Extensions, each as JSON text.
    func extensions(forKey key: Key) throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try (decodeIfPresent([String: JSONValue].self, forKey: key) ?? [:]).mapValues {
            String(decoding: try encoder.encode($0), as: UTF8.self)
        }
    }

    func timestampIfPresent(forKey key: Key) throws -> Date? {
        try read(key, as: "an ISO 8601 timestamp") { Date(timestamp: $0) }
    }

    func durationIfPresent(forKey key: Key) throws -> Duration? {
        try read(key, as: "an ISO 8601 duration without years and months") { Duration(iso8601: $0) }
    }

    private func read<Value>(_ key: Key, as what: String, _ read: (String) -> Value?) throws -> Value? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let value = read(text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "is not \(what)"
            )
        }
        return value
    }
}

extension Date {
    /// An ISO 8601 timestamp (Data 4.5). What is finer than a millisecond is cut off.
    init?(timestamp text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let tail = parts.count == 2 ? parts[1] : ""
        let digits = tail.prefix { $0.isASCII && $0.isNumber }
        guard parts.count == 1 || !digits.isEmpty else { return nil }
        let whole = parts[0] + tail.dropFirst(digits.count)
        let formatter = ISO8601DateFormatter()
        guard let date = formatter.date(from: String(whole)) else { return nil }
        let millis = Double("\(digits)000".prefix(3)) ?? 0
        self = Date(timeIntervalSince1970: date.timeIntervalSince1970 + millis / 1_000)
    }
}

extension Duration {
    /// An ISO 8601 duration (Data 4.6): `PT1H2M3.25S`, `P1DT2H`, `P2W`. Years and months have no length
    /// of their own.
    init?(iso8601 text: String) {
        guard text.first == "P", text.count > 2 else { return nil }
        var (total, number, isTime) = (Duration.zero, "", false)
        for char in text.dropFirst() {
            switch (char, isTime) {
            case ("T", false) where number.isEmpty: isTime = true
            case ("0"..."9", _), (".", true): number.append(char)
            default:
                let length: Int64? = switch (char, isTime) {
                case ("W", false): 604_800
                case ("D", false): 86_400
                case ("H", true): 3_600
                case ("M", true): 60
                case ("S", true): 1
                default: nil
                }
                guard let length, let part = Duration(number, of: length) else { return nil }
                total += part
                number = ""
            }
        }
        guard number.isEmpty, text.last != "T" else { return nil }
        self = total
    }

    /// So many units of `length` seconds, without the rounding of floating point.
    private init?(_ number: String, of length: Int64) {
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Int64(parts[0]), whole <= Int64(Int32.max) else { return nil }
        var duration = Duration.seconds(whole * length)
        if parts.count == 2 {
            guard !parts[1].isEmpty, let billionths = Int64("\(parts[1])000000000".prefix(9)) else {
                return nil
            }
            duration += .nanoseconds(billionths * length)
        }
        self = duration
    }
}
