package pannier

import java.nio.file.Path
import java.util.UUID
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** The hub and another LRS from one queue: what each of them got, whatever the other one does. */
class UpstreamsTest {
    @TempDir
    lateinit var folder: Path

    private val exams = ScriptedLrs()
    private val transport = world("exams.example" to exams)

    @Test
    fun `one that is down, refuses or is none keeps the other from nothing`() = withHub { hub ->
        val troubles = mapOf<Problem, suspend (Request) -> Response>(
            Problem.UNREACHABLE to { throw TransportException.Unreachable("no route") },
            Problem.CREDENTIALS to { answer(401, "who are you") },
            Problem.NOT_AN_LRS to { Response(200, emptyList(), "<html>sign in</html>".toByteArray(), false) },
        )
        for ((problem, trouble) in troubles) {
            Collector.open(folder.resolve("$problem.db"), hub.config, transport).use { collector ->
                val upstream = collector.addUpstream(EXAMS)
                val ids = List(3) { collector.record(lesson(it)).id }
                exams.instead = trouble
                val report = collector.sync()
                assertEquals(3 to Ended.Emptied, report.of("main").let { it.delivered.toInt() to it.ended })
                ids.forEach { assertNotNull(hub.statement(it), "$it is not at the hub") }
                assertEquals(0, report.of("exams").delivered)
                assertEquals(report.ended, report.of("exams").ended)
                assertEquals(3L to problem, upstream.readStatus().let { it.queued to it.trouble?.problem })
                assertEquals(null, collector.readStatus().trouble)
                assertEquals(ids, upstream.queued().map { it.id })
                exams.instead = null
                // What nobody can tell the outcome of is waited for.
                if (problem == Problem.NOT_AN_LRS) return@use
                assertEquals(3, upstream.sync().delivered)
                assertTrue(exams.ids.containsAll(ids))
            }
        }
    }

