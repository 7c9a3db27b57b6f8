import Foundation
import Pannier
import Testing

func lessons(lrs: URL, credentials: Credentials) -> AppCollector {
    AppCollector(
        config: Config(endpoint: lrs, credentials: credentials),
        networks: .unmetered,
        backgroundSync: BackgroundSync(processing: "com.example.lessons.deliver"),
        onNotRecorded: { statement, error in print("\(statement.verb.id) is not recorded: \(error)") }
    )
}

func practise(queue: URL, lrs: URL, credentials: Credentials) async throws {
    let collector = try await Collector.open(
        queue, config: Config(endpoint: lrs, credentials: credentials)
    )
    // With or without a network: when this returns, the statement survives even a power cut.
    try await collector.record(
        Statement(
            .mbox("ada@example.com", name: "Ada"),
            .completed,
            XapiActivity("https://example.com/videos/leadership-basics").name("en", "Leadership Basics")
        )
        .result(XapiResult().completion(true).score(.scaled(0.8)).duration(.seconds(12 * 60)))
    )

    // By hand; SyncPolicy.automatic in the Config makes it automatic.
    let report = try await collector.sync()
    print("\(report.delivered) delivered")
    switch report.ended {
    case .emptied: for aside in report.waiting { print("\(aside.statements) wait: \(aside.reason)") }
    case .waiting(let until, _, let trouble): print("next try at \(until): \(trouble?.words ?? "")")
    case let other: print("not yet: \(other)")
    }
    for held in try await collector.held() {
        print("\(held.id) is held (\(held.reason)): \(held.words)")
    }
    await collector.close()
}

func recordAndSync(queue: URL, lrs: URL, credentials: Credentials) async throws {
    let collector = try await Collector.open(queue, config: Config(endpoint: lrs, credentials: credentials))
    let lesson = XapiActivity("https://example.com/lessons/1")
    try await collector.record(.completed(lesson).actor(.mbox("ada@example.com")))
    try await collector.sync()
    await collector.close()
}

func alsoExams(collector: Collector, lrs: URL, credentials: Credentials) async throws {
    let route = Route(activities: ["https://example.com/exams/"])
    let exams = try await collector.addUpstream(
        NewUpstream(name: "exams", endpoint: lrs, credentials: credentials, route: route)
    )
    for upstream in try await collector.sync().upstreams {
        print("\(upstream.name): \(upstream.delivered) delivered, \(upstream.ended)")
    }
    for held in try await exams.held() { print("the exams' LRS refuses \(held.id): \(held.words)") }
}

func answer(collector: Collector, learner: String, word: String) async throws {
    // Of the app, in Config.defaults, or of a learner or a session, as here; a statement's own words win.
    let recorder = try await collector.recorder(
        StatementDefaults(
            .account(homePage: "https://school.example", name: learner),
            XapiContext().platform("iPad").language("de")
        )
    )
    try await recorder.record(Statement(.answered, XapiActivity("https://example.com/words/\(word)")))
}

func submit(collector: Collector, photo: Data) async throws {
    let usage = "http://id.tincanapi.com/attachment/supporting_media"
    let described = attachmentOf(
        content: photo, usageType: usage, contentType: "image/jpeg", display: ["en": "The finished knot"]
    )
    let knot = Statement(.mbox("ada@example.com"), .completed, XapiActivity("https://example.com/knots/bowline"))
    // On the disk when this returns, and sent with the statement.
    try await collector.recordWith(knot.attachment(described), contents: [photo])
}

/// The examples of the READMEs are the functions above, and they work.
struct ReadmeTests {
    @Test func theExampleOfThePackageRunsAsItStandsInItsReadme() async throws {
        let (hub, folder) = (try await Lrs.hub(), try Folder())
        try await practise(queue: folder.queue, lrs: hub.url, credentials: hub.credentials)
        #expect(try await Collector.open(folder.queue).readStatus().delivered == 1)
        try shows("practise", in: "README.md")
    }

    @Test func theExampleOfAnAppIsMadeWithoutWaitingAsItStandsThere() async throws {
        let app = lessons(lrs: lrs, credentials: .bearer(token: "one"))
        // This program has no identifier, so there is no folder of its own.
        await #expect(throws: NoAppIdentifier.self) { try await app.record(lesson(1)) }
        try shows("lessons", in: "README.md")
    }

    @Test func theExampleOfTheProjectRunsAsItStandsInItsReadme() async throws {
        let (hub, folder) = (try await Lrs.hub(), try Folder())
        try await recordAndSync(queue: folder.queue, lrs: hub.url, credentials: hub.credentials)
        #expect(try await Collector.open(folder.queue).readStatus().delivered == 1)
        try shows("recordAndSync", in: "../README.md")
    }

    @Test func theExampleWithTwoLrssRunsAsItStandsThere() async throws {
        let (hub, exams, folder) = (try await Lrs.hub(), try await Lrs.hub(), try Folder())
        let collector = try await Collector.open(folder.queue, config: hub.config)
        try await alsoExams(collector: collector, lrs: exams.url, credentials: exams.credentials)
        var exam = lesson(2)
        exam.object = .activity(activity: XapiActivity("https://example.com/exams/2"))
        let (first, second) = (try await collector.record(lesson(1)).id, try await collector.record(exam).id)
        // Each time that the queue is opened.
        try await alsoExams(collector: collector, lrs: exams.url, credentials: exams.credentials)
        for lrs in [hub, exams] { #expect(try await lrs.statement(second) != nil) }
        #expect(try await hub.statement(first) != nil)
        #expect(try await exams.statement(first) == nil)
        try shows("alsoExams", in: "README.md")
    }

    @Test func theExampleOfALearnerRunsAsItStandsThere() async throws {
        let folder = try Folder()
        let collector = try await Collector.open(folder.queue)
        try await answer(collector: collector, learner: "4711", word: "zug")
        let recorded = try #require(try await collector.queued().first?.statement)
        for said in ["4711", "iPad", "words/zug"] { #expect(recorded.contains(said)) }
        try shows("answer", in: "README.md")
    }

    @Test func theExampleWithAPhotoRunsAsItStandsThere() async throws {
        let (hub, folder) = (try await Lrs.hub(), try Folder())
        let collector = try await Collector.open(folder.queue, config: hub.config)
        try await submit(collector: collector, photo: Data([255, 0, 1]))
        #expect(try await collector.sync().delivered == 1)
        try shows("submit", in: "README.md")
    }

    /// The README has this function of this file as it stands here.
    private func shows(_ function: String, in readme: String) throws {
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        let begin = try #require(source.range(of: "func \(function)("))
        let end = try #require(source.range(of: "\n}\n", range: begin.upperBound..<source.endIndex))
        let example = "```swift\n\(source[begin.lowerBound..<end.upperBound])```"
        let text = try String(contentsOf: ios.appendingPathComponent(readme), encoding: .utf8)
        #expect(text.contains(example), "\(readme)")
    }
}
