package pannier

/**
 * A [NewUpstream] for Java, which knows neither names of arguments nor their defaults: what is not told here
 * is the default. In Kotlin `NewUpstream(name = …, endpoint = …)` says the same.
 */
public class NewUpstreamBuilder @JvmOverloads constructor(
    name: String,
    endpoint: String,
    credentials: Credentials? = null,
) {
    private var new = NewUpstream(name, endpoint, credentials)

    /** Which statements are for it. */
    public fun route(route: Route): NewUpstreamBuilder = with { copy(route = route) }

    /** What is on the device already is for it, too. */
    public fun backfill(fill: Boolean): NewUpstreamBuilder = with { copy(backfill = fill) }

    /** The version to speak with the LRS. */
    public fun speak(version: XapiVersion): NewUpstreamBuilder = with { copy(speak = version) }

    /** The credentials may write and not read. */
    public fun writeOnly(only: Boolean): NewUpstreamBuilder = with { copy(writeOnly = only) }

    /** The LRS's clock is right. */
    public fun trustLrsClock(trust: Boolean): NewUpstreamBuilder = with { copy(trustLrsClock = trust) }

    /** What was told, and the defaults. */
    public fun build(): NewUpstream = new

    private fun with(change: NewUpstream.() -> NewUpstream): NewUpstreamBuilder = apply { new = new.change() }
}
