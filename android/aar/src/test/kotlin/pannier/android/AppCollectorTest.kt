package pannier.android

import android.app.Activity
import android.app.Application
import android.app.job.JobParameters
import java.time.Duration
import java.util.concurrent.CountDownLatch
import kotlin.io.path.createDirectory
import kotlin.io.path.deleteExisting
import kotlin.io.path.exists
import kotlin.io.path.moveTo
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config as On
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowJobService
import pannier.Response
import pannier.COMMAND
import pannier.Config
import pannier.Header
import pannier.Hub
import pannier.LRS
import pannier.NewUpstream
import pannier.PannierException
import pannier.ScriptedLrs
import pannier.SyncPolicy
import pannier.Transport
import pannier.TransportException
import pannier.UrlConnectionTransport
import pannier.lesson
import pannier.memoryLrs
import pannier.world

/** An app whose queue syncs in the background. */
class App : Application() {
    var made: AppCollector? = null
}

/** An activity that has something to say when it leaves. */
class Leaving : Activity() {
    override fun onPause() {
        super.onPause()
        says("onPause")
    }

    override fun onStop() {
        super.onStop()
        says("onStop")
    }

    override fun onDestroy() {
        super.onDestroy()
        says("onDestroy")
    }

    companion object {
        var says: (String) -> Unit = {}
    }
}

/** The whole on Robolectric's Android: its framework, the real library, a real file. */
@RunWith(RobolectricTestRunner::class)
@On(application = App::class)
class AppCollectorTest {
    private val app = RuntimeEnvironment.getApplication() as App
    private val phone = Phone(app)

    @After
    fun close() {
        app.made?.close()
    }

    private fun open(
        config: Config = Config(endpoint = LRS, sync = SyncPolicy.Manual),
        networks: Networks = Networks.ANY,
        backgroundSync: BackgroundSync? = null,
        pauseInBackground: Boolean = false,
        transport: Transport? = memoryLrs(),
    ) = AppCollector(app, config, networks, backgroundSync, pauseInBackground, transport = transport).also { app.made = it }

    @Test
    fun `the queue is in no backup, and what was recorded is there again`() = runBlocking<Unit> {
        open().run { record(lesson(1)); closeAndJoin() }
        val file = AppCollector.queueFile(app)
        assertTrue(file.startsWith(app.noBackupFilesDir.toPath()) && file.exists())
        assertEquals(1, open().collector().readStatus().queued)
        assertEquals("nobody listens twice", 1, phone.callbacks.size)
    }

    @Test
    fun `it delivers by itself where nothing is said of that`() = runBlocking<Unit> {
        open().run { record(lesson(1)); closeAndJoin() }
        val pannier = open(Config(endpoint = LRS))
        withTimeout(60_000) { pannier.collector().status.first { it.delivered == 1L } }
    }

    @Test
    fun `it delivers over Android's own HTTP`() = runBlocking<Unit> {
        Hub().use { hub ->
            val pannier = open(hub.config, transport = UrlConnectionTransport())
            val id = pannier.collector().record(lesson(1)).id
            assertEquals(1, pannier.collector().sync().delivered)
            assertTrue(hub.statement(id) != null)
        }
    }

    @Test
    fun `an automatic sync waits for a network that may be used`() = runBlocking<Unit> {
        val config = Config(endpoint = LRS, sync = SyncPolicy.Automatic(count = 1, age = Duration.ZERO))
        val pannier = open(config, Networks.UNMETERED)
        pannier.collector()
        phone.connected(metered = true)
        eventually("the network is not allowed") { !pannier.collector().readStatus().network }
        pannier.collector().record(lesson(1))
        assertEquals(Connection.METERED, pannier.connection.value)
        assertEquals(1, pannier.collector().readStatus().queued)
        phone.connected(metered = false)
        withTimeout(60_000) { pannier.collector().status.first { it.delivered == 1L } }
        phone.disconnected()
        eventually("the network is gone") { !pannier.collector().readStatus().network }
    }

    @Test
    fun `a sync ends when its network does`() = runBlocking<Unit> {
        val asked = CountDownLatch(1)
        val never = CountDownLatch(1)
        val hangs = Transport { asked.countDown(); never.await(); error("unused") }
        val config = Config(endpoint = LRS, sync = SyncPolicy.Automatic(count = 1, age = Duration.ZERO))
        val pannier = open(config, transport = hangs)
        pannier.collector()
        phone.connected(metered = true)
        pannier.collector().record(lesson(1))
        eventually("the LRS is asked") { asked.count == 0L }
        phone.disconnected()
        eventually("the sync ends") { !pannier.collector().readStatus().syncing }
        never.countDown()
    }

    @Test
    fun `in the background the file is closed, and open again before anybody asks`() = runBlocking<Unit> {
        val pannier = open(pauseInBackground = true)
        val activity = Robolectric.buildActivity(Activity::class.java).create().start()
        activity.stop()
        eventually("it is paused") { runCatching { pannier.collector().readStatus() }.exceptionOrNull() is PannierException.Paused }
        activity.restart().start()
        pannier.collector().record(lesson(1))
        assertEquals(1, pannier.collector().readStatus().queued)
        activity.stop()
    }

