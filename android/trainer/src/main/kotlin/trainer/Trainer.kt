// A vocabulary trainer for the train: it practises without a network, and delivers when there is one.
// `android/trainer/run` runs it; PANNIER_LRS, PANNIER_LRS_USER and PANNIER_LRS_PASSWORD say where to.

package trainer

import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.io.path.Path
import kotlinx.coroutines.runBlocking
import pannier.ActivityTypes
import pannier.Collector
import pannier.Config
import pannier.Credentials
import pannier.Ended
import pannier.InteractionType
import pannier.Statement
import pannier.Verbs
import pannier.account
import pannier.statement

private val WORDS = listOf("der Zug" to "train", "der Bahnhof" to "station", "die Fahrkarte" to "ticket")

fun main(args: Array<String>) = runBlocking {
    val user = System.getenv("PANNIER_LRS_USER")
    val config = Config(
        endpoint = System.getenv("PANNIER_LRS"),
        credentials = user?.let { Credentials.Basic(it, System.getenv("PANNIER_LRS_PASSWORD").orEmpty()) },
    )
    train(Path(args.firstOrNull() ?: "trainer.db"), config, ::readlnOrNull, ::println)
}

/** Asks every word once, records the answers, and delivers what it can. */
suspend fun train(queue: Path, config: Config, read: () -> String?, say: (String) -> Unit) {
    Collector.open(queue, config).use { collector ->
        for ((german, english) in WORDS) {
            say("$german?")
            val asked = Instant.now()
            val answer = read() ?: break
            val right = answer.trim().equals(english, ignoreCase = true)
            say(if (right) "Right." else "No: $english.")
            collector.record(answered(german, english, answer, right, Duration.between(asked, Instant.now())))
        }
        say("${collector.readStatus().queued} answers are in the queue.")
        if (config.endpoint == null) return say("They are delivered once PANNIER_LRS names an LRS.")
        val report = collector.sync()
        say("${report.delivered} delivered.")
        val ended = report.ended
        if (ended is Ended.Waiting) say("The rest is safe; the next try may be at ${ended.until}.")
        if (ended is Ended.NeedsApp) say("The rest is safe, but: ${ended.trouble.problem} ${ended.trouble.words}")
    }
}

private fun answered(german: String, english: String, answer: String, right: Boolean, took: Duration): Statement =
    statement {
        actor(account("https://example.com/trainer", "learner-1"))
        verb(Verbs.ANSWERED)
        activity("https://example.com/words/${german.substringAfter(' ').lowercase()}") {
            type = ActivityTypes.CMI_INTERACTION
            name("de", german)
            interaction = InteractionType.FILL_IN
            correctResponses = listOf(english)
        }
        result {
            success = right
            response = answer
            duration = took
        }
        context { language = "de" }
    }
