import Foundation
import Pannier
import Testing

/// The real library, the real file, the real hub.
struct DeliveryTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func whatIsRecordedOfflineIsDeliveredWhenThereIsAnLrs() async throws {
        let nowhere = Config(endpoint: URL(string: "http://127.0.0.1:9/xAPI"))
        let offline = try await Collector.open(folder.queue, config: nowhere)
        var ids: [UUID] = []
        for n in 1...70 { ids.append(try await offline.record(lesson(n)).id) }
        ids.append(try await offline.record(json: lesson(71).toJson()).id)
        guard case .waiting(_, _, let trouble) = try await offline.sync().ended else {
            Issue.record("it did not wait")
            return
        }
        #expect(trouble?.problem == .unreachable)
        var waits = try await offline.readStatus()
        #expect(waits.queued == 71 && waits.undelivered == 71)
        // It waits for a network, and nobody has to do anything; of what is held somebody has to.
        #expect(waits.isHealthy)
        waits.trouble?.problem = .credentials
        #expect(!waits.isHealthy)
        (waits.trouble, waits.waiting, waits.held) = (nil, 3, 4)
        #expect(!waits.isHealthy && waits.undelivered == 78)
        await offline.close()

        let hub = try await Lrs.hub()
        let online = try await Collector.open(folder.queue, config: hub.config)
        let report = try await online.sync()
        #expect(report.delivered == 71 && report.ended == .emptied)
        let status = try await within { await online.status.first { $0.delivered == 71 && $0.queued == 0 } }
        #expect(status?.endpoint == hub.url)
        await online.close()
        for id in ids { #expect(try await hub.statement(id) != nil) }
    }

    @Test(.enabled(if: environment["PANNIER_REAL_LRS"] != nil))
    func anLrsThatOthersWroteTakesItToo() async throws {
        let ralph = try await Lrs.ralph(installed: environment["PANNIER_REAL_LRS"]!, folder: folder.url)
        let collector = try await Collector.open(folder.queue, config: ralph.config)
        let ids = try await collector.recordAll((1...120).map { lesson($0) }).map(\.id)
        let report = try await collector.sync()
        #expect(report.delivered == 120 && report.ended == .emptied)
        for n in stride(from: 0, to: 120, by: 20) { #expect(try await ralph.statement(ids[n]) != nil) }
        await collector.close()
    }

    @Test func twoCollectorsOnOneFileDeliverEverythingOnce() async throws {
        let hub = try await Lrs.hub()
        let both = [
            try await Collector.open(folder.queue, config: hub.config),
            try await Collector.open(folder.queue, config: hub.config),
        ]
        let ids = try await withThrowingTaskGroup(of: [UUID].self) { group in
            for (at, collector) in both.enumerated() {
                group.addTask {
                    var ids: [UUID] = []
                    for n in 0..<200 { ids.append(try await collector.record(lesson(at * 1_000 + n)).id) }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        async let first = both[0].sync()
        async let second = both[1].sync()
        let reports = try await [first, second]
        // One of them may have found the other at it, and left it to that one.
        try await both[1].sync()
        #expect(reports.contains { $0.ended == .emptied })
        let status = try await both[0].readStatus()
        #expect([status.recorded, status.delivered, status.queued] == [400, 400, 0])
        #expect(Set(ids).count == 400)
        for n in stride(from: 0, to: 400, by: 40) { #expect(try await hub.statement(ids[n]) != nil) }
        for collector in both { await collector.close() }
    }

    @Test func theCommandAndSwiftShareOneQueue() async throws {
        let hub = try await Lrs.hub()
        let ours = try await Collector.open(folder.queue)
        let id = try await ours.record(lesson(1)).id
        await ours.close()
        let theirs = UUID()
        try await command(hub, ["record"], input: lesson(2, id: theirs).toJson())
        let again = try await Collector.open(folder.queue)
        #expect(try await again.queued().map(\.id) == [id, theirs])
        let read = try await again.queued(after: 1).first!.statement
        #expect(try JSONDecoder().decode(Statement.self, from: Data(read.utf8)).id == theirs)
        await again.close()
        try await command(hub, ["sync", "--lrs", hub.url.absoluteString])
        for id in [id, theirs] { #expect(try await hub.statement(id) != nil) }
    }

    private func command(_ hub: Lrs, _ arguments: [String], input: String = "") async throws {
        let all = arguments + ["--queue", folder.queue.path]
        let status = try await blocking {
            let (process, pipe) = (Process(), Pipe())
            process.executableURL = URL(fileURLWithPath: pannier)
            process.arguments = all
            process.environment = environment.merging(
                ["PANNIER_LRS_USER": Lrs.user, "PANNIER_LRS_PASSWORD": Lrs.password]
            ) { $1 }
            (process.standardInput, process.standardOutput) = (pipe, FileHandle.nullDevice)
            try process.run()
            pipe.fileHandleForWriting.write(Data(input.utf8))
            try pipe.fileHandleForWriting.close()
            process.waitUntilExit()
            return process.terminationStatus
        }
        #expect(status == 0)
    }
}
