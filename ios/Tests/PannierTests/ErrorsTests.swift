import Foundation
import Pannier
import Testing

/// What the errors that ask for an answer carry, and what an app can do then; `ErrorKindsTests` has
/// every kind.
struct ErrorsTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func anInvalidStatementListsEveryFault() async throws {
        let collector = try await Collector.open(folder.queue)
        let error = try #require(await thrown { try await collector.record(json: "{}") })
        #expect(Set(error.faults.map(\.path)) == ["$.actor", "$.verb", "$.object"])
        #expect(error.faults.allSatisfy { $0.problem == "is missing" && !$0.section.isEmpty })
        #expect(error.localizedDescription == error.explanation && error.explanation.contains("$.verb"))
        let many = await thrown { try await collector.recordAll(json: [lesson(1).toJson(), "{}"]) }
        #expect(many?.faults.allSatisfy { $0.path.hasPrefix("$[1]") } == true)
        #expect(throws: PannierError.self) { try checkStatement(json: "{}", version: .v103) }
        #expect(try await collector.readStatus().recorded == 0)
    }

    @Test func whatWasSentCanBeVoidedAndWhatWasRefusedReplaced() async throws {
        let config = Config(endpoint: lrs, history: .forever)
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        let (sent, bad) = (try await collector.record(lesson(1)), UUID())
        try await collector.record(badLesson(2, id: bad))
        try await collector.sync()
        try await collector.void(sent, actor: .agent(agent: .mbox("mailto:ada@example.com")))
        #expect(try await collector.held().map(\.id) == [bad])
        #expect(try await collector.heldOne(bad).status == 400)
        try await collector.replace(bad, with: lesson(3, id: bad))
        #expect(try await collector.sync().delivered == 2)
        #expect(try await collector.history().count == 3)
        let erased = try await collector.erase(.mbox(iri: "mailto:ada@example.com"))
        #expect(erased == Erased(undelivered: 0, maybeSent: 0, history: 3))
    }

    @Test func aConflictShowsBothAndEndsByTheAppsWord() async throws {
        let theirs = try lesson(7).toJson()
        let conflicts = AsyncTransport { request in
            if request.url.path.hasSuffix("/about") { return answer(200, #"{"version":["2.0.0"]}"#) }
            guard request.method == .get else { return answer(409, "another one is here") }
            let id = request.url.absoluteString.firstMatch(of: #/statementId=([0-9a-f-]{36})/#).map { $0.1 }
            return answer(200, theirs.dropLast() + #","id":"\#(id ?? "")","timestamp":"2026-01-01T00:00:00Z"}"#)
        }
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: conflicts
        )
        let ours = try await collector.record(lesson(1))
        let other = try await collector.record(lesson(2))
        try await collector.sync()
        let conflict = try await collector.conflict(ours)
        #expect(conflict.differences.contains { $0.path.hasPrefix("$.object") }, "\(conflict.differences)")
        #expect(conflict.theirs?.contains("lessons/7") == true && conflict.ours.contains("lessons/1"))
        let new = try await collector.sendAsNew(ours)
        try await collector.keepTheirs(other)
        #expect(new != ours)
        let status = try await collector.readStatus()
        #expect([status.queued, status.held, status.replaced] == [1, 0, 1], "\(status)")
    }

    @Test func aDamagedFileIsSetAsideAndTheAppIsTold() async throws {
        try String(repeating: "this is no database at all, ", count: 100)
            .write(to: folder.queue, atomically: true, encoding: .utf8)
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        let told = try await within {
            await collector.events.first { if case .salvaged = $0 { true } else { false } }
        }
        guard case .salvaged(_, let keptAt, _, _) = told else {
            Issue.record("\(String(describing: told))")
            return
        }
        #expect(FileManager.default.fileExists(atPath: keptAt))
    }
}
