package pannier

import java.lang.ref.WeakReference
import java.nio.file.Path
import java.time.Duration
import java.util.UUID
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/**
 * Records statements, keeps them, and delivers them: the one handle an app holds.
 *
 * No call blocks the thread it is made from. The work is done on threads of Pannier's own and the
 * caller waits for it: a coroutine that is cancelled stops waiting at once, and what it had begun is
 * done all the same, whole. So a cancelled [record] has usually recorded; give the statement an id
 * of your own and record it again where you must know, which changes nothing if it is there.
 *
 * Every call may throw a [PannierException]; its kinds are a sealed class, and `explanation` says
 * what to do next.
 *
 * Several collectors, also in several processes, may be open on one file; one of them syncs at a
 * time. Everything recorded is safe on the disk, however the app ends.
 */
public class Collector private constructor(
    private val blocking: BlockingCollector,
    private val withinSync: WithinSync,
    private val shown: StatusFeed,
    onNotRecorded: OnNotRecorded?,
) : StatementRecorder, AutoCloseable {
    private val scope = CoroutineScope(SupervisorJob())
    private val turns = Turns(scope)
    private val feed = EventFeed()
    private val posts = Posts(blocking, onNotRecorded)

    /** Set once it is being closed: what is left to be done. */
    @Volatile
    private var ending: Job? = null

    /**
     * How things stand, at most a moment ago; with several upstreams, with the first one, `main`. [readStatus]
     * says how they stand now.
     */
    public val status: StateFlow<Status> = shown.statusOfMain

    /** How things stand with each of the [upstreams], `main` first, at most a moment ago. */
    public val statuses: StateFlow<List<UpstreamInfo>> = shown.statuses

    /**
     * What happens from the moment somebody collects this, until the collector is closed. Whoever
     * collects slowly gets an [Event.Missed] in place of what did not fit into a buffer of 1,024.
     */
    public val events: Flow<Event> = feed.events

    init {
        blocking.addListener(Relay(feed, shown))
        // Neither of them holds this collector: whoever forgets to close it leaves nothing behind.
        val (shown, weak) = shown to WeakReference(blocking)
        scope.launch(CALLS) { shown.keepUp(weak) }
    }

    /**
     * Takes a statement in. When this returns, it is on the disk and will be delivered. Returns its
     * id, made here unless the statement has one; a missing `timestamp` is set to now, and what else it leaves
     * open is what [Config.defaults] say. Recording the same statement under the same id again changes nothing.
     */
    override suspend fun record(statement: Statement): Recorded = changing { record(statement) }

    /** Takes a statement in as JSON text, whose bytes are kept as they are. */
    public suspend fun record(json: String): Recorded = changing { recordJson(json) }

    /**
     * Takes a statement in with contents of its attachments, which are sent with it: one for each attachment that has
     * no `fileUrl`, found by the `sha2` that it says ([attachmentOf] says it). Together they may have 1 MiB.
     */
    public suspend fun recordWith(statement: Statement, contents: List<ByteArray>): Recorded =
        changing { recordWith(statement, contents) }

    /** Takes a statement in as JSON text, with contents of its attachments. */
    public suspend fun recordWith(json: String, contents: List<ByteArray>): Recorded =
        changing { recordJsonWith(json, contents) }

    /** Takes in all of these or none. A fault has the index of its statement among them. */
    override suspend fun recordAll(statements: List<Statement>): List<Recorded> =
        changing { recordAll(statements) }

    /** Like [recordAll], of JSON texts. */
    public suspend fun recordAllJson(json: List<String>): List<Recorded> =
        changing { recordAllJson(json) }

    override fun post(statement: Statement): Unit = post(statement, null)

    internal fun post(statement: Statement, recorder: BlockingRecorder?) {
        synchronized(turns) {
            if (ending == null) {
                return turns.post(CALLS, Posted(statement, recorder)) {
                    posts.record(it)
                    shown.changed()
                }
            }
        }
        posts.tell(statement, closed())
    }

    /**
     * Records with these defaults: for a learner, a session or a scene. Where they say nothing, those of
     * [Config.defaults] count. What is wrong with them is told here ([PannierException.Invalid]).
     */
    public suspend fun recorder(defaults: StatementDefaults): Recorder =
        reading { Recorder(this@Collector, recorder(defaults)) }

    /**
     * Delivers what is due and returns when nothing is, or when it would have to wait for longer than
     * [patience]. Tries at once even where a backoff is not over; what the LRS asked for by
     * Retry-After is kept. Cancelling the caller does not end the sync; [interrupt] and [pause] do.
     * When this returns, [Collector.status] tells what came of it. A transport or a credentials provider
     * that syncs the collector it serves gets a [PannierException.Reentrant]. Several upstreams are delivered
     * to beside each other; the report has the sums, the most urgent end, and what was done for each.
     */
    public suspend fun sync(patience: Duration = Duration.ZERO): SyncReport = syncing { sync(patience) }

    /** How things stand now. Costs the same however long the queue is. */
    public suspend fun readStatus(): Status = reading { status() }

    /** A page of the queue, in capture order, after the statement with the `seq` [after]. */
    public suspend fun queued(after: Long = 0, limit: Int = 50): List<ListedStatement> =
        reading { queued(after, limit) }

    /** A page of those that wait aside and come back by themselves. */
    public suspend fun waiting(after: Long = 0, limit: Int = 50): List<WaitingStatement> =
        reading { waiting(after, limit) }

    /** A page of those that are held until the app retries, replaces or discards them. */
    public suspend fun held(after: Long = 0, limit: Int = 50): List<HeldStatement> =
        reading { held(after, limit) }

    /** One that is held. */
    public suspend fun heldOne(id: UUID): HeldStatement = reading { heldOne(id) }

    /** A page of what was delivered and is kept, as the history policy says. */
    public suspend fun history(after: Long = 0, limit: Int = 50): List<ListedStatement> =
        reading { history(after, limit) }

    /** The same from its end, the newest first: those before the `seq` [before], or the last ones. */
    public suspend fun historyBefore(before: Long? = null, limit: Int = 50): List<ListedStatement> =
        reading { historyBefore(before, limit) }

    /** Lets a held statement be tried again. */
    public suspend fun retry(id: UUID): Unit = changing { retry(id) }

    /**
     * Puts a corrected statement in the place of a held one. It goes to the end of the queue; its id
     * is its own, or, if it has the old one's, the old one's.
     */
    public suspend fun replace(id: UUID, statement: Statement): UUID =
        changing { replace(id, statement) }

    /** Like [replace], with JSON text. */
    public suspend fun replace(id: UUID, json: String): UUID = changing { replaceJson(id, json) }

    /** Like [replace], with contents of its attachments that are not those of the old one, which it has besides. */
    public suspend fun replace(id: UUID, statement: Statement, contents: List<ByteArray>): UUID =
        changing { replaceWith(id, statement, contents) }

    /** Contents of a statement's attachments, as long as they are on the device. */
    public suspend fun contents(id: UUID): List<KeptContent> = reading { contents(id) }

    /** Gives a held statement up for good. */
    public suspend fun discard(id: UUID): Unit = changing { discard(id) }

    /** Both copies of a statement that is held as a conflict, and where they differ. */
    public suspend fun conflict(id: UUID): Conflict = reading { conflict(id) }

    /** Ends a conflict: our copy is given up, and what the LRS has stays as it is. */
    public suspend fun keepTheirs(id: UUID): Unit = changing { keepTheirs(id) }

    /** Ends a conflict: what our copy says is recorded under a new id, which is returned. */
    public suspend fun sendAsNew(id: UUID): UUID = changing { sendAsNew(id) }

    /**
     * Takes back a statement that no LRS can have: one that was never sent, or that the LRS itself refused each time that it was.
     * One that may be there can only be voided.
     */
    public suspend fun retract(id: UUID): Unit = changing { retract(id) }

    /**
     * Records a statement by [actor] that voids another one. It is sent after its target is
     * delivered. Returns its own id.
     */
    public suspend fun void(target: UUID, actor: Actor): UUID =
        changing { voidStatement(target, actor) }

    /**
     * Erases every statement that names this person from the device, delivered or not, and overwrites
     * its bytes. The LRS keeps what it has.
     */
    public suspend fun erase(who: Ifi): Erased = changing { erase(who) }

    /**
     * Ends a sync under way and closes the file. Until [resume] nothing is delivered, and calls fail, but for those
     * that record: they open the file, commit, and close it again. Pauses and resumes take effect in the order in
     * which they were called.
     */
    public suspend fun pause(): Unit = turn(opens = false) {
        runCatching { shown.read(this) }
        pause()
        shown.amend { it.copy(syncing = false) }
    }

    /** Opens the file again. Calls made from now on wait for that. */
    public suspend fun resume(): Unit = turn(opens = true) { resume() }

    /**
     * Ends a sync under way, whose report says [Ended.Interrupted]: the network it may use is gone.
     * Does not wait for the end. An automatic sync begins again with the next statement, or when the
     * network is back.
     */
    public fun interrupt(): Unit = unlessClosed { interrupt() }

    /** Replaces the credentials; they are kept in memory only. A sync that waits for them goes on. */
    public suspend fun setCredentials(credentials: Credentials?): Unit =
        changing { setCredentials(credentials) }

    /**
     * Says where to deliver to. What was learned about another LRS is forgotten, and a sync that is under
     * way goes on with the new one. Credentials belong to an origin (scheme, host and port): for another
     * one they are dropped, so set those of the new LRS after this, or use [setTarget] for both at once.
     * Those set before there was any endpoint are for this one.
     */
    public suspend fun setEndpoint(endpoint: String): Unit = changing { setEndpoint(endpoint) }

    /**
     * Says where to deliver to and as whom, at once: no request goes to one with the credentials of the
     * other.
     */
    public suspend fun setTarget(endpoint: String, credentials: Credentials): Unit =
        changing { setTarget(endpoint, credentials) }

    /**
     * Delivers to another LRS, too: what is recorded from now on and its route takes, and with
     * [NewUpstream.backfill] what is there already. Each of the upstreams has troubles, waits and refusals of
     * its own, and none waits for another. There can be 32.
     *
     * The file remembers name, endpoint and route, so other processes record for it as well; only one that
     * calls this, or [Upstream.setCredentials], delivers to it: an app calls this each time that it has opened
     * the queue. Where the upstream is there already with the same endpoint and route nothing is changed in the
     * file. With another endpoint or route it is [PannierException.OtherUpstream]. One whose endpoint is not known
     * any more, as the file is an older copy, gets both.
     *
     * [credentialsProvider] is asked when this LRS refuses the credentials, and for no other.
     */
    public suspend fun addUpstream(
        new: NewUpstream,
        credentialsProvider: CredentialsProvider? = null,
    ): Upstream = changing { Upstream(this@Collector, addUpstream(new, credentialsProvider?.let(withinSync::provider))) }

    /** All there are now, the first one, `main`, first. */
    public suspend fun upstreams(): List<UpstreamInfo> = reading { upstreams() }

    /** One of them, whichever process added it. */
    public suspend fun upstream(name: String): Upstream = reading { Upstream(this@Collector, upstream(name)) }

    /**
     * Removes an upstream from the queue, for every process; how many statements were given up with it. The LRS
     * keeps what it has. `main` cannot be removed ([PannierException.MainStays]).
     *
     * Statements that another upstream is to get stay for that one. One that is added later under the same name
     * begins anew.
     */
    public suspend fun removeUpstream(name: String, remainder: Remainder): Long =
        changing { removeUpstream(name, remainder) }

    /**
     * Tries the connection to the LRS, without recording or storing anything: is it there, is the
     * connection secure, which versions does it speak, does it know the credentials, may they write, does
     * its clock agree with the device's. Waits for three or four requests, each 30 s at most; may be called during
     * a sync and while the collector is paused.
     */
    public suspend fun probe(): Probe = probing { probe() }

    /**
     * Like [probe], but shows the right to write by storing this statement, which is in no queue and in no
     * count of this collector. An LRS never forgets a statement: void it there if it means nothing.
     */
    public suspend fun probeStoring(statement: Statement): Probe =
        probing { probeStoring(statement) }

    /**
     * Says that somebody has read of what was lost, in [Status.loss]: until then it is told at every
     * opening ([Event.Salvaged]) and with every status. The damaged files that were kept stay.
     */
    public suspend fun acknowledgeLoss(): Unit = changing { acknowledgeLoss() }

    /**
     * Tells an automatic sync whether the device has a network that it may use; without one it does not try, and one
     * under way ends after the requests under way. A sync by hand goes on: [interrupt] ends it. [Config.network] says the
     * same from the beginning.
     */
    public fun setNetwork(available: Boolean) {
        unlessClosed { setNetwork(available) }
        shown.amend { it.copy(network = available) }
    }

    /**
     * Ends a sync under way, closes the file, and completes [events], after the calls that were made before.
     * Returns at once, and may be called on any thread; [closeAndJoin] waits for the end. Calls made from now on fail
     * ([PannierException.Closing]). Closing twice is closing once.
     */
    override fun close() {
        synchronized(turns) {
            if (ending != null) return
            ending = turns.turn(CALLS, opens = false) {
                // What is shown last is how things stand then; nothing, if it is paused.
                runCatching { shown.read(blocking) }
                blocking.close()
                shown.amend { it.copy(syncing = false) }
                shown.close()
                feed.close()
            }
        }
    }

    /**
     * Closes, and waits until the file is closed: for a commit to the disk at most, never for the network. What could not
     * be recorded is told by then ([OnNotRecorded]).
     */
    public suspend fun closeAndJoin() {
        close()
        ending?.join()
        posts.told()
    }

    internal suspend fun <T> reading(work: BlockingCollector.() -> T): T = call(CALLS, work)

    internal suspend fun probing(work: BlockingCollector.() -> Probe): Probe = call(SYNCS, work)

    internal suspend fun syncing(work: BlockingCollector.() -> SyncReport): SyncReport {
        if (withinSync.isAround()) throw reentrant()
        return changing(SYNCS) { work().also { runCatching { shown.read(this) } } }
    }

    internal suspend fun <T> changing(
        on: CoroutineDispatcher = CALLS,
        work: BlockingCollector.() -> T,
    ): T = call(on) { work().also { shown.changed() } }

    private fun unlessClosed(work: BlockingCollector.() -> Unit) {
        try {
            blocking.work()
        } catch (_: PannierException.Closing) {
            // It is closed by now, so there is nothing to tell.
        }
    }

    /** Does the work whether or not the caller goes on waiting for it. */
    private suspend fun <T> call(on: CoroutineDispatcher, work: BlockingCollector.() -> T): T {
        currentCoroutineContext().ensureActive()
        val call = synchronized(turns) {
            if (ending != null) throw closed()
            // A sync is ended by a pause, and need not be waited for.
            turns.call(on, waits = on !== SYNCS) {
                try {
                    blocking.work()
                } catch (error: Exception) {
                    // Which of these it is depends on how far the closing has come; any other says what it did.
                    val isEnd = error is PannierException.Paused || error is PannierException.Closing
                    throw if (ending != null && isEnd) closed() else error
                }
            }
        }
        return call.await()
    }

    private suspend fun turn(opens: Boolean, work: BlockingCollector.() -> Unit) {
        currentCoroutineContext().ensureActive()
        val turn = synchronized(turns) {
            if (ending != null) throw closed()
            turns.turn(CALLS, opens) {
                blocking.work()
                shown.changed()
            }
        }
        turn.await()
    }

    public companion object {
        /** What the core says where it can see it by the thread. */
        private fun reentrant() = PannierException.Reentrant(
            "a sync is asked for from within a sync of the same collector, and would wait for itself: " +
                "return from the transport or credentials provider first, and sync afterwards",
        )

        /** For short calls: so many at once wait for the disk. */
        private val CALLS = Dispatchers.IO.limitedParallelism(8, "pannier")

        /** Syncs last long, and must not keep records waiting. */
        private val SYNCS = Dispatchers.IO.limitedParallelism(8, "pannier-sync")

        /**
         * Tells [logger] what happens within Pannier from [level] on: a failed sync and what needs the app as
         * [LogLevel.WARN], the end of each sync as [LogLevel.INFO], each request as [LogLevel.DEBUG]. Never a part of
         * a statement, an id, a credential, a URL or the LRS's words. Without a logger it is the platform's log: Logcat
         * with the tag `Pannier`, the logger `pannier` of the JVM elsewhere.
         *
         * This is for all collectors of the process, whenever they are opened, and each call takes the place of the one
         * before. Where there was none, opening a collector has warnings told to the platform's log.
         *
         * The logger is called on a thread of its own, one entry after another, and may call a collector; what it
         * throws changes nothing. Loads the native library, if this is the first call.
         */
        @JvmStatic
        @JvmOverloads
        public fun setLogger(level: LogLevel, logger: PannierLogger? = null): Unit = Log.tell(level, logger)

        /** Tells [logger], as above: `Collector.setLogger(LogLevel.INFO) { println(it) }`. */
        @JvmSynthetic
        public fun setLogger(level: LogLevel, logger: (LogEntry) -> Unit): Unit = setLogger(
            level,
            object : PannierLogger {
                override fun log(entry: LogEntry): Unit = logger(entry)
            },
        )

        /**
         * Opens the queue in this file, making it where there is none; the folder must exist. A file
         * that a newer Pannier wrote is refused and left untouched; a damaged one is set aside whole,
         * and what can be read of it is in the new queue ([Event.Salvaged] tells).
         *
         * [transport] takes the place of the built-in HTTP. [credentialsProvider] is asked when the
         * LRS refuses the credentials. [onNotRecorded] is told what was posted ([post]) and could not be
         * recorded; without it that is written to the log, as an error of `pannier`.
         */
        public suspend fun open(
            file: Path,
            config: Config = Config(),
            transport: Transport? = null,
            credentialsProvider: CredentialsProvider? = null,
            onNotRecorded: OnNotRecorded? = null,
        ): Collector {
            var opened: AutoCloseable? = null
            try {
                return withContext(CALLS) {
                    Log.begin()
                    val within = WithinSync()
                    val blocking = BlockingCollector.open(
                        file.toString(), config,
                        transport?.let(within::transport), credentialsProvider?.let(within::provider),
                    )
                    opened = blocking
                    Collector(blocking, within, StatusFeed(blocking.upstreams()), onNotRecorded).also { opened = it }
                }
            } catch (unused: Throwable) {
                // It failed half-way, or was cancelled: nobody else can close it.
                opened?.close()
                throw unused
            }
        }
    }
}

/** Passes on what happens. The core holds it for as long as the collector is there, so it holds no collector. */
private class Relay(private val feed: EventFeed, private val shown: StatusFeed) : EventListener {
    override fun onEvent(event: Event) {
        feed.tell(event)
        shown.changed()
    }
}

/** Does something with a collector and closes it in the end, whatever comes; returns when it is closed. */
public suspend inline fun <R> Collector.use(block: (Collector) -> R): R {
    try {
        return block(this)
    } finally {
        withContext(NonCancellable) { closeAndJoin() }
    }
}
