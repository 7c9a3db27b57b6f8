package trainer.android

import android.os.Looper
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import pannier.Credentials
import pannier.Hub
import pannier.android.eventually

/** The sample with a key from memory: Robolectric has no keystore. */
class TestTrainerApp : TrainerApp() {
    override fun key(): SecretKey = SecretKeySpec(ByteArray(16) { 7 }, "AES")
}

/** The sample, played through. */
@RunWith(RobolectricTestRunner::class)
@Config(application = TestTrainerApp::class)
class TrainerAppTest {
    private val app = RuntimeEnvironment.getApplication() as TestTrainerApp

    @Test
    fun `answers are kept, and delivered when there is an LRS`() = runBlocking {
        val activity = Robolectric.buildActivity(TrainerActivity::class.java).setup().get()
        for (answer in listOf("train", "platform")) {
            activity.answer.setText(answer)
            activity.ok.performClick()
        }
        assertEquals("No: station.", activity.message.text)
        shows("2 in the queue, 0 delivered") { activity.queue.text }
        activity.deliver.performClick()
        shows("endpoint") { activity.message.text }
        Hub().use { hub ->
            activity.endpoint.setText(hub.url)
            activity.user.setText(hub.user)
            activity.password.setText(hub.password)
            activity.deliver.performClick()
            shows("0 in the queue, 2 delivered") { activity.queue.text }
            shows("delivered.") { activity.message.text }
        }
        assertEquals(hubCredentials(), app.credentials.load())
        app.pannier.closeAndJoin()
    }

    @Test
    fun `credentials are sealed, and those of another key are none`() {
        val file = app.noBackupFilesDir.resolve("sealed")
        var key: SecretKey = KeyGenerator.getInstance("AES").generateKey()
        val store = CredentialStore(file) { key }
        assertEquals(null, store.load())
        store.save(Credentials.Basic("ada", "s3cret"))
        assertFalse("s3cret" in file.readBytes().decodeToString())
        assertEquals(Credentials.Basic("ada", "s3cret"), CredentialStore(file) { key }.load())
        val whole = file.readBytes()
        for (length in listOf(0, 5, whole.size - 1)) {
            file.writeBytes(whole.copyOf(length))
            assertEquals("$length bytes", null, store.load())
        }
        file.writeBytes(whole)
        key = KeyGenerator.getInstance("AES").generateKey()
        assertEquals(null, store.load())
    }

    private fun hubCredentials() = Credentials.Basic("me", "s3cret")

    private suspend fun shows(text: String, shown: () -> CharSequence) = eventually("\"$text\" is shown") {
        // What is meant for the main thread, which is this one.
        shadowOf(Looper.getMainLooper()).idle()
        text in shown()
    }
}
