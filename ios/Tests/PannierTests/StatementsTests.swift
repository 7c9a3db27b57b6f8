import Foundation
import Pannier
import Testing

/// That what is built is what was meant, and that it is read back from JSON as it was.
struct StatementsTests {
    let id = UUID(uuidString: "0C7A4A4E-3F52-4F5B-9D6C-6A4C3B1E2D10")!

    var full: Statement {
        Statement(
            .account(homePage: "https://example.com", name: "a1").name("Ada"),
            Verb("https://example.com/verbs/did", "did"),
            XapiActivity("https://example.com/words/zug")
                .activityType(ActivityTypes.cmiInteraction)
                .name("de", "Zug")
                .description("en", "What is it?")
                .moreInfo("https://example.com/more")
                .interaction(.choice)
                .choices([InteractionComponent("train", "en", "train")])
                .correctResponses(["train"])
                .extension("https://example.com/x", "a \"quoted\"\n\\ text\u{1}")
        )
        .id(id)
        .timestamp(Date(timeIntervalSince1970: 1_769_940_000.123))
        .result(
            XapiResult().success(true).completion(false).response("train")
                .score(.scaled(0.5).points(5, min: 1, max: 10))
                .duration(.milliseconds(61_290))
                .extension("https://example.com/n", 3)
                .extension("https://example.com/b", false)
                .extension("https://example.com/j", json: "[1,2.5,null]")
        )
        .context(
            XapiContext().registration(id).instructor(.mbox("mailto:ben@example.com"))
                .team(.anonymous([.mbox("mailto:ada@example.com")]).name("Team"))
                .parent(XapiActivity("https://example.com/quiz"))
                .category(XapiActivity(Categories.video))
                .revision("r1").platform("p1").language("de").statement(id)
                .contextAgent(
                    ContextAgent(
                        agent: .mbox("mailto:ben@example.com"), relevantTypes: ["https://example.com/helper"]
                    )
                )
                .contextGroup(ContextGroup(group: .identified(.openid(uri: "https://example.com/g"))))
                .extension("https://example.com/c", ["a": [1, 2]])
        )
        .attachment(
            Attachment(
                usageType: "https://example.com/usage", display: ["en": "file"], contentType: "text/plain",
                length: 3, sha2: String(repeating: "a", count: 64), fileUrl: "https://example.com/f"
            )
        )
    }

    @Test func theCommonestAreALineEachAndWhatIsSaidBesideStays() throws {
        let word = XapiActivity("https://example.com/words/zug").name("de", "der Zug").interaction(.fillIn)
        let whole = XapiActivity("https://example.com/quiz")
        let answered = Statement.answered(word, "rain").success(false).duration(.milliseconds(4_200)).parent(whole)
            .actor(.mbox("ada@example.com"))
        #expect(answered.verb == .answered && answered.actor == .agent(agent: .mbox("ada@example.com")))
        #expect(answered.object == .activity(activity: word.activityType(ActivityTypes.cmiInteraction)))
        #expect(answered.result == XapiResult().response("rain").success(false).duration(.milliseconds(4_200)))
        #expect(answered.context == XapiContext().parent(whole))

        #expect(Statement.completed(whole) == Statement(.completed, whole).result(XapiResult().completion(true)))
        let half = XapiResult().extension("https://w3id.org/xapi/cmi5/result/extensions/progress", 50)
        #expect(Statement.progressed(whole, percent: 50) == Statement(.progressed, whole).result(half))
        #expect(Statement.attended(whole) == Statement(.attended, whole.activityType(ActivityTypes.meeting)))
    }

    @Test func aScoreLeavesTheRestOfTheResult() {
        let scored = Statement.completed(XapiActivity("https://example.com/exam")).score(.scaled(0.8))
        #expect(scored.result?.score == .scaled(0.8) && scored.result?.completion == true)
    }

