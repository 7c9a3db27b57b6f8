import Foundation
import Testing

@testable import Pannier

/// The one handle of an app, in a system that a test plays.
struct AppCollectorTests {
    let folder: Folder
    let system: ScriptedApp
    let told = Locked<[any Error]>([])

    init() throws {
        folder = try Folder()
        system = ScriptedApp(folder.queue)
    }

    private func app(
        _ config: Config = Config(endpoint: lrs, sync: .manual), networks: Networks = .unconstrained,
        backgroundSync: BackgroundSync? = nil, pauseInBackground: Bool = true, transport: any Transport = memoryLrs,
        file: (@Sendable () throws -> URL)? = nil, onOpen: @escaping @Sendable (Collector) async throws -> Void = { _ in }
    ) -> AppCollector {
        let queue = folder.queue
        return AppCollector(
            config: config, file: file ?? { queue }, networks: networks, backgroundSync: backgroundSync,
            pauseInBackground: pauseInBackground, transport: transport,
            onNotRecorded: { [told] _, error in told.with { $0.append(error) } }, onOpen: onOpen, system: system
        )
    }

    // When it is opened.

    @Test func nothingIsOpenedBeforeItIsUsedNorOnTheCallersThread() async throws {
        let (asked, file) = (Locked<[Bool]>([]), folder.queue)
        let app = self.app {
            asked.with { $0.append(Thread.isMainThread) }
            return file
        }
        #expect(asked.with { $0.isEmpty } && system.time.begun == 0)
        #expect(!FileManager.default.fileExists(atPath: file.path))
        await MainActor.run { app.post(lesson(1)) }
        try await app.record(lesson(2))
        try await app.collector().record(lesson(3))
        #expect(try await recorded(in: app.collector()) == [1, 2, 3])
        #expect(asked.with { $0 } == [false])
    }

    @Test func whatIsPostedWhileItIsBeingOpenedKeepsItsOrder() async throws {
        let threads = BusyThreads()
        defer { threads.open() }
        let app = self.app()
        for n in 1...50 { app.post(lesson(n)) }
        let record = Task { try await app.record(lesson(51)) }
        let cancelled = Task { try await app.recordAll([lesson(52)]) }
        cancelled.cancel()
        let result = try await within { await cancelled.result }
        #expect(throws: CancellationError.self) { try result.get() }
        threads.open()
        try await record.value
        for n in 53...99 { app.post(lesson(n)) }
        #expect(try await recorded(in: app.collector()) == Array(1...51) + Array(53...99))
    }

    @Test func whatCannotBeOpenedFailsEachCallAndIsTriedAgainByTheNext() async throws {
        let place = folder.url.appendingPathComponent("later")
        let threads = BusyThreads()
        defer { threads.open() }
        let app = self.app { place.appendingPathComponent("queue.db") }
        let status = app.status
        app.post(lesson(1))
        app.post(lesson(2))
        let record = Task { await thrown { try await app.record(lesson(3)) } }
        threads.open()
        #expect(await record.value?.told.kind == .cannotOpen)
        try await until { [told] in told.with { $0.count } == 2 }
        #expect(told.with { $0.allSatisfy { ($0 as? PannierError)?.told.kind == .cannotOpen } })
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        app.post(lesson(4))
        try await within { _ = try await app.record(lesson(5)) }
        #expect(try await recorded(in: app.collector()) == [4, 5])
        // Who looked before sees it too.
        #expect(try await within { await status.first { $0.recorded == 2 } } != nil)
    }

    @Test func whatIsDoneFirstIsDoneEachTimeThatItIsOpenedAndMayFail() async throws {
        let (fails, upstreams) = (Locked(true), Locked(0))
        let app = self.app(onOpen: { collector in
            if fails.with({ $0 }) { throw CocoaError(.fileNoSuchFile) }
            try await collector.addUpstream(NewUpstream(name: "exams", endpoint: lrs))
            upstreams.with { $0 += 1 }
        })
        let status = app.status
        await #expect(throws: CocoaError.self) { try await app.record(lesson(1)) }
        #expect(openFiles(of: folder.queue) == 0)
        fails.with { $0 = false }
        try await app.record(lesson(2))
        #expect(try await app.collector().upstreams().map(\.name) == ["main", "exams"])
        #expect(upstreams.with { $0 } == 1)
        #expect(try await within { await status.first { $0.recorded == 1 } } != nil)
    }

