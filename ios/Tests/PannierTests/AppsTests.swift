import Foundation
import Pannier
import PannierTesting
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A file of JSON lines, sent whole, and emptied when the LRS says 200.
actor OwnQueue {
    private let file: URL
    private let exchange: @Sendable (URLRequest) async throws -> Int
    private let (lrs, authorization): (URL, String)

    init(
        _ file: URL, lrs: URL, authorization: String,
        exchange: @escaping @Sendable (URLRequest) async throws -> Int = { request in
            let (_, answer) = try await URLSession.shared.data(for: request)
            return (answer as? HTTPURLResponse)?.statusCode ?? 0
        }
    ) {
        (self.file, self.lrs, self.authorization, self.exchange) = (file, lrs, authorization, exchange)
    }

    var lines: [Substring] { (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n") ?? [] }

    func add(_ statement: sending [String: Any]) throws {
        var whole = statement
        // Sent twice, it is still one.
        whole["id"] = UUID().uuidString.lowercased()
        whole["timestamp"] = Date().ISO8601Format()
        let line = String(decoding: try JSONSerialization.data(withJSONObject: whole), as: UTF8.self)
        try write(lines + [line[...]])
    }

    func send() async throws {
        let batch = lines
        guard !batch.isEmpty else { return }
        var request = URLRequest(url: lrs.appendingPathComponent("statements"))
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("1.0.3", forHTTPHeaderField: "X-Experience-API-Version")
        request.setValue(authorization, forHTTPHeaderField: "Authorization")
        request.httpBody = Data("[\(batch.joined(separator: ","))]".utf8)
        guard try await exchange(request) == 200 else { return }
        // What was added meanwhile stays.
        try write(Array(lines.dropFirst(batch.count)))
    }

    private func write(_ lines: [Substring]) throws {
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file, options: .atomic)
    }
}

func answeredByHand(_ queue: OwnQueue, _ learner: String, _ word: String, _ answer: String, _ seconds: Double) async throws {
    try await queue.add([
        "actor": ["account": ["homePage": "https://school.example", "name": learner]],
        "verb": ["id": "http://adlnet.gov/expapi/verbs/answered", "display": ["en": "answered"]],
        "object": [
            "id": "https://school.example/words/\(word)",
            "definition": [
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "interactionType": "fill-in",
                "correctResponsesPattern": [word],
            ],
        ],
        "result": ["response": answer, "success": answer == word, "duration": "PT\(seconds)S"],
        "context": ["platform": "iPad", "language": "de"],
    ])
}

func answered(_ recorder: any StatementRecorder, _ word: String, _ answer: String, took: Duration) {
    let question = XapiActivity("https://school.example/words/\(word)").interaction(.fillIn).correctResponses([word])
    recorder.post(.answered(question, answer).success(answer == word).duration(took))
}

func stepDone(_ recorder: any StatementRecorder, _ step: String, of training: String, mistakes: Int, took: Duration) {
    let whole = XapiActivity("https://plant.example/\(training)")
    let part = XapiActivity("https://plant.example/\(training)/\(step)").activityType(ActivityTypes.simulation)
    recorder.post(.completed(part).success(mistakes == 0).duration(took).parent(whole))
}

func checkIn(_ recorder: any StatementRecorder, badge: String, id: UUID) async throws -> Bool {
    let attended = Statement.attended(XapiActivity("https://workshops.example/first-aid"))
        .actor(.account(homePage: "https://workshops.example/badges", name: badge))
    // The id is made from the workshop and the badge: shown twice, it is the same statement, and changes nothing.
    return try await recorder.record(attended.id(id)).isNew
}

/// docs/apps.md shows the functions above, and says what happens to the queue by hand; here it does.
struct AppsTests {
    let folder: Folder
    let lrs = MemoryLrs()
    let page: String

    init() throws {
        folder = try Folder()
        page = try String(contentsOf: ios.appendingPathComponent("../docs/apps.md"), encoding: .utf8)
    }

    private func byHand(_ exchange: @escaping @Sendable (URLRequest) async throws -> Int) -> OwnQueue {
        OwnQueue(folder.url.appendingPathComponent("own"), lrs: MemoryLrs.endpoint, authorization: "", exchange: exchange)
    }

    /// A queue by hand before the LRS in memory.
    private func byHand() -> OwnQueue {
        let lrs = lrs
        return byHand { request in
            let body = Body(pieces: [.bytes(bytes: request.httpBody ?? Data())])
            let asked = Request(
                method: .post, url: request.url!, headers: [], body: body, timeout: .seconds(30), longestAnswer: 1_000_000
            )
            return Int(try lrs.exchange(request: asked).status)
        }
    }

    private func learners() async throws -> Collector {
        let config = Config(
            endpoint: MemoryLrs.endpoint,
            defaults: StatementDefaults(
                .account(homePage: "https://school.example", name: "4711"), XapiContext().platform("iPad").language("de")
            )
        )
        return try await Collector.open(folder.queue, config: config, transport: lrs)
    }

    @Test func byHandAndWithPannierTheSameIsDelivered() async throws {
        let queue = byHand()
        try await answeredByHand(queue, "4711", "train", "train", 4.2)
        try await queue.send()
        #expect(await queue.lines.isEmpty)
        let byHand = try #require(lrs.ids.first.flatMap(lrs.statement))
        let collector = try await learners()
        answered(collector, "train", "train", took: .milliseconds(4_200))
        #expect(try await collector.sync().delivered == 1)
        let other = try #require(lrs.ids.compactMap(lrs.statement).first { $0 != byHand })
        #expect(try Statement(json: byHand).withoutOwn == Statement(json: other).withoutOwn)
    }

    @Test func aPortalTakesFromTheQueueByHandWhatItHas() async throws {
        let queue = byHand { _ in 200 }
        try await answeredByHand(queue, "4711", "train", "train", 4.2)
        try await queue.send()
        #expect(await queue.lines.isEmpty && lrs.ids.isEmpty)
        let collector = try await learners()
        answered(collector, "train", "train", took: .seconds(4))
        lrs.failNext(.portal)
        #expect(try await collector.sync().delivered == 0)
        #expect(try await collector.readStatus().queued == 1)
    }

    @Test func oneBadStatementStopsTheQueueByHand() async throws {
        let queue = byHand()
        lrs.refuse("bad")
        for word in ["bad", "train"] { try await answeredByHand(queue, "4711", word, word, 4.2) }
        for _ in 1...10 { try await queue.send() }
        #expect(await queue.lines.count == 2 && lrs.ids.isEmpty)
        let collector = try await learners()
        for word in ["bad", "train"] { answered(collector, word, word, took: .seconds(4)) }
        #expect(try await collector.sync().delivered == 1)
    }

    @Test func eachOfTheThreeAppsIsDelivered() async throws {
        let collector = try await learners()
        answered(collector, "train", "rain", took: .seconds(4))
        stepDone(collector, "close-the-valve", of: "pump-4", mistakes: 0, took: .seconds(61))
        let id = UUID()
        for n in 1...3 { #expect(try await checkIn(collector, badge: "b-17", id: id) == (n == 1)) }
        #expect(try await collector.readStatus().recorded == 3)
        #expect(try await collector.sync().delivered == 3)
        let fake = FakeRecorder(defaults: StatementDefaults(.mbox("ada@example.com")))
        answered(fake, "train", "rain", took: .seconds(4))
        #expect(fake.recorded.first?.result?.success == false)
    }

    @Test func thePageShowsThemAsTheyStandHereAndCountsThem() throws {
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        for name in ["actor OwnQueue {", "func answeredByHand(", "func answered(", "func stepDone(", "func checkIn("] {
            let begin = try #require(source.range(of: name))
            let end = try #require(source.range(of: "\n}\n", range: begin.upperBound..<source.endIndex))
            let code = source[begin.lowerBound..<end.upperBound]
            #expect(page.contains("```swift\n\(code)"), "\(name)")
            let lines = code.split(separator: "\n").count
            let word = name.dropLast().split(separator: " ").last ?? ""
            #expect(page.contains("| `\(word)` | \(lines) |"), "\(word): \(lines)")
        }
    }
}

extension Statement {
    /// What two devices would say alike.
    fileprivate var withoutOwn: Statement {
        var copy = self
        (copy.id, copy.timestamp, copy.verb.display) = (nil, nil, [:])
        return copy
    }
}
