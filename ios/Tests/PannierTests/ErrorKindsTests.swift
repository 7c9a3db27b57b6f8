import Foundation
import Testing

@testable import Pannier

/// Every kind of error, brought about in the way an app would meet it, with what it carries.
struct ErrorKindsTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test(arguments: Kind.onAnyMachine)
    func comesWithWhatItIsAboutAndSaysWhatToDo(kind: Kind) async throws {
        let (thrown, about) = try await bringAbout(kind)
        let error = try #require(thrown)
        #expect(error.told == (kind, about), "\(error)")
        // Its text is the explanation, and that is whole sentences for a developer.
        #expect(error.explanation.count > 20 && error.localizedDescription == error.explanation)
    }

    @Test(.enabled(if: SmallDisk.canBeMade, "only root can make a small disk, and only Linux's"))
    func aFullDiskToo() async throws {
        try await comesWithWhatItIsAboutAndSaysWhatToDo(kind: .diskFull)
    }

    @Test func whatOthersCanEndOrTheNextCallPutsRightIsTransientAndNothingElseIs() {
        let (id, text) = (UUID(), "")
        let transient: [PannierError] = [
            .diskFull(explanation: text), .busy(explanation: text), .readOnly(explanation: text),
            .cannotOpen(path: "/q", explanation: text), .storage(explanation: text), .damaged(explanation: text),
            .partlyErased(erased: Erased(undelivered: 1, maybeSent: 0, history: 0), explanation: text),
            .upstreamNotEmpty(name: "second", left: 3, explanation: text),
        ]
        let lasting: [PannierError] = [
            .invalid(faults: [], moreFaults: 0, warnings: Warnings(listed: [], more: 0), explanation: text),
            .contentMissing(id: id, path: "$", sha2: "x", explanation: text),
            .contentMismatch(id: id, path: "$", said: "x", found: "y", explanation: text),
            .contentUnused(id: id, sha2: "x", explanation: text), .otherContent(id: id, explanation: text),
            .unknown(id: id, explanation: text), .notHeld(id: id, explanation: text),
            .notInConflict(id: id, explanation: text), .mayHaveBeenSent(id: id, explanation: text),
            .noEndpoint(explanation: text), .invalidEndpoint(explanation: text), .invalidCredentials(explanation: text),
            .invalidConfig(explanation: text), .noTransport(explanation: text), .noUpstream(name: "x", explanation: text),
            .otherUpstream(name: "x", explanation: text), .upstreamName(name: "x", explanation: text),
            .tooManyUpstreams(explanation: text), .mainStays(explanation: text),
            .newer(path: "/q", found: 9, known: 1, explanation: text), .missing(path: "/q", explanation: text),
            .notAQueue(path: "/q", explanation: text), .unplaced(ids: [id], explanation: text),
            .paused(explanation: text), .reentrant(explanation: text), .panicked(explanation: text),
            .closing(explanation: text),
        ]
        for error in transient { #expect(error.isTransient, "\(error.told.kind)") }
        for error in lasting { #expect(!error.isTransient, "\(error.told.kind)") }
        #expect(Set((transient + lasting).map(\.told.kind)) == Set(Kind.allCases))
    }

    private static let one = Data("one".utf8)
    private static let other = Data("other".utf8)

    private func log(of content: Data) -> Attachment {
        attachmentOf(
            content: content, usageType: "https://example.com/u", contentType: "text/plain", display: ["en": "x"]
        )
    }

    @Test func contentsAreKeptWithTheirStatement() async throws {
        let collector = try await opened()
        let recorded = try await collector.recordWith(
            lesson(1).attachment(log(of: Self.one)), contents: [Self.one]
        )
        let kept = try await collector.contents(recorded.id)
        #expect(kept.map(\.content) == [Self.one])
        #expect(kept[0].contentType == "text/plain")
        #expect(try await collector.queued()[0].contentBytes > 3)
    }

    /// The error, and what it is to be about. Without a default: a new kind does not compile until it has
    /// its way.
    private func bringAbout(_ kind: Kind) async throws -> (PannierError?, about: String) {
        let id = UUID()
        switch kind {
        case .invalid:
            let collector = try await opened()
            return (await thrown { try await collector.record(json: "{}") }, "$.actor $.verb $.object")
        case .contentMissing:
            let collector = try await opened()
            let log = log(of: Self.one)
            return (
                await thrown { try await collector.record(lesson(1, id: id).attachment(log)) },
                "\(id) $.attachments[0] \(log.sha2)"
            )
        case .contentMismatch:
            let collector = try await opened()
            let (log, other) = (log(of: Self.one), log(of: Self.other))
            return (
                await thrown {
                    try await collector.recordWith(lesson(1, id: id).attachment(log), contents: [Self.other])
                },
                "\(id) $.attachments[0].sha2 \(log.sha2) \(other.sha2)"
            )
        case .contentUnused:
            let collector = try await opened()
            return (
                await thrown { try await collector.recordWith(lesson(1, id: id), contents: [Self.one]) },
                "\(id) \(log(of: Self.one).sha2)"
            )
        case .otherContent:
            let collector = try await opened()
            try await collector.record(lesson(1, id: id))
            let error = await thrown { try await collector.record(lesson(2, id: id)) }
            #expect(try await collector.readStatus().recorded == 1)
            return (error, id.uuidString)
        case .unknown:
            let collector = try await opened()
            return (await thrown { try await collector.retract(id) }, id.uuidString)
        case .notHeld:
            let collector = try await opened()
            try await collector.record(lesson(1, id: id))
            return (await thrown { try await collector.retry(id) }, id.uuidString)
        case .notInConflict:
            let collector = try await opened()
            try await collector.record(lesson(1))
            try await collector.record(badLesson(2, id: id))
            try await collector.sync()
            try await waitsAreOver(in: folder.queue)
            try await collector.record(lesson(3))
            try await collector.sync()
            return (await thrown { try await collector.keepTheirs(id) }, id.uuidString)
        case .mayHaveBeenSent:
            let collector = try await opened(Config(endpoint: lrs, history: .forever))
            try await collector.record(lesson(1, id: id))
            try await collector.sync()
            return (await thrown { try await collector.retract(id) }, id.uuidString)
        case .noEndpoint:
            let collector = try await opened(Config())
            return (await thrown { try await collector.sync() }, "")
        case .invalidEndpoint:
            let collector = try await opened()
            return (await thrown { try await collector.setEndpoint(URL(string: "lrs.example")!) }, "")
        case .invalidCredentials:
            let collector = try await opened()
            return (await thrown { try await collector.setCredentials(.bearer(token: "two words")) }, "")
        case .invalidConfig:
            let none = Config(maxStatements: -1)
            return (await thrown { _ = try await Collector.open(folder.queue, config: none) }, "")
        case .noTransport:
            let roots = Config(endpoint: lrs, extraRoots: [Data("no certificate".utf8)])
            let collector = try await Collector.open(folder.queue, config: roots)
            try await collector.record(lesson(1))
            return (await thrown { try await collector.sync() }, "")
        case .paused:
            let collector = try await opened()
            try await collector.pause()
            return (await thrown { _ = try await collector.queued() }, "")
        case .closing:
            let collector = try await opened()
            await collector.close()
            return (await thrown { try await collector.record(lesson(1)) }, "")
        case .newer:
            try await opened().close()
            try overwrite(60, with: [0, 0, 0, 99]) // the schema version in SQLite's header
            return (await thrown { _ = try await opened() }, "\(folder.queue.path) 99 true")
        case .missing:
            let looks = Config(create: false)
            return (await thrown { _ = try await Collector.open(folder.queue, config: looks) }, folder.queue.path)
        case .reentrant: return (try await syncedWithinASync(), "")
        case .noUpstream, .otherUpstream, .upstreamName, .upstreamNotEmpty, .tooManyUpstreams, .mainStays:
            return try await ofUpstreams(kind)
        case .panicked, .unplaced, .partlyErased: return (nil, "")
        case .notAQueue:
            try await opened().close()
            try overwrite(60, with: [0, 0, 0, 0])
            try overwrite(68, with: [0, 0, 0x7e, 0x57]) // whose file it is
            return (await thrown { _ = try await opened() }, folder.queue.path)
        case .cannotOpen:
            let file = folder.url.appendingPathComponent("none/queue.db")
            return (await thrown { _ = try await Collector.open(file) }, file.path)
        case .diskFull: return (try await onAFullDisk(), "")
        case .busy: return (try await underAForeignLock(), "")
        case .damaged: return (try await damagedWhileOpen(), "")
        case .readOnly: return (try await madeReadOnly(), "")
        case .storage: return (try await withoutATable(), "")
        }
    }

    /// A transport that syncs the collector that asks it, and would wait for itself.
    private func syncedWithinASync() async throws -> PannierError? {
        let (itself, inside) = (Locked<Collector?>(nil), Locked<PannierError?>(nil))
        let calls = AsyncTransport { request in
            if let collector = itself.with({ $0 }) {
                let error = await thrown { try await collector.sync() }
                inside.with { $0 = error }
            }
            return try await takeAllButBad(request)
        }
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: calls
        )
        itself.with { $0 = collector }
        try await collector.record(lesson(1))
        #expect(try await within { try await collector.sync() }.delivered == 1)
        return inside.with { $0 }
    }

    private func ofUpstreams(_ kind: Kind) async throws -> (PannierError?, about: String) {
        let collector = try await opened()
        try await collector.addUpstream(NewUpstream(name: "second", endpoint: lrs))
        switch kind {
        case .noUpstream:
            return (await thrown { _ = try await collector.upstream("third") }, "third")
        case .otherUpstream:
            let elsewhere = NewUpstream(name: "second", endpoint: URL(string: "https://other.example/xAPI")!)
            return (await thrown { try await collector.addUpstream(elsewhere) }, "second")
        case .upstreamName:
            let named = NewUpstream(name: "Second", endpoint: lrs)
            return (await thrown { try await collector.addUpstream(named) }, "Second")
        case .upstreamNotEmpty:
            try await collector.record(lesson(1))
            return (await thrown { try await collector.removeUpstream("second", remainder: .mustBeEmpty) }, "second 1")
        case .tooManyUpstreams:
            for n in 3...32 { try await collector.addUpstream(NewUpstream(name: "u\(n)", endpoint: lrs)) }
            let last = NewUpstream(name: "u33", endpoint: lrs)
            return (await thrown { try await collector.addUpstream(last) }, "")
        default:
            return (await thrown { try await collector.removeUpstream("main", remainder: .discard) }, "")
        }
    }

    private func opened(_ config: Config = Config(endpoint: lrs)) async throws -> Collector {
        try await Collector.open(folder.queue, config: config, transport: memoryLrs)
    }

    /// Writes into the queue's file past SQLite.
    func overwrite(_ at: UInt64, with bytes: [UInt8]) throws {
        let file = try FileHandle(forWritingTo: folder.queue)
        try file.seek(toOffset: at)
        file.write(Data(bytes))
        try file.close()
    }
}
