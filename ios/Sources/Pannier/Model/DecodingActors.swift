extension Actor: Decodable {
    public init(from decoder: any Decoder) throws {
        switch try decoder.objectType() {
        case "Group": self = .group(group: try Group(from: decoder))
        default: self = .agent(agent: try Agent(from: decoder))
        }
    }
}

extension Agent: Decodable {
    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: ActorKeys.self)
        guard let ifi = try json.ifi() else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "an agent needs mbox, mbox_sha1sum, openid or account"
                )
            )
        }
        self.init(ifi: ifi, name: try json.decodeIfPresent(String.self, forKey: .name))
    }
}

extension Group: Decodable {
    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: ActorKeys.self)
        self.init(
            member: try json.decodeIfPresent([Agent].self, forKey: .member) ?? [],
            name: try json.decodeIfPresent(String.self, forKey: .name),
            ifi: try json.ifi()
        )
    }
}

extension Account: Decodable {
    private enum CodingKeys: String, CodingKey { case homePage, name }

    public init(from decoder: any Decoder) throws {
        let json = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            homePage: try json.decode(String.self, forKey: .homePage),
            name: try json.decode(String.self, forKey: .name)
        )
    }
}

private enum ActorKeys: String, CodingKey {
    case name, member, mbox, openid, account
    case mboxSha1sum = "mbox_sha1sum"
}

extension KeyedDecodingContainer<ActorKeys> {
    fileprivate func ifi() throws -> Ifi? {
        if let iri = try decodeIfPresent(String.self, forKey: .mbox) { return .mbox(iri: iri) }
        if let hex = try decodeIfPresent(String.self, forKey: .mboxSha1sum) {
            return .mboxSha1sum(hex: hex)
        }
        if let uri = try decodeIfPresent(String.self, forKey: .openid) { return .openid(uri: uri) }
        return try decodeIfPresent(Account.self, forKey: .account).map { .account(account: $0) }
    }
}
