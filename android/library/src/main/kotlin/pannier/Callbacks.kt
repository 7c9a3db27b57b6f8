package pannier

import kotlinx.coroutines.runBlocking

/**
 * A provider that calls [find], on a background thread, when the LRS refuses the credentials: to
 * sign in again, to refresh a token. `null` or an exception: there are none to be had now.
 */
public fun CredentialsProvider(find: suspend () -> Credentials?): CredentialsProvider =
    object : CredentialsProvider {
        override fun credentials(): Credentials? = runBlocking(WithinSync.here()) { find() }
    }

/**
 * A transport over the app's own HTTP stack; [Transport] says what must be true of it. [exchange] is
 * called on a background thread, and tells by a [TransportException] why there is no answer.
 */
public fun Transport(exchange: suspend (Request) -> Response): Transport =
    object : Transport {
        override fun exchange(request: Request): Response = runBlocking(WithinSync.here()) { exchange(request) }
    }
