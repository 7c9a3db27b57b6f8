package pannier

import java.nio.file.Path
import java.time.Duration
import java.util.UUID
import kotlin.io.path.Path
import kotlin.io.path.readText
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

fun answered(recorder: StatementRecorder, word: String, answer: String, took: Duration) {
    recorder.post {
        answered("https://school.example/words/$word", answer) {
            interaction = InteractionType.FILL_IN
            correctResponses = listOf(word)
        }
        result { success = answer == word; duration = took }
    }
}

fun stepDone(recorder: StatementRecorder, step: String, training: String, mistakes: Int, took: Duration) {
    recorder.post {
        completed("https://plant.example/$training/$step") { type = ActivityTypes.SIMULATION }
        result { success = mistakes == 0; duration = took }
        context { parent("https://plant.example/$training") }
    }
}

suspend fun checkIn(recorder: StatementRecorder, badge: String, statementId: UUID): Boolean {
    val recorded = recorder.record {
        // Made from the workshop and the badge: shown twice, it is the same statement, and changes nothing.
        id = statementId
        actor(account("https://workshops.example/badges", badge))
        attended("https://workshops.example/first-aid")
    }
    return recorded.isNew
}

/** docs/apps.md shows the functions above, and they work; what a queue by hand does is shown in Swift. */
class AppsTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `each of the three apps is delivered`() = runBlocking {
        Hub().use { hub ->
            val defaults = statementDefaults {
                actor(account("https://school.example", "4711"))
                context { platform = "Quest 3"; language = "de" }
            }
            Collector.open(folder.queue(), hub.config.copy(defaults = defaults)).use { collector ->
                answered(collector, "train", "rain", Duration.ofSeconds(4))
                stepDone(collector, "close-the-valve", "pump-4", 0, Duration.ofSeconds(61))
                val id = UUID.randomUUID()
                assertEquals(listOf(true, false, false), List(3) { checkIn(collector, "b-17", id) })
                val statements = collector.queued().map { it.statement }
                for ((statement, said) in statements zip listOf("\"success\":false", "\"parent\"", "b-17")) {
                    assertTrue(said in statement, statement)
                }
                assertEquals(3, collector.sync().delivered)
            }
        }
    }

    @Test
    fun `the page shows them as they stand here`() {
        val (source, page) = listOf("src/test/kotlin/pannier/AppsTest.kt", "../../docs/apps.md").map { Path(it).readText() }
        for (function in listOf("fun answered(", "fun stepDone(", "suspend fun checkIn(")) {
            val code = function + source.substringAfter("\n\n$function").substringBefore("\n}\n") + "\n}\n"
            assertTrue("```kotlin\n$code```" in page, function)
        }
    }
}
