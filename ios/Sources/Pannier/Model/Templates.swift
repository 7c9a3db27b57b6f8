import Foundation

/// The commonest statements, a line each. They have no actor, which the defaults have or ``Statement/actor(_:)`` sets; what
/// is known about the activity stays, and it gets a type where it has none:
///
/// ```swift
/// let word = XapiActivity("https://example.com/words/zug").interaction(.fillIn).correctResponses(["train"])
/// collector.post(.answered(word, "rain").success(false).duration(.seconds(4)))
/// ```
extension Statement {
    /// Somebody answered a question so. Without a type it is a `cmi.interaction` where it has a form, else a `question`.
    public static func answered(_ question: XapiActivity, _ response: String) -> Self {
        statementAnswered(question: question, response: response)
    }

    /// Somebody finished it, normally and as a whole.
    public static func completed(_ activity: XapiActivity) -> Self { statementCompleted(activity: activity) }

    /// Somebody has got so far with it, in percent from 0 to 100.
    public static func progressed(_ activity: XapiActivity, percent: Int) -> Self {
        statementProgressed(activity: activity, percent: Int32(clamping: percent))
    }

    /// Somebody was present at it, on site or online.
    public static func attended(_ meeting: XapiActivity) -> Self { statementAttended(meeting: meeting) }

    /// Somebody started a video, or went on with it, at this point. The session is the same for all statements about one
    /// viewing, and the length that of the whole recording.
    public static func videoPlayed(_ video: XapiActivity, session: UUID, length: Duration, at: Duration) -> Self {
        statementVideoPlayed(video: video, session: session, length: length, at: at)
    }

    /// Somebody stopped a video for a while or for good, at this point; see ``videoPlayed(_:session:length:at:)``.
    public static func videoPaused(_ video: XapiActivity, session: UUID, length: Duration, at: Duration) -> Self {
        statementVideoPaused(video: video, session: session, length: length, at: at)
    }

    /// Somebody has seen a video to its end; see ``videoPlayed(_:session:length:at:)``. The result says how long that took.
    public static func videoCompleted(_ video: XapiActivity, session: UUID, length: Duration) -> Self {
        statementVideoCompleted(video: video, session: session, length: length)
    }

    /// Who did it: one person or system.
    public func actor(_ agent: Agent) -> Self { with { $0.actor = .agent(agent: agent) } }

    /// Whether the attempt succeeded; what else the result says stays.
    public func success(_ success: Bool) -> Self { around { $0.success = success } }

    /// How well it went; what else the result says stays.
    public func score(_ score: Score) -> Self { around { $0.score = score } }

    /// How long it took; what else the result says stays.
    public func duration(_ time: Duration) -> Self { around { $0.duration = time } }

    /// What the object is directly part of; what else the context says stays.
    public func parent(_ activity: XapiActivity) -> Self { with { $0.context = ($0.context ?? XapiContext()).parent(activity) } }

    private func around(_ change: (inout XapiResult) -> Void) -> Self {
        with {
            var result = $0.result ?? XapiResult()
            change(&result)
            $0.result = result
        }
    }
}
