package pannier.android

import android.app.Activity
import android.os.Looper
import java.util.UUID
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import kotlin.io.path.createDirectory
import kotlin.io.path.exists
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config as On
import pannier.Config
import pannier.Event
import pannier.LRS
import pannier.NewUpstream
import pannier.OnNotRecorded
import pannier.PannierException
import pannier.Statement
import pannier.SyncPolicy
import pannier.UpstreamInfo
import pannier.lesson
import pannier.memoryLrs
import pannier.statementDefaults

/** When the queue is opened, and what is called meanwhile. */
@RunWith(RobolectricTestRunner::class)
@On(application = App::class)
class OpeningTest {
    private val app = RuntimeEnvironment.getApplication() as App
    private val phone = Phone(app)
    private val notRecorded = CopyOnWriteArrayList<Pair<Statement, Exception>>()
    private val folder = app.filesDir.toPath().resolve("lessons")

    @After
    fun close() {
        app.made?.close()
    }

    private fun made(configure: suspend () -> Config = { Config(endpoint = LRS, sync = SyncPolicy.Manual) }) = AppCollector(
        app, file = folder.resolve("queue.db"), onNotRecorded = { statement, error -> notRecorded += statement to error },
        transport = memoryLrs(), configure = configure,
    ).also { app.made = it }

    private suspend fun AppCollector.lessons() =
        collector().queued(limit = 1_000).map { Regex("lessons/(\\d+)").find(it.statement)!!.groupValues[1].toInt() }

    @Test
    fun `nothing is opened before somebody needs it`() = runBlocking<Unit> {
        phone.inBackground()
        folder.createDirectory()
        var asked = 0
        val collector = made { asked++; Config() }
        assertNull(collector.status.value)
        assertFalse(folder.resolve("queue.db").exists())
        assertEquals(0, asked)
        assertEquals(emptyList<UpstreamInfo>(), collector.statuses.value)
        val all = async(Dispatchers.Default) { withTimeout(60_000) { collector.statuses.first { it.isNotEmpty() } } }
        assertEquals("main", all.await().single().name)
        val seen = async(Dispatchers.Default) { withTimeout(60_000) { collector.status.first { it != null } } }
        assertEquals(0L, seen.await()?.recorded)
        assertEquals(1, asked)
    }

    @Test
    fun `the first activity on the screen has it opened`() = runBlocking<Unit> {
        phone.inBackground()
        folder.createDirectory()
        val collector = made()
        Robolectric.buildActivity(Activity::class.java).create().start()
        eventually("it is open") { collector.status.value != null }
    }

    @Test
    fun `it is configured on a background thread`() = runBlocking<Unit> {
        folder.createDirectory()
        val asked = CompletableDeferred<Boolean>()
        made { asked.complete(Looper.myLooper() == Looper.getMainLooper()); Config() }.record(lesson(1))
        assertFalse(asked.await())
    }

    @Test
    fun `if it cannot be opened each call says so, and the next one tries anew`() = runBlocking<Unit> {
        val collector = made()
        val posted = lesson(1, UUID.randomUUID())
        repeat(2) {
            collector.post(posted)
            for (call in listOf<suspend () -> Any>({ collector.record(lesson(2)) }, { collector.sync() }, { collector.events.first() })) {
                val error = runCatching { call() }.exceptionOrNull()
                assertTrue("$error", error is PannierException.CannotOpen)
            }
        }
        eventually("what was posted is told") { notRecorded.size == 2 }
        assertTrue(notRecorded.all { (statement, error) -> statement == posted && error is PannierException.CannotOpen })
        folder.createDirectory()
        collector.record(lesson(3))
        assertEquals(listOf(3), collector.lessons())
    }

    @Test
    fun `what is posted before it is open is recorded first, in its order`() = runBlocking<Unit> {
        folder.createDirectory()
        val (asked, goOn) = List(2) { CompletableDeferred<Unit>() }
        val collector = made { asked.complete(Unit); goOn.await(); Config() }
        repeat(50) { collector.post(lesson(it)) }
        asked.await()
        val recorded = async(start = CoroutineStart.UNDISPATCHED) { collector.record(lesson(100)) }
        repeat(50) { collector.post(lesson(50 + it)) }
        goOn.complete(Unit)
        recorded.await()
        assertEquals(List(101) { it }, collector.lessons())
    }

