package pannier

import java.nio.file.Path
import java.time.Duration
import kotlin.io.path.Path
import kotlin.io.path.readText
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

suspend fun practise(file: Path, lrs: String, credentials: Credentials) {
    Collector.open(file, Config(endpoint = lrs, credentials = credentials)).use { collector ->
        // With or without a network: when this returns, the statement survives even a power cut.
        collector.record(
            statement {
                actor(mbox("mailto:ada@example.com"), name = "Ada")
                verb(Verbs.COMPLETED)
                activity("https://example.com/videos/leadership-basics") {
                    name("en", "Leadership Basics")
                    type = ActivityTypes.VIDEO
                }
                result {
                    completion = true
                    score(scaled = 0.8)
                    duration = Duration.ofMinutes(12)
                }
            },
        )

        // By hand; SyncPolicy.Automatic in the Config makes it automatic.
        val report = collector.sync()
        println("${report.delivered} delivered")
        when (val ended = report.ended) {
            is Ended.Emptied -> for (aside in report.waiting) println("${aside.statements} wait: ${aside.reason}")
            is Ended.Waiting -> println("next try at ${ended.until}: ${ended.trouble?.words}")
            else -> println("not yet: $ended")
        }
        for (held in collector.held()) println("${held.id} is held (${held.reason}): ${held.words}")
    }
}

suspend fun recordAndSync(file: Path, lrs: String, credentials: Credentials) {
    Collector.open(file, Config(lrs, credentials)).use { collector ->
        collector.record { actor(mbox("ada@example.com")); completed("https://example.com/lessons/1") }
        collector.sync()
    }
}

suspend fun alsoExams(collector: Collector, lrs: String, credentials: Credentials) {
    val route = Route(activities = listOf("https://example.com/exams/"))
    val exams = collector.addUpstream(NewUpstream("exams", lrs, credentials, route))
    for (upstream in collector.sync().upstreams) {
        println("${upstream.name}: ${upstream.delivered} delivered, ${upstream.ended}")
    }
    for (held in exams.held()) println("the exams' LRS refuses ${held.id}: ${held.words}")
}

suspend fun answer(collector: Collector, learner: String, word: String) {
    // Of the app, in Config.defaults, or of a learner or a session, as here; a statement's own words win.
    val recorder = collector.recorder(
        statementDefaults {
            actor(account("https://school.example", learner))
            context { platform = "Quest 3"; language = "de" }
        },
    )
    recorder.record(statement { verb(Verbs.ANSWERED); activity("https://example.com/words/$word") })
}

suspend fun submit(collector: Collector, photo: ByteArray) {
    val usage = "http://id.tincanapi.com/attachment/supporting_media"
    val described = attachmentOf(photo, usage, "image/jpeg", mapOf("en" to "The finished knot"))
    val knot = statement {
        actor(mbox("ada@example.com"))
        completed("https://example.com/knots/bowline")
        attachment(described)
    }
    // On the disk when this returns, and sent with the statement.
    collector.recordWith(knot, listOf(photo))
}

/** The examples of the READMEs are the functions above, and they work. */
class ReadmeTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the example of the library's README runs as it stands there`() = runBlocking {
        Hub().use { hub -> practise(folder.queue(), hub.url, hub.credentials) }
        Collector.open(folder.queue()).use { assertEquals(1, it.readStatus().delivered) }
        assertTrue("```kotlin\nsuspend fun practise${source("practise")}\n}\n```" in Path("../README.md").readText())
    }

    @Test
    fun `the example of the project's README runs as it stands there`() = runBlocking {
        Hub().use { hub -> recordAndSync(folder.queue(), hub.url, hub.credentials) }
        Collector.open(folder.queue()).use { assertEquals(1, it.readStatus().delivered) }
        val body = source("recordAndSync").substringAfter("{\n").trimIndent()
        assertTrue("```kotlin\n$body\n```" in Path("../../README.md").readText())
    }

    @Test
    fun `the example with two LRSs runs as it stands there`() = runBlocking {
        val hubs = listOf(Hub(), Hub())
        Collector.open(folder.queue(), hubs[0].config).use { collector ->
            alsoExams(collector, hubs[1].url, hubs[1].credentials)
            val exam = lesson(2).copy(`object` = StatementObject.Activity(XapiActivity("https://example.com/exams/2")))
            val (lesson, passed) = collector.record(lesson(1)).id to collector.record(exam).id
            // Each time that the queue is opened.
            alsoExams(collector, hubs[1].url, hubs[1].credentials)
            for (hub in hubs) assertTrue(hub.statement(passed) != null)
            assertEquals(listOf(true, false), hubs.map { it.statement(lesson) != null })
        }
        hubs.forEach { it.close() }
        assertTrue("```kotlin\nsuspend fun alsoExams${source("alsoExams")}\n}\n```" in Path("../README.md").readText())
    }

    @Test
    fun `the example of a learner runs as it stands there`() = runBlocking {
        Collector.open(folder.queue()).use { collector ->
            answer(collector, "4711", "zug")
            val recorded = collector.queued().single().statement
            for (said in listOf("4711", "Quest 3", "words/zug")) assertTrue(said in recorded, recorded)
        }
        assertTrue("```kotlin\nsuspend fun answer${source("answer")}\n}\n```" in Path("../README.md").readText())
    }

    @Test
    fun `the example with a photo runs as it stands there`() = runBlocking {
        Hub().use { hub ->
            Collector.open(folder.queue(), hub.config).use { collector ->
                submit(collector, byteArrayOf(-1, 0, 1))
                assertEquals(1, collector.sync().delivered)
            }
        }
        assertTrue("```kotlin\nsuspend fun submit${source("submit")}\n}\n```" in Path("../README.md").readText())
    }

    /** What follows the name of a function in this file, without its last brace. */
    private fun source(function: String) = Path("src/test/kotlin/pannier/ReadmeTest.kt").readText()
        .substringAfter("\n\nsuspend fun $function").substringBefore("\n}\n")
}
