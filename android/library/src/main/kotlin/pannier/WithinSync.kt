package pannier

import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlinx.coroutines.currentCoroutineContext

/**
 * Marks what the app does while a sync of one collector waits for it, on whatever thread: were it to sync
 * the same collector, the two would wait for each other.
 */
internal class WithinSync : AbstractCoroutineContextElement(WithinSync) {
    fun transport(apps: Transport): Transport = object : Transport {
        override fun exchange(request: Request): Response = marked { apps.exchange(request) }
    }

    fun provider(apps: CredentialsProvider): CredentialsProvider = object : CredentialsProvider {
        override fun credentials(): Credentials? = marked { apps.credentials() }
    }

    /** Whether the caller is waited for by a sync that bears this mark. */
    suspend fun isAround(): Boolean =
        currentCoroutineContext()[WithinSync] === this || onThisThread.get() === this

    private fun <T> marked(work: () -> T): T {
        onThisThread.set(this)
        try {
            return work()
        } finally {
            onThisThread.remove()
        }
    }

    companion object Key : CoroutineContext.Key<WithinSync> {
        private val onThisThread = ThreadLocal<WithinSync?>()

        /** For coroutines that this thread starts and waits for. */
        fun here(): CoroutineContext = onThisThread.get() ?: EmptyCoroutineContext
    }
}
