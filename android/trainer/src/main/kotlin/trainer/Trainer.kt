// A vocabulary trainer for the train: it practises without a network, and delivers when there is one.
// `android/trainer/run` runs it; PANNIER_LRS, PANNIER_LRS_USER and PANNIER_LRS_PASSWORD say where to.

package trainer

import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.io.path.Path
import kotlinx.coroutines.runBlocking
import pannier.Collector
import pannier.Config
import pannier.Credentials
import pannier.Ended
import pannier.use

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
        for (word in WORDS) {
            say("${word.german}?")
            val asked = Instant.now()
            val answer = read() ?: break
            say(if (word.isRight(answer)) "Right." else "No: ${word.english}.")
            collector.record(answered(word, answer, Duration.between(asked, Instant.now())))
        }
        say("${collector.readStatus().undelivered} answers are in the queue.")
        if (config.endpoint == null) return say("They are delivered once PANNIER_LRS names an LRS.")
        val report = collector.sync()
        say("${report.delivered} delivered.")
        val ended = report.ended
        if (ended is Ended.Waiting) say("The rest is safe; the next try may be at ${ended.until}.")
        if (ended is Ended.NeedsApp) say("The rest is safe, but: ${ended.trouble.problem} ${ended.trouble.words}")
    }
}
