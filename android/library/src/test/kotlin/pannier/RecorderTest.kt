package pannier

import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** What statements have in common is said once: for the app, or for a learner. */
class RecorderTest {
    @TempDir
    lateinit var folder: Path

    private val ofTheApp = statementDefaults {
        context {
            platform = "Quest 3"
            language = "de"
        }
    }

    private fun learner(name: String) = statementDefaults { actor(account("https://school.example", name)) }

    private fun answered(word: String) = statement {
        verb(Verbs.ANSWERED)
        activity("https://example.com/words/$word")
    }

    @Test
    fun `an app says where once and each learner who`() = withHub { hub ->
        Collector.open(folder.queue(), hub.config.copy(defaults = ofTheApp)).use { collector ->
            val (ada, ben) = listOf("ada", "ben").map { collector.recorder(learner(it)) }
            val first = ada.record(answered("zug")).id
            val second = ben.recordAll(listOf(answered("zug"), answered("rad"))).last().id
            val french = ada.within(statementDefaults { context { language = "fr" } })
            val third = french.record(answered("train").toJson()).id
            fails<PannierException.Invalid> { collector.record(answered("zug")) }
            assertEquals(4L, collector.sync().delivered)
            for ((id, name, language) in listOf(
                Triple(first, "ada", "de"), Triple(second, "ben", "de"), Triple(third, "ada", "fr"),
            )) {
                val stored = hub.statement(id).toString()
                for (said in listOf("\"name\":\"$name\"", "\"language\":\"$language\"", "\"platform\":\"Quest 3\"")) {
                    assertTrue(said in stored.replace(": ", ":"), "$said is not in $stored")
                }
            }
        }
    }

    @Test
    fun `what is wrong with them is told when they are said`() = withHub { hub ->
        val wrong = statementDefaults { actor(mbox("nobody")) }
        fails<PannierException.Invalid> { Collector.open(folder.queue(), hub.config.copy(defaults = wrong)).close() }
        val collector = Collector.open(folder.queue(), hub.config)
        fails<PannierException.Invalid> { collector.recorder(wrong) }
        val ada = collector.recorder(learner("ada"))
        collector.close()
        fails<PannierException.Closing> { ada.record(answered("zug")) }
        assertNull(answered("zug").actor)
    }

    private fun withHub(test: suspend CoroutineScope.(Hub) -> Unit) = runBlocking { Hub().use { test(it) } }

    private inline fun <reified E : PannierException> fails(crossinline work: suspend () -> Unit) {
        val error = assertThrows<E> { runBlocking { work() } }
        assertTrue(error.toString().length > 20, "$error")
    }
}
