package pannier

import java.nio.file.Path
import java.util.UUID
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.flow.transformWhile
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The app's own code: listeners, credentials providers and transports, good ones and bad ones. */
class CallbacksTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `events tell what happened, in order, and end when the collector is closed`() = runBlocking {
        val collector = Collector.open(folder.queue(), Config(endpoint = LRS), memoryLrs())
        var syncs = 2
        val all = async(start = CoroutineStart.UNDISPATCHED) {
            collector.events.transformWhile { emit(it); it !is Event.Synced || --syncs > 0 }.toList()
        }
        val good = collector.record(lesson(1)).id
        val bad = collector.record("""{"actor":{"mbox":"mailto:bad@example.com"},
            "verb":{"id":"https://example.com/did"},"object":{"id":"https://example.com/it"}}""").id
        val first = collector.sync()
        assertEquals(listOf(WaitReason.SUSPECT to 1L), first.waiting.map { it.reason to it.statements })
        folder.queue().waitsAreOver()
        val another = collector.record(lesson(2)).id
        val report = collector.sync()
        val events = all.await()
        assertEquals(listOf(good, bad, another), events.filterIsInstance<Event.Recorded>().flatMap { it.ids })
        assertEquals(listOf(good, another), events.filterIsInstance<Event.Delivered>().flatMap { it.ids })
        val held = events.filterIsInstance<Event.Held>().single()
        assertEquals(Triple(bad, HoldReason.REFUSED, "this one is bad"), Triple(held.id, held.reason, held.words))
        assertEquals(Event.Synced(report), events.last())

