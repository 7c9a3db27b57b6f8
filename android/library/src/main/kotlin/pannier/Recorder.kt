package pannier

/**
 * Records for a learner, a session or a scene: what its statements have in common is said once. The collector's
 * own calls of the same names are those of one with [Config.defaults] alone.
 *
 * Its calls are made as the collector's are: none blocks, and each may throw a [PannierException]. When the
 * collector is closed they throw [PannierException.Closing]. There is nothing to close.
 */
public class Recorder internal constructor(
    private val collector: Collector,
    private val blocking: BlockingRecorder,
) : StatementRecorder {
    /** Takes a statement in, with what it leaves open itself; see [Collector.record]. */
    override suspend fun record(statement: Statement): Recorded = changing { record(statement) }

    /** Takes a statement in as JSON text, whose bytes are kept as they are beside what is added. */
    public suspend fun record(json: String): Recorded = changing { recordJson(json) }

    /**
     * Takes a statement in with contents of its attachments, which are sent with it: one for each attachment that has
     * no `fileUrl`, found by the `sha2` that it says ([attachmentOf] says it). Together they may have 1 MiB.
     */
    public suspend fun recordWith(statement: Statement, contents: List<ByteArray>): Recorded =
        changing { recordWith(statement, contents) }

    /** Takes a statement in as JSON text, with contents of its attachments. */
    public suspend fun recordWith(json: String, contents: List<ByteArray>): Recorded =
        changing { recordJsonWith(json, contents) }

    /** Takes in all of these or none. A fault has the index of its statement among them. */
    override suspend fun recordAll(statements: List<Statement>): List<Recorded> = changing { recordAll(statements) }

    /** Like [recordAll], of JSON texts. */
    public suspend fun recordAllJson(json: List<String>): List<Recorded> = changing { recordAllJson(json) }

    override fun post(statement: Statement): Unit = collector.post(statement, blocking)

    /**
     * Records with these defaults; where they say nothing, with those of this one. What is wrong with them is
     * told here ([PannierException.Invalid]).
     */
    public suspend fun within(defaults: StatementDefaults): Recorder =
        collector.reading { Recorder(collector, blocking.within(defaults)) }

    private suspend fun <T> changing(work: BlockingRecorder.() -> T): T = collector.changing { blocking.work() }
}
