package pannier

import java.io.RandomAccessFile
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.createDirectory
import kotlin.io.path.fileSize
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir

/** What goes wrong beneath Pannier: the call says it, and nothing recorded before is lost. */
class StorageErrorsTest {
    @TempDir
    lateinit var folder: Path

    @Test
    @EnabledOnOs(OS.LINUX)
    fun `a full disk`() {
        val disk = folder.resolve("disk").createDirectory()
        val mounted = run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", "$disk")
        assumeTrue(mounted == 0, "only root can make a small disk")
        try {
            opened(disk.queue()) { collector ->
                var recorded = 0L
                assertThrows<PannierException.DiskFull> {
                    runBlocking { repeat(10_000) { collector.record(lesson(it)); recorded++ } }
                }
                val status = collector.readStatus()
                assertEquals(recorded to recorded, status.recorded to status.queued)
            }
        } finally {
            run("umount", "$disk")
        }
    }

    @Test
    fun `a lock that another process does not give back`() = opened(folder.queue()) { collector ->
        val other = python("db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()")
        assertEquals("locked", other.inputReader().readLine())
        assertThrows<PannierException.Busy> { runBlocking { collector.record(lesson(1)) } }
        other.outputWriter().close()
        other.waitFor()
        collector.record(lesson(2))
        assertEquals(1, collector.readStatus().recorded)
    }

    @Test
    fun `to close blocks nobody, whoever has the file locked`() = runBlocking {
        val collector = Collector.open(folder.queue())
        collector.record(lesson(1))
        val other = python("db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()")
        assertEquals("locked", other.inputReader().readLine())
        val waits = async(start = CoroutineStart.UNDISPATCHED) { runCatching { collector.record(lesson(2)) } }
        collector.close()
        // It has returned, though what was asked for before waits for the lock, and the file is open.
        assertFalse(waits.isCompleted)
        other.outputWriter().close()
        other.waitFor()
        assertTrue(waits.await().isSuccess)
        collector.closeAndJoin()
        opened(folder.queue()) { assertEquals(2, it.readStatus().recorded) }
    }

    @Test
    fun `a file that may not be written`() = opened(folder.queue()) { collector ->
        val id = collector.record(lesson(1)).id
        collector.pause()
        // SQLite's mark of a format that it may read, but not write.
        overwrite(18, byteArrayOf(9))
        assertThrows<PannierException.ReadOnly> {
            runBlocking {
                collector.resume()
                collector.retract(id)
            }
        }
    }

    @Test
    fun `damage that comes while the file is open`() = opened(folder.queue()) { collector ->
        repeat(200) { collector.record(lesson(it)) }
        collector.pause()
        val size = folder.queue().fileSize()
        collector.resume()
        // As a disk that fails: nobody has written the file. Java knows its time in microseconds only.
        val written = folder.resolve("written")
        assertEquals(0, run("touch", "-r", "${folder.queue()}", "$written"))
        overwrite(size / 4, ByteArray((size / 2).toInt()) { 0x55 })
        assertEquals(0, run("touch", "-r", "$written", "${folder.queue()}"))
        assertThrows<PannierException.Damaged> {
            runBlocking { collector.queued(limit = 1_000) }
        }
    }

    @Test
    fun `what is written over while it is open is saved before the call`() = opened(folder.queue()) { collector ->
        repeat(200) { collector.record(lesson(it)) }
        collector.pause()
        val size = folder.queue().fileSize()
        collector.resume()
        overwrite(size / 4, ByteArray((size / 2).toInt()) { 0x55 })
        val left = collector.queued(limit = 1_000).size
        assertTrue(left in 1..199, "$left")
        assertEquals(left.toLong(), collector.readStatus().loss?.saved)
    }

    @Test
    fun `what is none of these says what the system said`() = opened(folder.queue()) { collector ->
        val dropped = python("db.execute('DROP TABLE aside')")
        assertEquals(0, dropped.waitFor())
        val error = assertThrows<PannierException.Storage> { runBlocking { collector.held() } }
        assertTrue("aside" in error.explanation, "$error")
    }

    private fun opened(file: Path, test: suspend (Collector) -> Unit) = runBlocking {
        Collector.open(file).use { test(it) }
    }

    private fun overwrite(at: Long, bytes: ByteArray) = RandomAccessFile(folder.queue().toFile(), "rw").use {
        it.seek(at)
        it.write(bytes)
    }

    /** Another process with the queue open as `db`, by SQLite's own hand. */
    private fun python(code: String): Process {
        val open = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); "
        return ProcessBuilder("python3", "-c", open + code, "${folder.queue()}")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start()
    }

    private fun run(vararg command: String): Int {
        val process = ProcessBuilder(*command).redirectErrorStream(true).start()
        process.inputReader().readText()
        assertTrue(process.waitFor(10, TimeUnit.SECONDS))
        return process.exitValue()
    }
}
