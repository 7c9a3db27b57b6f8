package pannier

import java.nio.file.Path
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.logging.Handler
import java.util.logging.Level
import java.util.logging.LogRecord
import java.util.logging.Logger
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What the core tells of itself, and who is told. The logger is the process's, so other tests' entries are left out. */
class LogTest {
    @TempDir
    lateinit var folder: Path

    private val heard = LinkedBlockingQueue<LogEntry>()

    /** An LRS that refuses the credentials, and says what nobody else is to hear. */
    private val refusing = Transport { answer(401, "SECRET") }

    @AfterEach
    fun `nobody is told any more`() = Collector.setLogger(LogLevel.OFF)

    /** A sync to the upstream `told`, which waits for the app. */
    private fun failing(use: suspend (Collector, Upstream) -> Unit = { _, told -> told.sync() }) = runBlocking {
        val collector = Collector.open(folder.queue(), Config(), refusing)
        try {
            val told = collector.addUpstream(NewUpstream("told", "https://SECRET.example/xAPI", Credentials.Bearer("SECRET")))
            collector.record(lesson(1))
            use(collector, told)
        } finally {
            // The folder is deleted next.
            collector.closeAndJoin()
        }
    }

    private fun next(): LogEntry {
        while (true) {
            val entry = checkNotNull(heard.poll(60, TimeUnit.SECONDS)) { "nothing is told" }
            if (entry.fields["upstream"] == "told") return entry
        }
    }

    @Test
    fun `a sync that needs the app is a warning, with its fields`() {
        Collector.setLogger(LogLevel.WARN) { heard += it }
        failing()
        val warning = next()
        val fields = mapOf("by_hand" to "true", "problem" to "credentials", "upstream" to "told")
        assertEquals(LogEntry(LogLevel.WARN, "nothing is sent until the app has acted", fields), warning)
        assertEquals(
            "nothing is sent until the app has acted (by_hand=true, problem=credentials, upstream=told)",
            warning.toString(),
        )
    }

    @Test
    fun `what has less weight is told to who wants it, and no secret to anybody`() {
        Collector.setLogger(LogLevel.DEBUG) { heard += it }
        failing()
        val all = generateSequence { next() }.takeWhileInclusive { it.level != LogLevel.WARN }
        assertEquals(setOf(LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARN), all.map { it.level }.toSet())
        assertEquals("synced", all[all.size - 2].text)
        assertTrue(all.any { it.fields["kind"] == "batch" && it.fields["status"] == "401" }, "$all")
        assertFalse("SECRET" in "$all" || "ada" in "$all", "$all")

        Collector.setLogger(LogLevel.WARN) { heard += it }
        heard.clear()
        failing()
        assertEquals(LogLevel.WARN, next().level)
        assertTrue(heard.none { it.level == LogLevel.INFO || it.level == LogLevel.DEBUG })
    }

    @Test
    fun `one that throws is told the next one all the same`() {
        Collector.setLogger(LogLevel.INFO) {
            heard += it
            throw IllegalStateException("oh")
        }
        failing()
        assertEquals(listOf("synced", "nothing is sent until the app has acted"), List(2) { next().text })
    }

    @Test
    fun `one may call the collector`() {
        val queued = LinkedBlockingQueue<Long>()
        failing { collector, told ->
            Collector.setLogger(LogLevel.WARN) {
                if (it.fields["upstream"] == "told") queued += runBlocking { collector.readStatus().queued }
            }
            told.sync()
            assertEquals(1, queued.poll(60, TimeUnit.SECONDS))
        }
    }

    @Test
    fun `without one it is the platform's log`() {
        val said = LinkedBlockingQueue<LogRecord>()
        val handler = object : Handler() {
            override fun publish(record: LogRecord) = said.put(record)
            override fun flush() = Unit
            override fun close() = Unit
        }
        val log = Logger.getLogger("pannier").apply { addHandler(handler); useParentHandlers = false }
        try {
            Collector.setLogger(LogLevel.WARN)
            failing()
            val record = generateSequence { said.poll(60, TimeUnit.SECONDS) }.first { "upstream=told" in it.message }
            assertEquals(Level.WARNING, record.level)
        } finally {
            log.removeHandler(handler)
            log.useParentHandlers = true
        }
    }

    private fun <T> Sequence<T>.takeWhileInclusive(holds: (T) -> Boolean): List<T> {
        val taken = mutableListOf<T>()
        for (one in this) {
            taken += one
            if (!holds(one)) break
        }
        return taken
    }
}
