package pannier.android

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.app.Application
import android.content.Context
import android.util.Log
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.util.concurrent.CompletableFuture
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.filter
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.future.future
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import pannier.Collector
import pannier.Config
import pannier.CredentialsProvider
import pannier.Ended
import pannier.Event
import pannier.OnNotRecorded
import pannier.PannierException
import pannier.Recorded
import pannier.Recorder
import pannier.Statement
import pannier.StatementDefaults
import pannier.StatementRecorder
import pannier.Status
import pannier.SyncPolicy
import pannier.SyncReport
import pannier.Transport
import pannier.UpstreamInfo

/**
 * The app's collector, kept in step with the device: it knows whether there is a network it may use, and may sync in
 * the background and close its file there. An app has one, for as long as it lives; nothing is lost if it is never
 * closed. `by appCollector { … }` makes it as a property of an [Application], and [AppCollectorFactory] in an app that has
 * no class of its own for that; [of] finds it from anywhere.
 *
 * Making one neither suspends nor throws nor blocks. The queue is opened, on a thread of its own, with the first call,
 * the first who collects [status] or [events], or the first activity on the screen; calls wait for it. If it cannot be
 * opened, the calls made so far throw why, and the next one tries anew.
 *
 * - The queue is in [file], by default [queueFile]. [configure] says how it is opened, on a background thread: it may
 *   read files, and is asked again where opening has failed.
 * - It delivers by itself, [SyncPolicy.Automatic], unless [Config.sync] says [SyncPolicy.Manual] or after how many and how
 *   long; automatically over [networks] only.
 * - [backgroundSync], if given, delivers while the app is not on the screen.
 * - With [pauseInBackground] the file is closed and no sync under way while no activity is on the screen and no job
 *   syncs. What is recorded meanwhile, in an activity that stops, a service or a receiver, is taken in; lists, counts
 *   and changes fail ([PannierException.Paused]), and [status] shows what was true last.
 * - [onNotRecorded] is told what was posted ([post]) and could not be recorded; without it that is an error in Logcat.
 * - [onOpen] has the collector first, each time that it was opened, to add upstreams, say. What it throws is why the
 *   queue could not be opened.
 */
