package pannier.android

import android.app.job.JobParameters
import android.app.job.JobService
import android.util.Log
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import pannier.PannierException

/** Runs the job of [BackgroundSync]. Only the system uses it; it is in the library's manifest. */
public class SyncJobService : JobService() {
    private var running: Job? = null

    override fun onStartJob(params: JobParameters): Boolean {
        val collector = try {
            AppCollector.of(this)
        } catch (error: Exception) {
            Log.e(TAG, "there is no sync in the background", error)
            return false
        }
        // Before anything is opened: who plans jobs must know that one runs.
        SyncJobs.started()
        running = CoroutineScope(Dispatchers.Default).launch {
            var again = true
            try {
                again = collector.syncInBackground()
                jobFinished(params, again)
            } catch (cancelled: CancellationException) {
                throw cancelled
            } catch (error: Throwable) {
                Log.w(TAG, "the sync in the background failed", error)
                again = mayPass(error)
                jobFinished(params, again)
            } finally {
                SyncJobs.stopped(comesAgain = again)
            }
        }
        return true
    }

    /** The network is gone, or the time is up: what is not delivered comes later. */
    override fun onStopJob(params: JobParameters): Boolean {
        running?.cancel()
        return true
    }
}

/**
 * Whether the next try may end otherwise. Most that fails does so by where the device or the app is just then: a key
 * store that is locked, a proxy that is named wrong until it is set anew. The system's backoff makes it cheap to try.
 */
private fun mayPass(error: Throwable): Boolean = when (error) {
    // So the app has said: there is nowhere to send to, or it wants no more of it.
    is PannierException.NoEndpoint, is PannierException.Closing -> false
    else -> true
}

/** The jobs of this process: those that run, and how many have ended and are not tried again. */
internal object SyncJobs {
    data class State(val running: Int = 0, val ended: Int = 0)

    private val current = MutableStateFlow(State())

    val state: StateFlow<State> = current.asStateFlow()

    fun started() = current.update { it.copy(running = it.running + 1) }

    /** [comesAgain]: the system tries it again by its backoff. */
    fun stopped(comesAgain: Boolean) =
        current.update { State(it.running - 1, if (comesAgain) it.ended else it.ended + 1) }
}
