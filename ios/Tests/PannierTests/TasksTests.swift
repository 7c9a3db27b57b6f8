import Foundation
import Pannier
import Testing

/// Many tasks, and cancelled ones.
struct TasksTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func tenThousandRecordsFromEightTasksAreAllThereOnce() async throws {
        let collector = try await Collector.open(folder.queue)
        let ids = try await withThrowingTaskGroup(of: [UUID].self) { group in
            for at in 0..<8 {
                group.addTask {
                    var ids: [UUID] = []
                    for n in 0..<1_250 { ids.append(try await collector.record(lesson(at * 10_000 + n)).id) }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        var listed: [UUID] = []
        var after: Int64 = 0
        while true {
            let page = try await collector.queued(after: after, limit: 1_000)
            guard let last = page.last else { break }
            listed += page.map(\.id)
            after = last.seq
        }
        #expect(listed.count == 10_000)
        #expect(Set(listed) == Set(ids))
    }

    @Test func aCancelledSyncReturnsAtOnceAndGoesOnByItself() async throws {
        let gate = Gate()
        let slow = AsyncTransport { request in
            if request.method == .post { await gate.pass() }
            return try await takeAllButBad(request)
        }
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: slow
        )
        try await collector.record(lesson(1))
        let sync = Task { try await collector.sync() }
        await gate.hasCome()
        sync.cancel()
        // The gate is still shut: were the caller to wait for it, this would never end.
        let result = try await within { await sync.result }
        #expect(throws: CancellationError.self) { try result.get() }
        try await collector.record(lesson(2))
        await gate.open()
        try await collector.sync()
        let status = try await collector.readStatus()
        #expect([status.recorded, status.delivered, status.queued] == [2, 2, 0])
    }

    @Test func aCancelledRecordIsDoneWholeOrNotAtAll() async throws {
        let ids = (0..<300).map { _ in UUID() }
        let collector = try await Collector.open(folder.queue)
        await withTaskGroup(of: Void.self) { group in
            for (n, id) in ids.enumerated() {
                let task = Task { try await collector.record(lesson(n, id: id)) }
                group.addTask {
                    if n % 2 == 0 { task.cancel() }
                    if n % 7 == 0 { await Task.yield() }
                    _ = await task.result
                }
            }
        }
        // Those that were cancelled in the middle may still be on their way to the disk.
        for (n, id) in ids.enumerated() { #expect(try await collector.record(lesson(n, id: id)).id == id) }
        let queued = try await collector.queued(limit: 1_000)
        #expect(queued.count == 300)
        #expect(Set(queued.map(\.id)) == Set(ids))
    }

    @Test func whoIsCancelledAlreadyRecordsNothing() async throws {
        let collector = try await Collector.open(folder.queue)
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await collector.record(lesson(1))
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(try await collector.readStatus().recorded == 0)
    }

    @Test func aCancelledOpenLeavesTheFileToTheNext() async throws {
        let file = folder.queue
        let cancelled = Task { try await Collector.open(file) }
        cancelled.cancel()
        _ = await cancelled.result
        let collector = try await Collector.open(file)
        try await collector.record(lesson(1))
        #expect(try await collector.readStatus().recorded == 1)
    }

    @Test func closeEndsASyncUnderWayAndPauseAndResumeDoWhatTheySay() async throws {
        let gate = Gate()
        let hangs = AsyncTransport { _ in
            await gate.pass()
            return answer(503)
        }
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: hangs
        )
        try await collector.record(lesson(1))
        let first = Task { try await collector.sync() }
        await gate.hasCome()
        try await collector.pause()
        #expect(try await first.value.ended == .interrupted)
        try await collector.record(lesson(2))
        let error = await thrown { _ = try await collector.readStatus() }
        guard case .paused = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        try await collector.resume()
        let second = Task { try await collector.sync() }
        await gate.hasCome(2)
        await collector.close()
        await collector.close()
        #expect(try await second.value.ended == .interrupted)
        let closed = await thrown { _ = try await collector.readStatus() }
        guard case .closing = closed else {
            Issue.record("\(String(describing: closed))")
            return
        }
        await gate.open()
        #expect(try await Collector.open(folder.queue).readStatus().queued == 2)
    }

    @Test func aCollectorThatIsForgottenEnds() async throws {
        let events = try await Collector.open(folder.queue).events
        #expect(try await within { await events.first { _ in true } } == nil)
    }
}
