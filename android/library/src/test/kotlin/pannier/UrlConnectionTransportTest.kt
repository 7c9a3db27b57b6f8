package pannier

import java.io.RandomAccessFile
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** The platform's own HTTP, against the hub and against servers that behave badly. */
class UrlConnectionTransportTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `it delivers, and wrong credentials are told apart`() = runBlocking {
        Hub().use { hub ->
            val wrong = hub.config.copy(credentials = Credentials.Basic("me", "wrong"))
            Collector.open(folder.queue(), wrong, UrlConnectionTransport()).use { collector ->
                val ids = List(120) { collector.record(lesson(it)).id }
                val ended = collector.sync().ended
                assertTrue(ended is Ended.NeedsApp && ended.trouble.problem == Problem.CREDENTIALS, "$ended")
                collector.setCredentials(hub.credentials)
                val report = collector.sync()
                assertEquals(120 to Ended.Emptied, report.delivered.toInt() to report.ended)
                assertNotNull(hub.statement(ids.last()))
            }
        }
    }

    @Test
    fun `a request goes out whole and once, with nothing added that matters`() {
        val server = Server { it.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nok") }
        val answer = server.use { exchange(post(it)) }
        assertEquals(200 to "ok", answer.status to answer.body.decodeToString())
        assertEquals(setOf("1", "2"), answer.headers.filter { it.name == "X-A" }.map { it.value }.toSet())
        val asked = server.asked.single()
        assertTrue(asked.startsWith("POST /xAPI/statements?a=s3cret HTTP/1.1\r\n") && asked.endsWith("\r\n\r\n[1,2]"), asked)
        val names = asked.lines().drop(1).map { it.substringBefore(':').lowercase() }.takeWhile { it.isNotEmpty() }
        val known = setOf(
            "accept", "accept-encoding", "authorization", "cache-control", "connection", "content-length", "content-type",
            "host", "pragma", "user-agent",
        )
        assertEquals(emptySet<String>(), names.toSet() - known)
        assertTrue("Accept: application/json" in asked && "Content-Length: 5" in asked, asked)
    }

    @Test
    fun `every status is an answer, and no redirect is followed`() {
        for (status in listOf(204, 302, 307, 400, 401, 404, 407, 409, 413, 429, 500, 503)) {
            for (request in listOf(::post, ::get)) Server {
                val words = if (status == 204) "" else "Content-Length: 2\r\n"
                it.answer("HTTP/1.1 $status X\r\nRetry-After: 7\r\nLocation: /other\r\n$words\r\n${if (status == 204) "" else "no"}")
            }.use { server ->
                val answer = exchange(request(server))
                assertEquals(status, answer.status)
                assertTrue(answer.headers.any { it.name == "Retry-After" && it.value == "7" }, "$status")
                // A POST that is refused for want of credentials is known by its status only.
                val unexplained = status == 204 || request == ::post && status in setOf(401, 407)
                if (!unexplained) assertEquals("no", answer.body.decodeToString(), "$status")
                assertEquals(1, server.asked.size)
            }
        }
    }

    @Test
    fun `nobody there is unreachable, and says nothing secret`() {
        val closed = Server { }.apply { close() }
        // A port that is free at one moment may be another program's at the next; nobody gets this one.
        for (nobody in listOf("127.0.0.1:1", "no.such.host.invalid")) {
            val error = assertThrows<TransportException.Unreachable> {
                exchange(post(closed).copy(url = "http://$nobody/xAPI?a=s3cret"))
            }
            assertFalse("s3cret" in "$error ${error.reason}", "$error")
        }
    }

    @Test
    fun `a connection that ends before the answer is broken, and a POST is not sent again`() {
        for (begun in listOf("", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "what is this?\r\n\r\n")) {
            Server { it.answer(begun) }.use { server ->
                val error = assertThrows<TransportException.Broken>(begun) { exchange(post(server)) }
                assertFalse("s3cret" in "$error ${error.reason}", "$error")
                assertEquals(1, server.asked.size)
            }
        }
    }

    @Test
    fun `after one that broke each request has a connection of its own`() {
        // It closes when a second one comes, as one that closes some time after an answer without a word.
        Server {
            it.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            it.getInputStream().read()
        }.use { server ->
            val transport = UrlConnectionTransport()
            val answered = List(5) { runCatching { transport.exchange(post(server)) } }.count { it.isSuccess }
            assertTrue(answered >= 4, "$answered of 5")
        }
    }

    @Test
    fun `the time-out holds, whether the server is silent or never comes to an end`() {
        val over = CountDownLatch(1)
        for (begun in listOf("", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) Server { socket ->
            socket.getOutputStream().write(begun.toByteArray())
            over.await()
        }.use { server ->
            assertThrows<TransportException.TimedOut> {
                exchange(post(server).copy(timeout = Duration.ofMillis(300)))
            }
        }
        over.countDown()
    }

    @Test
    fun `who connects too late sends nothing`() {
        Server { it.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }.use { server ->
            val goOn = CountDownLatch(1)
            val opened = LinkedBlockingQueue<Boolean>()
            val slow = UrlConnectionTransport(connectTimeout = Duration.ofMillis(100)) {
                goOn.await()
                it.openConnection().also { opened += true }
            }
            assertThrows<TransportException.Unreachable> { slow.exchange(post(server)) }
            goOn.countDown()
            assertNotNull(opened.poll(10, TimeUnit.SECONDS))
            // The next one is the first that the server hears.
            exchange(get(server))
            assertTrue(server.asked.single().startsWith("GET"), "${server.asked}")
        }
    }

    @Test
    fun `an answer that is longer than was asked for is cut, and says so`() {
        Server { it.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345") }.use { server ->
            val short = exchange(get(server).copy(longestAnswer = 4))
            assertEquals("1234" to true, short.body.decodeToString() to short.cut)
            val whole = exchange(get(server).copy(longestAnswer = 5))
            assertEquals("12345" to false, whole.body.decodeToString() to whole.cut)
        }
    }

    @Test
    fun `a file is sent as it lies there, and not by way of the memory`() {
        val large = folder.resolve("large").toFile()
        // Four times the heap of these tests; the disk has none of it.
        val length = 4 * Runtime.getRuntime().maxMemory()
        RandomAccessFile(large, "rw").use { it.setLength(length) }
        val ends = folder.resolve("ends").toFile().apply { writeText("0123456789") }
        val body = Body(
            listOf(
                BodyPiece.File(ends.path, 7, 3),
                BodyPiece.File(large.path, 0, length),
                BodyPiece.Bytes("end".toByteArray()),
            ),
        )
        assertEquals(length + 6, body.size)
        Server { it.answer("HTTP/1.1 204 No Content\r\n\r\n") }.use { server ->
            val answer = exchange(post(server).copy(method = Method.PUT, body = body, timeout = Duration.ofMinutes(5)))
            assertEquals(204, answer.status)
            assertEquals(length + 6, server.bodies.single())
            val asked = server.asked.single()
            assertTrue(asked.startsWith("PUT ") && "Content-Length: ${length + 6}" in asked, asked)
            assertTrue("789" in asked && "chunked" !in asked, asked)
        }
    }

    @Test
    fun `what cannot be read is not sent`() {
        val file = folder.resolve("s3cret").toFile().apply { writeText("0123456789") }
        Server { it.answer("HTTP/1.1 204 No Content\r\n\r\n") }.use { server ->
            for (piece in listOf(
                BodyPiece.File(file.path, 8, 3),
                BodyPiece.File(file.path, Long.MAX_VALUE, 2),
                BodyPiece.File(file.path + ".none", 0, 1),
                BodyPiece.File(folder.toString(), 0, 1),
            )) {
                val body = Body(listOf(BodyPiece.Bytes("{}".toByteArray()), piece))
                val error = assertThrows<TransportException.Unreadable> { exchange(post(server).copy(body = body)) }
                assertFalse("s3cret" in error.message.orEmpty(), error.message)
            }
            assertEquals(0, server.asked.size)
        }
    }

    @Test
    fun `a document is asked for by its head, and deleted once`() {
        Server { it.answer("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"x\"\r\n\r\n") }.use { server ->
            val answer = exchange(get(server).copy(method = Method.HEAD))
            assertEquals(200 to 0, answer.status to answer.body.size)
            assertTrue(answer.headers.any { it.name.equals("etag", ignoreCase = true) && it.value == "\"x\"" })
            assertTrue(server.asked.single().startsWith("HEAD "), server.asked.toString())
        }
        Server { it.close() }.use { server ->
            assertThrows<TransportException.Broken> {
                exchange(post(server).copy(method = Method.DELETE, body = null))
            }
            assertEquals(1, server.asked.size)
            assertTrue(server.asked.single().startsWith("DELETE "), server.asked.toString())
        }
    }

    private fun exchange(request: Request) = UrlConnectionTransport().exchange(request)

    private fun post(server: Server) = Request(
        Method.POST,
        "${server.url}/xAPI/statements?a=s3cret",
        listOf("Accept" to "application/json", "Authorization" to "Basic s3cret", "Content-Type" to "application/json")
            .map { (name, value) -> Header(name, value) },
        Body(listOf(BodyPiece.Bytes("[1,2]".toByteArray()))),
        Duration.ofSeconds(20),
        longestAnswer = 1_000_000,
    )

    private fun get(server: Server) = post(server).copy(method = Method.GET, body = null)

    /** Does the same to everybody who asks; each connection is for one request. */
    private class Server(private val behave: (Socket) -> Unit) : AutoCloseable {
        /** The head of each request and what its body begins with. */
        val asked = LinkedBlockingQueue<String>()

        /** How many bytes each body had. */
        val bodies = LinkedBlockingQueue<Long>()
        private val listening = ServerSocket(0, 10, InetAddress.getLoopbackAddress())
        val url = "http://127.0.0.1:${listening.localPort}"

        init {
            thread(isDaemon = true) {
                while (true) {
                    val socket = runCatching { listening.accept() }.getOrNull() ?: break
                    thread(isDaemon = true) { socket.use(::serve) }
                }
            }
        }

        private fun serve(socket: Socket) {
            val input = socket.getInputStream()
            val text = StringBuilder()
            while (!text.endsWith("\r\n\r\n")) text.append(input.read().takeIf { it >= 0 }?.toChar() ?: return)
            val length = Regex("Content-Length: (\\d+)").find(text)?.run { groupValues[1].toLong() } ?: 0L
            val begins = input.readNBytes(minOf(length, 100L).toInt())
            val chunk = ByteArray(64 * 1024)
            var came = begins.size.toLong()
            while (came < length) came += input.read(chunk).takeIf { it > 0 } ?: break
            bodies += came
            asked += "$text${begins.decodeToString()}"
            behave(socket)
        }

        override fun close() = listening.close()
    }
}

private fun Socket.answer(text: String) = getOutputStream().run {
    write(text.toByteArray())
    flush()
}
