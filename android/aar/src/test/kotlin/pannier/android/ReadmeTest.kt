package pannier.android

import android.app.Application
import kotlin.io.path.Path
import kotlin.io.path.readText
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config as On
import pannier.Config
import pannier.Credentials
import pannier.lesson

class LessonsApp : Application() {
    val pannier by appCollector(backgroundSync = BackgroundSync(Networks.UNMETERED)) {
        Config(
            endpoint = "https://lrs.example/xAPI",
            credentials = Credentials.Basic("app", "secret"),
        )
    }
}

/** The README's app is the one above, and it works. */
@RunWith(RobolectricTestRunner::class)
@On(application = LessonsApp::class)
class ReadmeTest {
    @Test
    fun `the app is as it stands in the README, and records`() = runBlocking {
        val app = RuntimeEnvironment.getApplication() as LessonsApp
        app.pannier.record(lesson(1))
        assertEquals(1, app.pannier.collector().readStatus().queued)
        app.pannier.closeAndJoin()
        val source = Path("src/test/kotlin/pannier/android/ReadmeTest.kt").readText()
        val example = source.substringAfter("\n\nclass LessonsApp").substringBefore("\n}\n")
        assertTrue("```kotlin\nclass LessonsApp$example\n}\n```" in Path("../README.md").readText())
    }
}
