package pannier.android

import android.app.job.JobInfo
import android.app.job.JobScheduler
import android.content.ComponentName
import android.content.Context
import android.net.NetworkCapabilities
import android.net.NetworkRequest
import android.os.Build
import android.util.Log
import java.time.Duration
import java.time.Instant
import pannier.Status
import pannier.UpstreamInfo

/** The one job that syncs. */
internal class SyncJob(private val context: Context, private val policy: BackgroundSync) {
    private val scheduler by lazy { context.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler }

    /**
     * Sees to it that the job runs from [due] on; `null`: not at all. A job that waits for nothing
     * but its constraints or the system's backoff is left to them, unless the last one has [ended].
     */
    fun plan(due: Instant?, ended: Boolean, now: Instant = Instant.now()) {
        try {
            if (due == null) return scheduler.cancel(policy.jobId)
            val wait = Duration.between(now, due).coerceAtLeast(Duration.ZERO)
            val pending = scheduler.getPendingJob(policy.jobId)
            if (!ended && pending != null && isAsWanted(pending, wait)) return
            if (scheduler.schedule(info(wait)) == JobScheduler.RESULT_SUCCESS) return
            Log.w(TAG, "the system takes no job to sync in the background")
        } catch (error: RuntimeException) {
            // Too many jobs of this app; a permission or the service taken out of its manifest; a system that goes
            // down, or a vendor's own. The next change asks again.
            Log.w(TAG, "the system takes no job to sync in the background", error)
        }
    }

    @Suppress("DEPRECATION") // What takes the place of networkType is not there before Android 9.
    private fun isAsWanted(pending: JobInfo, wait: Duration): Boolean {
        val wanted = info(wait)
        return pending.minLatencyMillis == wanted.minLatencyMillis &&
            pending.networkType == wanted.networkType &&
            (Build.VERSION.SDK_INT < Build.VERSION_CODES.P || pending.requiredNetwork == wanted.requiredNetwork) &&
            pending.isRequireCharging == wanted.isRequireCharging
    }

    private fun info(wait: Duration): JobInfo =
        JobInfo.Builder(policy.jobId, ComponentName(context, SyncJobService::class.java))
            .apply(::requireNetwork)
            .setRequiresCharging(policy.whileCharging)
            .setPersisted(true)
            .setBackoffCriteria(policy.backoff.toMillis(), JobInfo.BACKOFF_POLICY_EXPONENTIAL)
            .apply { if (!wait.isZero) setMinimumLatency(wait.toMillis()) }
            .build()

    private fun requireNetwork(job: JobInfo.Builder) {
        if (!policy.withoutInternet || Build.VERSION.SDK_INT < Build.VERSION_CODES.P) {
            job.setRequiredNetworkType(
                when (policy.networks) {
                    Networks.ANY -> JobInfo.NETWORK_TYPE_ANY
                    Networks.NOT_ROAMING -> JobInfo.NETWORK_TYPE_NOT_ROAMING
                    Networks.UNMETERED -> JobInfo.NETWORK_TYPE_UNMETERED
                },
            )
            return
        }
        // A network type asks for one that has reached the internet, and by default one that is no VPN is asked for.
        val network = NetworkRequest.Builder().removeCapability(NetworkCapabilities.NET_CAPABILITY_NOT_VPN)
        when (policy.networks) {
            Networks.ANY -> Unit
            Networks.NOT_ROAMING -> network.addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING)
            Networks.UNMETERED -> network.addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED)
        }
        job.setRequiredNetwork(network.build())
    }
}

/** From when on a sync would do something for any that this process delivers to; `null`: not before something changes. */
internal fun due(upstreams: List<UpstreamInfo>): Instant? =
    upstreams.filter { it.opened }.mapNotNull { due(it.status) }.minOrNull()

internal fun due(status: Status): Instant? {
    // There is nowhere to send it to.
    if (status.endpoint == null) return null
    val undelivered = if (status.queued > 0) Instant.EPOCH else status.nextDue
    // Also where the app should act first: the LRS is asked again in an hour, and by then may take what it refuses now.
    return undelivered?.let { maxOf(it, status.waitingUntil ?: it) }
}
