package pannier

import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.util.UUID
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** That what is built is what was meant. */
class BuildersTest {
    @TempDir
    lateinit var folder: Path

    private val id = UUID.fromString("0c7a4a4e-3f52-4f5b-9d6c-6a4c3b1e2d10")

    @Test
    fun `every part arrives at its place`() {
        val built = statement {
            id = this@BuildersTest.id
            timestamp = Instant.parse("2026-02-01T10:00:00.123Z")
            actor(account("https://example.com", "a1"), name = "Ada")
            verb("https://example.com/verbs/did", "did")
            activity("https://example.com/words/zug") {
                type = ActivityTypes.CMI_INTERACTION
                name("de", "Zug")
                description("en", "What is it?")
                interaction = InteractionType.CHOICE
                choices = listOf(InteractionComponent("train", mapOf("en" to "train")))
                correctResponses = listOf("train")
                extension("https://example.com/x", "a \"quoted\"\n\\ text\u0001")
            }
            result {
                success = true
                score(scaled = 0.5)
                duration = Duration.ofSeconds(61)
                extension("https://example.com/n", 3)
                extension("https://example.com/b", false)
                extensionJson("https://example.com/j", "[1]")
            }
            context {
                registration = this@BuildersTest.id
                parent("https://example.com/quiz")
                category(Categories.VIDEO)
                statement = this@BuildersTest.id
                contextAgent(Agent(mbox("mailto:ben@example.com")), "https://example.com/helper")
            }
        }
        val json = built.toJson()
        checkStatement(json, XapiVersion.V2_0_0)
        for (part in listOf(
            """"id":"$id"""",
            """"account":{"homePage":"https://example.com","name":"a1"}""",
            """"display":{"en":"did"}""",
            """"name":{"de":"Zug"},"description":{"en":"What is it?"},"type":"${ActivityTypes.CMI_INTERACTION}"""",
            """"interactionType":"choice","correctResponsesPattern":["train"],"choices":[{"id":"train"""",
            """"https://example.com/x":"a \"quoted\"\n\\ text\u0001"""",
            """"score":{"scaled":0.5},"success":true,"duration":"PT1M1S"""",
            """"https://example.com/b":false,"https://example.com/j":[1],"https://example.com/n":3""",
            """"registration":"$id"""",
            """"contextActivities":{"parent":[{"id":"https://example.com/quiz"}],"category":[{"id":"${Categories.VIDEO}"}]}""",
            """"statement":{"objectType":"StatementRef","id":"$id"}""",
            """"relevantTypes":["https://example.com/helper"]""",
            """"timestamp":"2026-02-01T10:00:00.123Z"""",
        )) assertTrue(part in json, "$part is missing in $json")
    }

    @Test
    fun `what is written is read again`() {
        val built = statement {
            id = this@BuildersTest.id
            timestamp = Instant.parse("1969-02-01T10:00:00.123Z")
            actor(XapiGroup(member = listOf(Agent(mbox("mailto:ben@example.com"), "Ben")), name = "Team"))
            verb(Verbs.ANSWERED)
            activity("https://example.com/words/zug") {
                name("de", "Zug")
                interaction = InteractionType.LONG_FILL_IN
                correctResponses = emptyList()
                extensionJson("https://example.com/x", "{\"a\":[1.5,null,18446744073709551615]}")
            }
            result {
                score(scaled = 0.1)
                duration = Duration.ofMillis(61_290)
            }
            context {
                parent("https://example.com/quiz") { name("en", "Quiz") }
                contextAgent(Agent(mbox("mailto:ben@example.com")), "https://example.com/helper")
            }
        }
        assertEquals(built, Statement.fromJson(built.toJson()))
        val spelled = """{"actor":{"openid":"https://example.com/a"},"verb":{"id":"https://example.com/did"},
            "object":{"id":"${id.toString().uppercase()}","objectType":"StatementRef"},
            "timestamp":"2026-02-01T11:00:00+01:00","result":{"duration":"P1DT0,5H"}}"""
        val read = Statement.fromJson(spelled)
        assertEquals(StatementObject.StatementRef(StatementRef(id)), read.`object`)
        assertEquals(Instant.parse("2026-02-01T10:00:00Z"), read.timestamp)
        assertEquals(Duration.ofHours(24).plusMinutes(30), read.result?.duration)
    }

    @Test
    fun `what has no place in a statement is refused with its path`() {
        val json = """{"actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"https://example.com/did"},
            "object":{"id":"https://example.com/it"},"stored":"2026-02-01T11:00:00Z","result":{"duration":"P1M"}}"""
        val refused = assertThrows<PannierException.Invalid> { Statement.fromJson(json) }
        assertEquals(listOf("$.stored", "$.result.duration"), refused.faults.map { it.path })
        assertThrows<PannierException.Invalid> { Statement.fromJson("no JSON") }
    }

