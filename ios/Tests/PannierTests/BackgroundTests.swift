import Foundation
import Testing

@testable import Pannier

/// Work in the background, in tasks that a scripted system gives and takes.
struct BackgroundTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    private var config: Config { Config(endpoint: lrs) }

    @Test func aTaskDeliversAndIsGivenBackOnceTheFileIsClosed() async throws {
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        try await collector.record(lesson(1))
        let task = ScriptedTask(folder.queue)
        #expect(await BackgroundWork.begin(in: task) { collector }.value)
        #expect(task.ends == [.init(success: true, open: 0)])
        try await collector.resume()
        #expect(try await collector.readStatus().delivered == 1)
    }

    @Test func aTaskThatIsOverDuringASyncIsGivenBackOnceTheFileIsClosed() async throws {
        let (gate, hangs) = hanging()
        let collector = try await Collector.open(folder.queue, config: config, transport: hangs)
        try await collector.record(lesson(1))
        let task = ScriptedTask(folder.queue)
        let work = BackgroundWork.begin(in: task) { collector }
        await gate.hasCome()
        task.expire()
        #expect(try await within { await work.value } == false)
        #expect(task.ends == [.init(success: false, open: 0)])
        await gate.open()
        try await collector.resume()
        #expect(try await collector.readStatus().queued == 1)
    }

    @Test func aTaskMayBeOverBeforeAnythingIsDone() async throws {
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        try await collector.record(lesson(1))
        let task = ScriptedTask(folder.queue)
        let work = BackgroundWork.begin(in: task) { collector }
        // Nothing lies between: the system is not returned to before the handler is there.
        task.expire()
        #expect(await work.value == false)
        #expect(task.ends == [.init(success: false, open: 0)])
    }

    @Test func aTaskMayBeOverWhileTheQueueIsBeingOpened() async throws {
        let (queue, config, gate) = (folder.queue, config, Gate())
        let task = ScriptedTask(queue)
        let work = BackgroundWork.begin(in: task) {
            await gate.pass()
            return try await Collector.open(queue, config: config, transport: memoryLrs)
        }
        await gate.hasCome()
        task.expire()
        await gate.open()
        #expect(try await within { await work.value } == false)
        #expect(task.ends == [.init(success: false, open: 0)])
    }

    @Test func aTaskThatIsOverIsNotGivenBackWhileItsQueueIsStillBeingOpened() async throws {
        let (queue, config) = (folder.queue, config)
        let (task, threads, begun) = (ScriptedTask(queue), BusyThreads(), Locked(false))
        let before = Calls.short.operationCount
        let work = BackgroundWork.begin(in: task) {
            begun.with { $0 = true }
            return try await Collector.open(queue, config: config, transport: memoryLrs)
        }
        try await until { begun.with { $0 } && Calls.short.operationCount > before }
        task.expire()
        // Whoever gave it back now would be quick.
        for _ in 0..<1_000 { await Task.yield() }
        #expect(task.ends.isEmpty)
        threads.open()
        #expect(try await within { await work.value } == false)
        #expect(task.ends == [.init(success: false, open: 0)])
    }

    @Test func aTaskWithoutACollectorIsGivenBack() async throws {
        let task = ScriptedTask(folder.queue)
        #expect(await BackgroundWork.begin(in: task) { throw CocoaError(.fileNoSuchFile) }.value == false)
        #expect(task.ends == [.init(success: false, open: 0)])
    }

    @Test func aTaskThatEndsLeavesTheQueueToTheAppInTheForeground() async throws {
        let (gate, hangs) = hanging()
        let collector = try await Collector.open(folder.queue, config: config, transport: hangs)
        try await collector.record(lesson(1))
        let suspension = Suspension(collector, delay: ScriptedTime(folder.queue), inBackground: true)
        for expires in [false, true] {
            let task = ScriptedTask(folder.queue)
            let work = BackgroundWork.begin(in: task) { collector }
            await gate.hasCome(expires ? 2 : 1)
            suspension.enterForeground()
            if expires { task.expire() } else { collector.interrupt() }
            #expect(await work.value == false)
            #expect(task.ends.map(\.success) == [false])
            // Nothing is asked for again: it is open.
            #expect(try await collector.readStatus().recorded == 1)
            if expires { collector.interrupt() }
            await suspension.enterBackground().value
            #expect(openFiles(of: folder.queue) == 0)
        }
        await gate.open()
    }

    @Test func anAppThatGoesIntoTheBackgroundLeavesTheQueueToTheTask() async throws {
        let gate = Gate()
        let slow = AsyncTransport { request in
            if request.method == .post { await gate.pass() }
            return try await takeAllButBad(request)
        }
        let collector = try await Collector.open(folder.queue, config: config, transport: slow)
        try await collector.record(lesson(1))
        let time = ScriptedTime(folder.queue)
        let suspension = Suspension(collector, delay: time)
        let task = ScriptedTask(folder.queue)
        let work = BackgroundWork.begin(in: task) { collector }
        await gate.hasCome()
        await suspension.enterBackground().value
        #expect(time.ended == [1])
        await gate.open()
        #expect(await work.value)
        #expect(task.ends == [.init(success: true, open: 0)])
    }

    @Test func theFirstOfTwoTasksToEndLeavesTheOtherItsSync() async throws {
        let gate = Gate()
        let slow = AsyncTransport { request in
            if request.method == .post { await gate.pass() }
            return try await takeAllButBad(request)
        }
        let collector = try await Collector.open(folder.queue, config: config, transport: slow)
        try await collector.record(lesson(1))
        let (refresh, processing) = (ScriptedTask(folder.queue), ScriptedTask(folder.queue))
        let first = BackgroundWork.begin(in: refresh) { collector }
        await gate.hasCome()
        let begun = Locked(false)
        let second = BackgroundWork.begin(in: processing) {
            begun.with { $0 = true }
            return collector
        }
        try await until { begun.with { $0 } && Calls.syncs.operationCount >= 2 }
        refresh.expire()
        #expect(await first.value == false)
        #expect(refresh.ends.map(\.success) == [false])
        await gate.open()
        #expect(await second.value)
        #expect(processing.ends == [.init(success: true, open: 0)])
    }

    @Test func aTaskSendsNothingWhereTheAppMayUseNoNetwork() async throws {
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        try await collector.record(lesson(1))
        collector.setNetwork(false)
        let task = ScriptedTask(folder.queue)
        #expect(await BackgroundWork.begin(in: task) { collector }.value == false)
        #expect(task.ends == [.init(success: false, open: 0)])
        try await collector.resume()
        #expect(try await collector.readStatus().queued == 1)
    }

    @Test func whatIsPlannedIsToldBeforeTheFileIsClosed() async throws {
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        try await collector.record(lesson(1))
        let planned = Locked<[Date?]>([])
        let work = BackgroundWork.begin(in: ScriptedTask(folder.queue), patience: .zero, { collector }) { found in
            let due = await BackgroundPlan.due(try! found.get())
            planned.with { $0.append(due) }
        }
        #expect(await work.value)
        #expect(planned.with { $0 } == [nil])
    }

    // What is asked of the scheduler.

    private let plan = BackgroundPlan(
        refresh: "app.refresh", processing: "app.processing", wait: .seconds(900), needsPower: true
    )

    @Test func whatIsDueIsAskedForAndTakenBackWhenNothingIs() {
        let (system, now) = (ScriptedScheduler(), Date(timeIntervalSince1970: 1_800_000_000))
        #expect(plan.apply(due: .distantPast, now: now, to: system).isEmpty)
        #expect(plan.apply(due: .distantPast, now: now, to: system).isEmpty)
        #expect(Set(system.pending) == [
            TaskRequest(identifier: "app.refresh", kind: .refresh, earliest: now.addingTimeInterval(900)),
            TaskRequest(identifier: "app.processing", kind: .processing(needsPower: true)),
        ])
        let later = now.addingTimeInterval(7_200)
        #expect(plan.apply(due: later, now: now, to: system).isEmpty)
        #expect(system.pending.map(\.earliest) == [later, later])
        #expect(plan.apply(due: nil, now: now, to: system).isEmpty)
        #expect(system.pending.isEmpty)
    }

    @Test func anAppsOwnRefreshTaskTakesNothingButThat() throws {
        let system = ScriptedScheduler()
        try system.submit(TaskRequest(identifier: "app.own", kind: .refresh))
        let refused = plan.apply(due: .distantPast, now: Date(), to: system)
        #expect(Array(refused.keys) == ["app.refresh"])
        #expect(system.identifiers == ["app.own", "app.processing"])
        #expect(plan.apply(due: nil, now: Date(), to: system).isEmpty)
        #expect(system.identifiers == ["app.own"])
    }

    @Test func eitherTaskMayBeLeftOut() {
        let system = ScriptedScheduler()
        _ = BackgroundPlan(processing: "p", wait: .zero, needsPower: false).apply(due: .distantPast, now: Date(), to: system)
        #expect(system.identifiers == ["p"])
        _ = BackgroundPlan(wait: .zero, needsPower: false).apply(due: .distantPast, now: Date(), to: system)
        #expect(system.identifiers == ["p"])
    }

    @Test func somethingIsDueWhileItCanBeSent() async throws {
        let collector = try await Collector.open(folder.queue, config: config, transport: memoryLrs)
        #expect(await BackgroundPlan.due(collector) == nil)
        try await collector.record(lesson(1))
        #expect(await BackgroundPlan.due(collector) == .distantPast)
        try await collector.pause()
        #expect(await BackgroundPlan.due(collector) == .distantPast)
        try await collector.resume()
        try await collector.sync()
        #expect(await BackgroundPlan.due(collector) == nil)
        try await collector.pause()
        #expect(await BackgroundPlan.due(collector) == nil)
        // It is taken in, and nobody opens the file to look.
        try await collector.record(lesson(2))
        try await until { await BackgroundPlan.due(collector) == .distantPast }
        #expect(openFiles(of: folder.queue) == 0)
        try await collector.resume()
        let known = try await collector.upstreams()
        func due(_ change: (inout Status) -> Void) -> Date? {
            var upstreams = known
            change(&upstreams[0].status)
            return BackgroundPlan.due(upstreams)
        }
        let (soon, later) = (Date(timeIntervalSince1970: 1_800_000_000), Date(timeIntervalSince1970: 1_900_000_000))
        #expect(due { _ in } == .distantPast)
        #expect(due { ($0.waitingFor, $0.waitingUntil) = (.app, later) } == later)
        #expect(due { ($0.waitingFor, $0.waitingUntil) = (.retryAfter, later) } == later)
        #expect(due { ($0.queued, $0.nextDue) = (0, soon) } == soon)
        #expect(due { ($0.queued, $0.nextDue, $0.waitingFor, $0.waitingUntil) = (0, later, .backoff, soon) } == later)
        #expect(due { $0.queued = 0 } == nil)
        #expect(due { $0.endpoint = nil } == nil)
        var others = known
        others[0].opened = false
        #expect(BackgroundPlan.due(others) == nil)
    }

    @Test func withoutAnEndpointNothingIsPlanned() async throws {
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        #expect(await BackgroundPlan.due(collector) == nil)
    }

    @Test func aQueueThatCannotBeHadIsTriedAgainOnlyIfThatMayHelp() {
        #expect(BackgroundPlan.due(after: PannierError.busy(explanation: "")) != nil)
        #expect(BackgroundPlan.due(after: PannierError.diskFull(explanation: "")) != nil)
        #expect(BackgroundPlan.due(after: PannierError.cannotOpen(path: "/q", explanation: "")) != nil)
        #expect(BackgroundPlan.due(after: PannierError.notAQueue(path: "", explanation: "")) == nil)
        #expect(BackgroundPlan.due(after: CocoaError(.fileNoSuchFile)) == nil)
    }

    private func hanging() -> (Gate, AsyncTransport) {
        let gate = Gate()
        return (gate, AsyncTransport { _ in
            await gate.pass()
            return answer(503)
        })
    }
}
