package pannier.android

import java.io.File
import java.lang.ref.WeakReference
import java.nio.file.Files
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config as On
import pannier.Config
import pannier.LRS
import pannier.lesson
import pannier.memoryLrs

/** What is closed leaves nothing behind: no thread, no file, nobody who listens, and no collector that is reachable. */
@RunWith(RobolectricTestRunner::class)
@On(application = App::class)
class LeakTest {
    private val app = RuntimeEnvironment.getApplication() as App
    private val phone = Phone(app)

    private fun made() = AppCollector(app, Config(endpoint = LRS), backgroundSync = BackgroundSync(), pauseInBackground = true, transport = memoryLrs())

    private suspend fun used(): WeakReference<AppCollector> {
        val collector = made()
        collector.post(lesson(1))
        collector.record(lesson(2))
        collector.sync()
        collector.closeAndJoin()
        return WeakReference(collector)
    }

    @Test
    fun `those that are closed leave nothing`() = runBlocking<Unit> {
        used()
        // A thread ends a moment after its collector.
        eventually("nothing is left of the first one") { threads() + files() == 0 }
        val open = made().apply { record(lesson(1)) }
        assertTrue("nothing is counted", threads() > 0 && files() > 0 && phone.callbacks.size == 1)
        open.closeAndJoin()
        val made = List(COUNT) { used() }
        // Some are made, never opened, and closed.
        val unused = List(COUNT) { phone.inBackground(); WeakReference(made().also { it.close() }) }
        withTimeoutOrNull(60_000) {
            while (threads() + files() > 0 || (made + unused).any { it.get() != null }) {
                System.gc()
                delay(50)
            }
        }
        assertEquals(0 to 0, threads() to files())
        assertEquals(0, phone.callbacks.size)
        assertEquals(0, (made + unused).count { it.get() != null })
    }

    private fun threads() = File("/proc/self/task").listFiles().orEmpty().count {
        runCatching { it.resolve("comm").readText().startsWith("pannier-") }.getOrDefault(false)
    }

    /** Of queues. */
    private fun files() = File("/proc/self/fd").listFiles().orEmpty().count {
        runCatching { ".db" in Files.readSymbolicLink(it.toPath()).toString() }.getOrDefault(false)
    }

    private companion object {
        const val COUNT = 20
    }
}
