import Foundation

extension XapiContext: Changeable {
    /// The registration (one learner taking one course once) it belongs to.
    public func registration(_ registration: UUID) -> Self { with { $0.registration = registration } }

    /// Who taught.
    public func instructor(_ instructor: Agent) -> Self {
        with { $0.instructor = .agent(agent: instructor) }
    }

    /// With whom it was done.
    public func team(_ team: XapiGroup) -> Self { with { $0.team = team } }

    /// What the object is directly part of: the quiz of a question.
    public func parent(_ activity: XapiActivity) -> Self { around { $0.parent.append(activity) } }

    /// What it is part of further up: the course of the quiz.
    public func grouping(_ activity: XapiActivity) -> Self { around { $0.grouping.append(activity) } }

    /// What kind of statement this is, such as one of `Categories`.
    public func category(_ activity: XapiActivity) -> Self { around { $0.category.append(activity) } }

    /// Any other activity.
    public func other(_ activity: XapiActivity) -> Self { around { $0.other.append(activity) } }

    /// The revision of the activity. Only where the object is an activity.
    public func revision(_ revision: String) -> Self { with { $0.revision = revision } }

    /// What it was done on. Only where the object is an activity.
    public func platform(_ platform: String) -> Self { with { $0.platform = platform } }

    /// The language it was done in, as an RFC 5646 tag.
    public func language(_ tag: String) -> Self { with { $0.language = tag } }

    /// Another statement to read it with.
    public func statement(_ id: UUID) -> Self { with { $0.statement = StatementRef(id) } }

    /// An agent with a part in it. Needs an LRS that speaks 2.0.
    public func contextAgent(_ agent: ContextAgent) -> Self { with { $0.contextAgents.append(agent) } }

    /// A group with a part in it. Needs an LRS that speaks 2.0.
    public func contextGroup(_ group: ContextGroup) -> Self { with { $0.contextGroups.append(group) } }

    private func around(_ change: (inout ContextActivities) -> Void) -> Self {
        with {
            var activities = $0.contextActivities ?? ContextActivities()
            change(&activities)
            $0.contextActivities = activities
        }
    }
}
