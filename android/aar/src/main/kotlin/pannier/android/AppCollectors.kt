package pannier.android

import android.app.Application
import android.content.Context
import android.content.pm.PackageManager
import java.nio.file.Path
import pannier.Collector
import pannier.Config
import pannier.CredentialsProvider
import pannier.OnNotRecorded
import pannier.Transport

/**
 * Makes the [AppCollector] of an app that has no [Application] class of its own, such as one of Unity or Unreal. Its
 * class has a constructor without parameters and is named in the manifest, within `<application>`:
 *
 * ```
 * <meta-data android:name="pannier.android.AppCollectorFactory" android:value="com.example.LessonsFactory" />
 * ```
 *
 * [AppCollector.of] asks it once, and so does a job of [BackgroundSync] for which the system has started the app.
 */
public fun interface AppCollectorFactory {
    /** May be called on the main thread. */
    public fun create(context: Context): AppCollector
}

/**
 * Declares the app's [AppCollector], made when it is first used:
 *
 * ```
 * class LessonsApp : Application() {
 *     val pannier by appCollector { Config(endpoint = "https://lrs.example/xAPI") }
 * }
 * ```
 *
 * A job of [BackgroundSync] finds it when the system has started the app for that. The parameters are those of
 * [AppCollector].
 */
public fun Application.appCollector(
    networks: Networks = Networks.ANY,
    backgroundSync: BackgroundSync? = null,
    pauseInBackground: Boolean = false,
    file: Path? = null,
    onNotRecorded: OnNotRecorded? = null,
    onOpen: suspend (Collector) -> Unit = {},
    transport: Transport? = null,
    credentialsProvider: CredentialsProvider? = null,
    configure: suspend () -> Config,
): Lazy<AppCollector> = lazy {
    AppCollector(
        this, networks, backgroundSync, pauseInBackground, file, onNotRecorded, onOpen, transport, credentialsProvider,
        configure,
    )
}.also { AppCollectors.declare(this, it) }

/** Where the app's collector is found by who has only a [Context]. */
internal object AppCollectors {
    private var application: Application? = null

    /** Those that are not closed, the last one made last. */
    private val declared = mutableListOf<Lazy<AppCollector>>()
    private var wasClosed = false

    @Synchronized
    fun declare(of: Application, collector: Lazy<AppCollector>) {
        if (application !== of) forgetAll()
        application = of
        declared += collector
    }

    /** It is closed; those that are declared otherwise stay. */
    @Synchronized
    fun forget(collector: AppCollector) {
        wasClosed = declared.removeAll { it.isInitialized() && it.value === collector } || wasClosed
    }

    fun of(context: Context): AppCollector {
        val app = context.applicationContext as Application
        val there = synchronized(this) {
            if (application !== app) forgetAll()
            declared.lastOrNull() ?: lazy { made(app) }.also { declare(app, it) }
        }
        // Not while others wait: what is made declares itself.
        return there.value
    }

    private fun forgetAll() {
        declared.clear()
        wasClosed = false
    }

    private fun made(app: Application): AppCollector {
        val name = app.packageManager.getApplicationInfo(app.packageName, PackageManager.GET_META_DATA)
            .metaData?.getString(AppCollectorFactory::class.java.name)
        checkNotNull(name) {
            if (wasClosed) "the AppCollector is closed: make another one, or leave it open, as an app's may be for as long as " +
                "it lives"
            else "there is no AppCollector: declare one in ${app.javaClass.name} (val pannier by appCollector { … }), or name an " +
                "AppCollectorFactory in the manifest"
        }
        val factory = Class.forName(name, true, app.classLoader).getDeclaredConstructor().newInstance()
        return (factory as AppCollectorFactory).create(app)
    }
}
