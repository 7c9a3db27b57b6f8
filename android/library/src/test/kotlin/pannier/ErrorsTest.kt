package pannier

import java.io.RandomAccessFile
import java.nio.file.Path
import java.util.UUID
import kotlin.io.path.writeText
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/**
 * Every kind of error, with what it carries; those of a broken disk are in [StorageErrorsTest]. That
 * leaves `Closing`, which nobody can see from here: who waits for a call keeps the collector alive.
 */
class ErrorsTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `an invalid statement lists every fault`() = with { collector ->
        val error = assertThrows<PannierException.Invalid> { runBlocking { collector.record("{}") } }
        assertEquals(setOf("$.actor", "$.verb", "$.object"), error.faults.map { it.path }.toSet())
        assertTrue(error.faults.all { it.problem == "is missing" && it.section.isNotEmpty() }, "$error")
        assertTrue("$error" == error.explanation && "$.verb" in "$error", "$error")
        val many = assertThrows<PannierException.Invalid> {
            runBlocking { collector.recordAllJson(listOf(lesson(1).toJson(), "{}")) }
        }
        assertTrue(many.faults.all { it.path.startsWith("$[1]") }, "$many")
        assertThrows<PannierException.Invalid> { checkStatement("{}", XapiVersion.V1_0_3) }
        assertEquals(0, collector.readStatus().recorded)
    }

    @Test
    fun `each other kind says which statement and what to do`() = with { collector ->
        val id = UUID.randomUUID()
        collector.record(lesson(1, id))
        fails<PannierException.OtherContent>({ it.id == id }) { collector.record(lesson(2, id)) }
        val missing = UUID.randomUUID()
        fails<PannierException.Unknown>({ it.id == missing }) { collector.retract(missing) }
        fails<PannierException.NotHeld>({ it.id == id }) { collector.retry(id) }
        val file = Attachment("https://example.com/u", mapOf("en" to "x"), "text/plain", 1uL, "a".repeat(64), null)
        fails<PannierException.AttachmentContent> {
            collector.record(lesson(3).copy(attachments = listOf(file)))
        }
        fails<PannierException.InvalidEndpoint> { collector.setEndpoint("lrs.example") }
        fails<PannierException.InvalidCredentials> { collector.setCredentials(Credentials.Bearer("two words")) }
        fails<PannierException.NoEndpoint> { collector.sync() }
        collector.setEndpoint(LRS)
        collector.pause()
        fails<PannierException.Paused> { collector.record(lesson(4)) }
        collector.resume()
        assertEquals(1, collector.readStatus().recorded)
    }

    @Test
    fun `what was sent can only be voided, and only conflicts end as conflicts`() = runBlocking {
        val config = Config(endpoint = LRS, history = HistoryPolicy.Forever)
        Collector.open(folder.queue(), config, memoryLrs()).use { collector ->
            val sent = collector.record(lesson(1))
            val bad = UUID.randomUUID()
            collector.record(lesson(2, bad).copy(verb = Verb("https://example.com/bad")))
            collector.sync()
            fails<PannierException.MayHaveBeenSent>({ it.id == sent }) { collector.retract(sent) }
            fails<PannierException.NotInConflict>({ it.id == bad }) { collector.keepTheirs(bad) }
            collector.void(sent, Actor.Agent(Agent(mbox("mailto:ada@example.com"))))
            assertEquals(bad, collector.held().single().id)
            assertEquals(400, collector.heldOne(bad).status)
            collector.replace(bad, lesson(3, bad))
            assertEquals(2, collector.sync().delivered)
            assertEquals(3, collector.history().size)
            assertEquals(Erased(0, 0, 3), collector.erase(mbox("mailto:ada@example.com")))
        }
    }

    @Test
    fun `files that cannot be used are told apart and left alone`() = runBlocking {
        Collector.open(folder.queue()).close()
        patch(60, 99) // the schema version in SQLite's header
        fails<PannierException.Newer>({ it.found == 99L && it.known < 99 }) { Collector.open(folder.queue()) }
        patch(60, 0)
        patch(68, 0x7e57) // whose file it is
        fails<PannierException.NotAQueue>({ it.path == "${folder.queue()}" }) { Collector.open(folder.queue()) }
        fails<PannierException.CannotOpen> { Collector.open(folder.resolve("none/queue.db")) }
        val roots = Config(endpoint = LRS, extraRoots = listOf("no certificate".toByteArray()))
        Collector.open(folder.resolve("other.db"), roots).use {
            it.record(lesson(1))
            fails<PannierException.NoTransport> { it.sync() }
        }
    }

    @Test
    fun `a damaged file is set aside and the app is told`() = runBlocking {
        folder.queue().writeText("this is no database at all, ".repeat(100))
        Collector.open(folder.queue()).use { collector ->
            val told = async(start = CoroutineStart.UNDISPATCHED) {
                collector.events.filterIsInstance<Event.Salvaged>().first()
            }
            collector.record(lesson(1))
            assertTrue(Path.of(withTimeout(10_000) { told.await() }.keptAt).toFile().exists())
        }
    }

    private fun with(test: suspend (Collector) -> Unit) = runBlocking {
        Collector.open(folder.queue()).use { test(it) }
    }

    private inline fun <reified E : PannierException> fails(
        carries: (E) -> Boolean = { true },
        crossinline work: suspend () -> Unit,
    ) {
        val error = assertThrows<E> { runBlocking { work() } }
        // Its text is the explanation, and that is whole sentences for a developer.
        assertTrue(error.toString().length > 20 && carries(error), "$error")
    }

    private fun patch(at: Long, value: Int) = RandomAccessFile(folder.queue().toFile(), "rw").use {
        it.seek(at)
        it.writeInt(value)
    }
}
