package pannier

/**
 * Takes statements in: what most of an app has to know of Pannier. A [Collector] is one, and so is each [Recorder];
 * an app's tests have `FakeRecorder` of `pannier-testing` in their place.
 */
public interface StatementRecorder {
    /**
     * Takes a statement in. When this returns, it is on the disk and will be delivered. Returns its id, made here unless
     * the statement has one, and whether it is new: the same under the same id again changes nothing. For who must know that
     * it is kept: throws a [PannierException] if it is not.
     */
    public suspend fun record(statement: Statement): Recorded

    /** Takes in all of these or none. A fault has the index of its statement among them. */
    public suspend fun recordAll(statements: List<Statement>): List<Recorded>

    /**
     * Has a statement recorded, and returns at once: neither suspends nor throws. What is posted is recorded in the
     * order of these calls, and before whatever is called later of the same collector. What cannot be recorded is told
     * [OnNotRecorded]. A process that ends in the next moment may lose it, untold: killed, or by its own end without a
     * [Collector.closeAndJoin]. [record] is for who must know.
     *
     * What is posted in one breath is one commit to the disk.
     */
    public fun post(statement: Statement)
}

/** Builds a [statement] and records it; see [StatementRecorder.record]. */
public suspend fun StatementRecorder.record(build: StatementBuilder.() -> Unit): Recorded = record(statement(build))

/** Builds a [statement] and posts it; see [StatementRecorder.post]. */
public fun StatementRecorder.post(build: StatementBuilder.() -> Unit): Unit = post(statement(build))

/** Is told what was posted and could not be recorded: see [StatementRecorder.post]. */
public fun interface OnNotRecorded {
    /**
     * [error] says why, mostly as a [PannierException]: the statement is not valid, the disk is full. The statement is
     * kept nowhere. Called on a background thread, one at a time for each collector. Only [Collector.closeAndJoin] waits for
     * it, unless called in here: so this may record a substitute and wait for that. What this throws is logged.
     */
    public fun onNotRecorded(statement: Statement, error: Exception)
}
