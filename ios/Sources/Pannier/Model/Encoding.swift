import Foundation

// Written as JSON, a statement and its parts are what the core makes of them: one form, everywhere. Where
// bytes matter, keep the text.

extension Statement: Encodable {
    /// As xAPI's JSON. Throws a `PannierError` if an extension is no JSON.
    public func encode(to encoder: any Encoder) throws {
        try json().encode(to: encoder)
    }

    fileprivate func json() throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(try toJson().utf8))
    }

    fileprivate static let bare = Statement(.mbox("mailto:a@b"), .attended, XapiActivity("a:b"))
}

extension Actor: Encodable {
    public func encode(to encoder: any Encoder) throws {
        let statement = Statement.bare.with { $0.actor = self }
        try statement.json()["actor"].encode(to: encoder)
    }
}

extension Agent: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Actor.agent(agent: self).encode(to: encoder)
    }
}

extension XapiGroup: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Actor.group(group: self).encode(to: encoder)
    }
}

extension Verb: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Statement.bare.with { $0.verb = self }.json()["verb"].encode(to: encoder)
    }
}

extension StatementObject: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Statement.bare.with { $0.object = self }.json()["object"].encode(to: encoder)
    }
}

extension XapiActivity: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try StatementObject.activity(activity: self).encode(to: encoder)
    }
}

extension StatementRef: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try StatementObject.statementRef(reference: self).encode(to: encoder)
    }
}

extension SubStatement: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try StatementObject.sub(statement: self).encode(to: encoder)
    }
}

extension XapiResult: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Statement.bare.result(self).json()["result"].encode(to: encoder)
    }
}

extension Score: Encodable {
    public func encode(to encoder: any Encoder) throws {
        let statement = Statement.bare.result(XapiResult().score(self))
        try statement.json()["result"]?["score"].encode(to: encoder)
    }
}

extension XapiContext: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Statement.bare.context(self).json()["context"].encode(to: encoder)
    }
}

extension Attachment: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try Statement.bare.attachment(self).json()["attachments"]?[0].encode(to: encoder)
    }
}

extension JSONValue? {
    /// A part that says nothing is left out of a statement; alone it is an empty object.
    fileprivate func encode(to encoder: any Encoder) throws {
        try (self ?? .object([:])).encode(to: encoder)
    }
}
