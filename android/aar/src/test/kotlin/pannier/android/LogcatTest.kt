package pannier.android

import android.util.Log
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config as On
import org.robolectric.shadows.ShadowLog
import pannier.Config
import pannier.Credentials
import pannier.LRS
import pannier.Transport
import pannier.answer
import pannier.lesson

/** What the core tells is in Logcat, though nobody has asked for it. */
@RunWith(RobolectricTestRunner::class)
@On(application = App::class)
class LogcatTest {
    private val app = RuntimeEnvironment.getApplication() as App

    @Test
    fun `a sync that needs the app is a warning in Logcat, and one that went well is not there`() = runBlocking<Unit> {
        val refusing = Transport { answer(401, "SECRET") }
        val collector = AppCollector(app, Config(endpoint = LRS, credentials = Credentials.Bearer("SECRET")), transport = refusing)
        collector.record(lesson(1))
        collector.sync()
        eventually("Logcat has a warning") { ShadowLog.getLogsForTag("Pannier").any { "problem=credentials" in it.msg } }
        val said = ShadowLog.getLogsForTag("Pannier").filter { "by_hand" in it.msg }
        assertEquals(setOf(Log.WARN), said.map { it.type }.toSet())
        assertTrue(said.first().msg.startsWith("nothing is sent until the app has acted"))
        assertFalse(said.any { "SECRET" in it.msg })
        collector.closeAndJoin()
    }
}