    @Test func anAppThatComesToTheForegroundDeliversWhatThereIs() async throws {
        let before = try await Collector.open(folder.queue)
        try await before.record(lesson(1))
        await before.close()
        let posts = Locked(0)
        let transport = AsyncTransport { request in
            if request.method == .post { posts.with { $0 += 1 } }
            return try await takeAllButBad(request)
        }
        // By itself, as nothing is said of that.
        let app = self.app(Config(endpoint: lrs), transport: transport)
        #expect(openFiles(of: folder.queue) == 0)
        system.app(inBackground: false)
        try await until { posts.with { $0 } == 1 }
        await app.close()
    }

    @Test func aRecorderAndASyncAndWhatIsToldAreToBeHadAtOnce() async throws {
        let app = self.app()
        let (events, status) = (app.events, app.status)
        let ada = try await app.recorder(StatementDefaults(.mbox("mailto:ada@example.com")))
        ada.post(Statement(.completed, XapiActivity("https://example.com/lessons/1")))
        #expect(try await app.sync().delivered == 1)
        #expect(try await within { await status.first { $0.delivered == 1 } } != nil)
        let first = try await within { await events.first { _ in true } }
        guard case .recorded = first else {
            Issue.record("\(String(describing: first))")
            return
        }
    }

    // When it is closed.

    @Test func aCloseWaitsForWhatWasPostedAndEndsWhatIsTold() async throws {
        let threads = BusyThreads()
        defer { threads.open() }
        let app = self.app()
        let (events, status) = (app.events, app.status)
        for n in 1...20 { app.post(lesson(n)) }
        let close = Task { await app.close() }
        // It is being opened, and closed as soon as that is done.
        try await until { await thrown { try await app.record(lesson(21)) }?.told.kind == .closing }
        app.post(lesson(22))
        threads.open()
        await close.value
        #expect(openFiles(of: folder.queue) == 0)
        #expect(try await within { await status.first { $0.recorded > 20 } } == nil)
        _ = try await within { await events.first { _ in false } }
        try await until { [told] in told.with { ($0.first as? PannierError)?.told.kind } == .closing }
        let again = try await Collector.open(folder.queue)
        #expect(try await recorded(in: again) == Array(1...20))
        await app.close()
        #expect(await thrown { _ = try await app.collector() }?.told.kind == .closing)
    }

    @Test func oneThatWasNeverUsedIsClosedWithoutBeingOpened() async throws {
        let asked = Locked(false)
        let app = self.app {
            asked.with { $0 = true }
            throw CocoaError(.fileNoSuchFile)
        }
        await app.close()
        let (status, events) = (app.status, app.events)
        #expect(try await within { await status.first { _ in true } } == nil)
        #expect(try await within { await events.first { _ in true } } == nil)
        #expect(await thrown { try await app.record(lesson(1)) }?.told.kind == .closing)
        #expect(asked.with { !$0 })
    }

    @Test func aForgottenOneEnds() async throws {
        let queue = folder.queue
        let status: AsyncStream<Status>
        do {
            let app = self.app(backgroundSync: BackgroundSync(processing: "p"))
            status = app.status
            try await app.record(lesson(1))
            #expect(openFiles(of: queue) > 0)
        }
        try await until { openFiles(of: queue) == 0 }
        #expect(try await within { await status.first { $0.recorded > 1 } } == nil)
        let task = ScriptedTask(queue)
        system.tasks.start("p", task)
        try await until { !task.ends.isEmpty }
        #expect(task.ends == [.init(success: false, open: 0)])
        // Nor does one that never came to be open keep anybody waiting.
        let events = { self.app { throw CocoaError(.fileNoSuchFile) }.events }()
        #expect(try await within { await events.first { _ in true } } == nil)
    }

    // In the background.

    @Test func itIsClosedInTheBackgroundWithinTimeAndOpenedAgain() async throws {
        let app = self.app()
        try await app.record(lesson(1))
        for round in 1...10 {
            system.app(inBackground: true)
            // Asked for before the system is returned to.
            #expect(system.time.begun == round * 2)
            try await until { [system] in system.time.ended.count == round * 2 }
            #expect(system.time.openAtTheEnd.allSatisfy { $0 == 0 })
            try await app.record(lesson(round + 1))
            try await app.record(lesson(100 + round))
            #expect(openFiles(of: folder.queue) == 0)
            system.app(inBackground: false)
            #expect(try await app.collector().readStatus().recorded == Int64(1 + round * 2))
        }
    }

    /// The app goes before the queue is open: it is not suspended with a file that has just been opened.
    @Test(arguments: [false, true])
    func aQueueThatIsBeingOpenedIsClosedInTheBackground(comesBack: Bool) async throws {
        let threads = BusyThreads()
        defer { threads.open() }
        let app = self.app()
        app.post(lesson(1))
        system.app(inBackground: true)
        if comesBack { system.app(inBackground: false) }
        #expect(system.time.begun >= 1 && system.time.ended.isEmpty)
        threads.open()
        try await until { [system] in !system.time.ended.isEmpty && system.time.ended.count == system.time.begun }
        if comesBack {
            #expect(try await recorded(in: app.collector()) == [1])
        } else {
            #expect(system.time.openAtTheEnd.last == 0 && openFiles(of: folder.queue) == 0)
            #expect(await isPaused(try app.collector()))
        }
    }

