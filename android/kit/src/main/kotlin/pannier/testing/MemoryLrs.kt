package pannier.testing

import java.io.ByteArrayOutputStream
import java.time.Duration
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.util.Base64
import java.util.Locale
import java.util.UUID
import pannier.Credentials
import pannier.Header
import pannier.Method
import pannier.Request
import pannier.Response
import pannier.Transport
import pannier.TransportException
import pannier.writeTo

/**
 * An LRS in memory, and the way to it: a [Transport]. It stores a batch whole or not at all, knows what it has by its
 * id, and gives xAPI's headers with its answers, as a good one does. Whatever thread calls it.
 *
 * Waits are those of an app: `collector.sync()` after a failure may say until when it waits.
 */
public class MemoryLrs : Transport {
    private val there = sortedMapOf<UUID, String>()
    private val voided = mutableSetOf<UUID>()
    private val times = mutableMapOf<UUID, Int>()
    private val refused = mutableListOf<Pair<String, Int>>()
    private val next = ArrayDeque<Failure>()
    private var always: Failure? = null
    private var authorization: String? = null
    private var mostBytes = Int.MAX_VALUE
    private var asked = 0
    private var ahead = Duration.ZERO

    /** From now on only these credentials are taken; anything else is answered by 401. */
    @Synchronized
    public fun expect(credentials: Credentials) {
        authorization = when (credentials) {
            is Credentials.Basic -> "Basic " + base64("${credentials.user}:${credentials.password}")
            is Credentials.Basic64 -> "Basic " + credentials.value
            is Credentials.Bearer -> "Bearer " + credentials.token
        }
    }

    /** From now on a batch of more bytes is answered by 413. */
    @Synchronized
    public fun limitBytes(most: Int) {
        mostBytes = most
    }

    /** From now on a batch in which this text stands is answered by this status. */
    @Synchronized
    public fun refuse(text: String, status: Int = 400) {
        refused += text to status
    }

    /** It has this statement already, from elsewhere: with another one under the same id there is a conflict. */
    @Synchronized
    public fun put(id: UUID, statement: String) {
        there[id] = statement
    }

    /** Its clock is ahead by so much, or behind. */
    @Synchronized
    public fun setAhead(by: Duration) {
        ahead = by
    }

    /** Happens to the next request that brings statements; several calls, to as many. */
    @Synchronized
    public fun failNext(failure: Failure) {
        next += failure
    }

    /** Happens to every request, look-ups too, until [recover]. */
    @Synchronized
    public fun failAlways(failure: Failure) {
        always = failure
    }

    /** Nothing goes wrong any more. What it refuses, and its limits, stay. */
    @Synchronized
    public fun recover() {
        always = null
        next.clear()
    }

    /** The ids of all that it has. */
    public val ids: Set<UUID> @Synchronized get() = there.keys.toSet()

    /** How many it has. */
    public val size: Int @Synchronized get() = there.size

    /** How many requests there were. */
    public val requests: Int @Synchronized get() = asked

    /** The statement under this id as it came, or null. */
    @Synchronized
    public fun statement(id: UUID): String? = there[id]

    /** Whether it is voided. */
    @Synchronized
    public fun isVoided(id: UUID): Boolean = id in voided

    /** How often it was taken in as one that is new: once, if it was delivered, however often it was sent. */
    @Synchronized
    public fun timesStored(id: UUID): Int = times[id] ?: 0

    @Synchronized
    override fun exchange(request: Request): Response {
        asked++
        val failure = if (request.method == Method.POST) next.removeFirstOrNull() ?: always else always
        return when (failure) {
            null -> obey(request)
            is Failure.Status -> answer(failure.status, "no")
            is Failure.TooManyRequests -> later(429, failure.wait)
            is Failure.Unavailable -> later(503, failure.wait)
            is Failure.Gateway -> page(failure.status, "Gateway")
            Failure.Portal -> page(200, "Log in")
            Failure.Unreachable -> throw TransportException.Unreachable("no connection")
            Failure.TimedOut -> throw TransportException.TimedOut()
            Failure.LostAnswer -> {
                obey(request)
                throw TransportException.Broken("the answer is lost")
            }
        }
    }