public class AppCollector(
    context: Context,
    private val networks: Networks = Networks.ANY,
    private val backgroundSync: BackgroundSync? = null,
    private val pauseInBackground: Boolean = false,
    private val file: Path? = null,
    private val onNotRecorded: OnNotRecorded? = null,
    private val onOpen: suspend (Collector) -> Unit = {},
    private val transport: Transport? = null,
    private val credentialsProvider: CredentialsProvider? = null,
    private val configure: suspend () -> Config,
) : StatementRecorder, AutoCloseable {
    private val application = context.applicationContext as Application

    // What nobody catches would end the app.
    private val logged = CoroutineExceptionHandler { _, error -> Log.e(TAG, "an error that nobody expected", error) }
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default + logged)

    /** What follows the device and the queue, until it is closed. */
    private val following = CoroutineScope(SupervisorJob() + Dispatchers.Default + logged)
    private val opening = Opening(scope, ::open, ::opened, ::tell)
    private val connectivity = lazy { Connectivity(application) }
    private val latest = MutableStateFlow<Status?>(null)
    private val latestOfAll = MutableStateFlow<List<UpstreamInfo>>(emptyList())
    private val wakefulness = Wakefulness(visible(), ::wake)
    private val activities = Activities(wakefulness)

    /** What opens the file, or is about to close it. */
    private var turning: Job? = null

    /** Set once it is being closed: what is left to be done. */
    private var ending: Job? = null

    /** With a [config] that is there already; in Java, too. */
    @JvmOverloads
    public constructor(
        context: Context,
        config: Config = Config(),
        networks: Networks = Networks.ANY,
        backgroundSync: BackgroundSync? = null,
        pauseInBackground: Boolean = false,
        file: Path? = null,
        onNotRecorded: OnNotRecorded? = null,
        onOpen: suspend (Collector) -> Unit = {},
        transport: Transport? = null,
        credentialsProvider: CredentialsProvider? = null,
    ) : this(
        context, networks, backgroundSync, pauseInBackground, file, onNotRecorded, onOpen, transport, credentialsProvider,
        { config },
    )

    init {
        AppCollectors.declare(application, lazyOf(this))
        application.registerActivityLifecycleCallbacks(activities)
        val watching = combine(latest.subscriptionCount, latestOfAll.subscriptionCount) { one, all -> one + all > 0 }
        following.launch { watching.distinctUntilChanged().filter { it }.collect { tryToOpen() } }
        wakefulness.begin()
    }

    /** The collector, for all that is not here: opened, if it is not. It is closed with this. */
    public suspend fun collector(): Collector = opening.collector()

    /** How things stand, at most a moment ago; `null` until the queue is opened. Who collects it has it opened. */
    public val status: StateFlow<Status?> = latest.asStateFlow()

    /** The same of each upstream, `main` first; none until the queue is opened. Who collects it has it opened. */
    public val statuses: StateFlow<List<UpstreamInfo>> = latestOfAll.asStateFlow()

    /** What happens from the moment somebody collects this; see [Collector.events]. */
    public val events: Flow<Event> = flow { emitAll(collector().events) }

    /** What the device is connected by. */
    public val connection: StateFlow<Connection> get() = connectivity.value.connection

    override suspend fun record(statement: Statement): Recorded = opening.call { it.record(statement) }

    override suspend fun recordAll(statements: List<Statement>): List<Recorded> = opening.call { it.recordAll(statements) }

    override fun post(statement: Statement): Unit = opening.post(statement)

    /** Records with these defaults; see [Collector.recorder]. */
    public suspend fun recorder(defaults: StatementDefaults): Recorder = collector().recorder(defaults)

    /** Delivers what is due; see [Collector.sync]. */
    public suspend fun sync(patience: Duration = Duration.ZERO): SyncReport = collector().sync(patience)

    /** [record] for Java. */
    public fun recordAsync(statement: Statement): CompletableFuture<Recorded> = scope.future { record(statement) }

    /** [sync] for Java. */
    @JvmOverloads
    public fun syncAsync(patience: Duration = Duration.ZERO): CompletableFuture<SyncReport> = scope.future { sync(patience) }

    /**
     * Closes the collector, after what was called before. Returns at once, also on the main thread; [closeAndJoin] waits
     * for the end. Calls made from now on fail ([PannierException.Closing]). A job to sync in the background stays, if
     * there is one.
     */
    override fun close() {
        synchronized(this) {
            if (ending != null) return
            application.unregisterActivityLifecycleCallbacks(activities)
            following.cancel()
            val closing = opening.close()
            ending = scope.launch {
                closing()
                if (connectivity.isInitialized()) connectivity.value.close()
            }
        }
        AppCollectors.forget(this)
    }

    /** Closes, and waits until the file is closed: for a commit to the disk at most, never for the network. */
    public suspend fun closeAndJoin() {
        close()
        ending?.join()
    }

    private suspend fun open(): Collector {
        val (file, config) = withContext(Dispatchers.IO) { (file ?: queueFile(application)) to configure() }
        val delivering = config.copy(sync = config.sync ?: SyncPolicy.Automatic(), network = networks.allow(connection.value))
        val collector = Collector.open(file, delivering, transport, credentialsProvider, onNotRecorded)
        try {
            onOpen(collector)
            return collector
        } catch (unused: Throwable) {
            withContext(NonCancellable) { collector.closeAndJoin() }
            throw unused
        }
    }

    private fun opened(collector: Collector) {
        following.launch { collector.status.collect { latest.value = it } }
        following.launch { collector.statuses.collect { latestOfAll.value = it } }
        following.launch { connection.collect { use(collector, it) } }
        if (backgroundSync != null) following.launch { keepPlanned(collector, SyncJob(application, backgroundSync)) }
        wakefulness.tellIfAsleep()
    }

    private fun tell(statement: Statement, error: Exception) {
        if (onNotRecorded == null) {
            Log.e(TAG, "A statement that was posted is not recorded: ${error.message}", error)
            return
        }
        try {
            onNotRecorded.onNotRecorded(statement, error)
        } catch (thrown: Throwable) {
            Log.e(TAG, "onNotRecorded has thrown", thrown)
        }
    }

    private fun use(collector: Collector, connection: Connection) {
        val allowed = networks.allow(connection)
        collector.setNetwork(allowed)
        // It would go on over whatever there is now.
        if (!allowed && SyncJobs.state.value.running == 0) collector.interrupt()
    }

    /** Nobody waits for it: the next call says what is wrong. */
    private suspend fun tryToOpen() {
        try {
            collector()
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (error: Throwable) {
            Log.w(TAG, "the queue could not be opened", error)
        }
    }

    /** Begun at once, so that calls made from now on find the file open. [Wakefulness] calls this, one at a time. */
    private fun wake(awake: Boolean) {
        if (!awake && !pauseInBackground) return
        turning?.cancel()
        turning = following.launch(start = CoroutineStart.UNDISPATCHED) {
            // An activity's own onStop comes after the system has told, and the next activity may be about to start.
            if (!awake) delay(PAUSE_AFTER.toMillis())
            if (awake) tryToOpen()
            val collector = opening.openedOrNull()
            if (collector == null || !pauseInBackground) return@launch
            while (true) {
                try {
                    if (awake) collector.resume() else collector.pause()
                    return@launch
                } catch (_: PannierException.Closing) {
                    return@launch
                } catch (error: PannierException) {
                    Log.w(TAG, "the queue could not be ${if (awake) "opened" else "closed"} yet", error)
                    delay(TRY_AGAIN_AFTER.toMillis())
                }
            }
        }
    }

    private suspend fun keepPlanned(collector: Collector, job: SyncJob) {
        var ended = SyncJobs.state.value.ended
        combine(collector.statuses, SyncJobs.state) { upstreams, jobs ->
            // A job that runs would be stopped by one that is planned: it is waited for.
            if (jobs.running > 0) null else Plan(due(upstreams), jobs.ended)
        }.filterNotNull().distinctUntilChanged().collectLatest { plan ->
            // What is recorded is often delivered at once, and the next one follows.
            if (plan.due == null) delay(CANCEL_AFTER.toMillis())
            job.plan(plan.due, plan.ended != ended)
            ended = plan.ended
        }
    }

    /** What a job is planned by: from when on there is something to do, and how many have ended. */
    private data class Plan(val due: Instant?, val ended: Int)

    /** Says whether the system is to try again by its own backoff. */
    internal suspend fun syncInBackground(): Boolean {
        wakefulness.jobStarted()
        try {
            // Another process is at it, or the app has stopped it. What the LRS keeps it waiting for,
            // the next job waits for.
            return collector().sync(PATIENCE).ended.let { it is Ended.Interrupted || it is Ended.Busy }
        } catch (cancelled: CancellationException) {
            opening.openedOrNull()?.interrupt()
            throw cancelled
        } finally {
            wakefulness.jobEnded()
        }
    }

    public companion object {
        /** So long a job waits for the LRS; a longer wait is another job's. */
        private val PATIENCE: Duration = Duration.ofSeconds(20)

        /** A job that is not needed any more is left alone for so long: the next record needs it. */
        private val CANCEL_AFTER: Duration = Duration.ofSeconds(5)

        /** So long after the last activity has left the screen the file is closed. */
        private val PAUSE_AFTER: Duration = Duration.ofMillis(700)

        /** A file that could not be opened or closed, as another process holds it, is tried again after so long. */
        private val TRY_AGAIN_AFTER: Duration = Duration.ofSeconds(1)

        /**
         * Where the queue is by default: a file that is not part of a backup. A phone that was restored from one would
         * send again what the old phone has sent. Makes its folder, so it is no call for the main thread.
         */
        @JvmStatic
        public fun queueFile(context: Context): Path = context.noBackupFilesDir.toPath().resolve("pannier.db")

        /**
         * The app's: the one that `by appCollector` declares or that was made last, or else the one that the
         * [AppCollectorFactory] of its manifest makes. It is an [IllegalStateException] if there is neither.
         */
        @JvmStatic
        public fun of(context: Context): AppCollector = AppCollectors.of(context)

        private fun visible(): Boolean {
            val process = RunningAppProcessInfo().also(ActivityManager::getMyMemoryState)
            return process.importance <= RunningAppProcessInfo.IMPORTANCE_VISIBLE
        }
    }
}

internal const val TAG = "Pannier"