    @Test
    fun `one that nobody delivers to here is not healthy`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config, transport).use { it.addUpstream(EXAMS) }
        Collector.open(folder.queue(), hub.config, transport).use { collector ->
            assertTrue(collector.upstreams().all { it.isHealthy })
            collector.record(lesson(1))
            assertEquals(listOf(true, false), collector.upstreams().map { it.isHealthy })
            collector.addUpstream(EXAMS)
            assertTrue(collector.upstreams().all { it.isHealthy })
        }
    }

    @Test
    fun `each is probed by itself, and what is stored for that is in no count`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config, transport).use { collector ->
            val upstream = collector.addUpstream(EXAMS)
            val id = collector.record(lesson(1)).id
            fun Probe.of(examined: Examined) = checks.single { it.examined == examined }
            exams.instead = { answer(401, "who are you") }
            val refused = upstream.probe()
            assertEquals("https://exams.example/xAPI", refused.endpoint.toString())
            assertEquals(Finding.BAD to 401, refused.of(Examined.CREDENTIALS).let { it.finding to it.status })
            assertEquals(Finding.BAD, refused.worst)
            assertEquals(Finding.GOOD, collector.probe().of(Examined.CREDENTIALS).finding)
            exams.instead = null
            assertEquals(Finding.GOOD, upstream.probe().of(Examined.CREDENTIALS).finding)
            assertTrue(exams.ids.isEmpty())
            assertEquals(Finding.GOOD, upstream.probeStoring(lesson(2)).of(Examined.WRITE).finding)
            assertEquals(1, exams.ids.size)
            assertFalse(id in exams.ids)
            assertEquals(1L to 0L, upstream.readStatus().let { it.queued to it.delivered })
            assertNull(hub.statement(id))
        }
    }

    @Test
    fun `one that is slow keeps the other from nothing, and its events say so`() = withHub { hub ->
        val collector = Collector.open(folder.queue(), hub.config, transport)
        val upstream = collector.addUpstream(EXAMS)
        val all = async(start = CoroutineStart.UNDISPATCHED) { collector.events.toList() }
        val ids = listOf(collector.record(lesson(1)).id, collector.record(lesson(2)).id)
        val gate = exams.slow()
        val syncing = async { collector.sync() }
        val main = withTimeout(60_000) { collector.statuses.first { it[0].status.delivered == 2L } }
        ids.forEach { assertNotNull(hub.statement(it)) }
        assertEquals(listOf("main", "exams"), main.map { it.name })
        assertTrue(exams.ids.isEmpty() && upstream.readStatus().let { it.syncing && it.queued == 2L })
        gate.complete(Unit)
        val report = withTimeout(60_000) { syncing.await() }
        assertEquals(listOf("main", "exams"), report.upstreams.map { it.name })
        assertEquals(4 to Ended.Emptied, report.delivered.toInt() to report.ended)
        assertEquals(ids.toSet(), exams.ids)
        collector.close()
        val delivered = all.await().filterIsInstance<Event.Delivered>()
        assertEquals(mapOf("main" to ids, "exams" to ids), delivered.associate { it.upstream to it.ids })
        assertThrows<PannierException.Closing> { runBlocking { upstream.readStatus() } }
        Unit
    }

    @Test
    fun `each gets what its route takes`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config, transport).use { collector ->
            val before = collector.record(lesson(1)).id
            val route = Route(activities = listOf("https://example.com/lessons/1"), verbs = listOf(Verbs.COMPLETED.id))
            val upstream = collector.addUpstream(EXAMS.copy(route = route))
            val ids = listOf(1, 2, 10).map { collector.record(lesson(it)).id }
            val passed = collector.record(lesson(1).copy(verb = Verbs.PASSED)).id
            assertEquals(route, upstream.route())
            upstream.setRoute(Route(verbs = listOf(Verbs.PASSED.id)))
            val late = listOf(collector.record(lesson(7).copy(verb = Verbs.PASSED)).id, collector.record(lesson(1)).id)
            collector.sync()
            assertEquals(setOf(ids[0], ids[2], late[0]), exams.ids)
            (ids + before + passed + late).forEach { assertNotNull(hub.statement(it)) }
            fails<PannierException.MainStays> { collector.upstream("main").setRoute(route) }
        }
    }

    @Test
    fun `what is there already goes to one that asks for it`() = withHub { hub ->
        val late = ScriptedLrs()
        val world = world("exams.example" to exams, "late.example" to late)
        Collector.open(folder.queue(), hub.config.copy(history = HistoryPolicy.Forever), world).use { collector ->
            val delivered = collector.record(lesson(1)).id
            collector.sync()
            val queued = collector.record(lesson(2)).id
            collector.addUpstream(EXAMS)
            collector.addUpstream(NewUpstream("late", "https://late.example/xAPI", backfill = true))
            val later = collector.record(lesson(3)).id
            collector.sync()
            assertEquals(setOf(later), exams.ids)
            assertEquals(setOf(delivered, queued, later), late.ids)
            assertEquals(3, collector.history().size)
        }
    }

    @Test
    fun `what one refuses is decided there alone`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config, transport).use { collector ->
            val upstream = collector.addUpstream(EXAMS)
            exams.refuses = "/lessons/9"
            val ids = listOf(90, 91, 92).map { collector.record(lesson(it)).id }
            val good = mutableListOf(collector.record(lesson(1)).id)
            collector.sync()
            assertEquals(ids.toSet(), upstream.waiting().map { it.id }.toSet())
            // Refused once, each is a suspect; twice, with another one taken in between, it is held.
            repeat(3) {
                folder.queue().waitsAreOver()
                good += collector.record(lesson(2 + it)).id
                collector.sync()
            }
            assertEquals(ids, upstream.held().map { it.id })
            assertEquals("this one is bad", upstream.heldOne(ids[0]).words)
            assertEquals(emptyList<HeldStatement>(), collector.held())
            ids.forEach { assertNotNull(hub.statement(it)) }
            for (elsewhere in listOf<suspend () -> Unit>({ collector.retry(ids[0]) }, { collector.discard(ids[0]) })) {
                val said = runCatching { elsewhere() }.exceptionOrNull()
                assertTrue(said is PannierException.NotHeld || said is PannierException.Unknown, "$said")
            }
            exams.refuses = null
            upstream.retry(ids[0])
            upstream.discard(ids[1])
            val new = upstream.replace(ids[2], lesson(33))
            collector.sync()
            assertEquals((good + ids[0] + new).toSet(), exams.ids)
            assertNull(hub.statement(new))
            val status = upstream.readStatus()
            assertEquals(listOf(0L, 1L, 1L), listOf(status.held, status.discarded, status.replaced))
        }
    }

    @Test
    fun `a conflict at one is ended there`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config, transport).use { collector ->
            val upstream = collector.addUpstream(EXAMS)
            val ids = List(2) { UUID.randomUUID() }
            ids.forEach {
                exams.stored[it] = lesson(2, it).toJson()
                collector.record(lesson(1, it))
            }
            collector.sync()
            assertTrue("/lessons/2" in upstream.conflict(ids[0]).theirs!!)
            fails<PannierException> { collector.conflict(ids[0]) }
            upstream.keepTheirs(ids[0])
            val new = upstream.sendAsNew(ids[1])
            upstream.sync()
            assertEquals((ids + new).toSet(), exams.ids)
            assertTrue("/lessons/1" in exams.stored.getValue(new))
            ids.forEach { assertTrue("/lessons/1" in hub.statement(it)!!) }
        }
    }

    @Test
    fun `no LRS sees another's credentials, and no provider is asked for another`() = withHub { hub ->
        val others = ScriptedLrs()
        var asked = 0
        val mains = CredentialsProvider { hub.credentials.also { asked++ } }
        val both = world("exams.example" to exams, "other.example" to others)
        Collector.open(folder.queue(), hub.config, both, mains).use { collector ->
            exams.instead = { request ->
                if (request.headers.any { it.value == "Bearer renewed" }) exams.instead = null
                answer(401, "who are you")
            }
            val theirs = CredentialsProvider { Credentials.Bearer("renewed") }
            val upstream = collector.addUpstream(EXAMS, theirs)
            val id = collector.record(lesson(1)).id
            collector.sync()
            // The first with the new ones was refused as well; by hand it is tried again.
            upstream.sync()
            assertEquals(setOf(id), exams.ids)
            assertEquals(0, asked)
            assertEquals(setOf("Bearer of-exams", "Bearer renewed"), exams.seen.toSet())
            upstream.setEndpoint("https://other.example/xAPI")
            collector.record(lesson(2))
            upstream.sync()
            assertEquals(setOf(""), others.seen.toSet())
            others.seen.clear()
            upstream.setCredentials(Credentials.Bearer("of-other"))
            collector.record(lesson(3))
            upstream.sync()
            upstream.setTarget("https://exams.example/xAPI", Credentials.Bearer("again"))
            collector.record(lesson(4))
            upstream.sync()
            assertEquals(setOf("Bearer of-other"), others.seen.toSet())
            assertEquals("Bearer again", exams.seen.last())
            assertEquals(listOf(2, 2), listOf(others, exams).map { it.ids.size })
            assertFalse("of-" in "$EXAMS $upstream ${collector.upstreams()}")
        }
    }

    @Test
    fun `one is removed with what is left, or not at all`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config, transport).use { collector ->
            val upstream = collector.addUpstream(EXAMS)
            exams.instead = { throw TransportException.Unreachable("no route") }
            val ids = listOf(collector.record(lesson(1)).id, collector.record(lesson(2)).id)
            upstream.sync()
            fails<PannierException.UpstreamNotEmpty>({ it.name == "exams" && it.left == 2L }) {
                collector.removeUpstream("exams", Remainder.MUST_BE_EMPTY)
            }
            assertEquals(2, collector.removeUpstream("exams", Remainder.DISCARD))
            exams.instead = null
            fails<PannierException.NoUpstream>({ it.name == "exams" }) { upstream.sync() }
            fails<PannierException.NoUpstream> { collector.upstream("exams") }
            fails<PannierException.MainStays> { collector.removeUpstream("main", Remainder.DISCARD) }
            val report = collector.sync()
            assertEquals(Ended.Emptied to emptyList<UpstreamReport>(), report.ended to report.upstreams)
            ids.forEach { assertNotNull(hub.statement(it)) }
            assertTrue(exams.ids.isEmpty())
            withTimeout(60_000) { collector.statuses.first { it.size == 1 } }
        }
    }

    @Test
    fun `what cannot be added says why`() = runBlocking<Unit> {
        Collector.open(folder.queue(), Config(endpoint = LRS), transport).use { collector ->
            collector.addUpstream(EXAMS)
            fails<PannierException.UpstreamName>({ it.name == "Exams" }) { collector.addUpstream(EXAMS.copy(name = "Exams")) }
            fails<PannierException.OtherUpstream>({ it.name == "exams" }) { collector.addUpstream(EXAMS.copy(endpoint = LRS)) }
            fails<PannierException.InvalidEndpoint> { collector.addUpstream(NewUpstream("third", "nowhere")) }
            for (n in 3..32) collector.addUpstream(NewUpstream("u$n", LRS))
            fails<PannierException.TooManyUpstreams> { collector.addUpstream(NewUpstream("u33", LRS)) }
            assertEquals(32, collector.upstreams().size)
        }
        // Who has not added it records for it and does not deliver.
        Collector.open(folder.queue(), Config(endpoint = LRS), transport).use { collector ->
            val listed = collector.upstreams()[1]
            assertEquals(Triple("exams", Route(), false), Triple(listed.name, listed.route, listed.opened))
            collector.record(lesson(1))
            val ended = collector.upstream("exams").sync().ended
            assertTrue(ended is Ended.NeedsApp && ended.trouble.problem == Problem.CREDENTIALS, "$ended")
            assertTrue(exams.seen.isEmpty())
        }
    }

    @Test
    fun `a provider of one that syncs it, or all, hears so and does not wait for itself`() = runBlocking<Unit> {
        val said = mutableListOf<Throwable?>()
        Collector.open(folder.queue(), Config(endpoint = LRS), world("exams.example" to exams, "lrs.example" to ScriptedLrs()))
            .use { collector ->
                exams.instead = { answer(401, "who are you") }
                lateinit var upstream: Upstream
                val provider = CredentialsProvider {
                    withContext(Dispatchers.Default) {
                        said += runCatching { upstream.sync() }.exceptionOrNull()
                        said += runCatching { collector.sync() }.exceptionOrNull()
                    }
                    null
                }
                upstream = collector.addUpstream(EXAMS, provider)
                collector.record(lesson(1))
                assertEquals(1, withTimeout(60_000) { collector.sync() }.of("main").delivered)
            }
        assertTrue(said.size >= 2 && said.all { it is PannierException.Reentrant }, "$said")
    }

    private fun withHub(test: suspend CoroutineScope.(Hub) -> Unit) = runBlocking { Hub().use { test(it) } }

    private fun SyncReport.of(name: String) = upstreams.single { it.name == name }

    private inline fun <reified E : PannierException> fails(
        carries: (E) -> Boolean = { true },
        crossinline work: suspend () -> Unit,
    ) {
        val error = assertThrows<E> { runBlocking { work() } }
        assertTrue(error.toString().length > 20 && carries(error), "$error")
    }

    private companion object {
        val EXAMS = NewUpstream("exams", "https://exams.example/xAPI", Credentials.Bearer("of-exams"))
    }
}
