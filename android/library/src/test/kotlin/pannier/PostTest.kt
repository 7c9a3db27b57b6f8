package pannier

import java.nio.file.Path
import java.util.UUID
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.logging.Handler
import java.util.logging.LogRecord
import java.util.logging.Logger
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What is posted: nobody waits for it, and it is recorded all the same, in its order. */
class PostTest {
    @TempDir
    lateinit var folder: Path

    private val notRecorded = CopyOnWriteArrayList<Pair<UUID?, Exception>>()

    private suspend fun open(told: OnNotRecorded? = OnNotRecorded { statement, error -> notRecorded += statement.id to error }) =
        Collector.open(folder.queue(), Config(endpoint = LRS), memoryLrs(), onNotRecorded = told)

    private suspend fun Collector.lessons() = queued(limit = 5_000).map { Regex("lessons/(\\d+)").find(it.statement)!!.groupValues[1].toInt() }

    @Test
    fun `what is posted is recorded in its order, and before what is called later`() = runBlocking<Unit> {
        open().use { collector ->
            val ada = collector.recorder(statementDefaults { actor(account("https://school.example", "ada")) })
            repeat(300) { turn ->
                val n = 5 * turn
                collector.post(lesson(n))
                ada.post { verb(Verbs.ANSWERED); activity("https://example.com/lessons/${n + 1}") }
                collector.post(lesson(n + 2))
                // Whoever waits for this need not wait for the ones before it as well.
                if (turn % 3 == 0) collector.record(lesson(n + 3)) else collector.post(lesson(n + 3))
                ada.post(lesson(n + 4))
                if (turn % 7 == 0) assertEquals(n + 5L, collector.readStatus().queued)
            }
            assertEquals(List(1_500) { it }, collector.lessons())
            assertTrue("\"ada\"" in collector.queued(limit = 2)[1].statement)
            collector.post(lesson(1_500))
            assertEquals(1_501, collector.sync().delivered)
        }
        assertEquals(emptyList<Any>(), notRecorded)
    }

    @Test
    fun `it is recorded before a pause or a close, and while paused`() = runBlocking<Unit> {
        val collector = open()
        repeat(20) {
            collector.post(lesson(3 * it))
            val pausing = async(start = CoroutineStart.UNDISPATCHED) { collector.pause() }
            collector.post(lesson(3 * it + 1))
            pausing.await()
            collector.post(lesson(3 * it + 2))
            collector.resume()
        }
        collector.post(lesson(60))
        collector.close()
        collector.closeAndJoin()
        open().use { assertEquals(List(61) { n -> n }, it.lessons()) }
        assertEquals(emptyList<Any>(), notRecorded)
    }

    @Test
    fun `what is posted in one breath is one commit`() = runBlocking<Unit> {
        open().use { collector ->
            // The first one is on its way while the others come; an event tells of each commit.
            val commits = CopyOnWriteArrayList<Int>()
            val watching = async(start = CoroutineStart.UNDISPATCHED) {
                collector.events.collect { if (it is Event.Recorded) commits += it.ids.size }
            }
            repeat(400) { collector.post(lesson(it)) }
            assertEquals(400, collector.readStatus().queued)
            while (commits.sum() < 400) kotlinx.coroutines.yield()
            assertTrue(commits.size < 100, "$commits")
            watching.cancel()
        }
    }

    @Test
    fun `what cannot be recorded is told with its reason, and the others are recorded`() = runBlocking<Unit> {
        val (first, bad, other) = List(3) { UUID.randomUUID() }
        open().use { collector ->
            collector.record(lesson(1, first))
            repeat(10) { collector.post(lesson(it + 2)) }
            collector.post(lesson(99, bad).copy(verb = Verb("no IRI")))
            collector.post(lesson(98, first))
            collector.post(lesson(97, other).let { it.copy(actor = Actor.Agent(Agent(mbox("a@example.com"), "half a \uD83D"))) })
            repeat(10) { collector.post(lesson(it + 12)) }
            assertEquals(21, collector.readStatus().queued)
        }
        assertEquals(listOf(bad, first, other), notRecorded.map { it.first })
        assertEquals(
            listOf(PannierException.Invalid::class, PannierException.OtherContent::class, PannierException.Invalid::class),
            notRecorded.map { it.second::class },
        )
    }

