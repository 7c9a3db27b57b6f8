package pannier

import java.io.RandomAccessFile
import java.lang.reflect.Modifier
import java.nio.file.Path
import java.time.Duration
import java.util.UUID
import kotlin.io.path.exists
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/**
 * Every kind of error, with what it carries; those of a broken disk are in [StorageErrorsTest], those of
 * upstreams in [UpstreamsTest], and `Closing` is in [CoroutinesTest]. That leaves `Unplaced` and
 * `PartlyErased`, for which the file has to be taken away, or the disk filled, in the very middle of a call.
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
        assertEquals(setOf(1UL to "$.actor", 1UL to "$.verb", 1UL to "$.object"), many.faults.map { it.index to it.path }.toSet())
        assertTrue("$[1].verb is missing" in "$many", "$many")
        assertThrows<PannierException.Invalid> { checkStatement("{}", XapiVersion.V1_0_3) }
        assertEquals(0, collector.readStatus().recorded)
    }

    @Test
    fun `a group is caught as one, and says what to do`() = with { collector ->
        fun explained(error: PannierException) = assertTrue(error.explanation == error.message && error.explanation.length > 20, "$error")
        explained(assertThrows<PannierException.NotAccepted> { runBlocking { collector.record("{}") } })
        explained(assertThrows<PannierException.WrongState> { runBlocking { collector.retract(UUID.randomUUID()) } })
        explained(assertThrows<PannierException.Setup> { runBlocking { collector.sync() } })
        explained(assertThrows<PannierException.QueueFile> { runBlocking { Collector.open(folder.resolve("no/folder.db")) } })
    }

    @Test
    fun `what others can end or the next call puts right is transient, and nothing else is`() {
        val id = UUID.randomUUID()
        val transient = listOf(
            PannierException.DiskFull(""), PannierException.Busy(""), PannierException.ReadOnly(""),
            PannierException.CannotOpen("/q", ""), PannierException.Storage(""), PannierException.Damaged(""),
            PannierException.PartlyErased(Erased(1, 0, 0), ""), PannierException.UpstreamNotEmpty("second", 3, ""),
        )
        val lasting = listOf(
            PannierException.Invalid(emptyList(), 0uL, Warnings(emptyList(), 0uL), ""),
            PannierException.ContentMissing(id, "$", "x", ""), PannierException.ContentMismatch(id, "$", "x", "y", ""),
            PannierException.ContentUnused(id, "x", ""),
            PannierException.OtherContent(id, ""), PannierException.Unknown(id, ""),
            PannierException.NotHeld(id, ""), PannierException.NotInConflict(id, ""), PannierException.MayHaveBeenSent(id, ""),
            PannierException.NoEndpoint(""), PannierException.InvalidEndpoint(""), PannierException.InvalidCredentials(""),
            PannierException.InvalidConfig(""),
            PannierException.NoTransport(""), PannierException.NoUpstream("x", ""), PannierException.OtherUpstream("x", ""),
            PannierException.UpstreamName("x", ""), PannierException.TooManyUpstreams(""), PannierException.MainStays(""),
            PannierException.Newer("/q", 9, 1, ""), PannierException.Missing("/q", ""), PannierException.NotAQueue("/q", ""),
            PannierException.Unplaced(listOf(id), ""), PannierException.Paused(""), PannierException.Reentrant(""),
            PannierException.Panicked(""), PannierException.Closing(""),
        )
        transient.forEach { assertTrue(it.isTransient, "${it.javaClass}") }
        lasting.forEach { assertFalse(it.isTransient, "${it.javaClass}") }
        val kinds = PannierException::class.java.declaredClasses.filter {
            PannierException::class.java.isAssignableFrom(it) && !Modifier.isAbstract(it.modifiers)
        }
        assertEquals(kinds.toSet(), (transient + lasting).map { it.javaClass }.toSet())
    }

    @Test
    fun `each other kind says which statement and what to do`() = with { collector ->
        val id = UUID.randomUUID()
        collector.record(lesson(1, id))
        fails<PannierException.OtherContent>({ it.id == id }) { collector.record(lesson(2, id)) }
        val missing = UUID.randomUUID()
        fails<PannierException.Unknown>({ it.id == missing }) { collector.retract(missing) }
        fails<PannierException.NotHeld>({ it.id == id }) { collector.retry(id) }
        val (one, other) = "one".toByteArray() to "other".toByteArray()
        val log = attachmentOf(one, "https://example.com/u", "text/plain", mapOf("en" to "x"))
        val withLog = lesson(3).copy(attachments = listOf(log))
        fails<PannierException.ContentMissing>({ it.sha2 == log.sha2 }) { collector.record(withLog) }
        fails<PannierException.ContentMismatch>({ it.said == log.sha2 && it.path == "$.attachments[0].sha2" }) {
            collector.recordWith(withLog, listOf(other))
        }
        fails<PannierException.ContentUnused> { collector.recordWith(lesson(3), listOf(one)) }
        fails<PannierException.InvalidEndpoint> { collector.setEndpoint("lrs.example") }
        fails<PannierException.InvalidCredentials> { collector.setCredentials(Credentials.Bearer("two words")) }
        fails<PannierException.NoEndpoint> { collector.sync() }
        fun refused(config: Config, setting: String) =
            fails<PannierException.InvalidConfig>({ setting in it.explanation }) { Collector.open(folder.resolve("other.db"), config) }
        refused(Config(maxStatements = 0), "Config.maxStatements")
        refused(Config(maxBytes = -1), "Config.maxBytes")
        refused(Config(requestsInFlight = 5), "Config.requestsInFlight")
        refused(Config(sync = SyncPolicy.Automatic(count = 0)), "SyncPolicy.Automatic.count")
        refused(Config(history = HistoryPolicy.For(Duration.ofSeconds(-1))), "HistoryPolicy.For.age")
        collector.setEndpoint(LRS)
        collector.pause()
        fails<PannierException.Paused> { collector.queued() }
        collector.resume()
        assertEquals(1, collector.readStatus().recorded)
    }

    @Test
    fun `contents are kept with their statement`() = with { collector ->
        val one = "one".toByteArray()
        val log = attachmentOf(one, "https://example.com/u", "text/plain", mapOf("en" to "x"))
        val recorded = collector.recordWith(lesson(1).copy(attachments = listOf(log)), listOf(one))
        val kept = collector.contents(recorded.id).single()
        assertEquals("one" to "text/plain", kept.content.decodeToString() to kept.contentType)
        assertTrue(collector.queued().single().contentBytes > 3)
    }

    @Test
    fun `what was sent can only be voided, and only conflicts end as conflicts`() = runBlocking {
        val config = Config(endpoint = LRS, history = HistoryPolicy.Forever)
        Collector.open(folder.queue(), config, memoryLrs()).use { collector ->
            val sent = collector.record(lesson(1)).id
            val bad = UUID.randomUUID()
            collector.record(lesson(2, bad).copy(verb = Verb("https://example.com/bad")))
            collector.sync()
            // Refused once, it is a suspect; twice, with another one taken in between, it is held.
            assertEquals(WaitReason.SUSPECT to bad, collector.waiting().single().let { it.reason to it.id })
            folder.queue().waitsAreOver()
            collector.record(lesson(4))
            collector.sync()
            fails<PannierException.MayHaveBeenSent>({ it.id == sent }) { collector.retract(sent) }
            fails<PannierException.NotInConflict>({ it.id == bad }) { collector.keepTheirs(bad) }
            collector.void(sent, Actor.Agent(Agent(mbox("mailto:ada@example.com"))))
            assertEquals(bad, collector.held().single().id)
            assertEquals(400, collector.heldOne(bad).status)
            collector.replace(bad, lesson(3, bad))
            assertEquals(2, collector.sync().delivered)
            assertEquals(4, collector.history().size)
            assertEquals(collector.history().reversed().take(3), collector.historyBefore(limit = 3))
            assertEquals(Erased(0, 0, 4), collector.erase(mbox("mailto:ada@example.com")))
        }
    }

    @Test
    fun `what only looks makes no queue`() = runBlocking {
        val file = folder.queue()
        fails<PannierException.Missing>({ it.path == "$file" }) { Collector.open(file, Config(create = false)) }
        assertFalse(file.exists())
    }

    @Test
    fun `a number that JSON cannot write is refused in its own words`() = with { collector ->
        val score = lesson(1).copy(result = XapiResult(score = Score(scaled = Double.NaN)))
        val error = assertThrows<PannierException.Invalid> { runBlocking { collector.record(score) } }
        assertEquals("$.result.score.scaled" to "is not a number (NaN)", error.faults.single().let { it.path to it.problem })
        assertEquals(0, collector.readStatus().recorded)
    }

    @Test
    fun `what is valid and had better be otherwise is a warning`() {
        val odd = lesson(1).toJson().dropLast(1) + ",\"context\":{}}"
        val warned = checkStatement(odd, XapiVersion.V2_0_0)
        assertEquals(listOf("$.context"), warned.listed.map { it.path })
    }

    @Test
    fun `files that cannot be used are told apart and left alone`() = runBlocking {
        Collector.open(folder.queue()).closeAndJoin()
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
    fun `a damaged file is set aside and the app is told until it says that it knows`() = runBlocking {
        Collector.open(folder.queue()).use { collector -> repeat(20) { collector.record(lesson(it)) } }
        patch(0, 0x55555555) // no longer SQLite's name
        Collector.open(folder.queue()).use { collector ->
            val told = async(start = CoroutineStart.UNDISPATCHED) {
                collector.events.filterIsInstance<Event.Salvaged>().first()
            }
            collector.record(lesson(1))
            val salvaged = withTimeout(10_000) { told.await() }
            assertTrue(Path.of(salvaged.keptAt).toFile().exists())
        }
        Collector.open(folder.queue()).use { collector ->
            val loss = collector.readStatus().loss!!
            assertTrue(loss.keptAt.all { Path.of(it).toFile().exists() } && loss.keptAt.isNotEmpty(), "$loss")
            assertEquals(20, loss.saved + loss.lost, "$loss")
            collector.acknowledgeLoss()
            assertEquals(null, collector.readStatus().loss)
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
