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
        when (val ended = collector.sync().ended) {
            is Ended.Emptied -> println("all delivered")
            is Ended.Waiting -> println("next try at ${ended.until}: ${ended.trouble?.words}")
            else -> println("not yet: $ended")
        }
        for (held in collector.held()) println("${held.id} is held (${held.reason}): ${held.words}")
    }
}

/** The README's example is the function above, and it works. */
class ReadmeTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the example runs as it stands in the README`() = runBlocking {
        Hub().use { hub -> practise(folder.queue(), hub.url, hub.credentials) }
        Collector.open(folder.queue()).use { assertEquals(1, it.readStatus().delivered) }
        val source = Path("src/test/kotlin/pannier/ReadmeTest.kt").readText()
        val example = source.substringAfter("\n\nsuspend").substringBefore("\n}\n")
        assertTrue("```kotlin\nsuspend$example\n}\n```" in Path("../README.md").readText())
    }
}
