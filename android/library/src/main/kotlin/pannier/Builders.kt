@file:JvmName("Statements")

package pannier

import java.time.Duration
import java.time.Instant
import java.util.UUID
import java.util.function.Consumer
import kotlin.time.toJavaDuration

/** Keeps the parts of a statement from being set in the wrong block. */
@DslMarker
public annotation class StatementDsl

/**
 * Builds a statement:
 *
 * ```
 * statement {
 *     actor(mbox("mailto:ada@example.com"), name = "Ada")
 *     verb(Verbs.COMPLETED)
 *     activity("https://example.com/lessons/1") { name("en", "Lesson 1") }
 *     result { completion = true }
 * }
 * ```
 *
 * Verb and object must be there, and the actor, unless a default says who. The commonest statements are a line each:
 * [StatementBuilder.answered], [StatementBuilder.completed] and those beside them. Whether all is right is checked when
 * it is recorded.
 */
@JvmSynthetic
public fun statement(build: StatementBuilder.() -> Unit): Statement =
    StatementBuilder().apply(build).build()

/**
 * Builds what statements have in common:
 *
 * ```
 * statementDefaults {
 *     actor(account("https://school.example", "4711"))
 *     context { platform = "Quest 3"; language = "de" }
 * }
 * ```
 */
@JvmSynthetic
public fun statementDefaults(build: StatementDefaultsBuilder.() -> Unit): StatementDefaults =
    StatementDefaultsBuilder().apply(build).build()

/**
 * Reads a statement's JSON: [statementFromJson]. What [Statement] has no place for is a
 * [PannierException.Invalid] with its path, and never left out.
 */
public fun Statement.Companion.fromJson(json: String): Statement = statementFromJson(json)

/** A mail address as an identifier: `ada@example.com`, or with `mailto:` before it, which is added otherwise. */
public fun mbox(address: String): Ifi =
    Ifi.Mbox(if (address.startsWith("mailto:")) address else "mailto:$address")

/** An account as an identifier: best for privacy, as [name] may be opaque. */
public fun account(homePage: String, name: String): Ifi = Ifi.Account(XapiAccount(homePage, name))

/** What statements have in common. */
@StatementDsl
public class StatementDefaultsBuilder {
    private var actor: Actor? = null
    private var context: XapiContext? = null

    /** Who did it: one person or system. */
    @JvmOverloads
    public fun actor(ifi: Ifi, name: String? = null): StatementDefaultsBuilder = apply {
        actor = Actor.Agent(Agent(ifi, name))
    }

    /** Who did it: several. */
    public fun actor(group: XapiGroup): StatementDefaultsBuilder = apply {
        actor = Actor.Group(group)
    }

    /** What it was part of. */
    public fun context(build: Consumer<ContextBuilder>): StatementDefaultsBuilder = context { build.accept(this) }

    /** What it was part of. */
    @JvmSynthetic
    public fun context(build: ContextBuilder.() -> Unit): StatementDefaultsBuilder = apply {
        context = ContextBuilder().apply(build).build()
    }

    /** What was said. */
    public fun build(): StatementDefaults = StatementDefaults(actor, context)
}

/** The parts of a statement. */
@StatementDsl
public class StatementBuilder {
    /** Its identity. Default: chosen when it is recorded. */
    public var id: UUID? = null

    /** When it happened. Default: when it is recorded. */
    public var timestamp: Instant? = null

    /** Its identity: [id], for Java. */
    public fun id(id: UUID?): StatementBuilder = apply { this.id = id }

    /** When it happened: [timestamp], for Java. */
    public fun timestamp(timestamp: Instant?): StatementBuilder = apply { this.timestamp = timestamp }

    private var actor: Actor? = null
    private var verb: Verb? = null
    private var target: StatementObject? = null
    private var result: ResultBuilder? = null
    private var context: ContextBuilder? = null
    private val attachments = mutableListOf<Attachment>()

    /** Who did it: one person or system. */
    @JvmOverloads
    public fun actor(ifi: Ifi, name: String? = null): StatementBuilder = actor(Agent(ifi, name))

    /** Who did it: one person or system. */
    public fun actor(agent: Agent): StatementBuilder = apply {
        actor = Actor.Agent(agent)
    }

    /** Who did it: several. */
    public fun actor(group: XapiGroup): StatementBuilder = apply {
        actor = Actor.Group(group)
    }

