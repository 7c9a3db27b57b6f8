import Foundation
import Pannier
import Testing

/// Every kind of error that can be brought about here, with what it carries. A full or write-protected
/// disk, a lock that another process does not give back and damage while the file is open are left to
/// the tests of the core and of the conversion.
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

    @Test func eachOtherKindSaysWhichStatementAndWhatToDo() async throws {
        let collector = try await Collector.open(folder.queue)
        let (id, missing) = (UUID(), UUID())
        try await collector.record(lesson(1, id: id))
        try await fails({ if case .otherContent(id, _) = $0 { true } else { false } }) {
            try await collector.record(lesson(2, id: id))
        }
        try await fails({ if case .unknown(missing, _) = $0 { true } else { false } }) {
            try await collector.retract(missing)
        }
        try await fails({ if case .notHeld(id, _) = $0 { true } else { false } }) {
            try await collector.retry(id)
        }
        let file = Attachment(
            usageType: "https://example.com/u", display: ["en": "x"], contentType: "text/plain", length: 1,
            sha2: String(repeating: "a", count: 64), fileUrl: nil
        )
        try await fails({ if case .attachmentContent = $0 { true } else { false } }) {
            try await collector.record(lesson(3).attachment(file))
        }
        try await fails({ if case .invalidEndpoint = $0 { true } else { false } }) {
            try await collector.setEndpoint(URL(string: "lrs.example")!)
        }
        try await fails({ if case .invalidCredentials = $0 { true } else { false } }) {
            try await collector.setCredentials(.bearer(token: "two words"))
        }
        try await fails({ if case .noEndpoint = $0 { true } else { false } }) { try await collector.sync() }
        try await collector.setEndpoint(lrs)
        try await collector.pause()
        try await fails({ if case .paused = $0 { true } else { false } }) {
            try await collector.record(lesson(4))
        }
        try await collector.resume()
        #expect(try await collector.readStatus().recorded == 1)
        await collector.close()
        try await fails({ if case .closing = $0 { true } else { false } }) {
            try await collector.record(lesson(4))
        }
    }

    @Test func whatWasSentCanOnlyBeVoidedAndOnlyConflictsEndAsConflicts() async throws {
        let config = Config(endpoint: lrs, history: .forever)
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        let sent = try await collector.record(lesson(1))
        let bad = UUID()
        var refused = lesson(2, id: bad)
        refused.verb = Verb("https://example.com/bad", "was bad")
        try await collector.record(refused)
        try await collector.sync()
        try await fails({ if case .mayHaveBeenSent(sent, _) = $0 { true } else { false } }) {
            try await collector.retract(sent)
        }
        try await fails({ if case .notInConflict(bad, _) = $0 { true } else { false } }) {
            try await collector.keepTheirs(bad)
        }
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

    @Test func filesThatCannotBeUsedAreToldApartAndLeftAlone() async throws {
        try await Collector.open(folder.queue).close()
        try patch(60, 99) // the schema version in SQLite's header
        try await fails({ if case .newer(_, 99, let known, _) = $0 { known < 99 } else { false } }) {
            try await Collector.open(folder.queue)
        }
        try patch(60, 0)
        try patch(68, 0x7e57) // whose file it is
        let path = folder.queue.path
        try await fails({ if case .notAQueue(path, _) = $0 { true } else { false } }) {
            try await Collector.open(folder.queue)
        }
        try await fails({ if case .cannotOpen = $0 { true } else { false } }) {
            try await Collector.open(folder.url.appendingPathComponent("none/queue.db"))
        }
        let roots = Config(endpoint: lrs, extraRoots: [Data("no certificate".utf8)])
        let collector = try await Collector.open(folder.url.appendingPathComponent("other.db"), config: roots)
        try await collector.record(lesson(1))
        try await fails({ if case .noTransport = $0 { true } else { false } }) { try await collector.sync() }
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

    /// Its text is the explanation, and that is whole sentences for a developer.
    private func fails(_ carries: (PannierError) -> Bool, _ work: () async throws -> some Any) async throws {
        let error = try #require(await thrown { _ = try await work() })
        #expect(error.explanation.count > 20 && carries(error), "\(error)")
        #expect(error.localizedDescription == error.explanation)
    }

    private func patch(_ at: UInt64, _ value: UInt32) throws {
        let file = try FileHandle(forWritingTo: folder.queue)
        try file.seek(toOffset: at)
        file.write(withUnsafeBytes(of: value.bigEndian) { Data($0) })
        try file.close()
    }
}
