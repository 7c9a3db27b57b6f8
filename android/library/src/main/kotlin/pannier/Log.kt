package pannier

import java.util.logging.Level
import java.util.logging.Logger

/** The platform's log: Logcat with the tag `Pannier` on Android, and the JVM's logger `pannier` elsewhere. */
internal object PlatformLog : PannierLogger {
    /** Called by its name, as no JVM but Android's has it. */
    private val logcat = runCatching {
        Class.forName("android.util.Log")
            .getMethod("println", Int::class.java, String::class.java, String::class.java)
    }.getOrNull()

    override fun log(entry: LogEntry): Unit = write(entry.level, entry.toString())

    fun write(level: LogLevel, text: String, error: Throwable? = null) {
        val whole = if (error == null) text else "$text\n${error.stackTraceToString()}"
        // Android's stub for an app's own tests throws.
        val written = runCatching { logcat?.invoke(null, priority(level), "Pannier", whole) }.getOrNull()
        if (written == null) Logger.getLogger("pannier").log(weight(level), text, error)
    }

    /** As Android numbers them. */
    private fun priority(level: LogLevel) = when (level) {
        LogLevel.OFF, LogLevel.ERROR -> 6
        LogLevel.WARN -> 5
        LogLevel.INFO -> 4
        LogLevel.DEBUG -> 3
    }

    private fun weight(level: LogLevel) = when (level) {
        LogLevel.OFF, LogLevel.ERROR -> Level.SEVERE
        LogLevel.WARN -> Level.WARNING
        LogLevel.INFO -> Level.INFO
        LogLevel.DEBUG -> Level.FINE
    }
}

/** Who is told what happens within Pannier: what the app says, or the platform's log as soon as a collector is opened. */
internal object Log {
    private var isSet = false

    @Synchronized
    fun tell(level: LogLevel, logger: PannierLogger?) {
        setLogger(level, logger ?: PlatformLog)
        isSet = true
    }

    @Synchronized
    fun begin() {
        if (!isSet) tell(LogLevel.WARN, null)
    }
}
