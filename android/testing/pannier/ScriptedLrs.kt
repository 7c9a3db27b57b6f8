package pannier

import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.CompletableDeferred

/** An LRS in memory that does what a test says, and tells what came to it. */
class ScriptedLrs {
    /** What it has taken, by id; also what a test says that it has: then as another statement. */
    val stored: MutableMap<UUID, String> = ConcurrentHashMap()

    /** Each `Authorization` that came here; empty where there was none. */
    val seen: MutableList<String> = CopyOnWriteArrayList()

    /** Answers in its place, or throws, as long as it is set. */
    @Volatile
    var instead: (suspend (Request) -> Response)? = null

    /** Statements with this in them are refused. */
    @Volatile
    var refuses: String? = null

    val ids: Set<UUID> get() = stored.keys.toSet()

    suspend fun exchange(request: Request): Response {
        seen += request.headers.firstOrNull { it.name.equals("Authorization", ignoreCase = true) }?.value.orEmpty()
        instead?.let { return it(request) }
        val body = request.text()
        if (request.url.endsWith("/about")) return answer(200, """{"version":["2.0.0"]}""")
        if (request.method == Method.GET) {
            val copy = request.url.substringAfter("statementId=", "").takeIf { it.isNotEmpty() }
            return copy?.let { stored[UUID.fromString(it)] }?.let { answer(200, it) } ?: answer(404, "")
        }
        refuses?.let { if (it in body) return answer(400, "this one is bad") }
        // Those of the statements, and not of what they refer to.
        val ids = Regex("(?<!\"StatementRef\",)\"id\":\"([0-9a-f-]{36})\"").findAll(body).map { UUID.fromString(it.groupValues[1]) }.toList()
        if (ids.any { it in stored }) return answer(409, "there is another one")
        ids.forEach { stored[it] = body }
        return answer(200, ids.joinToString(",", "[", "]") { "\"$it\"" })
    }

    /** Keeps who asks waiting until it is completed. */
    fun slow(): CompletableDeferred<Unit> = CompletableDeferred<Unit>().also { gate ->
        instead = { request ->
            gate.await()
            instead = null
            exchange(request)
        }
    }
}

/** The device's own HTTP for all LRSs but these, by the names of their hosts. */
fun world(vararg scripted: Pair<String, ScriptedLrs>): Transport {
    val (hosts, outside) = scripted.toMap() to UrlConnectionTransport()
    return Transport { request ->
        hosts[request.url.substringAfter("//").substringBefore("/")]?.exchange(request) ?: outside.exchange(request)
    }
}
