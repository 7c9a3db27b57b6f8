package pannier

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Path
import java.util.Base64
import java.util.UUID

/** The `pannier` command; `cargo build -p pannier-cli` makes it. */
val COMMAND: String = System.getenv("PANNIER_COMMAND") ?: "../../target/debug/pannier"

/** An LRS with one user. It ends with its test. */
abstract class Lrs : AutoCloseable {
    val user = "me"
    val password = "s3cret"
    abstract val url: String
    protected abstract val process: Process

    val credentials get() = Credentials.Basic(user, password)
    val config get() = Config(endpoint = url, credentials = credentials, sync = SyncPolicy.Manual)

    /** The statement with this id as the LRS has it, or null. */
    fun statement(id: UUID): String? {
        val pair = Base64.getEncoder().encodeToString("$user:$password".toByteArray())
        val request = HttpRequest.newBuilder(URI("$url/statements?statementId=$id"))
            .header("X-Experience-API-Version", "2.0.0")
            .header("Authorization", "Basic $pair")
            .build()
        val answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString())
        return answer.body().takeIf { answer.statusCode() == 200 }
    }

    override fun close() {
        process.destroy()
        process.waitFor()
    }
}

/** Ralph, from the folder that `tests/run` installed it to. */
class Ralph(installed: String, folder: Path) : Lrs() {
    override val process: Process =
        ProcessBuilder("$installed/ralph/bin/python", "../../tests/lrs/ralph/launch.py", "append", "$folder")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .apply {
                environment()["LRS_USER"] = user
                environment()["LRS_PASSWORD"] = password
            }
            .start()
    override val url: String

    init {
        val ready = process.inputReader().lineSequence().firstOrNull { it.startsWith("ready on ") }
        url = "http://${ready?.removePrefix("ready on ") ?: error("Ralph did not start")}/xAPI"
    }
}

/** `pannier hub` on a free port. */
class Hub : Lrs() {
    override val url: String
    override val process: Process = ProcessBuilder(COMMAND, "--json", "hub", "--listen", "127.0.0.1:0")
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .apply {
            environment()["PANNIER_HUB_USER"] = user
            environment()["PANNIER_HUB_PASSWORD"] = password
        }
        .start()

    init {
        val line = process.inputReader().readLine() ?: error("the hub did not start")
        url = Regex("\"url\":\"([^\"]+)\"").find(line)!!.groupValues[1]
    }
}

fun Path.queue(): Path = resolve("queue.db")

fun lesson(n: Int, id: UUID? = null): Statement = statement {
    this.id = id
    actor(mbox("mailto:ada@example.com"), name = "Ada")
    verb(Verbs.COMPLETED)
    activity("https://example.com/lessons/$n") { name("en", "Lesson $n") }
}

/** Its body, as text. */
fun Request.text(): String = java.io.ByteArrayOutputStream().also { body?.writeTo(it) }.toString("UTF-8")

/** An LRS in memory: takes everything but what is called `bad`; ids may have that in them. */
fun memoryLrs(): Transport = Transport { request ->
    val ids = Regex("\"id\":\"([0-9a-f-]{36})\"")
    val bad = Regex("[:/]bad")
    val body = request.text()
    when {
        request.url.endsWith("/about") -> answer(200, """{"version":["2.0.0"]}""")
        request.method == Method.GET -> answer(404, "")
        bad in body -> answer(400, "this one is bad")
        else -> answer(200, ids.findAll(body).joinToString(",", "[", "]") { "\"${it.groupValues[1]}\"" })
    }
}

/** As an LRS answers: with the version, without which nobody believes it. */
fun answer(status: Int, body: String): Response =
    Response(status, listOf(Header("X-Experience-API-Version", "2.0.0")), body.toByteArray())

/** Everything that waits aside in this queue has waited long enough, and was refused a minute ago. */
fun Path.waitsAreOver() {
    val script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); " +
        "db.execute('UPDATE aside SET due = 0, steady = steady - 60000 WHERE held = 0')"
    val process = ProcessBuilder("python3", "-c", script, "$this").redirectErrorStream(true).start()
    val said = process.inputReader().readText()
    check(process.waitFor() == 0) { said }
}

const val LRS = "https://lrs.example/xAPI"
