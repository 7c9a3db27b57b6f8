package pannier.testing

import java.nio.file.Path
import java.time.Duration
import java.util.UUID
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pannier.Collector
import pannier.Config
import pannier.Credentials
import pannier.Ended
import pannier.Problem
import pannier.Statement
import pannier.Verbs
import pannier.WaitKind
import pannier.fromJson
import pannier.mbox
import pannier.statement
import pannier.use

/** The kit as an app uses it: one device, and an LRS that does what a test says. */
class MemoryLrsTest {
    @TempDir
    lateinit var folder: Path
    private val lrs = MemoryLrs()

    @Test
    fun `nothing is lost by a failure and each tells what is wrong`() {
        val asked = Duration.ofSeconds(90)
        for ((at, case) in listOf(
            Failure.Status(500) to Problem.SERVER_ERROR,
            Failure.Status(401) to Problem.CREDENTIALS,
            Failure.TooManyRequests(asked) to Problem.BUSY,
            Failure.Unavailable(asked) to Problem.BUSY,
            Failure.Gateway(502) to Problem.SERVER_ERROR,
            Failure.Portal to Problem.NOT_AN_LRS,
            Failure.Unreachable to Problem.UNREACHABLE,
            Failure.TimedOut to Problem.TIMED_OUT,
            Failure.LostAnswer to Problem.BROKEN,
        ).withIndex()) {
            val (failure, problem) = case
            device(MemoryLrs().also { it.failAlways(failure) }, "queue-$at") { collector ->
                collector.record(lesson(1))
                assertEquals(0, collector.sync().delivered, "$failure")
                val status = collector.readStatus()
                assertEquals(problem, status.trouble?.problem, "$failure")
                assertEquals(1, status.queued + status.waiting, "$failure")
            }
        }
    }

    @Test
    fun `an LRS that is back gets everything once`() = device(lrs) { collector ->
        val ids = (1..3).map { collector.record(lesson(it)).id }
        lrs.failAlways(Failure.Unreachable)
        assertEquals(0, collector.sync().delivered)
        lrs.recover()
        assertEquals(Ended.Emptied, collector.sync(patience = Duration.ofMinutes(1)).ended)
        assertEquals(ids.toSet(), lrs.ids)
        assertTrue(ids.all { lrs.timesStored(it) == 1 })
    }

    @Test
    fun `what is lost on the way back is stored and is waited for`() = device(lrs) { collector ->
        val id = collector.record(lesson(1)).id
        lrs.failNext(Failure.LostAnswer)
        assertEquals(0, collector.sync().delivered)
        assertEquals(1, lrs.timesStored(id))
        assertEquals(WaitKind.OUTCOME_UNKNOWN, collector.readStatus().waitingFor)
    }

    @Test
    fun `a batch that is too large goes in parts`() = device(lrs) { collector ->
        repeat(20) { collector.record(lesson(it)) }
        lrs.limitBytes(2_000)
        assertEquals(20, collector.sync().delivered)
        assertEquals(20, lrs.size)
    }

    @Test
    fun `who it does not know delivers nothing`() = device(lrs) { collector ->
        lrs.expect(Credentials.Basic("me", "new"))
        collector.record(lesson(1))
        collector.sync()
        assertEquals(Problem.CREDENTIALS, collector.readStatus().trouble?.problem)
        collector.setCredentials(Credentials.Basic("me", "new"))
        assertEquals(1, collector.sync().delivered)
    }

    @Test
    fun `another one under the same id is a conflict and stays`() = device(lrs) { collector ->
        val id = UUID.randomUUID()
        val theirs = """{"id":"$id","actor":{"mbox":"mailto:b@example.com"},"verb":{"id":"http://example.com/other"},
            "object":{"id":"https://example.com/other"}}"""
        lrs.put(id, theirs)
        collector.record(lesson(1, id))
        collector.sync()
        assertEquals("http://example.com/other", Statement.fromJson(collector.conflict(id).theirs!!).verb.id)
        assertEquals(theirs, lrs.statement(id))
    }

    @Test
    fun `what voids another voids it and a refused one is not there`() = device(lrs) { collector ->
        val id = collector.record(lesson(1)).id
        collector.sync()
        collector.record(Statement.fromJson(voiding(id)))
        val bad = collector.record(lesson(13)).id
        lrs.refuse("lessons/13\"")
        collector.sync()
        assertTrue(lrs.isVoided(id))
        assertNull(lrs.statement(bad))
    }

    private fun voiding(id: UUID) = """{"actor":{"mbox":"mailto:ada@example.com"},
        "verb":{"id":"http://adlnet.gov/expapi/verbs/voided"},"object":{"objectType":"StatementRef","id":"$id"}}"""

    private fun lesson(n: Int, id: UUID? = null): Statement = statement {
        this.id = id
        actor(mbox("mailto:ada@example.com"), name = "Ada, {the \"first\"}, [1]")
        verb(Verbs.COMPLETED)
        activity("https://example.com/lessons/$n") { name("en", "Lesson $n") }
    }

    private fun device(lrs: MemoryLrs, name: String = "queue", test: suspend (Collector) -> Unit): Unit = runBlocking {
        val config = Config(endpoint = MemoryLrs.ENDPOINT, credentials = Credentials.Basic("me", "old"))
        Collector.open(folder.resolve("$name.db"), config, transport = lrs).use { test(it) }
    }
}
