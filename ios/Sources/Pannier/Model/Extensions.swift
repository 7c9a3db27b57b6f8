import Foundation

/// What may have beside the standard's own properties others, by their IRIs.
public protocol Extensible {
    /// IRI to JSON text.
    var extensions: [String: String] { get set }
}

extension Extensible {
    /// What the standard has no property for: a text, a number, yes or no, or any value that JSON has a
    /// form for. A value that it has none for, such as a number that is none, is a fault when the
    /// statement is recorded.
    public func `extension`(_ iri: String, _ value: some Encodable) -> Self {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try? encoder.encode(value)
        return self.extension(iri, json: String(decoding: json ?? Data(), as: UTF8.self))
    }

    /// What the standard has no property for, as JSON text: `{"a":[1,2]}`.
    public func `extension`(_ iri: String, json: String) -> Self {
        var copy = self
        copy.extensions[iri] = json
        return copy
    }
}

extension ActivityDefinition: Extensible {}
extension XapiContext: Extensible {}
extension XapiResult: Extensible {}
