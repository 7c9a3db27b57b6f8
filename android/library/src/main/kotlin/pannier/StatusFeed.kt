package pannier

import java.lang.ref.WeakReference
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/**
 * How things stand, read again whenever something may have changed. It holds nobody's collector: one that the app has
 * forgotten ends.
 */
internal class StatusFeed(upstreams: List<UpstreamInfo>) {
    private val changes = Channel<Unit>(Channel.CONFLATED)
    private val latest = MutableStateFlow(upstreams)
    private val latestOfMain = MutableStateFlow(upstreams.first().status)

    val statuses: StateFlow<List<UpstreamInfo>> = latest.asStateFlow()
    val statusOfMain: StateFlow<Status> = latestOfMain.asStateFlow()

    /** Something may be otherwise now. Never waits. */
    fun changed() {
        changes.trySend(Unit)
    }

    /** Reads and shows it; one at a time, so that none overwrites a newer one. */
    fun read(from: BlockingCollector) = synchronized(changes) { show(from.upstreams()) }

    /** What is known without reading, shown at once. Does not wait for a reading under way, which is followed by another. */
    fun amend(change: (Status) -> Status) {
        synchronized(latest) { show(latest.value.map { it.copy(status = change(it.status)) }) }
        changed()
    }

    /** Reads after each change, until this is closed or nobody has the collector any more. */
    suspend fun keepUp(collector: WeakReference<BlockingCollector>) {
        for (change in changes) {
            if (!isRead(collector)) return
            delay(EVERY_MS)
        }
    }

    fun close() {
        changes.close()
    }

    /** A function of its own, as what a coroutine has in hand while it waits is held. */
    private fun isRead(collector: WeakReference<BlockingCollector>): Boolean {
        val there = collector.get() ?: return false
        // While paused there is nothing to read; what was true last is shown.
        runCatching { read(there) }
        return true
    }

    private fun show(upstreams: List<UpstreamInfo>) = synchronized(latest) {
        latest.value = upstreams
        latestOfMain.value = upstreams.first().status
    }

    private companion object {
        /** The status is read at most so often. */
        const val EVERY_MS = 50L
    }
}
