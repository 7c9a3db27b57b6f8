import Foundation

// How times and URLs cross the border. Swift keeps dates as fractions of seconds, so they are rounded:
// cut off, a date would lose a millisecond.

extension Date {
    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1_000)
    }

    /// What fits no number is the furthest.
    var milliseconds: Int64 {
        let rounded = (timeIntervalSince1970 * 1_000).rounded()
        return Int64(exactly: rounded) ?? (rounded < 0 ? .min : .max)
    }
}

extension Duration {
    /// What fits no number is the longest or the shortest.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (all, overflowsToo) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflows || overflowsToo ? (seconds < 0 ? .min : .max) : all
    }
}

extension URL {
    /// The core has parsed it as a URL already, by rules that are a little more lenient.
    init(text: String) {
        let escaped = text.addingPercentEncoding(withAllowedCharacters: .lenient)
        self = URL(string: text) ?? escaped.flatMap(URL.init(string:)) ?? URL(fileURLWithPath: text)
    }
}

extension CharacterSet {
    fileprivate static let lenient = urlQueryAllowed.union(CharacterSet(charactersIn: "%#"))
}
