import Foundation
import Pannier
import PannierTesting
import Testing

/// The kit as an app uses it: one device, and an LRS that does what a test says.
struct MemoryLrsTests {
    let folder: Folder
    let lrs = MemoryLrs()

    init() throws { folder = try Folder() }

    private func open(_ lrs: MemoryLrs, _ name: String = "kit") async throws -> Collector {
        let config = Config(endpoint: MemoryLrs.endpoint, credentials: .basic(user: "me", password: "old"))
        let file = folder.queue.deletingLastPathComponent().appendingPathComponent("\(name).db")
        return try await Collector.open(file, config: config, transport: lrs)
    }

    private func lesson(_ number: Int) -> Statement {
        Statement(
            .mbox("mailto:ada@example.com", name: "Ada, {the \"first\"}, [1]"), .completed,
            XapiActivity("https://example.com/lessons/\(number)"))
    }

    @Test(arguments: [
        (Failure.status(500), Problem.serverError), (.status(401), .credentials),
        (.tooManyRequests(wait: 90), .busy), (.unavailable(wait: 90), .busy), (.gateway(502), .serverError),
        (.portal, .notAnLrs), (.unreachable, .unreachable), (.timedOut, .timedOut), (.lostAnswer, .broken),
    ])
    func nothingIsLostByAFailureAndEachTellsWhatIsWrong(_ failure: Failure, _ problem: Problem) async throws {
        let collector = try await open(lrs)
        try await collector.record(lesson(1))
        lrs.failAlways(failure)
        #expect(try await collector.sync().delivered == 0)
        let status = try await collector.readStatus()
        #expect(status.trouble?.problem == problem)
        #expect(status.queued + status.waiting == 1)
        try await collector.close()
    }

    @Test func anLrsThatIsBackGetsEverythingOnce() async throws {
        let collector = try await open(lrs)
        let ids = try await collector.recordAll([lesson(1), lesson(2), lesson(3)]).map(\.id)
        lrs.failAlways(.unreachable)
        #expect(try await collector.sync().delivered == 0)
        lrs.recover()
        #expect(try await collector.sync(patience: .seconds(60)).ended == .emptied)
        #expect(lrs.ids == Set(ids))
        #expect(ids.allSatisfy { lrs.timesStored($0) == 1 })
        try await collector.close()
    }

    @Test func whatIsLostOnTheWayBackIsStoredAndIsWaitedFor() async throws {
        let collector = try await open(lrs)
        let id = try await collector.record(lesson(1)).id
        lrs.failNext(.lostAnswer)
        #expect(try await collector.sync().delivered == 0)
        #expect(lrs.timesStored(id) == 1)
        #expect(try await collector.readStatus().waitingFor == .outcomeUnknown)
        try await collector.close()
    }

    @Test func aBatchThatIsTooLargeGoesInPartsAndWhatIsRefusedIsNotThere() async throws {
        let collector = try await open(lrs)
        lrs.limitBytes(2_000)
        lrs.refuse("lessons/13\"")
        let ids = try await collector.recordAll((1...20).map(lesson)).map(\.id)
        _ = try await collector.sync()
        #expect(lrs.ids.count == 19)
        #expect(lrs.statement(ids[12]) == nil)
        try await collector.close()
    }

    @Test func whoItDoesNotKnowDeliversNothing() async throws {
        let collector = try await open(lrs)
        lrs.expect(.basic(user: "me", password: "new"))
        try await collector.record(lesson(1))
        _ = try await collector.sync()
        #expect(try await collector.readStatus().trouble?.problem == .credentials)
        try await collector.setCredentials(.basic(user: "me", password: "new"))
        #expect(try await collector.sync().delivered == 1)
        try await collector.close()
    }

    @Test func anotherOneUnderTheSameIdIsAConflictAndStays() async throws {
        let collector = try await open(lrs)
        let id = try await collector.record(lesson(1)).id
        let theirs = """
            {"id":"\(id.uuidString.lowercased())","actor":{"mbox":"mailto:b@example.com"},
             "verb":{"id":"http://example.com/other"},"object":{"id":"https://example.com/other"}}
            """
        lrs.put(id, theirs)
        _ = try await collector.sync()
        let conflict = try await collector.conflict(id)
        #expect(conflict.theirs?.contains("http://example.com/other") == true)
        #expect(lrs.statement(id) == theirs)
        try await collector.close()
    }

    @Test func whatVoidsAnotherVoidsIt() async throws {
        let collector = try await open(lrs)
        let id = try await collector.record(lesson(1)).id
        _ = try await collector.sync()
        try await collector.record(
            json: """
                {"actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"http://adlnet.gov/expapi/verbs/voided"},
                 "object":{"objectType":"StatementRef","id":"\(id.uuidString.lowercased())"}}
                """)
        _ = try await collector.sync()
        #expect(lrs.isVoided(id))
        try await collector.close()
    }
}
