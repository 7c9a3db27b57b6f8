package pannier

import java.nio.file.Path
import java.util.UUID
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable
import org.junit.jupiter.api.io.TempDir

/** The real library, the real file, the real hub. */
class DeliveryTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `what is recorded offline is delivered when there is an LRS`() = runBlocking {
        val ids = Collector.open(folder.queue(), Config(endpoint = "http://127.0.0.1:9/xAPI")).use {
            val ids = (1..70).map { n -> it.record(lesson(n)).id } + it.record(lesson(71).toJson()).id
            val ended = it.sync().ended
            assertTrue(ended is Ended.Waiting && ended.trouble?.problem == Problem.UNREACHABLE, "$ended")
            val status = it.readStatus()
            assertEquals(71L to 71L, status.queued to status.undelivered)
            // It waits for a network, and nobody has to do anything; of what is held somebody has to.
            assertTrue(status.isHealthy && !status.copy(held = 1).isHealthy, "$status")
            val refused = status.trouble?.copy(problem = Problem.CREDENTIALS)
            assertTrue(refused != null && !status.copy(trouble = refused).isHealthy, "$status")
            assertEquals(78, status.copy(waiting = 3, held = 4).undelivered)
            ids
        }
        Hub().use { hub ->
            Collector.open(folder.queue(), hub.config).use {
                val report = it.sync()
                assertEquals(71 to Ended.Emptied, report.delivered.toInt() to report.ended)
                assertEquals(71L to 0L, it.status.value.delivered to it.status.value.queued)
                it.record(lesson(72))
                withTimeout(10_000) { it.status.first { now -> now.queued == 1L } }
                it.record(lesson(73))
                it.pause()
                assertEquals(2, it.status.value.queued)
            }
            ids.forEach { assertNotNull(hub.statement(it), "$it is not there") }
        }
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "PANNIER_REAL_LRS", matches = ".+")
    fun `an LRS that others wrote takes it too`() = runBlocking {
        Ralph(System.getenv("PANNIER_REAL_LRS"), folder).use { ralph ->
            Collector.open(folder.queue(), ralph.config).use { collector ->
                val ids = (1..120).map { collector.record(lesson(it)).id }
                val report = collector.sync()
                assertEquals(120 to Ended.Emptied, report.delivered.toInt() to report.ended)
                ids.filterIndexed { n, _ -> n % 20 == 0 }.forEach { assertNotNull(ralph.statement(it)) }
            }
        }
    }

    @Test
    fun `two collectors on one file deliver everything once`() = runBlocking {
        Hub().use { hub ->
            val both = List(2) { Collector.open(folder.queue(), hub.config) }
            val ids = coroutineScope {
                both.mapIndexed { at, collector ->
                    async { List(200) { n -> collector.record(lesson(at * 1_000 + n)).id } }
                }.flatMap { it.await() }
            }
            val reports = coroutineScope { both.map { async { it.sync() } }.map { it.await() } }
            // One of them may have found the other at it, and left it to that one.
            both.last().sync()
            assertTrue(reports.any { it.ended == Ended.Emptied }, "$reports")
            val status = both.first().readStatus()
            assertEquals(listOf(400L, 400L, 0L), listOf(status.recorded, status.delivered, status.queued))
            assertEquals(400, ids.toSet().size)
            ids.filterIndexed { n, _ -> n % 40 == 0 }.forEach { assertNotNull(hub.statement(it)) }
            both.forEach { it.close() }
        }
    }

    @Test
    fun `the command and Kotlin share one queue`() = runBlocking {
        Hub().use { hub ->
            val ours = Collector.open(folder.queue()).use { it.record(lesson(1)).id }
            val theirs = UUID.randomUUID()
            pannier(hub, "record", input = lesson(2, theirs).toJson())
            Collector.open(folder.queue()).use {
                assertEquals(listOf(ours, theirs), it.queued().map { one -> one.id })
            }
            pannier(hub, "sync", "--lrs", hub.url)
            Collector.open(folder.queue()).use { assertEquals(2, it.readStatus().delivered) }
            assertNotNull(hub.statement(ours))
            assertNotNull(hub.statement(theirs))
            Unit
        }
    }

    @Test
    fun `what the command adds Kotlin delivers to`() = runBlocking {
        Hub().use { hub ->
            Hub().use { exams ->
                val ids = mutableListOf(Collector.open(folder.queue()).use { it.record(lesson(1)).id })
                pannier(hub, "upstream", "add", "exams", "--endpoint", exams.url, "--backfill")
                Collector.open(folder.queue(), hub.config).use {
                    ids += it.record(lesson(2)).id
                    it.upstream("exams").setCredentials(exams.credentials)
                    assertEquals(listOf("main" to 2L, "exams" to 2L), it.sync().upstreams.map { one -> one.name to one.delivered })
                }
                for (lrs in listOf(hub, exams)) ids.forEach { assertNotNull(lrs.statement(it)) }
            }
        }
    }

    private fun pannier(hub: Hub, vararg arguments: String, input: String = "") {
        val process = ProcessBuilder(COMMAND, *arguments, "--queue", folder.queue().toString())
            .redirectErrorStream(true)
            .apply {
                environment()["PANNIER_LRS_USER"] = hub.user
                environment()["PANNIER_LRS_PASSWORD"] = hub.password
            }
            .start()
        process.outputWriter().use { it.write(input) }
        val said = process.inputReader().readText()
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), said)
        assertEquals(0, process.exitValue(), said)
    }
}
