import Foundation

extension Context: Decodable {
    private enum CodingKeys: String, CodingKey {
        case registration, instructor, team, contextActivities, revision, platform, language
        case statement, contextAgents, contextGroups, extensions
    }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            registration: try json.decodeIfPresent(UUID.self, forKey: .registration),
            instructor: try json.decodeIfPresent(Actor.self, forKey: .instructor),
            team: try json.decodeIfPresent(Group.self, forKey: .team),
            contextActivities: try json.decodeIfPresent(
                ContextActivities.self, forKey: .contextActivities
            ),
            revision: try json.decodeIfPresent(String.self, forKey: .revision),
            platform: try json.decodeIfPresent(String.self, forKey: .platform),
            language: try json.decodeIfPresent(String.self, forKey: .language),
            statement: try json.decodeIfPresent(StatementRef.self, forKey: .statement),
            contextAgents: try json.decodeIfPresent([ContextAgent].self, forKey: .contextAgents) ?? [],
            contextGroups: try json.decodeIfPresent([ContextGroup].self, forKey: .contextGroups) ?? [],
            extensions: try json.extensions(forKey: .extensions)
        )
    }
}

extension ContextActivities: Decodable {
    private enum CodingKeys: String, CodingKey { case parent, grouping, category, other }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        /// One activity alone, too: earlier versions of the standard had it so (Data 2.4.6.2).
        func activities(_ key: CodingKeys) throws -> [Activity] {
            guard json.contains(key) else { return [] }
            if let one = try? json.decode(Activity.self, forKey: key) { return [one] }
            return try json.decode([Activity].self, forKey: key)
        }
        self.init(
            parent: try activities(.parent),
            grouping: try activities(.grouping),
            category: try activities(.category),
            other: try activities(.other)
        )
    }
}

extension ContextAgent: Decodable {
    private enum CodingKeys: String, CodingKey { case agent, relevantTypes }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            agent: try json.decode(Agent.self, forKey: .agent),
            relevantTypes: try json.decodeIfPresent([String].self, forKey: .relevantTypes) ?? []
        )
    }
}

extension ContextGroup: Decodable {
    private enum CodingKeys: String, CodingKey { case group, relevantTypes }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            group: try json.decode(Group.self, forKey: .group),
            relevantTypes: try json.decodeIfPresent([String].self, forKey: .relevantTypes) ?? []
        )
    }
}