    @Test
    fun `what an activity records as it leaves is taken in, and so is what comes in the background`() = runBlocking<Unit> {
        val collector = open(pauseInBackground = true).collector()
        val background = CoroutineScope(Dispatchers.IO)
        val calls = mutableListOf<Deferred<Any>>()
        fun record(n: Int) = calls.add(background.async { collector.record(lesson(n)) })
        fun read() = calls.add(background.async(start = CoroutineStart.UNDISPATCHED) { collector.readStatus() })
        Leaving.says = { where ->
            repeat(25, ::record)
            if (where != "onDestroy") read()
        }
        val activity = Robolectric.buildActivity(Leaving::class.java).setup()
        activity.pause().stop().destroy()
        repeat(25, ::record)
        calls.awaitAll()
        eventually("it is paused") { runCatching { collector.readStatus() }.exceptionOrNull() is PannierException.Paused }
        repeat(25) { collector.record(lesson(it)) }
        Robolectric.buildActivity(Activity::class.java).create().start()
        assertEquals(5 * 25L, collector.readStatus().recorded)
    }

    @Test
    fun `what is posted as an activity leaves, while a job runs and right before the end is recorded`() = runBlocking<Unit> {
        val (asked, goOn) = List(2) { CountDownLatch(1) }
        val lrs = memoryLrs()
        val slow = Transport { asked.countDown(); goOn.await(); lrs.exchange(it) }
        val collector = open(pauseInBackground = true, backgroundSync = BackgroundSync(), transport = slow)
        Leaving.says = { repeat(25) { collector.post(lesson(it)) } }
        Robolectric.buildActivity(Leaving::class.java).setup().pause().stop().destroy()
        eventually("it is paused") { runCatching { collector.collector().readStatus() }.exceptionOrNull() is PannierException.Paused }
        repeat(25) { collector.post(lesson(it)) }
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        eventually("the LRS is asked") { asked.count == 0L }
        repeat(25) { collector.post(lesson(it)) }
        service.onStopJob(parameters())
        repeat(25) { collector.post(lesson(it)) }
        collector.close()
        goOn.countDown()
        collector.closeAndJoin()
        assertEquals(6 * 25L, open().collector().readStatus().recorded)
    }

    @Test
    fun `two processes record into one queue`() = runBlocking<Unit> {
        val collector = open(transport = null, config = Config())
        collector.collector()
        val other = ProcessBuilder(COMMAND, "record", "--queue", "${AppCollector.queueFile(app)}")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        other.outputWriter().use { input ->
            repeat(200) {
                input.write(lesson(it).toJson() + "\n")
                collector.post(lesson(it))
            }
        }
        repeat(200) { collector.record(lesson(it)) }
        assertEquals(0, other.waitFor())
        assertEquals(600L, collector.collector().readStatus().recorded)
    }

    @Test
    fun `a file that cannot be opened yet is tried again until it can`() = runBlocking<Unit> {
        val collector = open(pauseInBackground = true).collector()
        val activity = Robolectric.buildActivity(Activity::class.java).create().start()
        activity.stop()
        eventually("it is paused") { runCatching { collector.readStatus() }.exceptionOrNull() is PannierException.Paused }
        val (file, away) = AppCollector.queueFile(app).let { it to it.resolveSibling("away.db") }
        file.moveTo(away)
        file.createDirectory()
        activity.restart().start()
        assertTrue(runCatching { collector.readStatus() }.exceptionOrNull() is PannierException)
        file.deleteExisting()
        away.moveTo(file)
        eventually("it is open") { runCatching { collector.readStatus() }.isSuccess }
    }

    @Test
    fun `there is a job exactly while something can be sent`() = runBlocking<Unit> {
        val pannier = open(backgroundSync = BackgroundSync())
        pannier.collector().record(lesson(1))
        eventually("a job is planned") { phone.jobs.size == 1 }
        pannier.collector().sync()
        eventually("no job is planned") { phone.jobs.isEmpty() }
    }

    @Test
    fun `there is a job for what only another upstream has not got yet`() = runBlocking<Unit> {
        val exams = ScriptedLrs()
        val world = world("lrs.example" to ScriptedLrs(), "exams.example" to exams)
        val added = NewUpstream("exams", "https://exams.example/xAPI")
        exams.instead = { throw TransportException.Unreachable("no route") }
        val id = open(transport = world).run {
            collector().addUpstream(added)
            record(lesson(1)).id.also { assertEquals(1, sync().delivered); closeAndJoin() }
        }
        val pannier = open(transport = world, backgroundSync = BackgroundSync())
        pannier.collector().addUpstream(added)
        eventually("a job is planned") { phone.jobs.size == 1 }
        exams.instead = null
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        eventually("the job ends") { shadowOf(service).isJobFinished }
        assertEquals(setOf(id), exams.ids)
        eventually("no job is planned") { phone.jobs.isEmpty() }
    }