    @Test
    fun `many who ask at once have it opened once, and one who goes away ends nothing`() = runBlocking<Unit> {
        folder.createDirectory()
        val (asked, goOn) = List(2) { CompletableDeferred<Unit>() }
        var opened = 0
        val collector = made { opened++; asked.complete(Unit); goOn.await(); Config() }
        val gone = launch(Dispatchers.Default) { collector.record(lesson(1)) }
        asked.await()
        val calls = List(20) { async(Dispatchers.Default) { collector.record(lesson(it)) } }
        gone.cancel()
        goOn.complete(Unit)
        calls.awaitAll()
        assertEquals(1, opened)
    }

    @Test
    fun `closed while it is being opened, it records what was called before`() = runBlocking<Unit> {
        folder.createDirectory()
        val goOn = CompletableDeferred<Unit>()
        val collector = made { goOn.await(); Config() }
        repeat(20) { collector.post(lesson(it)) }
        val recording = async(start = CoroutineStart.UNDISPATCHED) { collector.record(lesson(20)) }
        collector.close()
        collector.post(lesson(99))
        goOn.complete(Unit)
        collector.closeAndJoin()
        assertTrue(runCatching { collector.record(lesson(1)) }.exceptionOrNull() is PannierException.Closing)
        eventually("it is told") { notRecorded.size == 1 }
        assertTrue(notRecorded.single().second is PannierException.Closing)
        recording.await()
        assertEquals(List(21) { it }, made().lessons())
        assertEquals("nobody listens twice", 1, phone.callbacks.size)
    }

    @Test
    fun `what the app does first is done each time that it is opened, or it is not open`() = runBlocking<Unit> {
        folder.createDirectory()
        var broken = true
        val collector = AppCollector(
            app, Config(endpoint = LRS, sync = SyncPolicy.Manual), file = folder.resolve("queue.db"), transport = memoryLrs(),
            onOpen = {
                check(!broken) { "the app's own" }
                it.addUpstream(NewUpstream("exams", "https://exams.example/xAPI"))
            },
        ).also { app.made = it }
        assertEquals("the app's own", runCatching { collector.record(lesson(1)) }.exceptionOrNull()?.message)
        broken = false
        collector.record(lesson(1))
        assertEquals(listOf(1L, 1L), collector.collector().statuses.first { all -> all.all { it.status.queued > 0 } }.map { it.status.queued })
    }

    @Test
    fun `what the app takes too long for is no cancelled call`() = runBlocking<Unit> {
        folder.createDirectory()
        val collector = made { withTimeout(1) { CountDownLatch(1).let { CompletableDeferred<Config>().await() } } }
        assertTrue(runCatching { collector.record(lesson(1)) }.exceptionOrNull() is IllegalStateException)
    }

    @Test
    fun `what the app throws as it says how to open is told as it is, also where it is no exception`() = runBlocking<Unit> {
        folder.createDirectory()
        val thrown = NotImplementedError("the app's own")
        val collector = made { throw thrown }
        val told = runCatching { collector.record(lesson(1)) }.exceptionOrNull()
        assertTrue("$told", told is NotImplementedError && told.message == "the app's own")
        collector.post(lesson(2))
        eventually("it is told") { notRecorded.size == 1 }
        assertTrue("${notRecorded.single().second}", "the app's own" in notRecorded.single().second.message!!)
    }

    @Test
    fun `events and a learner's recorder are those of the collector`() = runBlocking<Unit> {
        folder.createDirectory()
        val collector = made()
        val told = async(start = CoroutineStart.UNDISPATCHED) { collector.events.filterIsInstance<Event.Recorded>().first() }
        collector.collector()
        val recorder = collector.recorder(statementDefaults { context { platform = "Quest 3" } })
        val id = recorder.record(lesson(1)).id
        assertEquals(listOf(id), told.await().ids)
        assertEquals(1, collector.recordAsync(lesson(2)).thenCombine(collector.syncAsync()) { _, _ -> 1 }.get())
    }
}
