package pannier

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * Passes events on to everybody who collects them. Telling never waits for anybody.
 *
 * That a damaged file was saved is told while the collector is opened, when nobody can listen yet:
 * it is kept for the first who does.
 */
internal class EventFeed {
    private val subscribers = mutableListOf<Subscriber>()
    private val unheard = mutableListOf<Event.Salvaged>()
    private var closed = false

    val events: Flow<Event> = flow {
        val subscriber = subscribe()
        try {
            for (event in subscriber.channel) emit(event)
        } finally {
            synchronized(this@EventFeed) { subscribers -= subscriber }
        }
    }

    @Synchronized
    fun tell(event: Event) {
        if (subscribers.isEmpty() && event is Event.Salvaged) unheard += event
        subscribers.forEach { it.tell(event) }
    }

    @Synchronized
    fun close() {
        closed = true
        subscribers.forEach { it.channel.close() }
    }

    @Synchronized
    private fun subscribe() = Subscriber().also {
        unheard.forEach(it::tell)
        unheard.clear()
        if (closed) it.channel.close() else subscribers += it
    }

    private class Subscriber {
        val channel = Channel<Event>(KEPT)
        private var missed = 0L

        fun tell(event: Event) {
            if (missed > 0 && channel.trySend(Event.Missed(missed)).isSuccess) missed = 0
            if (missed > 0 || !channel.trySend(event).isSuccess) missed++
        }
    }

    private companion object {
        /** Events kept for somebody who collects slowly. */
        const val KEPT = 1_024
    }
}
