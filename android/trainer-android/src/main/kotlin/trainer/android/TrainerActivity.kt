package trainer.android

import android.app.Activity
import android.os.Bundle
import android.os.SystemClock
import android.text.InputType
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import java.time.Duration
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import pannier.Credentials
import pannier.Ended
import pannier.PannierException
import pannier.SyncReport
import trainer.WORDS
import trainer.answered

/** Asks one word after another, shows the queue, and delivers when asked to. */
class TrainerActivity : Activity() {
    private val scope = MainScope()
    private val app get() = application as TrainerApp

    private var at = 0
    private var asked = 0L

    private lateinit var question: TextView
    lateinit var answer: EditText
        private set
    lateinit var ok: Button
        private set
    lateinit var queue: TextView
        private set
    lateinit var endpoint: EditText
        private set
    lateinit var user: EditText
        private set
    lateinit var password: EditText
        private set
    lateinit var deliver: Button
        private set
    lateinit var message: TextView
        private set

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        question = TextView(this)
        answer = EditText(this)
        ok = Button(this).apply { text = "OK"; setOnClickListener { answer() } }
        queue = TextView(this)
        endpoint = EditText(this).apply { hint = "https://lrs.example/xAPI" }
        user = EditText(this).apply { hint = "user" }
        password = EditText(this).apply {
            hint = "password"
            inputType = InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PASSWORD
        }
        deliver = Button(this).apply { text = "Deliver now"; setOnClickListener { deliver() } }
        message = TextView(this)
        setContentView(
            LinearLayout(this).apply {
                orientation = LinearLayout.VERTICAL
                listOf(question, answer, ok, queue, endpoint, user, password, deliver, message).forEach(::addView)
            },
        )
        ask()
        trying {
            app.pannier.status.filterNotNull().collect {
                val look = if (it.isHealthy) "" else ", and somebody has to look at it"
                queue.text = "${it.undelivered} in the queue, ${it.delivered} delivered$look"
            }
        }
    }

    override fun onDestroy() {
        // What was recorded is recorded; only the screen stops listening.
        scope.cancel()
        super.onDestroy()
    }

    private fun ask() {
        question.text = "${WORDS[at].german}?"
        answer.setText("")
        asked = SystemClock.elapsedRealtime()
    }

    private fun answer() {
        val word = WORDS[at]
        val statement = answered(word, "${answer.text}", Duration.ofMillis(SystemClock.elapsedRealtime() - asked))
        message.text = if (word.isRight("${answer.text}")) "Right." else "No: ${word.english}."
        at = (at + 1) % WORDS.size
        ask()
        app.pannier.post(statement)
    }

    private fun deliver() = trying {
        if (endpoint.text.isNotEmpty()) {
            val credentials = Credentials.Basic("${user.text}", "${password.text}")
            withContext(Dispatchers.IO) { app.credentials.save(credentials) }
            app.pannier.collector().setTarget("${endpoint.text}", credentials)
        }
        message.text = told(app.pannier.sync())
    }

    private fun told(report: SyncReport): String = when (val ended = report.ended) {
        is Ended.Emptied -> "${report.delivered} delivered."
        is Ended.Waiting -> "${report.delivered} delivered. The rest is safe; the next try is at ${ended.until}."
        is Ended.NeedsApp -> "The rest is safe, but: ${ended.trouble.problem} ${ended.trouble.words}"
        is Ended.Busy, is Ended.Interrupted -> "The rest is safe, and comes later."
    }

    /** Shows what Pannier says to do next where a call fails. */
    private fun trying(work: suspend () -> Unit) {
        scope.launch {
            try {
                work()
            } catch (error: PannierException) {
                message.text = error.toString()
            }
        }
    }
}
