package trainer

import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import pannier.Config
import pannier.Hub
import pannier.queue

/** The sample, played through: on the train, and at home. */
class TrainerTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `answers given without a network are delivered when there is one`() = runBlocking {
        val said = play(Config(), "train", "platform")
        assertEquals(listOf("der Zug?", "Right.", "der Bahnhof?", "No: station."), said.take(4))
        assertTrue("2 answers are in the queue." in said, "$said")
        Hub().use { hub ->
            val now = play(hub.config, "Train", "station", "ticket")
            assertTrue("5 answers are in the queue." in now && "5 delivered." in now, "$now")
        }
    }

    private suspend fun play(config: Config, vararg answers: String): List<String> {
        val left = answers.toMutableList()
        return buildList { train(folder.queue(), config, left::removeFirstOrNull, ::add) }
    }
}
