package pannier.testing

import java.util.UUID
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import pannier.PannierException
import pannier.Recorded
import pannier.StatementObject
import pannier.StatementRecorder
import pannier.Verbs
import pannier.account
import pannier.mbox
import pannier.post
import pannier.record
import pannier.statement
import pannier.statementDefaults

/** What an app's own test sees of what the app records. */
class FakeRecorderTest {
    private val recorder = FakeRecorder()

    private fun lesson(n: Int, id: UUID? = null) = statement {
        this.id = id
        actor(mbox("ada@example.com"))
        verb(Verbs.COMPLETED)
        activity("https://example.com/lessons/$n")
    }

    /** As an app has it. */
    private fun play(recorder: StatementRecorder) = runBlocking {
        recorder.post(lesson(1))
        recorder.record(lesson(2))
        recorder.recordAll(listOf(lesson(3), lesson(4)))
    }

    @Test
    fun `what an app records is there in its order`() {
        val last = play(recorder)
        val ids = recorder.recorded.map { (it.`object` as StatementObject.Activity).activity.id }
        assertEquals((1..4).map { "https://example.com/lessons/$it" }, ids)
        assertEquals(last, recorder.recorded.takeLast(2).map { Recorded(it.id!!, isNew = true) })
        assertTrue(recorder.notRecorded.isEmpty())
    }

    @Test
    fun `it refuses what a real one refuses`() = runBlocking<Unit> {
        val id = UUID.randomUUID()
        assertEquals(Recorded(id, isNew = true), recorder.record(lesson(1, id)))
        assertEquals(Recorded(id, isNew = false), recorder.record(lesson(1, id)))
        assertThrows<PannierException.OtherContent> { runBlocking { recorder.record(lesson(2, id)) } }
        val invalid = statement { verb(Verbs.COMPLETED); activity("https://example.com/lessons/1") }
        assertThrows<PannierException.Invalid> { runBlocking { recorder.recordAll(listOf(lesson(3), invalid)) } }
        recorder.post(invalid)
        assertEquals(listOf(invalid), recorder.notRecorded.map { it.first })
        assertEquals(1, recorder.recorded.size)
        val ofAda = FakeRecorder(statementDefaults { actor(account("https://school.example", "ada")) })
        ofAda.record(invalid)
    }

    @Test
    fun `it fails as a test says, until it says otherwise`() = runBlocking<Unit> {
        recorder.failWith(PannierException.DiskFull("no room"))
        assertThrows<PannierException.DiskFull> { runBlocking { recorder.record { verb(Verbs.COMPLETED); activity("https://example.com") } } }
        recorder.post(lesson(1))
        assertTrue(recorder.notRecorded.single().second is PannierException.DiskFull)
        recorder.failWith(null)
        play(recorder)
        assertEquals(4, recorder.recorded.size)
    }
}