    /** What they did. */
    public fun verb(verb: Verb): StatementBuilder = apply {
        this.verb = verb
    }

    /** What they did, by the IRI that gives it its meaning, with the English word to show. */
    public fun verb(id: String, display: String): StatementBuilder = verb(Verb(id, mapOf("en" to display)))

    /** What they did it to: something to do or to learn from. */
    public fun activity(id: String, define: Consumer<ActivityBuilder>): StatementBuilder = activity(id) { define.accept(this) }

    /** What they did it to: something to do or to learn from. */
    public fun activity(id: String): StatementBuilder = activity(id) {}

    /** What they did it to: something to do or to learn from. */
    @JvmSynthetic
    public fun activity(id: String, define: ActivityBuilder.() -> Unit): StatementBuilder = apply {
        target = StatementObject.Activity(buildActivity(id, define))
    }

    /** What they did it to: a person or system. */
    public fun target(agent: Agent): StatementBuilder = apply {
        target = StatementObject.Agent(agent)
    }

    /** What they did it to: several people or systems. */
    public fun target(group: XapiGroup): StatementBuilder = apply {
        target = StatementObject.Group(group)
    }

    /** What they did it to: another statement. */
    public fun statementRef(id: UUID): StatementBuilder = apply {
        target = StatementObject.StatementRef(StatementRef(id))
    }

    /** What they did it to: a statement that is not itself claimed to have happened. */
    @JvmSynthetic
    public fun subStatement(build: StatementBuilder.() -> Unit): StatementBuilder = apply {
        val inner = statement(build)
        target = StatementObject.Sub(
            SubStatement(
                inner.actor, inner.verb, inner.`object`, inner.result, inner.context,
                inner.timestamp, inner.attachments,
            ),
        )
    }

    /** How it went, in addition to what was said of that. */
    public fun result(build: Consumer<ResultBuilder>): StatementBuilder = result { build.accept(this) }

    /** How it went, in addition to what was said of that. */
    @JvmSynthetic
    public fun result(build: ResultBuilder.() -> Unit): StatementBuilder = apply {
        result = (result ?: ResultBuilder()).apply(build)
    }

    /** What it was part of, in addition to what was said of that. */
    public fun context(build: Consumer<ContextBuilder>): StatementBuilder = context { build.accept(this) }

    /** What it was part of, in addition to what was said of that. */
    @JvmSynthetic
    public fun context(build: ContextBuilder.() -> Unit): StatementBuilder = apply {
        context = (context ?: ContextBuilder()).apply(build)
    }

    /** A file that belongs to it. */
    public fun attachment(attachment: Attachment): StatementBuilder = apply {
        attachments += attachment
    }

    /**
     * That somebody answered [question] with [response]. Without a type the question is a `cmi.interaction` where
     * [define] says its form, else a `question`.
     */
    public fun answered(question: String, response: String, define: Consumer<ActivityBuilder>): StatementBuilder =
        answered(question, response) { define.accept(this) }

    /**
     * That somebody answered [question] with [response]. Without a type the question is a `cmi.interaction` where
     * [define] says its form, else a `question`.
     */
    public fun answered(question: String, response: String): StatementBuilder = answered(question, response) {}

    /**
     * That somebody answered [question] with [response]. Without a type the question is a `cmi.interaction` where
     * [define] says its form, else a `question`.
     */
    @JvmSynthetic
    public fun answered(question: String, response: String, define: ActivityBuilder.() -> Unit): StatementBuilder =
        like(buildActivity(question, define), response) { statementAnswered(it, response) }

    /** That somebody finished [activity], normally and as a whole. */
    public fun completed(activity: String, define: Consumer<ActivityBuilder>): StatementBuilder =
        completed(activity) { define.accept(this) }

    /** That somebody finished [activity], normally and as a whole. */
    public fun completed(activity: String): StatementBuilder = completed(activity) {}

    /** That somebody finished [activity], normally and as a whole. */
    @JvmSynthetic
    public fun completed(activity: String, define: ActivityBuilder.() -> Unit): StatementBuilder =
        like(buildActivity(activity, define)) { statementCompleted(it) }

    /** That somebody has got so far with [activity], in [percent] from 0 to 100. */
    public fun progressed(activity: String, percent: Int, define: Consumer<ActivityBuilder>): StatementBuilder =
        progressed(activity, percent) { define.accept(this) }