    @Test func aVideoFollowsItsProfile() throws {
        let film = XapiActivity("https://example.com/film")
        let length = Duration.seconds(90)
        let played = Statement.videoPlayed(film, session: id, length: length, at: .milliseconds(12_345))
        let paused = Statement.videoPaused(film, session: id, length: length, at: .milliseconds(12_345))
        let seen = Statement.videoCompleted(film, session: id, length: length)
        for (statement, verb) in [(played, Verb.played), (paused, .paused), (seen, .completed)] {
            #expect(statement.verb == verb)
            #expect(statement.object == .activity(activity: film.activityType(ActivityTypes.video)))
            #expect(statement.context?.contextActivities?.category == [XapiActivity(Categories.video)])
            #expect(statement.context?.extensions == [
                ExtensionKeys.videoLength: "90.0", ExtensionKeys.videoSessionId: "\"\(id.uuidString.lowercased())\"",
            ])
        }
        #expect(played.result?.extensions == [ExtensionKeys.videoTime: "12.345"] && paused.result == played.result)
        #expect(seen.result?.extensions == [ExtensionKeys.videoTime: "90.0", ExtensionKeys.videoProgress: "1"])
        #expect(seen.result?.completion == true)
    }

    @Test func aMailAddressNeedsNoMailto() throws {
        for address in ["ada@example.com", "mailto:ada@example.com"] {
            #expect(Agent.mbox(address, name: "Ada").ifi == .mbox(iri: "mailto:ada@example.com"))
            #expect(Ifi.mbox(address) == .mbox(iri: "mailto:ada@example.com"))
        }
    }

    @Test func everyPartArrivesAtItsPlace() throws {
        let json = try full.toJson()
        _ = try checkStatement(json: json, version: .v200)
        for part in [
            #""id":"0c7a4a4e-3f52-4f5b-9d6c-6a4c3b1e2d10""#,
            #""account":{"homePage":"https://example.com","name":"a1"}"#,
            #""display":{"en":"did"}"#,
            #""name":{"de":"Zug"},"description":{"en":"What is it?"},"type":"\#(ActivityTypes.cmiInteraction)""#,
            #""interactionType":"choice","correctResponsesPattern":["train"],"choices":[{"id":"train""#,
            #""https://example.com/x":"a \"quoted\"\n\\ text\u0001""#,
            #""score":{"scaled":0.5,"raw":5.0,"min":1.0,"max":10.0},"success":true,"completion":false"#,
            // What is cut off at 0.01 s was rounded to it by nobody before.
            #""duration":"PT1M1.29S""#,
            #""https://example.com/b":false,"https://example.com/j":[1,2.5,null],"https://example.com/n":3"#,
            #""contextActivities":{"parent":[{"id":"https://example.com/quiz"}],"category":[{"id":"\#(Categories.video)"}]}"#,
            #""statement":{"objectType":"StatementRef","id":"0c7a4a4e-3f52-4f5b-9d6c-6a4c3b1e2d10"}"#,
            #""relevantTypes":["https://example.com/helper"]"#,
            #""https://example.com/c":{"a":[1,2]}"#,
            #""timestamp":"2026-02-01T10:00:00.123Z""#,
        ] {
            #expect(json.contains(part), "\(part) is missing in \(json)")
        }
    }

    @Test func writtenAndReadAgainIsTheSame() throws {
        let written = try JSONEncoder().encode(full)
        #expect(try JSONDecoder().decode(Statement.self, from: written) == full)
        #expect(try tree(written) == tree(Data(full.toJson().utf8)))
        for object: StatementObject in [
            .agent(agent: .mbox("mailto:ada@example.com")),
            .group(group: .anonymous([.mbox("mailto:ada@example.com")])),
            .statementRef(reference: StatementRef(id)),
            .sub(
                statement: SubStatement(
                    actor: .agent(agent: .mbox("mailto:ben@example.com")), verb: .attended,
                    object: .activity(activity: XapiActivity("https://example.com/it")),
                    result: XapiResult(success: true), timestamp: Date(timeIntervalSince1970: 0)
                )
            ),
        ] {
            let one = Statement(.group(group: .identified(.mboxSha1sum(hex: "ab"))), .preferred, object)
            #expect(try JSONDecoder().decode(Statement.self, from: JSONEncoder().encode(one)) == one)
        }
    }

    @Test func theTextIsReadByTheCore() throws {
        #expect(try Statement(json: full.toJson()) == full)
        let spelled = #"""
            {"actor":{"openid":"https://example.com/a"},"verb":{"id":"https://example.com/did"},
            "object":{"id":"\#(id.uuidString)","objectType":"StatementRef"},
            "timestamp":"2026-02-01T11:00:00+01:00","result":{"duration":"P1DT0,5H",
            "extensions":{"https://example.com/n":18446744073709551615}}}
            """#
        let read = try Statement(json: spelled)
        #expect(read.object == .statementRef(reference: StatementRef(id)))
        #expect(read.timestamp == Date(timeIntervalSince1970: 1_769_940_000))
        #expect(read.result?.duration == .seconds(88_200))
        #expect(read.result?.extensions == ["https://example.com/n": "18446744073709551615"])
        #expect(try JSONDecoder().decode(Statement.self, from: Data(spelled.utf8)) == read)
    }

    @Test func whatHasNoPlaceInAStatementIsRefusedWithItsPath() async throws {
        let one = try lesson(1).toJson().dropLast()
            + #","stored":"2026-02-01T11:00:00Z","result":{"duration":"P1M"}}"#
        let error = await thrown { _ = try Statement(json: String(one)) }
        #expect(error?.faults.map(\.path) == ["$.stored", "$.result.duration"])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Statement.self, from: Data(one.utf8))
        }
        let activity = try JSONEncoder().encode(XapiActivity("https://example.com/it"))
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(StatementRef.self, from: activity) }
    }

    @Test func eachPartIsJSONOfItsOwn() throws {
        func again<Part: Codable & Equatable>(_ part: Part) throws {
            #expect(try JSONDecoder().decode(Part.self, from: JSONEncoder().encode(part)) == part)
        }
        try again(full.actor!)
        try again(Agent.mbox("mailto:ada@example.com"))
        try again(XapiGroup.anonymous([.mbox("mailto:ada@example.com")]))
        try again(full.verb)
        try again(full.object)
        try again(XapiActivity("https://example.com/it"))
        try again(StatementRef(id))
        try again(full.result!)
        try again(XapiResult())
        try again(Score.scaled(0.1))
        try again(full.context!)
        try again(full.attachments[0])
    }

    @Test(arguments: [
        ("PT1H2M3.25S", Duration.milliseconds(3_723_250)), ("P1DT2H", .seconds(93_600)),
        ("P2W", .seconds(1_209_600)), ("PT0S", .zero), ("PT0.5H", .seconds(1_800)), ("P1Y", nil),
        ("P1M", nil), ("PT", nil), ("P1D T", nil), ("PT1", nil), ("", nil), ("PT.S", nil), ("P1.S", nil),
        ("PT99999999999999999999S", nil),
    ])
    func durationsAreReadAsTheStandardWritesThem(text: String, length: Duration?) {
        let json = Data(#"{"duration":"\#(text)"}"#.utf8)
        #expect((try? JSONDecoder().decode(XapiResult.self, from: json))?.duration == length)
    }

    @Test(arguments: [
        ("2026-02-01T10:00:00.123Z", 1_769_940_000_123.0), ("2026-02-01T11:00:00+01:00", 1_769_940_000_000),
        ("2026-02-01T10:00:00.1239999Z", 1_769_940_000_123), ("1969-12-31T23:59:59.5Z", -500),
        ("yesterday", nil), ("2026-02-01T10:00:00.Z", nil),
    ])
    func timestampsAreReadAsTheStandardWritesThem(text: String, millis: Double?) throws {
        let one = try lesson(1).toJson().dropLast() + #","timestamp":"\#(text)"}"#
        let read = try? JSONDecoder().decode(Statement.self, from: Data(one.utf8)).timestamp
        #expect(read.map { ($0.timeIntervalSince1970 * 1_000).rounded() } == millis)
    }

    @Test func whatLacksWhatTheModelMustHaveIsRefused() {
        for text in [
            "{}", #"{"actor":{"name":"nobody"},"verb":{"id":"a:b"},"object":{"id":"a:c"}}"#,
            #"{"actor":{"mbox":"mailto:a@b"},"verb":{"id":"a:b"},"object":{"id":"a:c","definition":{"interactionType":"x"}}}"#,
        ] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(Statement.self, from: Data(text.utf8))
            }
        }
    }

    @Test func everyInteractionTypeIsReadAsItIsWritten() throws {
        for type in InteractionType.allCases {
            let one = XapiActivity("https://example.com/q").interaction(type)
            #expect(try JSONDecoder().decode(XapiActivity.self, from: JSONEncoder().encode(one)) == one)
        }
    }

    @Test func anExtensionThatIsNoJSONIsAFaultWithItsPlace() async {
        let broken = [
            XapiResult().extension("https://example.com/x", json: "{no"),
            XapiResult().extension("https://example.com/x", Double.nan),
        ]
        for result in broken {
            let error = await thrown { _ = try lesson(1).result(result).toJson() }
            #expect(error?.faults.map(\.path) == [#"$.result.extensions["https://example.com/x"]"#])
        }
    }

    @Test func timesBeyondAllNumbersAreTheFurthestAndDurationsAreRefused() async throws {
        let cut = try lesson(1).result(XapiResult(duration: .milliseconds(1_239))).toJson()
        #expect(cut.contains(#""duration":"PT1.23S""#))
        for duration in [Duration.seconds(-5), .nanoseconds(-1), .seconds(Int64.max), .seconds(Int64.min)] {
            let error = await thrown { _ = try lesson(1).result(XapiResult(duration: duration)).toJson() }
            #expect(error?.faults.map(\.path) == ["$.result.duration"])
        }
        #expect(try lesson(1).timestamp(.distantFuture).toJson().contains("4001-01-01"))
        #expect(throws: Never.self) { try lesson(1).timestamp(Date(timeIntervalSince1970: 1e300)).toJson() }
    }

    private func tree(_ json: Data) throws -> NSDictionary? {
        try JSONSerialization.jsonObject(with: json) as? NSDictionary
    }
}
