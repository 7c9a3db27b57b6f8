package pannier.testing

import java.time.Duration

/** What happens to one request in place of what should. */
public sealed interface Failure {
    /** The LRS itself answers so, and does nothing: 400, 401, 403, 409, 413, 500 and so on. */
    public data class Status(val status: Int) : Failure

    /** The LRS asks for time, by 429 with `Retry-After`, which counts whole seconds. */
    public data class TooManyRequests(val wait: Duration) : Failure

    /** The LRS asks for time, by 503 with `Retry-After`, which counts whole seconds. */
    public data class Unavailable(val wait: Duration) : Failure

    /** A gateway before the LRS answers so, by a page of its own: 502, 504 and so on. */
    public data class Gateway(val status: Int) : Failure

    /** A login page stands in the LRS's place, as in a hotel: 200, and no LRS. */
    public data object Portal : Failure

    /** No connection comes about. */
    public data object Unreachable : Failure

    /** The LRS does what it should, and its answer is lost. */
    public data object LostAnswer : Failure

    /** The request is lost, and nothing comes back in time. */
    public data object TimedOut : Failure
}