    /** That somebody has got so far with [activity], in [percent] from 0 to 100. */
    public fun progressed(activity: String, percent: Int): StatementBuilder = progressed(activity, percent) {}

    /** That somebody has got so far with [activity], in [percent] from 0 to 100. */
    @JvmSynthetic
    public fun progressed(activity: String, percent: Int, define: ActivityBuilder.() -> Unit): StatementBuilder =
        like(buildActivity(activity, define)) { statementProgressed(it, percent) }

    /** That somebody was present at [meeting], on site or online. */
    public fun attended(meeting: String, define: Consumer<ActivityBuilder>): StatementBuilder =
        attended(meeting) { define.accept(this) }

    /** That somebody was present at [meeting], on site or online. */
    public fun attended(meeting: String): StatementBuilder = attended(meeting) {}

    /** That somebody was present at [meeting], on site or online. */
    @JvmSynthetic
    public fun attended(meeting: String, define: ActivityBuilder.() -> Unit): StatementBuilder =
        like(buildActivity(meeting, define)) { statementAttended(it) }

    /**
     * That somebody started [video], or went on with it, [at] this point. [session] is the same for all statements about
     * one viewing, and [length] that of the whole recording.
     */
    public fun videoPlayed(
        video: String, session: UUID, length: Duration, at: Duration, define: Consumer<ActivityBuilder>,
    ): StatementBuilder = videoPlayed(video, session, length, at) { define.accept(this) }

    /**
     * That somebody started [video], or went on with it, [at] this point. [session] is the same for all statements about
     * one viewing, and [length] that of the whole recording.
     */
    public fun videoPlayed(video: String, session: UUID, length: Duration, at: Duration): StatementBuilder =
        videoPlayed(video, session, length, at) {}

    /**
     * That somebody started [video], or went on with it, [at] this point. [session] is the same for all statements about
     * one viewing, and [length] that of the whole recording.
     */
    @JvmSynthetic
    public fun videoPlayed(
        video: String, session: UUID, length: Duration, at: Duration, define: ActivityBuilder.() -> Unit,
    ): StatementBuilder = like(buildActivity(video, define)) { statementVideoPlayed(it, session, length, at) }

    /** That somebody stopped [video] for a while or for good, [at] this point; see [videoPlayed]. */
    public fun videoPaused(
        video: String, session: UUID, length: Duration, at: Duration, define: Consumer<ActivityBuilder>,
    ): StatementBuilder = videoPaused(video, session, length, at) { define.accept(this) }

    /** That somebody stopped [video] for a while or for good, [at] this point; see [videoPlayed]. */
    public fun videoPaused(video: String, session: UUID, length: Duration, at: Duration): StatementBuilder =
        videoPaused(video, session, length, at) {}

    /** That somebody stopped [video] for a while or for good, [at] this point; see [videoPlayed]. */
    @JvmSynthetic
    public fun videoPaused(
        video: String, session: UUID, length: Duration, at: Duration, define: ActivityBuilder.() -> Unit,
    ): StatementBuilder = like(buildActivity(video, define)) { statementVideoPaused(it, session, length, at) }

    /** That somebody has seen [video] to its end; see [videoPlayed]. The result says how long that took. */
    public fun videoCompleted(
        video: String, session: UUID, length: Duration, define: Consumer<ActivityBuilder>,
    ): StatementBuilder = videoCompleted(video, session, length) { define.accept(this) }

    /** That somebody has seen [video] to its end; see [videoPlayed]. The result says how long that took. */
    public fun videoCompleted(video: String, session: UUID, length: Duration): StatementBuilder =
        videoCompleted(video, session, length) {}

    /** That somebody has seen [video] to its end; see [videoPlayed]. The result says how long that took. */
    @JvmSynthetic
    public fun videoCompleted(
        video: String, session: UUID, length: Duration, define: ActivityBuilder.() -> Unit,
    ): StatementBuilder = like(buildActivity(video, define)) { statementVideoCompleted(it, session, length) }

