import Foundation

/// A statement is built from its three parts, and what else there is to say is added to it:
///
/// ```swift
/// Statement(
///     .mbox("ada@example.com", name: "Ada"),
///     .completed,
///     XapiActivity("https://example.com/lessons/1").name("en", "Lesson 1")
/// )
/// .result(XapiResult().completion(true).score(.scaled(0.8)))
/// ```
///
/// Whether all is right is checked when it is recorded.
extension Statement {
    /// Somebody did something to an activity.
    public init(_ actor: Agent, _ verb: Verb, _ activity: XapiActivity) {
        self.init(.agent(agent: actor), verb, .activity(activity: activity))
    }

    /// Somebody, or several, did something to anything.
    public init(_ actor: Actor, _ verb: Verb, _ object: StatementObject) {
        self.init(actor: actor, verb: verb, object: object)
    }

    /// The default actor did something to an activity; without one it is no valid statement.
    public init(_ verb: Verb, _ activity: XapiActivity) {
        self.init(verb, .activity(activity: activity))
    }

    /// The default actor did something to anything; without one it is no valid statement.
    public init(_ verb: Verb, _ object: StatementObject) {
        self.init(verb: verb, object: object)
    }

    /// Its identity. Default: chosen when it is recorded.
    public func id(_ id: UUID) -> Self { with { $0.id = id } }

    /// How it went.
    public func result(_ result: XapiResult) -> Self { with { $0.result = result } }

    /// What it was part of.
    public func context(_ context: XapiContext) -> Self { with { $0.context = context } }

    /// When it happened, kept to the millisecond. Default: when it is recorded.
    public func timestamp(_ time: Date) -> Self { with { $0.timestamp = time } }

    /// A file that belongs to it.
    public func attachment(_ attachment: Attachment) -> Self {
        with { $0.attachments.append(attachment) }
    }
}

extension Statement: Changeable {}

extension StatementDefaults {
    /// What the statements of one person or system have in common.
    public init(_ actor: Agent, _ context: XapiContext? = nil) {
        self.init(actor: .agent(agent: actor), context: context)
    }

    /// What statements have in common, whoever it was.
    public init(_ context: XapiContext) {
        self.init(actor: nil, context: context)
    }
}

extension Verb {
    /// What the actor did, by the IRI that gives it its meaning, with the English word to show.
    public init(_ id: String, _ display: String) {
        self.init(id: id, display: ["en": display])
    }
}

extension StatementRef {
    /// Another statement, by its id.
    public init(_ id: UUID) {
        self.init(id: id)
    }
}

/// A value of which a changed copy can be made.
protocol Changeable {}

extension Changeable {
    func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}
