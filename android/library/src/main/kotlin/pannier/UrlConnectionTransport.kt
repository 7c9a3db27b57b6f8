package pannier

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.SocketTimeoutException
import java.net.URL
import java.net.URLConnection
import java.time.Duration
import java.util.concurrent.Callable
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference

/**
 * Carries requests over the platform's own HTTP stack, [HttpURLConnection]: with its proxies and the
 * certificates that the device, its user or its company trusts, where the built-in HTTP knows those
 * of the web and of [Config.extraRoots] only.
 *
 * [open] makes the connections: give `network::openConnection` to use a certain Android network, or
 * set an `SSLSocketFactory` there. [connectTimeout] is for look-up, TCP and TLS together.
 *
 * A default `CookieHandler` or `Authenticator` that the app has set would add cookies or credentials
 * of its own to what is sent; set none.
 */
public class UrlConnectionTransport(
    private val connectTimeout: Duration = Duration.ofSeconds(20),
    private val userAgent: String = "pannier",
    private val open: (URL) -> URLConnection = URL::openConnection,
) : Transport {
    /** How many of the next requests get a connection each. */
    private val alone = AtomicInteger(0)

    override fun exchange(request: Request): Response {
        val exchange = Exchange(request)
        val answer = THREADS.submit(Callable(exchange::perform))
        try {
            return try {
                answer.get(minOf(connectTimeout, request.timeout).toMillis(), TimeUnit.MILLISECONDS)
            } catch (_: TimeoutException) {
                if (exchange.giveUpConnecting()) throw TransportException.Unreachable("no connection was made in time")
                answer.get(exchange.millisLeft(), TimeUnit.MILLISECONDS)
            }
        } catch (late: TimeoutException) {
            alone.set(ALONE_WITHOUT_AN_ANSWER)
            throw TransportException.TimedOut()
        } catch (failed: ExecutionException) {
            throw failed.cause ?: failed
        } finally {
            exchange.end()
        }
    }

    private enum class Stage { CONNECTING, SENDING, GIVEN_UP }

    /** One request. It is performed on a thread of its own, since a blocked one cannot be woken. */
    private inner class Exchange(private val request: Request) {
        private val until = System.nanoTime() + request.timeout.toNanos()
        private val stage = AtomicReference(Stage.CONNECTING)

        @Volatile
        private var connection: HttpURLConnection? = null

        fun millisLeft(): Long = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime()).coerceAtLeast(0)

        /** Whether nothing was sent, and nothing will be. */
        fun giveUpConnecting(): Boolean = stage.compareAndSet(Stage.CONNECTING, Stage.GIVEN_UP)

        /** Whatever is still under way is of no use any more. */
        fun end() {
            if (stage.getAndSet(Stage.GIVEN_UP) == Stage.GIVEN_UP) return
            // It may wait for whoever is reading.
            connection?.let { THREADS.execute(it::disconnect) }
        }

        fun perform(): Response = when (val body = request.body) {
            null -> perform(null)
            else -> OpenBody(body).use(::perform)
        }

        private fun perform(body: OpenBody?): Response {
            val connection = try {
                prepared(body).also { it.connect() }
            } catch (error: IOException) {
                throw TransportException.Unreachable(said(error))
            }
            this.connection = connection
            if (!stage.compareAndSet(Stage.CONNECTING, Stage.SENDING)) {
                connection.disconnect()
                throw TransportException.Unreachable("the connection came too late")
            }
            val answer = try {
                if (request.writes()) connection.outputStream.use { body?.writeTo(it) }
                received(connection)
            } catch (_: SocketTimeoutException) {
                alone.set(ALONE_WITHOUT_AN_ANSWER)
                throw TransportException.TimedOut()
            } catch (error: IOException) {
                alone.set(ALONE_WITHOUT_AN_ANSWER)
                throw TransportException.Broken(said(error))
            }
            alone.updateAndGet { (it - 1).coerceAtLeast(0) }
            // Read to its end: the connection may be used again.
            stage.set(Stage.GIVEN_UP)
            return answer
        }

        private fun prepared(body: OpenBody?) = (open(URL(request.url)) as HttpURLConnection).apply {
            instanceFollowRedirects = false
            // Costs a Cache-Control and a Pragma header; a look-up must not be answered from a cache.
            useCaches = false
            connectTimeout = minOf(this@UrlConnectionTransport.connectTimeout, request.timeout).toMillis().toInt()
            readTimeout = request.timeout.toMillis().toInt()
            requestMethod = request.method.name
            setRequestProperty("User-Agent", userAgent)
            // Android asks for gzip otherwise.
            setRequestProperty("Accept-Encoding", "identity")
            if (alone.get() > 0) setRequestProperty("Connection", "close")
            for (header in request.headers) addRequestProperty(header.name, header.value)
            if (request.writes()) {
                doOutput = true
                // So it goes with Content-Length, and what breaks is never sent again, not even a DELETE without a body.
                setFixedLengthStreamingMode(body?.size ?: 0L)
            }
        }

        private fun read(stream: InputStream, longest: Long, connection: HttpURLConnection) = try {
            beginning(stream, longest)
        } finally {
            // The JDK keeps a connection whose stream is closed, in spite of what it was asked for.
            if (alone.get() > 0) connection.disconnect() else stream.close()
        }

        private fun received(connection: HttpURLConnection): Response {
            val status = connection.responseCode
            if (status < 0) throw IOException("what came is not HTTP")
            val headers = connection.headerFields.flatMap { (name, values) ->
                if (name == null) emptyList() else values.map { Header(name, it) }
            }
            val longest = request.longestAnswer.coerceIn(0, Int.MAX_VALUE - 64L)
            val (body, cut) = try {
                val stream = if (status >= 400) connection.errorStream else connection.inputStream
                (stream?.let { read(it, longest, connection) } ?: (ByteArray(0) to false)).also { (body, _) ->
                    // The JDK takes an early end for the end; an answer to HEAD has none of what its head announces.
                    if (request.method != Method.HEAD && body.size < minOf(connection.contentLengthLong, longest)) throw IOException("the answer broke off")
                }
            } catch (error: IOException) {
                // A refusal is known by its status, of which the body is but the explanation.
                if (status < 300) throw error
                ByteArray(0) to false
            }
            return Response(status, headers, body, cut)
        }
    }

    private fun Request.writes() = method != Method.GET && method != Method.HEAD

    private companion object {
        /** They end when they have had nothing to do for a minute, and keep no app alive. */
        val THREADS = Executors.newCachedThreadPool { Thread(it, "pannier-http").apply { isDaemon = true } }

        /** Something on the way may answer only the first request of a connection, or close it after an answer without a word. */
        private const val ALONE_WITHOUT_AN_ANSWER = 50

        /** As much of it as is worth keeping, and whether there is more. */
        fun beginning(stream: InputStream, longest: Long): Pair<ByteArray, Boolean> {
            val body = ByteArrayOutputStream()
            val piece = ByteArray(16 * 1024)
            while (true) {
                val read = stream.read(piece)
                if (read < 0) return body.toByteArray() to false
                val kept = minOf(read.toLong(), longest - body.size()).toInt()
                body.write(piece, 0, kept)
                if (kept < read) return body.toByteArray() to true
            }
        }

        /** For people; names no URL, which the texts of these exceptions may. */
        fun said(error: IOException): String {
            val words = error.message.orEmpty()
            return if (words.isEmpty() || "://" in words) error.javaClass.simpleName else words
        }
    }
}
