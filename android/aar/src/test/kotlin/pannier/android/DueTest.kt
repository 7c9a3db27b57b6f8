package pannier.android

import java.time.Instant
import org.junit.Assert.assertEquals
import org.junit.Test
import pannier.Route
import pannier.Status
import pannier.UpstreamInfo
import pannier.WaitKind

/** When a job is worth while. */
class DueTest {
    private val later = Instant.parse("2026-02-01T10:00:00Z")
    private val evenLater = later.plusSeconds(60)

    @Test
    fun `a job is due when there is something to send and nothing to wait for`() {
        assertEquals(null, due(status()))
        assertEquals(Instant.EPOCH, due(status(queued = 1)))
        assertEquals(later, due(status(nextDue = later)))
        assertEquals(Instant.EPOCH, due(status(queued = 1, nextDue = later)))
    }

    @Test
    fun `it waits for as long as Pannier waits for the LRS`() {
        for (why in WaitKind.entries) {
            assertEquals(later, due(status(queued = 1, until = later, why = why)))
            assertEquals(evenLater, due(status(nextDue = evenLater, until = later, why = why)))
            assertEquals(null, due(status(until = later, why = why)))
        }
    }

    @Test
    fun `there is none while there is nowhere to send to`() {
        assertEquals(null, due(status(queued = 1, nextDue = later).copy(endpoint = null)))
    }

    @Test
    fun `of several it is for the one that is due first, among those that are delivered to here`() {
        fun info(name: String, status: Status, opened: Boolean = true) = UpstreamInfo(name, Route(), opened, status)
        val (done, waits) = info("main", status()) to info("second", status(queued = 1, until = later, why = WaitKind.BACKOFF))
        assertEquals(null, due(listOf(done)))
        assertEquals(later, due(listOf(done, waits)))
        assertEquals(Instant.EPOCH, due(listOf(done, waits, info("third", status(queued = 1)))))
        assertEquals(later, due(listOf(done, waits, info("third", status(queued = 1), opened = false))))
        val needsApp = info("main", status(queued = 1, until = evenLater, why = WaitKind.APP))
        assertEquals(later, due(listOf(needsApp, waits)))
        assertEquals(evenLater, due(listOf(needsApp, done)))
    }

    private fun status(queued: Long = 0, nextDue: Instant? = null, until: Instant? = null, why: WaitKind? = null) =
        Status(
            recorded = 9, queued = queued, waiting = 0, held = 0, delivered = 0, retracted = 0, discarded = 0,
            replaced = 0, erased = 0, queuedBytes = 0, oldestQueuedAt = null, endpoint = "https://lrs.example/xAPI",
            syncing = false, network = true, waitingUntil = until, waitingFor = why, trouble = null,
            nextDue = nextDue, lastSuccess = null, speaks = null, learnedMaxStatements = null,
            learnedMaxBytes = null, clockSkewMs = null, loss = null,
        )
}
