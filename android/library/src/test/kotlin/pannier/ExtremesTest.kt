package pannier

import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.util.UUID
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** Values that no app means: they are taken or refused, and whatever comes next works. */
class ExtremesTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `times and durations`() = withCollector { collector ->
        val times = listOf(Instant.MIN, Instant.EPOCH.minusMillis(1), Instant.EPOCH, Instant.MAX)
        val durations = listOf(
            Duration.ZERO, Duration.ofNanos(1), Duration.ofNanos(-1), Duration.ofSeconds(Long.MAX_VALUE),
            Duration.ofSeconds(Long.MIN_VALUE),
        )
        for (time in times) refusedOrTaken("timestamp $time") { collector.record(lesson(1).copy(timestamp = time)) }
        for (took in durations) {
            refusedOrTaken("duration $took") { collector.record(lesson(1).copy(result = XapiResult(duration = took))) }
            refusedOrTaken("patience $took") { withTimeout(20_000) { collector.sync(took) } }
        }
        val queued = collector.readStatus().queued
        collector.record(lesson(2))
        assertEquals(queued + 1, collector.readStatus().queued)
        assertEquals(Ended.Emptied, collector.sync().ended)
    }

    @Test
    fun `a duration is written as it is, cut to a hundredth, or refused`() = withCollector { collector ->
        collector.record { actor(mbox("ada@example.com")); completed(video); result { took(1.239.seconds) } }
        assertTrue("\"PT1.23S\"" in collector.queued().single().statement)
        for (took in listOf(Duration.ofHours(-1), Duration.ofNanos(-1), Duration.ofSeconds(Long.MAX_VALUE), Duration.ofSeconds(Long.MIN_VALUE))) {
            val error = assertThrows<PannierException.Invalid> {
                runBlocking { collector.record { actor(mbox("ada@example.com")); completed(video); result { duration = took } } }
            }
            assertEquals("$.result.duration", error.faults.single().path, "$took")
        }
        val error = assertThrows<PannierException.Invalid> {
            runBlocking {
                collector.record {
                    actor(mbox("ada@example.com"))
                    videoPlayed(video, UUID.randomUUID(), length = Duration.ofMinutes(3), at = Duration.ofSeconds(-1))
                }
            }
        }
        assertTrue("time" in error.faults.single().path, "$error")
        assertEquals(1, collector.readStatus().queued)
    }

    @Test
    fun `numbers`() = withCollector { collector ->
        for (n in listOf(Int.MIN_VALUE, -1, 0, Int.MAX_VALUE)) {
            collector.queued(limit = n)
            val config = Config(
                LRS, maxStatements = n, maxBytes = n, history = HistoryPolicy.For(Duration.ofSeconds(Long.MAX_VALUE)),
                sync = SyncPolicy.Automatic(count = n, age = Duration.ofSeconds(Long.MAX_VALUE)),
            )
            val opened = runCatching { Collector.open(folder.resolve("$n.db"), config, memoryLrs()) }
            if (n < 1) {
                assertTrue(opened.exceptionOrNull() is PannierException.InvalidConfig, "$n: $opened")
                continue
            }
            opened.getOrThrow().use {
                it.record(lesson(1))
                it.sync()
                assertEquals(1, it.readStatus().delivered, "$n")
            }
        }
        for (after in listOf(Long.MIN_VALUE, Long.MAX_VALUE)) collector.queued(after, 1)
        for (score in listOf(Double.NaN, Double.POSITIVE_INFINITY, Double.MAX_VALUE)) {
            refusedOrTaken("score $score") { collector.record(lesson(1).copy(result = XapiResult(score = Score(raw = score)))) }
        }
        collector.retryNothing()
    }

    @Test
    fun `texts`() = withCollector { collector ->
        for (text in listOf("", "\u0000", "\ud800", "a".repeat(1_000_000), "\ud83d\ude80")) {
            val shown = text.take(10)
            refusedOrTaken(shown) { collector.record(lesson(1).copy(actor = Actor.Agent(Agent(mbox(text), text)))) }
            refusedOrTaken(shown) { collector.record(text) }
            refusedOrTaken(shown) { collector.setEndpoint(text) }
            refusedOrTaken(shown) { collector.setCredentials(Credentials.Basic(text, text)) }
        }
        collector.retryNothing()
    }

    @Test
    fun `half an emoji is a fault of the statement`() = withCollector { collector ->
        val cut = "\ud83d\ude80".take(1)
        for (record in listOf<suspend () -> Unit>(
            { collector.record("{\"id\": \"$cut\"}") },
            { collector.record(lesson(1).copy(verb = Verb("https://example.com/did", mapOf("en" to cut)))) },
            { collector.record { actor(mbox("ada@example.com")); answered("https://example.com/words/zug", cut) } },
            { collector.record { actor(mbox("ada@example.com")); completed("https://example.com/words/$cut") } },
            { collector.recorder(statementDefaults { actor(account("https://school.example", cut)) }) },
            { Collector.open(folder.resolve("other.db"), Config(endpoint = "https://$cut.example")) },
            { Statement.fromJson("{\"id\": \"$cut\"}") },
            { lesson(1).copy(verb = Verb(cut)).toJson() },
            { checkStatement("{\"id\": \"$cut\"}", XapiVersion.V2_0_0) },
        )) {
            val error = assertThrows<PannierException.Invalid> { runBlocking { record() } }
            assertTrue("surrogate" in error.faults.single().problem, "$error")
        }
    }

    private val video = "https://example.com/video"

    private suspend fun Collector.retryNothing() =
        refusedOrTaken("an id of nothing") { retry(UUID(0, 0)) }

    /** A refusal is one of Pannier's, or the platform's for a value that has no meaning at all. */
    private suspend fun refusedOrTaken(what: String, work: suspend () -> Unit) {
        try {
            work()
        } catch (refused: PannierException) {
            assertTrue(refused.toString().isNotEmpty(), what)
        } catch (refused: IllegalArgumentException) {
            assertTrue(refused.message != null, what)
        }
    }

    private fun withCollector(test: suspend (Collector) -> Unit) = runBlocking {
        Collector.open(folder.queue(), Config(endpoint = LRS), memoryLrs()).use { test(it) }
    }
}
