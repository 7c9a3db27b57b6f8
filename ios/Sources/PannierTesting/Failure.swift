import Foundation

/// What happens to one request in place of what should.
public enum Failure: Sendable, Hashable {
    /// The LRS itself answers so, and does nothing: 400, 401, 403, 409, 413, 500 and so on.
    case status(Int)
    /// The LRS asks for time, by 429 with `Retry-After`, in seconds.
    case tooManyRequests(wait: Int)
    /// The LRS asks for time, by 503 with `Retry-After`, in seconds.
    case unavailable(wait: Int)
    /// A gateway before the LRS answers so, by a page of its own: 502, 504 and so on.
    case gateway(Int)
    /// A login page stands in the LRS's place, as in a hotel: 200, and no LRS.
    case portal
    /// No connection comes about.
    case unreachable
    /// The LRS does what it should, and its answer is lost.
    case lostAnswer
    /// The request is lost, and nothing comes back in time.
    case timedOut
}
