package pannier

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.joinAll

/**
 * In which order calls, pauses and resumes reach the file: a pause waits for the calls that were made before it, and
 * calls wait for the resume that was made before them. Otherwise an app that records and pauses in one breath would not
 * know which came first.
 */
internal class Turns(private val scope: CoroutineScope) {
    private val calls = mutableSetOf<Job>()

    /** The last pause, resume or closing. */
    private var last: Job? = null

    /** The last one, if it is a resume: calls wait for it. */
    private var opening: Job? = null

    /** Makes a call; a pause [waits] for it, unless it is one that a pause ends. */
    fun <T> call(on: CoroutineDispatcher, waits: Boolean, work: () -> T): Deferred<T> = synchronized(this) {
        val opening = opening
        val call = scope.async(on) {
            opening?.join()
            work()
        }
        if (waits) {
            calls += call
            call.invokeOnCompletion { synchronized(this) { calls -= call } }
        }
        call
    }

    /** Pauses, resumes or closes, after those before it. [opens]: calls wait for it. Otherwise it waits for them. */
    fun turn(on: CoroutineDispatcher, opens: Boolean, work: () -> Unit): Deferred<Unit> = synchronized(this) {
        val before = last
        val calls = if (opens) emptyList() else calls.toList()
        scope.async(on) {
            before?.join()
            calls.joinAll()
            work()
        }.also {
            last = it
            opening = it.takeIf { opens }
        }
    }
}
