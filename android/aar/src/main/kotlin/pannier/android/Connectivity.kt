package pannier.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.ConnectivityManager.NetworkCallback
import android.net.Network
import android.net.NetworkCapabilities
import android.os.Build
import android.util.Log
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/** What the device is connected by. */
public enum class Connection {
    /** There is no network, or the system keeps the app from using it. */
    NONE,

    /** A network whose use costs, and one of another country's or provider's: it may cost much more. */
    ROAMING,

    /** A network whose use costs: mobile data, a phone's hotspot. */
    METERED,

    /** A network that may be used freely: most Wi-Fi. */
    UNMETERED,
}

/** Which networks statements may be sent over. */
public enum class Networks {
    /** Every one. */
    ANY,

    /** Every one but those of a phone that is roaming. */
    NOT_ROAMING,

    /** Unmetered ones only. */
    UNMETERED,
    ;

    internal fun allow(connection: Connection): Boolean = when (connection) {
        Connection.NONE -> false
        Connection.ROAMING -> this == ANY
        Connection.METERED -> this != UNMETERED
        Connection.UNMETERED -> true
    }
}

/**
 * What the device's default network is, from moment to moment, until it is closed.
 *
 * A network need not reach the internet to count: the LRS may be on it.
 */
internal class Connectivity(context: Context) : AutoCloseable {
    private val manager = context.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager
    private val current = MutableStateFlow(now())

    val connection: StateFlow<Connection> = current.asStateFlow()

    private val callback = object : NetworkCallback() {
        // Both are told again for every network that becomes the default one.
        private var connected = Connection.NONE
        private var blocked = false

        override fun onCapabilitiesChanged(network: Network, networkCapabilities: NetworkCapabilities) {
            connected = by(network, networkCapabilities)
            tell()
        }

        override fun onBlockedStatusChanged(network: Network, blocked: Boolean) {
            this.blocked = blocked
            tell()
        }

        override fun onLost(network: Network) {
            connected = Connection.NONE
            tell()
        }

        private fun tell() {
            current.value = if (blocked) Connection.NONE else connected
        }
    }

    init {
        try {
            manager.registerDefaultNetworkCallback(callback)
        } catch (error: RuntimeException) {
            // Some devices throw a SecurityException for no reason, and an app may have registered
            // too many. Then it is tried, rather than never.
            Log.w(TAG, "the network cannot be watched", error)
            if (current.value == Connection.NONE) current.value = Connection.METERED
        }
    }

    private fun now(): Connection = try {
        manager.activeNetwork?.let { by(it, manager.getNetworkCapabilities(it)) } ?: Connection.NONE
    } catch (error: RuntimeException) {
        // The app may not look. The first to be told of it by the callback is right; without one it is tried.
        Log.w(TAG, "the network cannot be looked at", error)
        Connection.METERED
    }

    override fun close() {
        // It was not registered.
        runCatching { manager.unregisterNetworkCallback(callback) }
    }

    private fun by(network: Network, capabilities: NetworkCapabilities?): Connection = when {
        capabilities == null -> Connection.NONE
        capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED) -> Connection.UNMETERED
        isRoaming(network, capabilities) -> Connection.ROAMING
        else -> Connection.METERED
    }

    @Suppress("DEPRECATION") // What takes its place is not there before Android 9.
    private fun isRoaming(network: Network, capabilities: NetworkCapabilities): Boolean =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            !capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING)
        } else {
            runCatching { manager.getNetworkInfo(network)?.isRoaming }.getOrNull() ?: false
        }
}
