package pannier

import java.nio.file.Path
import java.util.UUID
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** Many coroutines, and cancelled ones. */
class CoroutinesTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `10,000 records from 8 coroutines are all there once`() = runBlocking {
        Collector.open(folder.queue()).use { collector ->
            val ids = (0 until 8).map { at ->
                async(Dispatchers.Default) { List(1_250) { collector.record(lesson(at * 10_000 + it)).id } }
            }.awaitAll().flatten()
            val listed = generateSequence(0L to emptyList<ListedStatement>()) { (after, _) ->
                val page = runBlocking { collector.queued(after, 1_000) }
                page.lastOrNull()?.let { it.seq to page }
            }.flatMap { it.second }.map { it.id }.toList()
            assertEquals(10_000, listed.size)
            assertEquals(ids.toSet(), listed.toSet())
        }
    }

    @Test
    fun `a cancelled sync returns at once and goes on by itself`() = runBlocking {
        val asked = CountDownLatch(1)
        val goOn = CountDownLatch(1)
        val lrs = memoryLrs()
        val slow = Transport { request ->
            if (request.method == Method.POST) {
                asked.countDown()
                goOn.await()
            }
            lrs.exchange(request)
        }
        Collector.open(folder.queue(), Config(endpoint = LRS), slow).use { collector ->
            collector.record(lesson(1))
            val sync = launch(Dispatchers.Default) { collector.sync() }
            assertTrue(asked.await(30, TimeUnit.SECONDS))
            withTimeout(5_000) { sync.cancelAndJoin() }
            collector.record(lesson(2))
            goOn.countDown()
            collector.sync()
            val status = collector.readStatus()
            assertEquals(listOf(2L, 2L, 0L), listOf(status.recorded, status.delivered, status.queued))
        }
    }

    @Test
    fun `a cancelled record is done whole or not at all`() = runBlocking {
        val ids = List(300) { UUID.randomUUID() }
        Collector.open(folder.queue()).use { collector ->
            val jobs = ids.mapIndexed { n, id ->
                launch(Dispatchers.Default) { collector.record(lesson(n, id)) }.also {
                    if (n % 2 == 0) it.cancel()
                    if (n % 7 == 0) yield()
                }
            }
            jobs.forEach { it.join() }
            // Those that were cancelled in the middle may still be on their way to the disk.
            ids.forEachIndexed { n, id -> assertEquals(id, collector.record(lesson(n, id)).id) }
            val queued = collector.queued(limit = 1_000)
            assertEquals(ids.toSet(), queued.map { it.id }.toSet())
            assertEquals(300, queued.size)
        }
    }

    @Test
    fun `who is cancelled already records nothing`() = runBlocking {
        Collector.open(folder.queue()).use { collector ->
            val cancelled = launch(start = CoroutineStart.UNDISPATCHED) {
                coroutineContext.cancel()
                collector.record(lesson(1))
            }
            cancelled.join()
            assertTrue(cancelled.isCancelled)
            assertEquals(0, collector.readStatus().recorded)
        }
    }

    @Test
    fun `close ends a sync under way, and pause and resume do what they say`() = runBlocking {
        val asked = CountDownLatch(2)
        val never = CountDownLatch(1)
        val hangs = Transport { asked.countDown(); never.await(); answer(503, "") }
        val collector = Collector.open(folder.queue(), Config(endpoint = LRS), hangs)
        collector.record(lesson(1))
        val ended = async { collector.sync() }
        while (asked.count == 2L) yield()
        collector.interrupt()
        assertEquals(Ended.Interrupted, ended.await().ended)
        val first = async { collector.sync() }
        while (asked.count == 1L) yield()
        collector.pause()
        assertEquals(Ended.Interrupted, first.await().ended)
        collector.record(lesson(2))
        assertThrows<PannierException.Paused> { runBlocking { collector.readStatus() } }
        collector.resume()
        collector.close()
        collector.close()
        assertThrows<PannierException.Closing> { runBlocking { collector.readStatus() } }
        never.countDown()
        Collector.open(folder.queue()).use { assertEquals(2, it.readStatus().queued) }
    }

    @Test
    fun `what was asked for before a pause or a close is done before it`() = runBlocking<Unit> {
        val collector = Collector.open(folder.queue())
        repeat(50) { turn ->
            val calls = List(4) { async(start = CoroutineStart.UNDISPATCHED) { collector.record(lesson(it)) } } +
                List(4) { async(start = CoroutineStart.UNDISPATCHED) { collector.readStatus() } }
            if (turn == 49) collector.close() else collector.pause()
            calls.forEach { it.await() }
            if (turn < 49) collector.resume()
        }
        collector.closeAndJoin()
        Collector.open(folder.queue()).use { assertEquals(200, it.readStatus().queued) }
    }

    @Test
    fun `a closed collector says so, and takes what needs no answer`() = runBlocking<Unit> {
        val collector = Collector.open(folder.queue())
        collector.closeAndJoin()
        collector.closeAndJoin()
        collector.interrupt()
        collector.setNetwork(false)
        assertThrows<PannierException.Closing> { runBlocking { collector.record(lesson(1)) } }
        assertThrows<PannierException.Closing> { runBlocking { collector.sync() } }
        assertThrows<PannierException.Closing> { runBlocking { collector.pause() } }
        assertThrows<PannierException.Closing> { runBlocking { collector.resume() } }
    }

    @Test
    fun `what is shown is what the app has said, and the same is not shown twice`() = runBlocking<Unit> {
        Collector.open(folder.queue()).use { collector ->
            val shown = mutableListOf<Status>()
            val watching = launch(start = CoroutineStart.UNDISPATCHED) { collector.status.collect(shown::add) }
            collector.record(lesson(1))
            // What is shown in between is left out for who does not look in time.
            while (shown.last().queued != 1L) yield()
            collector.setNetwork(false)
            assertEquals(false, collector.status.value.network)
            collector.pause()
            collector.setNetwork(true)
            assertEquals(true, collector.status.value.network)
            collector.resume()
            // Each of these has the status read anew, which says the same.
            repeat(10) {
                collector.setCredentials(null)
                collector.readStatus()
                delay(60)
            }
            yield()
            assertEquals(listOf(true, true, false, true), shown.map { it.network })
            watching.cancel()
        }
    }

    @Test
    fun `pauses and resumes keep their order, and a call waits for the file that is being opened`() = runBlocking {
        Collector.open(folder.queue()).use { collector ->
            repeat(100) {
                val turns = listOf(
                    launch(start = CoroutineStart.UNDISPATCHED) { collector.pause() },
                    launch(start = CoroutineStart.UNDISPATCHED) { collector.resume() },
                )
                collector.record(lesson(it))
                turns.forEach { turn -> turn.join() }
            }
            assertEquals(100, collector.readStatus().queued)
        }
    }
}
