extension Activity: Decodable {
    private enum CodingKeys: String, CodingKey { case id, definition }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try json.decode(String.self, forKey: .id),
            definition: try json.decodeIfPresent(ActivityDefinition.self, forKey: .definition)
        )
    }
}

extension ActivityDefinition: Decodable {
    private enum CodingKeys: String, CodingKey {
        case name, description, moreInfo, interactionType, correctResponsesPattern
        case choices, scale, source, target, steps, extensions
        case activityType = "type"
    }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        func components(_ key: CodingKeys) throws -> [InteractionComponent] {
            try json.decodeIfPresent([InteractionComponent].self, forKey: key) ?? []
        }
        self.init(
            name: try json.texts(forKey: .name),
            description: try json.texts(forKey: .description),
            activityType: try json.decodeIfPresent(String.self, forKey: .activityType),
            moreInfo: try json.decodeIfPresent(String.self, forKey: .moreInfo),
            interactionType: try json.decodeIfPresent(InteractionType.self, forKey: .interactionType),
            correctResponsesPattern: try json.decodeIfPresent(
                [String].self, forKey: .correctResponsesPattern
            ),
            choices: try components(.choices),
            scale: try components(.scale),
            source: try components(.source),
            target: try components(.target),
            steps: try components(.steps),
            extensions: try json.extensions(forKey: .extensions)
        )
    }
}

extension InteractionComponent: Decodable {
    private enum CodingKeys: String, CodingKey { case id, description }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try json.decode(String.self, forKey: .id),
            description: try json.texts(forKey: .description)
        )
    }
}

extension InteractionType: Decodable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        let name = try value.decode(String.self)
        guard let type = Self.allCases.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                in: value, debugDescription: "'\(name)' is no interaction type"
            )
        }
        self = type
    }

    /// What the standard calls it (Data 2.4.4.1).
    private var name: String {
        switch self {
        case .trueFalse: "true-false"
        case .choice: "choice"
        case .fillIn: "fill-in"
        case .longFillIn: "long-fill-in"
        case .matching: "matching"
        case .performance: "performance"
        case .sequencing: "sequencing"
        case .likert: "likert"
        case .numeric: "numeric"
        case .other: "other"
        }
    }
}
