package pannier

import java.time.Duration
import java.util.UUID

/**
 * One of a [Collector]'s upstreams, by its name: what waits for it, what it has refused, and how it is
 * delivered to. The collector's own calls of the same names are those of the first one, `main`.
 *
 * Its calls are made as the collector's are: none blocks, and each may throw a [PannierException]. When the
 * collector is closed they throw [PannierException.Closing], and when the upstream is removed, by whatever
 * process, [PannierException.NoUpstream]. There is nothing to close.
 */
public class Upstream internal constructor(
    private val collector: Collector,
    private val blocking: BlockingUpstream,
) {
    /** By which the queue knows it. */
    public val name: String = blocking.name()

    /** How things stand with it now. [Collector.statuses] shows it as it changes. */
    public suspend fun readStatus(): Status = reading { status() }

    /** Which statements are for it. */
    public suspend fun route(): Route = reading { route() }

    /**
     * Says which statements are for it from now on. Those that are recorded already are for whom they were.
     * All are for `main`, whose route cannot be set ([PannierException.MainStays]): so none is for nobody.
     */
    public suspend fun setRoute(route: Route): Unit = changing { setRoute(route) }

    /** A page of the statements queued for it, in capture order, after the one with the `seq` [after]. */
    public suspend fun queued(after: Long = 0, limit: Int = 50): List<ListedStatement> =
        reading { queued(after, limit) }

    /** A page of those that wait aside for it and come back by themselves. */
    public suspend fun waiting(after: Long = 0, limit: Int = 50): List<WaitingStatement> =
        reading { waiting(after, limit) }

    /** A page of those that are held for it until the app retries, replaces or discards them. */
    public suspend fun held(after: Long = 0, limit: Int = 50): List<HeldStatement> =
        reading { held(after, limit) }

    /** One that is held for it. */
    public suspend fun heldOne(id: UUID): HeldStatement = reading { heldOne(id) }

    /** Lets a held statement be tried again here. */
    public suspend fun retry(id: UUID): Unit = changing { retry(id) }

    /**
     * Puts a corrected statement in the place of one that is held here. It goes to the end of the queue, for
     * this upstream alone: others get the old one. Its id is its own, or the old one's, if it has that and no
     * other upstream has it or is to get it.
     */
    public suspend fun replace(id: UUID, statement: Statement): UUID = changing { replace(id, statement) }

    /** Like [replace], with JSON text. */
    public suspend fun replace(id: UUID, json: String): UUID = changing { replaceJson(id, json) }

    /** Like [replace], with contents of its attachments that are not those of the old one, which it has besides. */
    public suspend fun replace(id: UUID, statement: Statement, contents: List<ByteArray>): UUID =
        changing { replaceWith(id, statement, contents) }

    /** Gives up for good a statement that is held here. Other upstreams get it all the same. */
    public suspend fun discard(id: UUID): Unit = changing { discard(id) }

    /** Both copies of a statement that is held here as a conflict, and where they differ. */
    public suspend fun conflict(id: UUID): Conflict = reading { conflict(id) }

    /** Ends a conflict: our copy is given up here, and what this LRS has stays as it is. */
    public suspend fun keepTheirs(id: UUID): Unit = changing { keepTheirs(id) }

    /**
     * Ends a conflict: what our copy says is recorded under a new id, which is returned, for this upstream
     * alone.
     */
    public suspend fun sendAsNew(id: UUID): UUID = changing { sendAsNew(id) }

    /**
     * Delivers to this upstream alone what is due; see [Collector.sync]. Where this process has neither added
     * it nor got credentials for it, nothing is sent, and the report says [Ended.NeedsApp].
     */
    public suspend fun sync(patience: Duration = Duration.ZERO): SyncReport =
        collector.syncing { blocking.sync(patience) }

    /**
     * Tries the connection to this upstream's LRS; see [Collector.probe]. Where this process has neither added
     * it nor got credentials for it, it is asked without any.
     */
    public suspend fun probe(): Probe = collector.probing { blocking.probe() }

    /**
     * Like [probe], but shows the right to write by storing this statement, whatever the route; see
     * [Collector.probeStoring].
     */
    public suspend fun probeStoring(statement: Statement): Probe =
        collector.probing { blocking.probeStoring(statement) }

    /**
     * Replaces the credentials; they are kept in memory only. A sync that waits for them goes on, and this
     * process delivers to the upstream from now on.
     */
    public suspend fun setCredentials(credentials: Credentials?): Unit = changing { setCredentials(credentials) }

    /**
     * Says where to deliver to; see [Collector.setEndpoint]. Credentials belong to an origin (scheme, host and
     * port): for another one they are dropped.
     */
    public suspend fun setEndpoint(endpoint: String): Unit = changing { setEndpoint(endpoint) }

    /**
     * Says where to deliver to and as whom, at once: no request goes to one with the credentials of the
     * other.
     */
    public suspend fun setTarget(endpoint: String, credentials: Credentials): Unit =
        changing { setTarget(endpoint, credentials) }

    override fun toString(): String = "Upstream($name)"

    private suspend fun <T> reading(work: BlockingUpstream.() -> T): T = collector.reading { blocking.work() }

    private suspend fun <T> changing(work: BlockingUpstream.() -> T): T = collector.changing { blocking.work() }
}
