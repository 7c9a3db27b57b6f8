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
import android.net.NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING
import android.net.ConnectivityManager.TYPE_MOBILE
import android.net.NetworkInfo
import android.net.NetworkInfo.DetailedState
import android.net.NetworkInfo.State
import android.os.Build
import android.os.Process
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowNetwork
import org.robolectric.shadows.ShadowNetworkCapabilities
import org.robolectric.shadows.ShadowNetworkInfo

/** What Robolectric's phone does at a test's word. */
class Phone(private val application: Application) {
    private val network = ShadowNetwork.newInstance(7)

    val callbacks: Set<NetworkCallback>
        get() = shadowOf(application.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager).networkCallbacks

    val jobs: List<JobInfo>
        get() = (application.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler).allPendingJobs

    @Suppress("DEPRECATION") // NetworkInfo, which tells of roaming before Android 9
    fun connected(metered: Boolean, roaming: Boolean = false) {
        val capabilities = ShadowNetworkCapabilities.newInstance()
        val shadow = Shadow.extract<ShadowNetworkCapabilities>(capabilities)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            if (roaming) shadow.removeCapability(NET_CAPABILITY_NOT_ROAMING) else shadow.addCapability(NET_CAPABILITY_NOT_ROAMING)
        } else {
            val info = ShadowNetworkInfo.newInstance(DetailedState.CONNECTED, TYPE_MOBILE, 0, true, State.CONNECTED)
            NetworkInfo::class.java.getMethod("setRoaming", Boolean::class.java).invoke(info, roaming)
            val manager = application.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager
            shadowOf(manager).addNetwork(network, info)
        }
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