    @Test func whatIsPostedInTheBackgroundIsRecordedWithinTimeAndTheQueueClosedAgain() async throws {
        let app = self.app()
        system.app(inBackground: true)
        try await until { [system] in system.time.ended == [1] }
        let threads = BusyThreads()
        defer { threads.open() }
        app.post(lesson(1))
        #expect(system.time.begun == 2)
        // And for the opening, before anything is opened; all of it is given back once it is closed.
        try await until { [system] in system.time.begun == 3 }
        #expect(system.time.ended == [1])
        threads.open()
        try await until { [system] in system.time.begun == 4 && system.time.ended.count == 4 }
        #expect(system.time.openAtTheEnd.last == 0 && openFiles(of: folder.queue) == 0)
        // Now it is open only as long as it is recorded.
        let more = BusyThreads()
        defer { more.open() }
        app.post(lesson(2))
        #expect(system.time.begun == 5)
        // Whoever gave it back now would be quick.
        for _ in 0..<1_000 { await Task.yield() }
        #expect(system.time.ended.count == 4)
        more.open()
        try await until { [system] in system.time.ended.count == 5 }
        #expect(openFiles(of: folder.queue) == 0)
        system.app(inBackground: false)
        #expect(try await recorded(in: app.collector()) == [1, 2])
    }

    @Test func oneThatIsNotToPauseStaysOpen() async throws {
        let app = self.app(pauseInBackground: false)
        try await app.record(lesson(1))
        system.app(inBackground: true)
        try await until { [system] in system.time.ended == [1] }
        #expect(try await app.collector().readStatus().recorded == 1)
    }

    private let both = BackgroundSync(refresh: "r", processing: "p")

    @Test func whatIsUndeliveredIsAskedForInTheBackgroundAndDeliveredThere() async throws {
        let app = self.app(backgroundSync: both)
        try await app.record(lesson(1))
        #expect(system.tasks.identifiers.isEmpty)
        system.app(inBackground: true)
        try await until { [system] in system.time.ended.count == 2 }
        #expect(system.tasks.identifiers == ["p", "r"])
        let task = ScriptedTask(folder.queue)
        system.tasks.start("p", task)
        try await until { !task.ends.isEmpty }
        #expect(task.ends == [.init(success: true, open: 0)])
        // Nothing is left to do.
        #expect(system.tasks.identifiers.isEmpty)
        system.app(inBackground: false)
        #expect(try await app.collector().readStatus().delivered == 1)
    }

    @Test func anAppThatIsStartedForATaskDeliversWhatThereIs() async throws {
        let before = try await Collector.open(folder.queue)
        try await before.record(lesson(1))
        await before.close()
        let app = self.app(backgroundSync: both)
        system.app(inBackground: true)
        let task = ScriptedTask(folder.queue)
        system.tasks.start("r", task)
        try await until { !task.ends.isEmpty }
        #expect(task.ends == [.init(success: true, open: 0)])
        system.app(inBackground: false)
        #expect(try await app.collector().readStatus().delivered == 1)
    }

    @Test func aTaskThatTheInfoPlistDoesNotHaveLeavesTheOther() async throws {
        let system = ScriptedApp(folder.queue, permitted: ["p"])
        let file = folder.queue
        let app = AppCollector(
            config: Config(endpoint: lrs, sync: .manual), file: { file }, backgroundSync: both, transport: memoryLrs, system: system
        )
        try await app.record(lesson(1))
        let task = ScriptedTask(file)
        system.tasks.start("p", task)
        try await until { !task.ends.isEmpty }
        #expect(task.ends.map(\.success) == [true])
    }

    // Networks.

    @Test func theNetworkIsKnownFromTheBeginning() async throws {
        let app = self.app(networks: .unmetered, backgroundSync: both)
        system.network(is: .metered)
        try await app.record(lesson(1))
        #expect(try await app.collector().readStatus().network == false)
        let task = ScriptedTask(folder.queue)
        system.tasks.start("p", task)
        try await until { !task.ends.isEmpty }
        #expect(task.ends.map(\.success) == [false])
        system.app(inBackground: false)
        system.network(is: .unmetered)
        let status = try await app.collector().readStatus()
        #expect(status.network && status.queued == 1)
    }
}
