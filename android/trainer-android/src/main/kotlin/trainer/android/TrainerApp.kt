package trainer.android

import android.app.Application
import javax.crypto.SecretKey
import pannier.Config
import pannier.android.BackgroundSync
import pannier.android.Networks
import pannier.android.appCollector

/**
 * The vocabulary trainer for a phone: the sample `android/trainer` with what only Android has. What
 * is answered on the screen is sent a minute later over any network; what is left when the app is
 * gone goes out by itself when there is Wi-Fi.
 */
open class TrainerApp : Application() {
    val pannier by appCollector(backgroundSync = BackgroundSync(Networks.UNMETERED)) {
        // Where to deliver to is asked on the screen, and kept in the queue's file.
        Config(credentials = credentials.load())
    }

    val credentials by lazy { CredentialStore(noBackupFilesDir.resolve("credentials"), ::key) }

    /** What the credentials are sealed with. */
    protected open fun key(): SecretKey = keystoreKey("trainer")
}