        val rest = async(start = CoroutineStart.UNDISPATCHED) { collector.events.toList() }
        collector.close()
        assertEquals(emptyList<Event>(), rest.await())
    }

    @Test
    fun `who is slow hears how much was missed, and keeps nobody waiting`() = runBlocking {
        val feed = EventFeed()
        val event = Event.Recorded(emptyList())
        val heard = mutableListOf<Event>()
        val slow = launch(start = CoroutineStart.UNDISPATCHED) { feed.events.collect { heard += it } }
        repeat(1_024 + 5) { feed.tell(event) }
        yield()
        feed.tell(event)
        feed.close()
        slow.join()
        val missed = heard.filterIsInstance<Event.Missed>().single().count
        assertTrue(missed in 1..5 && heard.size == 1_024 + 5 - missed.toInt() + 2, "$missed of ${heard.size}")
        assertEquals(listOf(Event.Missed(missed), event), heard.takeLast(2))
    }

    @Test
    fun `a listener that throws disturbs nobody, and a cancelled one hears no more`() {
        BlockingCollector.open(folder.queue().toString(), Config()).use { collector ->
            val heard = LinkedBlockingQueue<Event>()
            val afterwards = LinkedBlockingQueue<Event>()
            collector.addListener(listener { throw IllegalStateException("oh") })
            collector.addListener(listener { afterwards += it }).cancel()
            collector.addListener(listener { heard += it })
            repeat(2) {
                val id = collector.record(lesson(it)).id
                assertEquals(Event.Recorded(listOf(id)), heard.poll(10, TimeUnit.SECONDS))
            }
            assertNull(afterwards.poll())
        }
    }

    @Test
    fun `a provider is asked when the credentials are refused`() = runBlocking {
        Hub().use { hub ->
            val wrong = hub.config.copy(credentials = Credentials.Basic("me", "expired"))
            val provider = CredentialsProvider { hub.credentials }
            Collector.open(folder.queue(), wrong, credentialsProvider = provider).use {
                it.record(lesson(1))
                assertEquals(1, it.sync().delivered)
            }
        }
    }

    @Test
    fun `who syncs from within a sync hears so, on whatever thread, and does not wait for itself`() = runBlocking {
        val said = mutableListOf<Throwable?>()
        lateinit var collector: Collector
        val lrs = memoryLrs()
        val suspends = Transport { request ->
            said += runCatching { withContext(Dispatchers.Default) { collector.sync() } }.exceptionOrNull()
            lrs.exchange(request)
        }
        val blocks = object : Transport {
            override fun exchange(request: Request): Response {
                said += runCatching { runBlocking { collector.sync() } }.exceptionOrNull()
                return lrs.exchange(request)
            }
        }
        for ((n, transport) in listOf(suspends, blocks).withIndex()) {
            said.clear()
            collector = Collector.open(folder.resolve("$n.db"), Config(endpoint = LRS), transport)
            collector.use {
                it.record(lesson(n))
                assertEquals(1, withTimeout(60_000) { it.sync() }.delivered)
            }
            assertTrue(said.isNotEmpty() && said.all { it is PannierException.Reentrant }, "$said")
        }
    }

    @Test
    fun `a provider that throws has no credentials, and nothing is lost`() = runBlocking {
        Hub().use { hub ->
            val provider = CredentialsProvider { throw IllegalStateException("not signed in") }
            Collector.open(folder.queue(), Config(endpoint = hub.url), credentialsProvider = provider).use {
                it.record(lesson(1))
                val ended = it.sync().ended
                assertTrue(ended is Ended.NeedsApp && ended.trouble.problem == Problem.CREDENTIALS, "$ended")
                it.setCredentials(hub.credentials)
                assertEquals(1, it.sync().delivered)
            }
        }
    }

    @Test
    fun `a transport that throws is a broken connection, and says why it is none`() = runBlocking {
        for ((thrown, problem) in listOf(
            IllegalStateException("oh") to Problem.BROKEN,
            NotImplementedError("oh") to Problem.BROKEN,
            TransportException.Unreachable("half a \uD83D") to Problem.BROKEN,
            TransportException.Unreachable("no route") to Problem.UNREACHABLE,
            TransportException.TimedOut() to Problem.TIMED_OUT,
        )) {
            val file = folder.resolve("${UUID.randomUUID()}.db")
            Collector.open(file, Config(endpoint = LRS), Transport { throw thrown }).use {
                it.record(lesson(1))
                val ended = it.sync().ended
                assertTrue(ended is Ended.Waiting && ended.trouble?.problem == problem, "$ended")
                assertFalse("at pannier" in "$ended", "a stack trace is kept: $ended")
                assertFalse("buffer" in "$ended", "what it threw is not said: $ended")
            }
        }
    }

    @Test
    fun `credentials that the app sets end the wait for a provider that never returns`() = runBlocking<Unit> {
        Hub().use { hub ->
            val asked = CompletableDeferred<Unit>()
            val provider = CredentialsProvider { asked.complete(Unit); awaitCancellation() }
            val wrong = hub.config.copy(credentials = Credentials.Basic("me", "expired"))
            Collector.open(folder.queue(), wrong, credentialsProvider = provider).use { collector ->
                collector.record(lesson(1))
                val sync = async { collector.sync() }
                asked.await()
                collector.setCredentials(hub.credentials)
                assertEquals(1, withTimeout(20_000) { sync.await() }.delivered)
                collector.record(lesson(2))
                assertEquals(1, withTimeout(20_000) { collector.sync() }.delivered)
            }
        }
    }

    @Test
    fun `what was recorded is shown when it is closed at once`() = runBlocking<Unit> {
        val collector = Collector.open(folder.queue(), Config())
        collector.record(lesson(1))
        collector.closeAndJoin()
        assertEquals(1, collector.status.value.recorded)
        assertFalse(collector.status.value.syncing)
    }

    @Test
    fun `an Error of a provider or a listener is held`() = runBlocking<Unit> {
        val refusing = Transport { answer(401, "who are you") }
        val provider = CredentialsProvider { TODO("sign in") }
        Collector.open(folder.queue(), Config(endpoint = LRS), refusing, provider).use {
            it.record(lesson(1))
            assertTrue(it.sync().ended is Ended.NeedsApp)
        }
        BlockingCollector.open(folder.queue().toString(), Config()).use { collector ->
            val heard = LinkedBlockingQueue<Event>()
            collector.addListener(listener { TODO("hear") })
            collector.addListener(listener { heard += it })
            val id = collector.record(lesson(2)).id
            assertEquals(Event.Recorded(listOf(id)), heard.poll(10, TimeUnit.SECONDS))
        }
    }

    @Test
    fun `no thread that calls the app keeps a JVM alive`() = runBlocking<Unit> {
        val threads = LinkedBlockingQueue<Pair<String, Boolean>>()
        fun here(what: String) = threads.put(what to Thread.currentThread().isDaemon)
        val provider = CredentialsProvider { here("provider"); null }
        val transport = Transport { here("transport"); answer(401, "who are you") }
        Collector.setLogger(LogLevel.DEBUG) { here("logger") }
        try {
            BlockingCollector.open(folder.queue().toString(), Config(endpoint = LRS), transport, provider).use { collector ->
                collector.addListener(listener { here("listener") })
                collector.record(lesson(1))
                collector.sync()
                val missing = mutableSetOf("provider", "transport", "logger", "listener")
                while (missing.isNotEmpty()) {
                    val (what, isDaemon) = threads.poll(20, TimeUnit.SECONDS) ?: error("nobody called the $missing")
                    assertTrue(isDaemon, what)
                    missing -= what
                }
            }
        } finally {
            Collector.setLogger(LogLevel.OFF)
        }
    }

    @Test
    fun `nothing secret is printed`() = runBlocking {
        val printed = StringBuilder("${Credentials.Basic("s3cret", "s3cret")} ${Credentials.Bearer("s3cret")} ")
        val transport = Transport { request -> printed.append("$request "); answer(503, "s3cret") }
        val config = Config(LRS, Credentials.Basic("s3cret", "s3cret"))
        Collector.open(folder.queue(), config, transport).use {
            it.record(lesson(1))
            it.sync()
            printed.append(it.queued()).append(config)
        }
        assertTrue("lrs.example" in printed && "bytes" in printed, "$printed")
        for (secret in listOf("s3cret", "ada@", "YTp")) assertFalse(secret in printed, "$printed")
    }

    private fun listener(hear: (Event) -> Unit) = object : EventListener {
        override fun onEvent(event: Event) = hear(event)
    }
}
