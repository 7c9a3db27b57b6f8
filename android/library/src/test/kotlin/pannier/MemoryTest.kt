package pannier

import java.io.File
import java.nio.file.Path
import java.util.UUID
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir

/** That a million calls leave nothing behind: the heap is all there from the start, so what grows leaks. */
class MemoryTest {
    @TempDir
    lateinit var folder: Path

    @Test
    @EnabledOnOs(OS.LINUX)
    fun `a million calls leak nothing`() {
        BlockingCollector.open(folder.queue().toString(), Config()).use { collector ->
            val one = lesson(1, UUID.randomUUID())
            collector.record(one)
            collector.addListener(object : EventListener {
                override fun onEvent(event: Event) = Unit
            })
            fun calls(count: Int) = repeat(count / 20) {
                repeat(14) { collector.setNetwork(true) }
                repeat(2) { one.toJson() }
                collector.status()
                collector.queued()
                assertThrows<PannierException.Invalid> { checkStatement("{}", XapiVersion.V2_0_0) }
                // The same again changes nothing.
                collector.record(one)
            }
            calls(50_000)
            val before = residentKib()
            calls(CALLS)
            val grown = residentKib() - before
            assertTrue(grown < ALLOWED_KIB, "$grown KiB more after $CALLS calls")
        }
    }

    private fun residentKib() =
        File("/proc/self/status").readLines().first { it.startsWith("VmRSS") }.filter(Char::isDigit).toInt()

    private companion object {
        /** A leak of 30 bytes a call, or of 500 in the rarest ones, would show. */
        const val CALLS = 1_000_000
        const val ALLOWED_KIB = 24 * 1024
    }
}
