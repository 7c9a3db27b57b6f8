package pannier.android

import org.junit.Assert.assertEquals
import org.junit.Test

/** When the collector has to be awake. */
class WakefulnessTest {
    private val changes = mutableListOf<Boolean>()

    private fun wakefulness(visible: Boolean) = Wakefulness(visible, changes::add).also { it.begin() }

    @Test
    fun `awake from the first activity to the last`() = with(wakefulness(visible = false)) {
        assertEquals(emptyList<Boolean>(), changes)
        activityStarted("a")
        activityStarted("b")
        activityStopped("a", forgood = true)
        assertEquals(listOf(true), changes)
        activityStopped("b", forgood = true)
        activityStarted("a")
        assertEquals(listOf(true, false, true), changes)
    }

    @Test
    fun `turning the device to the side wakes nobody up`() = with(wakefulness(visible = false)) {
        activityStarted("upright")
        activityStopped("upright", forgood = false)
        activityStarted("sideways")
        assertEquals(listOf(true), changes)
        activityStopped("sideways", forgood = true)
        assertEquals(listOf(true, false), changes)
    }

    @Test
    fun `an activity from before this was made counts too`() = with(wakefulness(visible = true)) {
        jobStarted()
        jobEnded()
        assertEquals(listOf(true), changes)
        activityStarted("from before")
        activityStarted("the next one")
        activityStopped("from before", forgood = true)
        assertEquals(listOf(true), changes)
        activityStopped("the next one", forgood = true)
        assertEquals(listOf(true, false), changes)
    }

    @Test
    fun `a job keeps awake for as long as it runs`() = with(wakefulness(visible = false)) {
        jobStarted()
        assertEquals(listOf(true), changes)
        jobEnded()
        jobStarted()
        activityStarted("a")
        jobEnded()
        assertEquals(listOf(true, false, true), changes)
        activityStopped("a", forgood = true)
        assertEquals(listOf(true, false, true, false), changes)
    }

    @Test
    fun `who comes awake where nobody needs it is told`() = with(wakefulness(visible = false)) {
        tellIfAsleep()
        assertEquals(listOf(false), changes)
        activityStarted("a")
        tellIfAsleep()
        assertEquals(listOf(false, true), changes)
    }
}
