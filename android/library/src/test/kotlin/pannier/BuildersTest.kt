package pannier

import java.time.Duration
import java.time.Instant
import java.util.UUID
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** That what is built is what was meant. */
class BuildersTest {
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
            actor(Group(member = listOf(Agent(mbox("mailto:ben@example.com"), "Ben")), name = "Team"))
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
                actor(Group(member = listOf(Agent(mbox("mailto:ben@example.com")))))
                verb(Verbs.ATTENDED)
                statementRef(this@BuildersTest.id)
            }
        }
        assertTrue(""""objectType":"SubStatement"""" in planned.toJson())
    }

    @Test
    fun `what a statement cannot be without is asked for by name`() {
        val error = assertThrows<IllegalStateException> { statement { actor(mbox("mailto:ada@example.com")) } }
        assertTrue("verb(" in error.message!!)
    }

    @Test
    fun `an extension that is no JSON is a fault with its place`() {
        val error = assertThrows<PannierException.Invalid> {
            lesson(1).copy(result = XapiResult(extensions = mapOf("https://example.com/x" to "{no"))).toJson()
        }
        assertEquals("$.result.extensions[\"https://example.com/x\"]", error.faults.single().path)
    }
}
