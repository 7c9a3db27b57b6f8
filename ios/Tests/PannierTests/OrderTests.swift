import Foundation
import Testing

@testable import Pannier

/// In which order pauses, resumes and other calls take effect, and what is shown meanwhile.
struct OrderTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func aPauseWaitsForTheCallsBegunBeforeIt() async throws {
        let collector = try await Collector.open(folder.queue)
        try await collector.recordAll((1...50).map { lesson($0) })
        for _ in 0..<20 {
            let threads = BusyThreads()
            let reads = (0..<30).map { _ in Task { try await collector.held() } }
            try await until { collector.caller.turns.underWay == 30 }
            let pause = collector.wakefulness.take(awake: false)
            threads.open()
            for read in reads { _ = try await read.value }
            try await pause.wait()
            #expect(openFiles(of: folder.queue) == 0)
            try await collector.resume()
        }
    }

    @Test func callsWaitForAResumeBegunBeforeThem() async throws {
        let collector = try await Collector.open(folder.queue)
        for _ in 0..<20 {
            let threads = BusyThreads()
            let pause = collector.wakefulness.take(awake: false)
            let resume = collector.wakefulness.take(awake: true)
            let reads = (0..<30).map { _ in Task { try await collector.readStatus() } }
            try await until { collector.caller.turns.underWay == 30 }
            threads.open()
            try await pause.wait()
            try await resume.wait()
            for read in reads { _ = try await read.value }
        }
    }

    @Test func pausesAndResumesOfAnActorsTasksTakeEffectInOrder() async throws {
        let collector = try await Collector.open(folder.queue)
        for _ in 0..<60 {
            let tasks = await MainActor.run {
                var tasks: [Task<Void, any Error>] = []
                for _ in 0..<3 {
                    tasks.append(Task { @MainActor in try await collector.pause() })
                    tasks.append(Task { @MainActor in try await collector.resume() })
                }
                for _ in 0..<4 { tasks.append(Task { @MainActor in _ = try await collector.readStatus() }) }
                return tasks
            }
            for task in tasks { try await task.value }
            _ = try await collector.readStatus()
        }
    }

    @Test func aCancelledPauseIsDoneAllTheSame() async throws {
        let collector = try await Collector.open(folder.queue)
        let threads = BusyThreads()
        let pause = Task { try await collector.pause() }
        try await until { collector.caller.turns.isTurning }
        pause.cancel()
        let result = try await within { await pause.result }
        #expect(throws: CancellationError.self) { try result.get() }
        threads.open()
        let queue = folder.queue
        try await until { openFiles(of: queue) == 0 }
    }

    @Test func whatIsShownWhilePausedIsHowItWasThenWithTheNetworkAsItIsNow() async throws {
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        try await collector.pause()
        // Also who begins to look only now.
        let first = try await within { await collector.status.first { _ in true } }
        #expect(first?.recorded == 1 && first?.network == true && first?.syncing == false)
        collector.setNetwork(false)
        let second = try await within { await collector.status.first { !$0.network } }
        #expect(second?.recorded == 1)
        try await collector.record(lesson(2))
        try await collector.resume()
        let third = try await within { await collector.status.first { $0.recorded == 2 } }
        #expect(third?.network == false)
    }

    @Test func aSyncThatAPauseEndsIsNotShownAnyMore() async throws {
        let gate = Gate()
        let hangs = AsyncTransport { _ in
            await gate.pass()
            return answer(503)
        }
        let collector = try await Collector.open(folder.queue, config: Config(endpoint: lrs), transport: hangs)
        try await collector.record(lesson(1))
        let sync = Task { try await collector.sync() }
        await gate.hasCome()
        let shown = collector.status
        #expect(try await within { await shown.first { $0.syncing } } != nil)
        try await collector.pause()
        #expect(try await within { await collector.status.first { !$0.syncing } } != nil)
        _ = await sync.result
        await gate.open()
    }

    @Test func whatIsTheSameIsNotShownAgain() async throws {
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        let read = Locked(try await collector.upstreams())
        let feed = StatusFeed()
        feed.reads { read.with { $0 } }
        let shown = (feed.statusesOfMain(), feed.statuses())
        feed.read()
        #expect(await shown.0.first { _ in true } != nil)
        #expect(await shown.1.first { _ in true } != nil)
        let more = (feed.statusesOfMain(), feed.statuses())
        feed.read()
        var (main, all) = (more.0.makeAsyncIterator(), more.1.makeAsyncIterator())
        #expect(await main.next() != nil)
        #expect(await all.next() != nil)
        // Nothing has happened.
        for _ in 1...10 { feed.read() }
        // What happens to another one is nothing to who looks at the first.
        read.with { $0.append(UpstreamInfo(name: "exams", route: Route(), opened: true, status: $0[0].status)) }
        feed.read()
        feed.close()
        #expect(await main.next() == nil)
        #expect(await all.next()?.count == 2)
        #expect(await all.next() == nil)
    }
}