    private fun like(activity: XapiActivity, response: String? = null, make: (XapiActivity) -> Statement): StatementBuilder {
        val template = try {
            make(activity)
        } catch (_: PannierException.Invalid) {
            // Half a character, which no call takes: it stays, so that recording it tells that as of all other texts.
            Statement(null, Verb(""), StatementObject.Activity(activity), XapiResult(response = response))
        }
        verb = template.verb
        target = template.`object`
        template.result?.let { result { add(it) } }
        template.context?.let { context { add(it) } }
        return this
    }

    /** The statement. That it has no verb or no object is told when it is recorded: they have no id then. */
    public fun build(): Statement = Statement(
        actor = actor,
        verb = verb ?: Verb(""),
        `object` = target ?: StatementObject.Activity(XapiActivity("")),
        result = result?.build(),
        context = context?.build(),
        timestamp = timestamp,
        attachments = attachments.toList(),
        id = id,
    )
}

/** What a block may have beside the standard's own: extensions. */
@StatementDsl
public abstract class ExtensibleBuilder internal constructor() {
    internal val extensions = mutableMapOf<String, String>()

    /** What the standard has no property for, as JSON text: `{"a":[1,2]}`. */
    public fun extensionJson(iri: String, json: String) {
        extensions[iri] = json
    }

    /** What the standard has no property for: a text. */
    public fun extension(iri: String, value: String): Unit = extensionJson(iri, quoted(value))

    /** What the standard has no property for: a number. */
    public fun extension(iri: String, value: Number): Unit = extensionJson(iri, value.toString())

    /** What the standard has no property for: yes or no. */
    public fun extension(iri: String, value: Boolean): Unit = extensionJson(iri, value.toString())
}

/** How it went. */
public class ResultBuilder internal constructor() : ExtensibleBuilder() {
    /** Whether the attempt succeeded. */
    public var success: Boolean? = null

    /** Whether the activity was completed. */
    public var completion: Boolean? = null

    /** The answer given, in the form that the interaction type asks for. */
    public var response: String? = null

    /** How long it took. What is finer than 0.01 s is cut off (Data 4.6); a negative one is refused when it is recorded. */
    public var duration: Duration? = null

    /** How long it took: `took(4.2.seconds)`. What is finer than 0.01 s is cut off; a negative one is refused. */
    public fun took(time: kotlin.time.Duration) {
        duration = time.toJavaDuration()
    }

    private var score: Score? = null

    /** How well it went: [scaled] from -1 to 1, [raw] points of those between [min] and [max]. */
    @JvmOverloads
    public fun score(
        scaled: Double? = null,
        raw: Double? = null,
        min: Double? = null,
        max: Double? = null,
    ) {
        score = Score(scaled, raw, min, max)
    }

    internal fun add(known: XapiResult) {
        completion = known.completion ?: completion
        response = known.response ?: response
        extensions += known.extensions
    }

    internal fun build() = XapiResult(score, success, completion, response, duration, extensions)
}

/** What it was part of. */
public class ContextBuilder internal constructor() : ExtensibleBuilder() {
    /** The registration (one learner taking one course once) it belongs to. */
    public var registration: UUID? = null

    /** Who taught. */
    public var instructor: Actor? = null

    /** With whom it was done. */
    public var team: XapiGroup? = null

    /** The revision of the activity. Only where the object is an activity. */
    public var revision: String? = null

    /** What it was done on. Only where the object is an activity. */
    public var platform: String? = null

    /** The language it was done in, as an RFC 5646 tag. */
    public var language: String? = null

    /** Another statement to read it with, by its id. */
    public var statement: UUID? = null

    private val parent = mutableListOf<XapiActivity>()
    private val grouping = mutableListOf<XapiActivity>()
    private val category = mutableListOf<XapiActivity>()
    private val other = mutableListOf<XapiActivity>()
    private val agents = mutableListOf<ContextAgent>()
    private val groups = mutableListOf<ContextGroup>()

    /** What the object is directly part of: the quiz of a question. */
    public fun parent(id: String, define: Consumer<ActivityBuilder>): Unit = parent(id) { define.accept(this) }

    /** What the object is directly part of: the quiz of a question. */
    public fun parent(id: String): Unit = parent(id) {}

    /** What the object is directly part of: the quiz of a question. */
    @JvmSynthetic
    public fun parent(id: String, define: ActivityBuilder.() -> Unit) {
        parent += buildActivity(id, define)
    }

    /** What it is part of further up: the course of the quiz. */
    public fun grouping(id: String, define: Consumer<ActivityBuilder>): Unit = grouping(id) { define.accept(this) }