    @Test
    fun `a duration may be Kotlin's own`() {
        assertEquals(SyncPolicy.Automatic(7, Duration.ofMinutes(1)), SyncPolicy.Automatic(age = 1.minutes, count = 7))
        assertEquals(SyncPolicy.Automatic(age = Duration.ofSeconds(9)), SyncPolicy.Automatic(9.seconds))
        val took = statement { verb(Verbs.ANSWERED); activity("https://example.com"); result { took(4.2.seconds) } }
        assertEquals(Duration.ofMillis(4_200), took.result?.duration)
    }

    @Test
    fun `an address needs no scheme`() {
        assertEquals(Ifi.Mbox("mailto:ada@example.com"), mbox("ada@example.com"))
        assertEquals(mbox("ada@example.com"), mbox("mailto:ada@example.com"))
    }

    @Test
    fun `a statement inside a statement has everything but an id`() {
        val planned = statement {
            actor(mbox("mailto:ada@example.com"))
            verb(Verbs.PREFERRED)
            subStatement {
                actor(XapiGroup(member = listOf(Agent(mbox("mailto:ben@example.com")))))
                verb(Verbs.ATTENDED)
                statementRef(this@BuildersTest.id)
            }
        }
        assertTrue(""""objectType":"SubStatement"""" in planned.toJson())
    }

    @Test
    fun `what a statement cannot be without is told when it is recorded, with all else`() = runBlocking<Unit> {
        val nothing = statement { result { score(scaled = 7.0) } }
        Collector.open(folder.queue()).use { collector ->
            val error = assertThrows<PannierException.Invalid> { runBlocking { collector.record(nothing) } }
            val paths = error.faults.map { it.path }.toSet()
            assertEquals(setOf("$.actor", "$.verb.id", "$.object.id", "$.result.score.scaled"), paths, "$error")
            val inside = assertThrows<PannierException.Invalid> { runBlocking { collector.record { subStatement { } } } }
            assertTrue(inside.faults.any { it.path == "$.object.verb.id" }, "$inside")
            assertEquals(0, collector.readStatus().recorded)
        }
    }

    @Test
    fun `the commonest statements are a line each`() {
        val (page, session) = "https://example.com/it" to id
        val (length, at) = Duration.ofSeconds(90) to Duration.ofMillis(12_500)
        val shape = XapiActivity(page)
        for ((made, wanted) in listOf(
            statement { answered(page, "rain") } to statementAnswered(shape, "rain"),
            statement { completed(page) } to statementCompleted(shape),
            statement { progressed(page, 40) } to statementProgressed(shape, 40),
            statement { attended(page) } to statementAttended(shape),
            statement { videoPlayed(page, session, length, at) } to statementVideoPlayed(shape, session, length, at),
            statement { videoPaused(page, session, length, at) } to statementVideoPaused(shape, session, length, at),
            statement { videoCompleted(page, session, length) } to statementVideoCompleted(shape, session, length),
        )) {
            assertEquals(wanted.toJson(), made.toJson())
        }
        val paused = statementVideoPaused(shape, session, length, at)
        assertEquals(Verbs.PAUSED to ActivityTypes.VIDEO, paused.verb to (paused.`object` as StatementObject.Activity).activity.definition?.activityType)
        assertEquals("12.5", paused.result?.extensions?.get(ExtensionKeys.VIDEO_TIME))
        assertEquals(listOf(Categories.VIDEO), paused.context?.contextActivities?.category?.map { it.id })
    }

    @Test
    fun `what is said beside a template is added to it, before or after`() {
        val whole = statement {
            result { success = false }
            context { parent("https://example.com/quiz") }
            answered("https://example.com/words/zug", "rain") { name("de", "der Zug"); interaction = InteractionType.FILL_IN }
            result { took(4.2.seconds) }
            context { language = "de" }
        }
        assertEquals(XapiResult(success = false, response = "rain", duration = Duration.ofMillis(4_200)), whole.result)
        assertEquals("de" to listOf("https://example.com/quiz"), whole.context?.let { it.language to it.contextActivities?.parent?.map { up -> up.id } })
        val word = (whole.`object` as StatementObject.Activity).activity.definition
        assertEquals("der Zug" to ActivityTypes.CMI_INTERACTION, word?.name?.get("de") to word?.activityType)
    }

    @Test
    fun `an extension that is no JSON is a fault with its place`() {
        val error = assertThrows<PannierException.Invalid> {
            lesson(1).copy(result = XapiResult(extensions = mapOf("https://example.com/x" to "{no"))).toJson()
        }
        assertEquals("$.result.extensions[\"https://example.com/x\"]", error.faults.single().path)
    }
}
