package pannier.android

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.app.Application
import android.content.Context
import android.util.Log
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import pannier.Collector
import pannier.Config
import pannier.CredentialsProvider
import pannier.Ended
import pannier.PannierException
import pannier.Transport

/**
 * The app's [collector], kept in step with the device: it knows whether there is a network it may
 * use, and may sync in the background and close its file there. An app has one, for as long as it
 * lives; nothing is lost if it is never closed.
 */
public class Pannier private constructor(
    /** Records, keeps and delivers statements. */
    public val collector: Collector,
    private val application: Application,
    private val networks: Networks,
    backgroundSync: BackgroundSync?,
    pauseInBackground: Boolean,
) : AutoCloseable {
    // What nobody catches would end the app.
    private val logged = CoroutineExceptionHandler { _, error -> Log.e(TAG, "an error that nobody expected", error) }
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default + logged)
    private val connectivity = Connectivity(application)
    private val wakefulness = Wakefulness(visible()) { if (pauseInBackground) wake(it) }
    private val activities = Activities(wakefulness)

    /** What opens the file, or is about to close it. */
    private var turning: Job? = null

    /** What the device is connected by. */
    public val connection: StateFlow<Connection> = connectivity.connection

    init {
        application.registerActivityLifecycleCallbacks(activities)
        scope.launch { connection.collect(::use) }
        if (backgroundSync != null) scope.launch { keepPlanned(SyncJob(application, backgroundSync)) }
    }

    private fun use(connection: Connection) {
        val allowed = networks.allow(connection)
        collector.setNetwork(allowed)
        // It would go on over whatever there is now.
        if (!allowed && SyncJobs.state.value.running == 0) collector.interrupt()
    }

    /** Begun at once, so that calls made from now on find the file open. [Wakefulness] calls this, one at a time. */
    private fun wake(awake: Boolean) {
        turning?.cancel()
        turning = scope.launch(start = CoroutineStart.UNDISPATCHED) {
            // An activity's own onStop comes after the system has told, and the next activity may be about to start.
            if (!awake) delay(PAUSE_AFTER.toMillis())
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

    private suspend fun keepPlanned(job: SyncJob) {
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
            return collector.sync(PATIENCE).ended.let { it is Ended.Interrupted || it is Ended.Busy }
        } catch (cancelled: CancellationException) {
            collector.interrupt()
            throw cancelled
        } finally {
            wakefulness.jobEnded()
        }
    }

    /**
     * Closes the collector. Returns at once, also on the main thread; [Collector.closeAndJoin] waits for the end. A job
     * to sync in the background stays, if there is one.
     */
    override fun close() {
        application.unregisterActivityLifecycleCallbacks(activities)
        connectivity.close()
        scope.cancel()
        collector.close()
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
         * Where [open] keeps the queue: a file that is not part of a backup. A phone that was restored
         * from one would send again what the old phone has sent.
         */
        public fun queueFile(context: Context): Path = context.noBackupFilesDir.toPath().resolve("pannier.db")

        /**
         * Opens the app's queue. Like [Collector.open], and:
         *
         * - An automatic sync ([Config.sync]) sends over [networks] only.
         * - [backgroundSync], if given, delivers while the app is not on the screen.
         * - With [pauseInBackground] the file is closed and no sync under way while no activity is on
         *   the screen and no job syncs. What is recorded meanwhile, in an activity that stops, a service or a
         *   receiver, is taken in; lists, counts and changes fail ([PannierException.Paused]).
         *
         * Call it once, say in [Application.onCreate], and keep what it returns.
         */
        public suspend fun open(
            context: Context,
            config: Config = Config(),
            networks: Networks = Networks.ANY,
            backgroundSync: BackgroundSync? = null,
            pauseInBackground: Boolean = false,
            transport: Transport? = null,
            credentialsProvider: CredentialsProvider? = null,
        ): Pannier {
            val application = context.applicationContext as Application
            require(backgroundSync == null || application is PannierOwner) {
                "for sync in the background, ${application.javaClass.name} has to be a PannierOwner"
            }
            // Asking for the folder makes it.
            val file = withContext(Dispatchers.IO) { queueFile(context) }
            val collector = Collector.open(file, config, transport, credentialsProvider)
            try {
                return Pannier(collector, application, networks, backgroundSync, pauseInBackground)
            } catch (unused: Throwable) {
                collector.close()
                throw unused
            }
        }

        private fun visible(): Boolean {
            val process = RunningAppProcessInfo().also(ActivityManager::getMyMemoryState)
            return process.importance <= RunningAppProcessInfo.IMPORTANCE_VISIBLE
        }
    }
}

internal const val TAG = "Pannier"
