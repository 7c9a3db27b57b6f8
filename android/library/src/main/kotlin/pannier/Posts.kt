package pannier

/** A statement whose recording nobody waits for, and the recorder whose defaults it gets. */
internal class Posted(val statement: Statement, val recorder: BlockingRecorder?)

/** Records what was posted, and tells what could not be: [onNotRecorded], or the platform's log where there is none. */
internal class Posts(private val collector: BlockingCollector, private val onNotRecorded: OnNotRecorded?) {
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
        } catch (error: Exception) {
            // None is recorded for the sake of one.
            val isOfOne = error is PannierException.NotAccepted
            if (isOfOne && statements.size > 1) return statements.forEach { record(listOf(it), recorder) }
            statements.forEach { tell(it, error) }
        }
    }

    /** Says of a statement that it is not recorded. Throws nothing. */
    fun tell(statement: Statement, error: Exception) {
        if (onNotRecorded == null) return log("A statement that was posted is not recorded: ${error.message}", error)
        try {
            onNotRecorded.onNotRecorded(statement, error)
        } catch (thrown: Exception) {
            log("onNotRecorded has thrown", thrown)
        }
    }

    private companion object {
        /** In one commit. */
        const val MOST = 500

        fun log(what: String, error: Exception) = PlatformLog.write(LogLevel.ERROR, what, error)
    }
}
