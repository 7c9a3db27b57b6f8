package pannier.android

import java.util.concurrent.CopyOnWriteArrayList
import org.junit.AssumptionViolatedException

/**
 * Notes what of the disk and the network the thread that makes it touches through Pannier, as StrictMode does on a phone:
 * there it hooks into Android's own files and sockets, and Robolectric's are the JVM's. Loading classes does not count.
 */
@Suppress("DEPRECATION", "removal")
class MainThread : SecurityManager(), AutoCloseable {
    private val main = Thread.currentThread()

    val touched: MutableList<String> = CopyOnWriteArrayList()

    init {
        try {
            System.setSecurityManager(this)
        } catch (gone: UnsupportedOperationException) {
            throw AssumptionViolatedException("JDKs from 24 on have no SecurityManager", gone)
        }
    }

    override fun close() = System.setSecurityManager(null)

    override fun checkPermission(permission: java.security.Permission) = Unit

    override fun checkPermission(permission: java.security.Permission, context: Any) = Unit

    override fun checkRead(file: String) = note("reads $file")

    override fun checkWrite(file: String) = note("writes $file")

    override fun checkDelete(file: String) = note("deletes $file")

    override fun checkConnect(host: String, port: Int) = note("connects to $host")

    private fun note(what: String) {
        if (Thread.currentThread() !== main) return
        val stack = Throwable().stackTrace
        val byPannier = stack.any { it.className.startsWith("pannier.") && it.className != MainThread::class.java.name }
        if (byPannier && stack.none { "ClassLoader" in it.className }) touched += "$what\n${stack.joinToString("\n")}"
    }
}