    private fun obey(request: Request): Response {
        if (request.url.substringBefore('?').endsWith("/about")) return answer(200, """{"version":["1.0.3","2.0.0"]}""")
        val shown = request.headers.firstOrNull { it.name.equals("Authorization", ignoreCase = true) }?.value
        return when {
            authorization != null && shown != authorization -> answer(401, "not with these credentials")
            request.method == Method.GET -> show(request.url.substringAfter('?', ""))
            request.method == Method.POST -> post(request)
            else -> answer(405, "statements are posted")
        }
    }

    /** One that is voided hides behind a parameter of its own (xAPI 1.0.3 Communication 2.1.3). */
    private fun show(query: String): Response {
        val asked = query.split('&').map { it.substringBefore('=') to it.substringAfter('=') }
        val (name, id) = asked.firstOrNull { (name, _) -> name.endsWith("tatementId") } ?: return answer(400, "no id")
        val found = uuid(id) ?: return answer(400, "that is no id")
        val copy = there[found].takeIf { (found in voided) == (name == "voidedStatementId") }
        return if (copy == null) answer(404, "there is none") else answer(200, copy)
    }

    /** Takes all in or nothing: another one under an id that it has is a conflict (Communication 2.1.2). */
    private fun post(request: Request): Response {
        val bytes = ByteArrayOutputStream().also { request.body?.writeTo(it) }
        if (bytes.size() > mostBytes) return answer(413, "too large")
        val body = bytes.toString("UTF-8")
        refused.firstOrNull { (text, _) -> text in body }?.let { (_, status) -> return answer(status, "one of them is refused") }
        val posted = statements(body).map { (uuid(string(value(it, "id"))) ?: return answer(400, "one has no id")) to it }
        if (posted.distinctBy { it.first }.size < posted.size) return answer(400, "an id stands there twice")
        if (posted.any { (id, text) -> there[id].let { it != null && it != text } }) return answer(409, "there is another one")
        for ((id, text) in posted) {
            if (string(value(text, "verb", "id")) == "http://adlnet.gov/expapi/verbs/voided") {
                uuid(string(value(text, "object", "id")))?.let(voided::add)
            }
            if (there.put(id, text) == null) times.merge(id, 1, Int::plus)
        }
        return answer(200, posted.joinToString(",", "[", "]") { (id, _) -> "\"$id\"" })
    }

    private fun later(status: Int, wait: Duration): Response {
        val seconds = wait.plusMillis(999).seconds
        return answer(status, "later").let { it.copy(headers = it.headers + Header("Retry-After", "$seconds")) }
    }

    /** As an LRS answers, with its version (Communication 3.3). */
    private fun answer(status: Int, body: String): Response =
        dated(status, body, Header("X-Experience-API-Version", "2.0.0"), Header("Content-Type", "application/json"))

    private fun page(status: Int, title: String): Response =
        dated(status, "<html><title>$title</title></html>", Header("Content-Type", "text/html"))

    private fun dated(status: Int, body: String, vararg headers: Header): Response {
        val date = DATE.format(Instant.now().plus(ahead).atOffset(ZoneOffset.UTC))
        return Response(status, headers.toList() + Header("Date", date), body.toByteArray())
    }

    public companion object {
        /** A base URL to set up a collector with; no request leaves the process. */
        public const val ENDPOINT: String = "https://lrs.example/xAPI"

        private val DATE = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)

        private fun base64(text: String) = Base64.getEncoder().encodeToString(text.toByteArray())

        private fun uuid(text: String?): UUID? = text?.takeIf { it.length == 36 }?.let { runCatching { UUID.fromString(it) }.getOrNull() }
    }
}
