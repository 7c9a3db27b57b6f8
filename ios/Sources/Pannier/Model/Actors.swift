extension Agent: Changeable {
    /// Who is known by a mail address: `ada@example.com`, or with `mailto:` before it, which is added otherwise.
    public static func mbox(_ address: String, name: String? = nil) -> Agent {
        Agent(ifi: .mbox(address), name: name)
    }

    /// Who has an account on a system: best for privacy, as the account's name may be opaque.
    public static func account(homePage: String, name: String) -> Agent {
        Agent(ifi: .account(homePage: homePage, name: name))
    }

    /// What to call them; means nothing for who they are.
    public func name(_ name: String) -> Self { with { $0.name = name } }
}

extension XapiGroup: Changeable {
    /// Several who are known together.
    public static func identified(_ ifi: Ifi) -> XapiGroup {
        XapiGroup(ifi: ifi)
    }

    /// Several who are known one by one.
    public static func anonymous(_ members: [Agent]) -> XapiGroup {
        XapiGroup(member: members)
    }

    /// What to call them; means nothing for who they are.
    public func name(_ name: String) -> Self { with { $0.name = name } }

    /// One of them.
    public func member(_ agent: Agent) -> Self { with { $0.member.append(agent) } }
}

extension Ifi {
    /// A mail address: `ada@example.com`, or with `mailto:` before it, which is added otherwise.
    public static func mbox(_ address: String) -> Ifi {
        .mbox(iri: address.hasPrefix("mailto:") ? address : "mailto:\(address)")
    }

    /// An account on a system: best for privacy, as its name may be opaque.
    public static func account(homePage: String, name: String) -> Ifi {
        .account(account: XapiAccount(homePage: homePage, name: name))
    }
}