    @Test
    fun `half an emoji in what is built is told, and thrown at nobody`() = runBlocking<Unit> {
        open().use { collector ->
            collector.post { actor(mbox("ada@example.com")); answered("https://example.com/words/zug", "Zug \uD83D\uDE82".take(5)) }
            collector.post { actor(mbox("ada@example.com")); progressed("https://example.com/words/\uD83D", 40) }
            collector.post(lesson(1))
            assertEquals(1, collector.readStatus().queued)
        }
        assertEquals(2, notRecorded.size)
        for ((_, error) in notRecorded) assertTrue("surrogate" in (error as PannierException.Invalid).faults.single().problem)
    }

    @Test
    fun `a closed collector tells it, and does not throw`() = runBlocking<Unit> {
        val told = CountDownLatch(1)
        val collector = open { statement, error -> notRecorded += statement.id to error; told.countDown(); error("an app's own") }
        collector.closeAndJoin()
        collector.post(lesson(1))
        told.await()
        assertTrue(notRecorded.single().second is PannierException.Closing)
    }

    @Test
    fun `who is told may wait for the collector, and close it`() = runBlocking<Unit> {
        val done = CountDownLatch(2)
        lateinit var collector: Collector
        collector = open { statement, _ ->
            runBlocking {
                if (statement.verb.id == "none") collector.record(lesson(50)) else collector.closeAndJoin()
            }
            done.countDown()
        }
        collector.post(lesson(1).copy(verb = Verb("none")))
        collector.post(lesson(2))
        withTimeout(60_000) {
            collector.record(lesson(3))
            collector.post(lesson(1).copy(verb = Verb("nor this")))
            collector.readStatus()
            runInterruptible(Dispatchers.IO) { done.await() }
            collector.closeAndJoin()
        }
        open().use { assertEquals(setOf(2, 3, 50), it.lessons().toSet()) }
    }

    @Test
    fun `an Error of who is told takes nothing along`() = runBlocking<Unit> {
        open { _, _ -> TODO("tell somebody") }.use { collector ->
            collector.post(lesson(1).copy(verb = Verb("none")))
            repeat(5) { collector.post(lesson(it + 2)) }
            assertEquals(List(5) { it + 2 }, collector.lessons())
        }
    }

    @Test
    fun `without anybody to tell it is in the log`() = runBlocking<Unit> {
        val logged = CopyOnWriteArrayList<LogRecord>()
        val handler = object : Handler() {
            override fun publish(record: LogRecord) { logged += record }
            override fun flush() = Unit
            override fun close() = Unit
        }
        val log = Logger.getLogger("pannier").apply { addHandler(handler); useParentHandlers = false }
        try {
            open(null).use { it.post(lesson(1).copy(verb = Verb("no IRI"))) }
        } finally {
            log.apply { removeHandler(handler); useParentHandlers = true }
        }
        // The collectors of other tests may have something to say, too.
        val said = logged.single { "not recorded" in it.message }
        assertTrue("\$.verb.id" in said.message && "ada@" !in said.message, said.message)
        assertEquals(java.util.logging.Level.SEVERE, said.level)
    }

    @Test
    fun `what is built is recorded in one call`() = runBlocking<Unit> {
        open().use { collector ->
            val recorder: StatementRecorder = collector
            val id = recorder.record {
                actor(mbox("ada@example.com"))
                verb(Verbs.ANSWERED)
                activity("https://example.com/words/zug")
                result { took(4.2.seconds) }
            }.id
            val recorded = collector.queued().single()
            assertEquals(id, recorded.id)
            for (said in listOf("mailto:ada@example.com", "PT4.2S")) assertTrue(said in recorded.statement, recorded.statement)
        }
    }
}
