package pannier.android

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.app.Application
import android.app.job.JobInfo
import android.app.job.JobScheduler
import android.content.Context
import android.net.ConnectivityManager
import android.net.ConnectivityManager.NetworkCallback
import android.net.NetworkCapabilities
import android.net.NetworkCapabilities.NET_CAPABILITY_NOT_METERED
import android.os.Process
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowNetwork
import org.robolectric.shadows.ShadowNetworkCapabilities

/** What Robolectric's phone does at a test's word. */
class Phone(private val application: Application) {
    private val network = ShadowNetwork.newInstance(7)

    val callbacks: Set<NetworkCallback>
        get() = shadowOf(application.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager).networkCallbacks

    val jobs: List<JobInfo>
        get() = (application.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler).allPendingJobs

    fun connected(metered: Boolean) {
        val capabilities = ShadowNetworkCapabilities.newInstance()
        val shadow = Shadow.extract<ShadowNetworkCapabilities>(capabilities)
        if (metered) shadow.removeCapability(NET_CAPABILITY_NOT_METERED) else shadow.addCapability(NET_CAPABILITY_NOT_METERED)
        callbacks.forEach { it.onCapabilitiesChanged(network, capabilities) }
    }

    fun blocked(blocked: Boolean) = callbacks.forEach { it.onBlockedStatusChanged(network, blocked) }

    /** The process has nothing on the screen. */
    fun inBackground() = RunningAppProcessInfo().let {
        it.pid = Process.myPid()
        it.importance = RunningAppProcessInfo.IMPORTANCE_SERVICE
        shadowOf(application.getSystemService(Context.ACTIVITY_SERVICE) as ActivityManager).setProcesses(listOf(it))
    }

    fun disconnected() = callbacks.forEach { it.onLost(network) }
}

/** Waits for what comes about on another thread. */
suspend fun eventually(what: String, holds: suspend () -> Boolean) {
    try {
        withTimeout(60_000) { while (!holds()) delay(10) }
    } catch (_: TimeoutCancellationException) {
        throw AssertionError("never: $what")
    }
}
