package pannier

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.job
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch

/** A statement whose recording nobody waits for, and the recorder whose defaults it gets. */
internal class Posted(val statement: Statement, val recorder: BlockingRecorder?)

/**
 * Records what was posted, and tells what could not be: [onNotRecorded], or the platform's log where there is none.
 * Telling has a turn of its own, so that who is told may call the collector and wait for it.
 */
internal class Posts(private val collector: BlockingCollector, private val onNotRecorded: OnNotRecorded?) {
    private val telling = CoroutineScope(SupervisorJob() + Dispatchers.IO.limitedParallelism(1, "pannier-not-recorded"))

    /** All in their order. Those of one recorder are one commit, as long as all are taken. */
    fun record(posted: List<Posted>) {
        var from = 0
        while (from < posted.size) {
            val recorder = posted[from].recorder
            val most = minOf(from + MOST, posted.size)
            val end = (from until most).firstOrNull { posted[it].recorder !== recorder } ?: most
            record(posted.subList(from, end).map { it.statement }, recorder)
            from = end
        }
    }

    private fun record(statements: List<Statement>, recorder: BlockingRecorder?) {
        try {
            when {
                statements.size > 1 -> recorder?.recordAll(statements) ?: collector.recordAll(statements)
                else -> recorder?.record(statements.single()) ?: collector.record(statements.single())
            }
        } catch (error: PannierException.Unplaced) {
            // They are recorded: who records them again counts them twice.
            log("What was posted is recorded, but: ${error.explanation}", error)
        } catch (error: Throwable) {
            // None is recorded for the sake of one.
            val isOfOne = error is PannierException.NotAccepted
            if (isOfOne && statements.size > 1) return statements.forEach { record(listOf(it), recorder) }
            statements.forEach { tell(it, error as? Exception ?: IllegalStateException(error)) }
        }
    }

    /** Says of a statement that it is not recorded, after those before it. Neither waits nor throws. */
    fun tell(statement: Statement, error: Exception) {
        if (onNotRecorded == null) return log("A statement that was posted is not recorded: ${error.message}", error)
        telling.launch {
            isTelling.set(true)
            try {
                onNotRecorded.onNotRecorded(statement, error)
            } catch (thrown: Throwable) {
                log("onNotRecorded has thrown", thrown)
            } finally {
                isTelling.remove()
            }
        }
    }

    /** Waits until all is told, unless it is called from there. */
    suspend fun told() {
        if (isTelling.get() != true) telling.coroutineContext.job.children.toList().joinAll()
    }

    private companion object {
        /** In one commit. */
        const val MOST = 500

        /** Set where [onNotRecorded] is being called. */
        val isTelling = ThreadLocal<Boolean?>()

        fun log(what: String, error: Throwable) = PlatformLog.write(LogLevel.ERROR, what, error)
    }
}