    /** What it is part of further up: the course of the quiz. */
    public fun grouping(id: String): Unit = grouping(id) {}

    /** What it is part of further up: the course of the quiz. */
    @JvmSynthetic
    public fun grouping(id: String, define: ActivityBuilder.() -> Unit) {
        grouping += buildActivity(id, define)
    }

    /** What kind of statement this is, such as one of [Categories]. */
    public fun category(id: String, define: Consumer<ActivityBuilder>): Unit = category(id) { define.accept(this) }

    /** What kind of statement this is, such as one of [Categories]. */
    public fun category(id: String): Unit = category(id) {}

    /** What kind of statement this is, such as one of [Categories]. */
    @JvmSynthetic
    public fun category(id: String, define: ActivityBuilder.() -> Unit) {
        category += buildActivity(id, define)
    }

    /** Any other activity. */
    public fun other(id: String, define: Consumer<ActivityBuilder>): Unit = other(id) { define.accept(this) }

    /** Any other activity. */
    public fun other(id: String): Unit = other(id) {}

    /** Any other activity. */
    @JvmSynthetic
    public fun other(id: String, define: ActivityBuilder.() -> Unit) {
        other += buildActivity(id, define)
    }

    /** An agent with a part in it. Needs an LRS that speaks 2.0. */
    public fun contextAgent(agent: Agent, vararg relevantTypes: String) {
        agents += ContextAgent(agent, relevantTypes.toList())
    }

    /** A group with a part in it. Needs an LRS that speaks 2.0. */
    public fun contextGroup(group: XapiGroup, vararg relevantTypes: String) {
        groups += ContextGroup(group, relevantTypes.toList())
    }

    internal fun add(known: XapiContext) {
        category += known.contextActivities?.category.orEmpty()
        extensions += known.extensions
    }

    internal fun build() = XapiContext(
        registration = registration,
        instructor = instructor,
        team = team,
        contextActivities = ContextActivities(parent, grouping, category, other),
        revision = revision,
        platform = platform,
        language = language,
        statement = statement?.let(::StatementRef),
        contextAgents = agents,
        contextGroups = groups,
        extensions = extensions,
    )
}

/** What is known about an activity. */
public class ActivityBuilder internal constructor() : ExtensibleBuilder() {
    /** The IRI of what kind of activity it is, such as one of [ActivityTypes]. */
    public var type: String? = null

    /** Where people can read more. */
    public var moreInfo: String? = null

    /** The form of the question. */
    public var interaction: InteractionType? = null

    /** The right answers: `null` if every answer is right, empty if none is. */
    public var correctResponses: List<String>? = null

    /** What to choose from or to order (choice, sequencing). */
    public var choices: List<InteractionComponent> = emptyList()

    /** The points of a scale (likert). */
    public var scale: List<InteractionComponent> = emptyList()

    /** What to match (matching). */
    public var source: List<InteractionComponent> = emptyList()

    /** What to match it with (matching). */
    public var target: List<InteractionComponent> = emptyList()

    /** What to do (performance). */
    public var steps: List<InteractionComponent> = emptyList()

    private val names = mutableMapOf<String, String>()
    private val descriptions = mutableMapOf<String, String>()

    /** What it is called in [language], an RFC 5646 tag. */
    public fun name(language: String, text: String) {
        names[language] = text
    }

    /** What it is about in [language], an RFC 5646 tag; the wording of a question. */
    public fun description(language: String, text: String) {
        descriptions[language] = text
    }

    internal fun build() = ActivityDefinition(
        name = names,
        description = descriptions,
        activityType = type,
        moreInfo = moreInfo,
        interactionType = interaction,
        correctResponsesPattern = correctResponses,
        choices = choices,
        scale = scale,
        source = source,
        target = target,
        steps = steps,
        extensions = extensions,
    )
}

private fun buildActivity(id: String, define: ActivityBuilder.() -> Unit) =
    XapiActivity(id, ActivityBuilder().apply(define).build())

/** A text as a JSON string. */
private fun quoted(text: String) = buildString {
    append('"')
    for (char in text) when {
        char == '"' || char == '\\' -> append('\\').append(char)
        char < ' ' -> append("\\u%04x".format(char.code))
        else -> append(char)
    }
    append('"')
}
