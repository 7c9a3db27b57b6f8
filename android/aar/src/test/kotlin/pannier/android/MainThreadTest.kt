package pannier.android

import android.app.Activity
import android.app.job.JobParameters
import android.os.StrictMode
import java.io.File
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config as On
import org.robolectric.shadow.api.Shadow
import pannier.Config
import pannier.LRS
import pannier.Recorded
import pannier.lesson
import pannier.memoryLrs

/** Nothing that an app calls on its main thread touches the disk or the network there, or waits for who does. */
@RunWith(RobolectricTestRunner::class)
@On(application = App::class)
class MainThreadTest {
    private val app = RuntimeEnvironment.getApplication() as App
    private val phone = Phone(app)
    private val policy = StrictMode.getThreadPolicy()

    @Before
    fun strict() = StrictMode.setThreadPolicy(StrictMode.ThreadPolicy.Builder().detectAll().penaltyDeath().build())

    @After
    fun close() {
        StrictMode.setThreadPolicy(policy)
        app.made?.close()
    }

    private fun made() = AppCollector(app, Config(endpoint = LRS), backgroundSync = BackgroundSync(), pauseInBackground = true, transport = memoryLrs())
        .also { app.made = it }

    /** All that is no suspending function, and the beginning of one that is. */
    private fun use(collector: AppCollector): Deferred<Result<Recorded>> {
        val activity = Robolectric.buildActivity(Activity::class.java).create().start()
        phone.connected(metered = true)
        collector.post(lesson(1))
        val recording = CoroutineScope(Dispatchers.Default).async(start = CoroutineStart.UNDISPATCHED) { runCatching { collector.record(lesson(2)) } }
        check(collector.status.value == null || collector.connection.value == Connection.METERED)
        phone.disconnected()
        activity.stop()
        collector.post(lesson(3))
        Robolectric.buildService(SyncJobService::class.java).create().get().onStartJob(Shadow.newInstanceOf(JobParameters::class.java))
        return recording
    }

    @Test
    fun `no disk and no network`() = runBlocking<Unit> {
        val seen = MainThread().use { main ->
            use(made()).await()
            app.made!!.apply { status.first { it?.recorded == 3L }; close() }
            main.touched
        }
        assertTrue(seen.joinToString("\n\n"), seen.isEmpty())
    }

    @Test
    fun `what would be seen is seen`() {
        // What Android's own code touches, StrictMode sees, and what the JVM's does, the other.
        assertTrue(runCatching { AppCollector.queueFile(app) }.exceptionOrNull() is RuntimeException)
        StrictMode.setThreadPolicy(policy)
        val seen = MainThread().use { main ->
            File("anything").exists()
            main.touched
        }
        assertEquals(1, seen.size)
    }

    @Test
    fun `nor does it wait for the file that another process has locked`() = runBlocking<Unit> {
        AppCollector(app).run { record(lesson(0)); closeAndJoin() }
        val file = withContext(Dispatchers.IO) { AppCollector.queueFile(app) }
        val code = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); " +
            "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
        val other = ProcessBuilder("python3", "-c", code, "$file").start()
        try {
            assertEquals("locked", other.inputReader().readLine())
            val recording = use(made())
            app.made!!.close()
            // It would have failed by now, had anything here waited for the lock as long as that waits.
            assertFalse(recording.isCompleted)
        } finally {
            other.outputWriter().close()
            other.waitFor()
        }
        app.made!!.closeAndJoin()
        assertEquals(4L, made().collector().readStatus().recorded)
    }
}
