import Foundation

// Reading xAPI's JSON into the typed model. Only what the model must have is asked for: whether a
// statement is valid, `checkStatement` says.

extension Statement: Decodable {
    private enum CodingKeys: String, CodingKey {
        case id, actor, verb, object, result, context, timestamp, attachments
    }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            actor: try json.decode(Actor.self, forKey: .actor),
            verb: try json.decode(Verb.self, forKey: .verb),
            object: try json.decode(StatementObject.self, forKey: .object),
            result: try json.decodeIfPresent(XapiResult.self, forKey: .result),
            context: try json.decodeIfPresent(Context.self, forKey: .context),
            timestamp: try json.timestampIfPresent(forKey: .timestamp),
            attachments: try json.decodeIfPresent([Attachment].self, forKey: .attachments) ?? [],
            id: try json.decodeIfPresent(UUID.self, forKey: .id)
        )
    }
}

extension SubStatement: Decodable {
    private enum CodingKeys: String, CodingKey {
        case actor, verb, object, result, context, timestamp, attachments
    }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            actor: try json.decode(Actor.self, forKey: .actor),
            verb: try json.decode(Verb.self, forKey: .verb),
            object: try json.decode(StatementObject.self, forKey: .object),
            result: try json.decodeIfPresent(XapiResult.self, forKey: .result),
            context: try json.decodeIfPresent(Context.self, forKey: .context),
            timestamp: try json.timestampIfPresent(forKey: .timestamp),
            attachments: try json.decodeIfPresent([Attachment].self, forKey: .attachments) ?? []
        )
    }
}

extension StatementObject: Decodable {
    public init(from decoder: any Decoder) throws {
        switch try decoder.objectType() {
        case "Agent": self = .agent(agent: try Agent(from: decoder))
        case "Group": self = .group(group: try Group(from: decoder))
        case "StatementRef": self = .statementRef(reference: try StatementRef(from: decoder))
        case "SubStatement": self = .sub(statement: try SubStatement(from: decoder))
        default: self = .activity(activity: try Activity(from: decoder))
        }
    }
}

extension StatementRef: Decodable {
    private enum CodingKeys: String, CodingKey { case id }

    public init(from decoder: any Decoder) throws {
        self.init(try decoder.container(keyedBy: CodingKeys.self).decode(UUID.self, forKey: .id))
    }
}

extension Verb: Decodable {
    private enum CodingKeys: String, CodingKey { case id, display }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try json.decode(String.self, forKey: .id),
            display: try json.texts(forKey: .display)
        )
    }
}

extension Attachment: Decodable {
    private enum CodingKeys: String, CodingKey {
        case usageType, display, contentType, length, sha2, fileUrl, description
    }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            usageType: try json.decode(String.self, forKey: .usageType),
            display: try json.texts(forKey: .display),
            contentType: try json.decode(String.self, forKey: .contentType),
            length: try json.decode(UInt64.self, forKey: .length),
            sha2: try json.decode(String.self, forKey: .sha2),
            fileUrl: try json.decodeIfPresent(String.self, forKey: .fileUrl),
            description: try json.texts(forKey: .description)
        )
    }
}

extension XapiResult: Decodable {
    private enum CodingKeys: String, CodingKey {
        case score, success, completion, response, duration, extensions
    }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            score: try json.decodeIfPresent(Score.self, forKey: .score),
            success: try json.decodeIfPresent(Bool.self, forKey: .success),
            completion: try json.decodeIfPresent(Bool.self, forKey: .completion),
            response: try json.decodeIfPresent(String.self, forKey: .response),
            duration: try json.durationIfPresent(forKey: .duration),
            extensions: try json.extensions(forKey: .extensions)
        )
    }
}

extension Score: Decodable {
    private enum CodingKeys: String, CodingKey { case scaled, raw, min, max }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            scaled: try json.decodeIfPresent(Double.self, forKey: .scaled),
            raw: try json.decodeIfPresent(Double.self, forKey: .raw),
            min: try json.decodeIfPresent(Double.self, forKey: .min),
            max: try json.decodeIfPresent(Double.self, forKey: .max)
        )
    }
}
