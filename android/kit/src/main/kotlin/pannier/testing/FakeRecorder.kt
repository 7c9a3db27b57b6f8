package pannier.testing

import java.util.UUID
import pannier.PannierException
import pannier.Recorded
import pannier.Statement
import pannier.StatementDefaults
import pannier.StatementRecorder
import pannier.XapiVersion
import pannier.checkStatement

/**
 * A [StatementRecorder] that keeps what it is given in memory, for tests of what an app records: it has no file and no
 * LRS, and takes no time. A statement must be valid, as with a real one; [defaults] are those that the real one has, of
 * which only who did it counts here. Whatever thread calls it.
 */
public class FakeRecorder(private val defaults: StatementDefaults? = null) : StatementRecorder {
    private val taken = LinkedHashMap<UUID, Statement>()
    private val refused = mutableListOf<Pair<Statement, Exception>>()
    private var failure: Exception? = null

    /** What was recorded and what was posted, in order, each with the id that it has got. */
    public val recorded: List<Statement> @Synchronized get() = taken.values.toList()

    /** What was posted and could not be recorded, with the reason. */
    public val notRecorded: List<Pair<Statement, Exception>> @Synchronized get() = refused.toList()

    /** From now on each call fails so; `null`: as it should. */
    @Synchronized
    public fun failWith(error: Exception?) {
        failure = error
    }

    override suspend fun record(statement: Statement): Recorded = take(listOf(statement)).single()

    override suspend fun recordAll(statements: List<Statement>): List<Recorded> = take(statements)

    @Synchronized
    override fun post(statement: Statement) {
        try {
            take(listOf(statement))
        } catch (error: Exception) {
            refused += statement to error
        }
    }

    @Synchronized
    private fun take(statements: List<Statement>): List<Recorded> {
        failure?.let { throw it }
        val all = LinkedHashMap(taken)
        val recorded = statements.map { given ->
            checkStatement(given.copy(actor = given.actor ?: defaults?.actor).toJson(), XapiVersion.V2_0_0)
            val id = given.id ?: UUID.randomUUID()
            val known = all.putIfAbsent(id, given.copy(id = id))
            if (known != null && known != given.copy(id = id)) {
                throw PannierException.OtherContent(id, "another statement was recorded under $id")
            }
            Recorded(id, isNew = known == null)
        }
        taken += all
        return recorded
    }
}
