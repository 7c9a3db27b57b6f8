import Foundation

// Read from JSON, a statement and its parts are what the core makes of them, as they are when written. What
// the typed model has no place for (`stored`, `authority`, `version`) is refused with its path.

extension Statement {
    /// Reads a statement's JSON. Throws `PannierError.invalid` where it says what this type has no place for.
    public init(json: String) throws {
        self = try statementFromJson(json: json)
    }
}

extension Statement: Decodable {
    public init(from decoder: any Decoder) throws {
        self = try read(from: decoder) { $0 }
    }
}

extension Actor: Decodable {
    public init(from decoder: any Decoder) throws {
        guard let actor = try read(from: decoder, as: { .bare(with: $0, as: "actor") }).actor else {
            throw refused("is no actor", decoder)
        }
        self = actor
    }
}

extension Agent: Decodable {
    public init(from decoder: any Decoder) throws {
        guard case .agent(let agent) = try Actor(from: decoder) else {
            throw refused("is a Group", decoder)
        }
        self = agent
    }
}

extension XapiGroup: Decodable {
    public init(from decoder: any Decoder) throws {
        guard case .group(let group) = try Actor(from: decoder) else {
            throw refused("is an Agent", decoder)
        }
        self = group
    }
}

extension Verb: Decodable {
    public init(from decoder: any Decoder) throws {
        self = try read(from: decoder) { .bare(with: $0, as: "verb") }.verb
    }
}

extension StatementObject: Decodable {
    public init(from decoder: any Decoder) throws {
        self = try read(from: decoder) { .bare(with: $0, as: "object") }.object
    }
}

extension XapiActivity: Decodable {
    public init(from decoder: any Decoder) throws {
        guard case .activity(let activity) = try StatementObject(from: decoder) else {
            throw refused("is no Activity", decoder)
        }
        self = activity
    }
}

extension StatementRef: Decodable {
    public init(from decoder: any Decoder) throws {
        guard case .statementRef(let reference) = try StatementObject(from: decoder) else {
            throw refused("is no StatementRef", decoder)
        }
        self = reference
    }
}

extension SubStatement: Decodable {
    public init(from decoder: any Decoder) throws {
        guard case .sub(let statement) = try StatementObject(from: decoder) else {
            throw refused("is no SubStatement", decoder)
        }
        self = statement
    }
}

extension XapiResult: Decodable {
    public init(from decoder: any Decoder) throws {
        self = try read(from: decoder) { .bare(with: $0, as: "result") }.result ?? XapiResult()
    }
}

extension Score: Decodable {
    public init(from decoder: any Decoder) throws {
        let statement = try read(from: decoder) { .bare(with: .object(["score": $0]), as: "result") }
        self = statement.result?.score ?? Score()
    }
}

extension XapiContext: Decodable {
    public init(from decoder: any Decoder) throws {
        self = try read(from: decoder) { .bare(with: $0, as: "context") }.context ?? XapiContext()
    }
}

extension Attachment: Decodable {
    public init(from decoder: any Decoder) throws {
        let statement = try read(from: decoder) { .bare(with: .array([$0]), as: "attachments") }
        self = statement.attachments[0]
    }
}

/// Reads the statement that `whole` makes of what the decoder has.
private func read(from decoder: any Decoder, as whole: (JSONValue) -> JSONValue) throws -> Statement {
    let json = try JSONEncoder().encode(whole(JSONValue(from: decoder)))
    do {
        return try Statement(json: String(decoding: json, as: UTF8.self))
    } catch {
        throw refused("\(error)", decoder, error)
    }
}

private func refused(_ why: String, _ decoder: any Decoder, _ error: (any Error)? = nil) -> DecodingError {
    .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: why, underlyingError: error))
}

extension JSONValue {
    /// A statement that has this part, and of the others no more than it must.
    fileprivate static func bare(with part: JSONValue, as name: String) -> JSONValue {
        let bare: [String: JSONValue] = [
            "actor": .object(["mbox": .text("mailto:a@b")]), "verb": .object(["id": .text("a:b")]),
            "object": .object(["id": .text("a:b")]),
        ]
        return .object(bare.merging([name: part]) { _, new in new })
    }
}