    @Test
    fun `a job delivers, and closes what it opened`() = runBlocking<Unit> {
        phone.inBackground()
        val pannier = open(backgroundSync = BackgroundSync(), pauseInBackground = true)
        pannier.collector().record(lesson(1))
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        eventually("the job ends") { shadowOf(service).isJobFinished }
        assertFalse(shadowOf(service).isRescheduleNeeded)
        eventually("it is paused") { runCatching { pannier.collector().readStatus() }.exceptionOrNull() is PannierException.Paused }
        assertEquals(1, pannier.collector().status.first { it.delivered > 0 }.delivered)
    }

    @Test
    fun `the next job waits for as long as the LRS has asked for`() = runBlocking<Unit> {
        val busy = Transport { Response(503, listOf(Header("Retry-After", "120")), ByteArray(0)) }
        val pannier = open(backgroundSync = BackgroundSync(), transport = busy)
        pannier.collector().record(lesson(1))
        eventually("a job is planned") { phone.jobs.singleOrNull()?.minLatencyMillis == 0L }
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        eventually("the next job is planned") { phone.jobs.singleOrNull()?.run { minLatencyMillis in 60_000..600_000 } == true }
        assertFalse(shadowOf(service).isRescheduleNeeded)
    }

    @Test
    fun `a job that fails for a reason of the device's comes again by the system's backoff`() = runBlocking<Unit> {
        val pannier = open(backgroundSync = BackgroundSync())
        pannier.collector().pause()
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        eventually("the job ends") { shadowOf(service).isJobFinished }
        assertTrue(shadowOf(service).isRescheduleNeeded)
    }

    @Test
    fun `where the LRS refuses the credentials a job comes in an hour, and delivers once it takes them`() = runBlocking<Unit> {
        val lrs = memoryLrs()
        var refuses = true
        val version = Header("X-Experience-API-Version", "2.0.0")
        val signsOut = Transport { if (refuses) Response(401, listOf(version), ByteArray(0)) else lrs.exchange(it) }
        val pannier = open(backgroundSync = BackgroundSync(), transport = signsOut)
        pannier.collector().record(lesson(1))
        eventually("a job is planned") { phone.jobs.size == 1 }
        assertTrue(runJob().isJobFinished)
        eventually("the next job is planned") { phone.jobs.singleOrNull()?.run { minLatencyMillis in 3_000_000..3_700_000 } == true }
        refuses = false
        assertFalse(runJob().isRescheduleNeeded)
        assertEquals(1, pannier.collector().readStatus().delivered)
        eventually("no job is planned") { phone.jobs.isEmpty() }
    }

    @Test
    fun `a job whose queue cannot be opened as it is set up now comes again by the system's backoff`() {
        app.made = AppCollector(app, backgroundSync = BackgroundSync(), configure = { Config(endpoint = "no URL") })
        assertTrue(runJob().isRescheduleNeeded)
    }

    @Test
    fun `a job that cannot succeed before the app acts does not come again`() = runBlocking<Unit> {
        for (close in listOf(false, true)) {
            val pannier = open(Config(), backgroundSync = BackgroundSync(), transport = null)
            pannier.collector().record(lesson(1))
            if (close) pannier.close()
            val service = Robolectric.buildService(SyncJobService::class.java).create().get()
            assertEquals("one that is closed is none", !close, service.onStartJob(parameters()))
            if (!close) eventually("the job ends") { shadowOf(service).isJobFinished }
            assertFalse("closed: $close", shadowOf(service).isRescheduleNeeded)
            pannier.close()
        }
    }

    @Test
    fun `without an endpoint no job is planned, and with one there is`() = runBlocking<Unit> {
        val pannier = open(Config(sync = SyncPolicy.Manual), backgroundSync = BackgroundSync())
        pannier.collector().record(lesson(1))
        pannier.collector().status.first { it.queued == 1L }
        assertEquals(0, phone.jobs.size)
        pannier.collector().setEndpoint(LRS)
        eventually("a job is planned") { phone.jobs.size == 1 }
    }

    @Test
    fun `a job that is stopped ends its sync, and comes again`() = runBlocking<Unit> {
        val asked = CountDownLatch(1)
        val never = CountDownLatch(1)
        val pannier = open(backgroundSync = BackgroundSync(), transport = Transport { asked.countDown(); never.await(); error("unused") })
        pannier.collector().record(lesson(1))
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        service.onStartJob(parameters())
        eventually("the LRS is asked") { asked.count == 0L }
        assertTrue(service.onStopJob(parameters()))
        eventually("the sync ends") { !pannier.collector().readStatus().syncing }
        assertFalse(shadowOf(service).isJobFinished)
        assertEquals(1, pannier.collector().readStatus().queued)
        never.countDown()
    }

    /** Starts a job, and waits for its end. */
    private fun runJob(): ShadowJobService = runBlocking {
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        assertTrue(service.onStartJob(parameters()))
        shadowOf(service).also { job -> eventually("the job ends") { job.isJobFinished } }
    }

    private fun parameters(): JobParameters = Shadow.newInstanceOf(JobParameters::class.java)
}
