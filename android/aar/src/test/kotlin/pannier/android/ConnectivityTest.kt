package pannier.android

import android.app.Application
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** What is made of what the system says about its network. */
@RunWith(RobolectricTestRunner::class)
class ConnectivityTest {
    private val application: Application = RuntimeEnvironment.getApplication()
    private val phone = Phone(application)

    @Test
    fun `roaming, metered, unmetered and none are told apart`() {
        Connectivity(application).use { connectivity ->
            phone.connected(metered = true)
            assertEquals(Connection.METERED, connectivity.connection.value)
            phone.connected(metered = true, roaming = true)
            assertEquals(Connection.ROAMING, connectivity.connection.value)
            phone.connected(metered = false, roaming = true)
            assertEquals(Connection.UNMETERED, connectivity.connection.value)
            phone.disconnected()
            assertEquals(Connection.NONE, connectivity.connection.value)
        }
        assertTrue("it still listens", phone.callbacks.isEmpty())
    }

    @Test
    @Config(sdk = [35]) // not before Android 10
    fun `a network that the system keeps from the app is none`() {
        Connectivity(application).use { connectivity ->
            phone.connected(metered = true)
            phone.blocked(true)
            phone.connected(metered = true)
            assertEquals(Connection.NONE, connectivity.connection.value)
            phone.blocked(false)
            assertEquals(Connection.METERED, connectivity.connection.value)
        }
    }

    @Test
    fun `a policy allows what it says`() {
        val allowed = Networks.entries.associateWith { networks -> Connection.entries.filter(networks::allow) }
        assertEquals(
            mapOf(
                Networks.ANY to listOf(Connection.ROAMING, Connection.METERED, Connection.UNMETERED),
                Networks.NOT_ROAMING to listOf(Connection.METERED, Connection.UNMETERED),
                Networks.UNMETERED to listOf(Connection.UNMETERED),
            ),
            allowed,
        )
    }
}
