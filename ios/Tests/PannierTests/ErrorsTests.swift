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
        #expect(error.faults.allSatisfy { $0.index == nil && $0.problem == "is missing" && !$0.section.isEmpty })
        #expect(error.localizedDescription == error.explanation && error.explanation.contains("$.verb"))
        let many = await thrown { try await collector.recordAll(json: [lesson(1).toJson(), "{}"]) }
        #expect(many?.faults.map(\.index) == [1, 1, 1])
        #expect(Set(many?.faults.map(\.path) ?? []) == ["$.actor", "$.verb", "$.object"])
        #expect(many?.explanation.contains("$[1].verb is missing") == true)
        #expect(throws: PannierError.self) { try checkStatement(json: "{}", version: .v103) }
        #expect(try await collector.readStatus().recorded == 0)
    }

    @Test func aGroupIsEnoughForMost() async throws {
        let collector = try await Collector.open(folder.queue)
        let nowhere = folder.url.appendingPathComponent("none/queue.db")
        let groups = [
            await thrown { try await collector.record(json: "{}") }?.group,
            await thrown { try await collector.retract(UUID()) }?.group,
            await thrown { try await collector.sync() }?.group,
            await thrown { _ = try await Collector.open(nowhere) }?.group,
        ]
        #expect(groups == [.notAccepted, .wrongState, .setup, .queueFile])
        #expect(PannierError.panicked(explanation: "").group == nil)
    }

    @Test func whatWasSentCanBeVoidedAndWhatWasRefusedReplaced() async throws {
        let config = Config(endpoint: lrs, history: .forever)
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        let (sent, bad) = (try await collector.record(lesson(1)).id, UUID())
        try await collector.record(badLesson(2, id: bad))
        try await collector.sync()
        // Refused once, it is a suspect; twice, with another one taken in between, it is held.
        #expect(try await collector.waiting().map { $0.reason } == [.suspect])
        try await waitsAreOver(in: folder.queue)
        try await collector.record(lesson(4))
        try await collector.sync()
        try await collector.void(sent, actor: .agent(agent: .mbox("mailto:ada@example.com")))
        #expect(try await collector.held().map(\.id) == [bad])
        #expect(try await collector.heldOne(bad).status == 400)
        try await collector.replace(bad, with: lesson(3, id: bad))
        #expect(try await collector.sync().delivered == 2)
        #expect(try await collector.history().count == 4)
        let latest = try await collector.historyBefore(limit: 3).map(\.seq)
        #expect(try await collector.history().map(\.seq).reversed().prefix(3).elementsEqual(latest))
        let erased = try await collector.erase(.mbox(iri: "mailto:ada@example.com"))
        #expect(erased == Erased(undelivered: 0, maybeSent: 0, history: 4))
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
        let ours = try await collector.record(lesson(1)).id
        let other = try await collector.record(lesson(2)).id
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

    @Test func numbersThatJsonCannotWriteAreRefusedInTheirOwnWords() async throws {
        let collector = try await Collector.open(folder.queue)
        var odd = lesson(1)
        odd.result = XapiResult().score(.scaled(.nan))
        let error = await thrown { [odd] in try await collector.record(odd) }
        #expect(error?.faults.map(\.path) == ["$.result.score.scaled"])
        #expect(error?.faults.map(\.problem) == ["is not a number (NaN)"])
    }

    @Test func whatIsValidAndHadBetterBeOtherwiseIsAWarning() throws {
        let odd = try lesson(1).toJson().dropLast() + #","context":{}}"#
        let warned = try checkStatement(json: String(odd), version: .v200)
        #expect(warned.listed.map(\.path) == ["$.context"])
    }

    @Test func aDamagedFileIsSetAsideAndTheAppIsToldUntilItSaysThatItKnows() async throws {
        let before = try await Collector.open(folder.queue)
        try await before.recordAll((0..<20).map { lesson($0) })
        await before.close()
        let file = try FileHandle(forWritingTo: folder.queue)
        file.write(Data(repeating: 0x55, count: 4)) // no longer SQLite's name
        try file.close()
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        let told = try await within {
            await collector.events.first { if case .salvaged = $0 { true } else { false } }
        }
        guard case .salvaged(_, let keptAt, _, _, _) = told else {
            Issue.record("\(String(describing: told))")
            return
        }
        #expect(FileManager.default.fileExists(atPath: keptAt))
        let loss = try #require(try await collector.readStatus().loss)
        #expect(loss.keptAt.first == keptAt && loss.saved + loss.lost == 20, "\(loss)")
        try await collector.acknowledgeLoss()
        #expect(try await collector.readStatus().loss == nil)
    }
}
