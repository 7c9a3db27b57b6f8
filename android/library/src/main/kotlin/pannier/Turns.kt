package pannier

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch

/**
 * In which order calls, pauses and resumes reach the file: a pause waits for the calls that were made before it, and
 * calls wait for the resume that was made before them. Otherwise an app that records and pauses in one breath would not
 * know which came first. What is posted keeps its order, and whatever is called after it waits for it.
 */
internal class Turns(private val scope: CoroutineScope) {
    private val calls = mutableSetOf<Job>()

    /** The last pause, resume or closing. */
    private var last: Job? = null

    /** The last one, if it is a resume: calls wait for it. */
    private var opening: Job? = null

    /** What was posted last, until it is recorded. */
    private var posting: Posting? = null

    private class Posting(val posted: MutableList<Posted>) {
        /** Whether more may be added: nothing was called since, and it is not being recorded. */
        var isOpen = true
        lateinit var job: Job
    }

    /** Makes a call; a pause [waits] for it, unless it is one that a pause ends. */
    fun <T> call(on: CoroutineDispatcher, waits: Boolean, work: () -> T): Deferred<T> = synchronized(this) {
        val (opening, posting) = opening to endPosting()
        val call = scope.async(on) {
            opening?.join()
            posting?.join()
            work()
        }
        if (waits) remember(call)
        call
    }

    /** Has it recorded by [work], together with what else is posted before its turn comes. */
    fun post(on: CoroutineDispatcher, posted: Posted, work: (List<Posted>) -> Unit): Unit = synchronized(this) {
        posting?.takeIf { it.isOpen }?.let {
            it.posted += posted
            return
        }
        val (opening, before) = opening to posting?.job
        val mine = Posting(mutableListOf(posted)).also { posting = it }
        mine.job = scope.launch(on) {
            opening?.join()
            before?.join()
            synchronized(this@Turns) { mine.isOpen = false }
            work(mine.posted)
        }
        mine.job.invokeOnCompletion { synchronized(this) { if (posting === mine) posting = null } }
        remember(mine.job)
    }

    /** Pauses, resumes or closes, after those before it. [opens]: calls wait for it. Otherwise it waits for them. */
    fun turn(on: CoroutineDispatcher, opens: Boolean, work: () -> Unit): Deferred<Unit> = synchronized(this) {
        val before = last
        endPosting()
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

    /** What is called now comes after it. */
    private fun endPosting(): Job? = posting?.also { it.isOpen = false }?.job

    /** A pause waits for it. */
    private fun remember(call: Job) {
        calls += call
        call.invokeOnCompletion { synchronized(this) { calls -= call } }
    }
}
