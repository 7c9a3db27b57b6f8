package pannier.android

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import pannier.Collector
import pannier.PannierException
import pannier.Statement

/**
 * Opens a collector once for all who ask for it, and anew for who asks after that has failed. Cancelling who waits ends
 * no opening.
 *
 * What is posted meanwhile is kept, and is the first that the collector gets; if it cannot be opened, [tell] is told.
 */
internal class Opening(
    private val scope: CoroutineScope,
    private val open: suspend () -> Collector,
    private val opened: (Collector) -> Unit,
    private val tell: (Statement, Exception) -> Unit,
) {
    private val posted = mutableListOf<Statement>()

    /** Calls that wait for the collector, and are made before it is closed. */
    private val waiting = mutableSetOf<Job>()

    /** The one under way, or the one that has succeeded. */
    private var attempt: Deferred<Collector>? = null
    private var collector: Collector? = null
    private var isClosed = false

    suspend fun collector(): Collector = begin().await()

    /** The collector, if it is there: whoever asks so does not have it opened. */
    @Synchronized
    fun openedOrNull(): Collector? = collector

    /** Makes a call as soon as the collector is there, whether or not the caller goes on waiting for it. */
    suspend fun <T> call(work: suspend (Collector) -> T): T {
        currentCoroutineContext().ensureActive()
        val call = synchronized(this) {
            val attempt = begin()
            if (collector == null) whenOpen(attempt, work) else null
        }
        return if (call != null) call.await() else work(collector())
    }

    private fun <T> whenOpen(attempt: Deferred<Collector>, work: suspend (Collector) -> T): Deferred<T> {
        val call = scope.async { work(attempt.await()) }
        waiting += call
        call.invokeOnCompletion { synchronized(this) { waiting -= call } }
        return call
    }

    fun post(statement: Statement) {
        val refused = synchronized(this) {
            if (!isClosed) {
                collector?.let { return it.post(statement) }
                posted += statement
                begin()
                return
            }
            closed()
        }
        scope.launch { tell(statement, refused) }
    }

    /** Ends it. What is returned waits until the collector is closed, if there is one or is to be one. */
    @Synchronized
    fun close(): suspend () -> Unit {
        isClosed = true
        val (attempt, waiting) = attempt to waiting.toList()
        if (waiting.isEmpty()) collector?.close()
        return {
            waiting.joinAll()
            attempt?.let { runCatching { it.await() } }?.getOrNull()?.closeAndJoin()
        }
    }

    @Synchronized
    private fun begin(): Deferred<Collector> {
        if (isClosed) throw closed()
        return attempt ?: scope.async { openNow() }.also { attempt = it }
    }

    private suspend fun openNow(): Collector = try {
        open().also(::settle)
    } catch (error: Throwable) {
        val lost = synchronized(this) {
            attempt = null
            posted.toList().also { posted.clear() }
        }
        // Who waits for this is not cancelled: it would seem so.
        val told = if (error is CancellationException) IllegalStateException("the opening was cancelled", error) else error
        // By itself: who is told may wait for the next opening. It is told exceptions alone.
        scope.launch { lost.forEach { tell(it, told as? Exception ?: IllegalStateException(told)) } }
        throw told
    }

    private fun settle(collector: Collector) {
        synchronized(this) {
            this.collector = collector
            posted.forEach(collector::post)
            posted.clear()
        }
        opened(collector)
    }

    private fun closed() = PannierException.Closing("the collector is closed: make another one")
}
