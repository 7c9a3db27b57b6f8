package pannier

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.util.UUID
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir

/** That a million calls leave nothing behind: the heap is all there from the start, so what grows leaks. */
class MemoryTest {
    @TempDir
    lateinit var folder: Path

    @Test
    @EnabledOnOs(OS.LINUX)
    fun `a million calls leak nothing`() {
        BlockingCollector.open(folder.queue().toString(), Config()).use { collector ->
            val one = lesson(1, UUID.randomUUID())
            collector.record(one)
            collector.addListener(object : EventListener {
                override fun onEvent(event: Event) = Unit
            })
            fun calls(count: Int) = repeat(count / 20) {
                repeat(14) { collector.setNetwork(true) }
                repeat(2) { one.toJson() }
                collector.status()
                collector.queued()
                assertThrows<PannierException.Invalid> { checkStatement("{}", XapiVersion.V2_0_0) }
                // The same again changes nothing.
                collector.record(one)
            }
            calls(50_000)
            val before = residentKib()
            calls(CALLS)
            val grown = residentKib() - before
            assertTrue(grown < ALLOWED_KIB, "$grown KiB more after $CALLS calls")
        }
    }

    @Test
    fun `a collector that is forgotten ends, and leaves no thread and no file open`() = runBlocking {
        // What is made once for all.
        Collector.open(folder.resolve("first.db"), AUTOMATIC, memoryLrs()).use { it.record(lesson(1)) }
        val (threads, files) = syncThreads() to openFiles()
        repeat(FORGOTTEN) { n ->
            Collector.open(folder.resolve("$n.db"), AUTOMATIC, memoryLrs()).let { collector ->
                collector.record(lesson(n))
                collector.status.first { it.delivered == 1L }
                Unit
            }
        }
        assertTrue(syncThreads() > threads, "nothing is counted")
        withTimeoutOrNull(60_000) {
            while (syncThreads() > threads || openFiles() > files) {
                System.gc()
                delay(50)
            }
        }
        // One of those before may have been about to end.
        val (threadsLeft, filesLeft) = syncThreads() to openFiles()
        assertTrue(threadsLeft <= threads && filesLeft <= files, "$threadsLeft of $threads threads, $filesLeft of $files files")
    }

    private fun syncThreads() = File("/proc/self/task").listFiles().orEmpty().count {
        runCatching { it.resolve("comm").readText().startsWith("pannier-") }.getOrDefault(false)
    }

    /** Of queues. */
    private fun openFiles() = File("/proc/self/fd").listFiles().orEmpty().count {
        runCatching { ".db" in Files.readSymbolicLink(it.toPath()).toString() }.getOrDefault(false)
    }

    private fun residentKib() =
        File("/proc/self/status").readLines().first { it.startsWith("VmRSS") }.filter(Char::isDigit).toInt()

    private companion object {
        const val FORGOTTEN = 20
        val AUTOMATIC = Config(endpoint = LRS, sync = SyncPolicy.Automatic(count = 1, age = Duration.ZERO))

        /** A leak of 30 bytes a call, or of 500 in the rarest ones, would show. */
        const val CALLS = 1_000_000
        const val ALLOWED_KIB = 24 * 1024
    }
}
