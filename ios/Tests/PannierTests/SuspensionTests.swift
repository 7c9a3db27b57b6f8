import Foundation
import Testing

@testable import Pannier

/// The queue is closed while the app may be suspended, and open while somebody needs it.
struct SuspensionTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func theQueueIsClosedWithinTheTimeAskedForAndOpenedAgain() async throws {
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        let time = ScriptedTime(folder.queue)
        let suspension = Suspension(collector, delay: time)
        let closing = suspension.enterBackground()
        // Asked for before the system is returned to.
        #expect(time.begun == 1)
        await closing.value
        #expect(time.ended == [1] && time.openAtTheEnd == [0])
        #expect(await isPaused(collector))
        // Closed for good: nothing is left in a log beside the file.
        #expect(!FileManager.default.fileExists(atPath: folder.queue.path + "-wal"))
        await suspension.enterBackground().value
        #expect(time.ended == [1, 2])
        suspension.enterForeground()
        #expect(try await collector.readStatus().recorded == 1)
    }

    @Test func anAppThatIsStartedInTheBackgroundHasItsQueueClosed() async throws {
        let collector = try await Collector.open(folder.queue)
        let time = ScriptedTime(folder.queue)
        let suspension = Suspension(collector, delay: time, inBackground: true)
        #expect(time.begun == 1)
        try await until { time.ended == [1] }
        #expect(time.openAtTheEnd == [0])
        try await collector.record(lesson(1))
        #expect(openFiles(of: folder.queue) == 0)
        suspension.enterForeground()
        #expect(try await collector.readStatus().recorded == 1)
    }

    /// UIKit posts on the main thread, and the app's own code goes on right after.
    @Test func aNotificationTakesEffectBeforeTheAppGoesOn() async throws {
        let collector = try await Collector.open(folder.queue)
        let (going, coming) = (Notification.Name("going"), Notification.Name("coming"))
        let (center, time) = (NotificationCenter(), ScriptedTime(folder.queue))
        let comings = Comings(Suspension(collector, delay: time), from: center, going: [going], coming: [coming])
        for round in 1...20 {
            await MainActor.run {
                center.post(name: going, object: nil)
                #expect(time.begun == round)
                if round % 2 == 0 { center.post(name: coming, object: nil) }
            }
            if round % 2 == 1 {
                try await until { time.ended.count == round }
                #expect(time.openAtTheEnd.last == 0)
                center.post(name: coming, object: nil)
            }
            _ = try await collector.readStatus()
        }
        try await until { time.ended.sorted() == Array(1...20) }
        withExtendedLifetime(comings) {}
    }

    @Test func theLastOfTwoWindowsToGoClosesTheQueue() async throws {
        let collector = try await Collector.open(folder.queue)
        let times = [ScriptedTime(folder.queue), ScriptedTime(folder.queue)]
        let windows = times.map { Suspension(collector, delay: $0) }
        await windows[0].enterBackground().value
        _ = try await collector.readStatus()
        await windows[1].enterBackground().value
        #expect(await isPaused(collector))
        #expect(times[1].openAtTheEnd == [0])
    }

    @Test func nothingIsHeardOnceTheLifecycleIsGone() async throws {
        let collector = try await Collector.open(folder.queue)
        let (going, center, time) = (Notification.Name("going"), NotificationCenter(), ScriptedTime(folder.queue))
        do {
            let comings = Comings(Suspension(collector, delay: time), from: center, going: [going], coming: [])
            withExtendedLifetime(comings) {}
        }
        center.post(name: going, object: nil)
        #expect(time.begun == 0)
        _ = try await collector.readStatus()
    }

    @Test(arguments: [false, true])
    func timeThatRunsOutIsGivenBackOnce(atOnce: Bool) async throws {
        let collector = try await Collector.open(folder.queue)
        let time = ScriptedTime(folder.queue, isOverAtOnce: atOnce)
        let suspension = Suspension(collector, delay: time)
        let threads = BusyThreads()
        let closing = suspension.enterBackground()
        if !atOnce { time.expire() }
        #expect(time.ended == [1])
        threads.open()
        await closing.value
        #expect(time.ended == [1])
        #expect(openFiles(of: folder.queue) == 0)
    }

    @Test func whatFailsIsToldAndTriedAgainUntilItIsNotWantedAnyMore() async throws {
        let place = folder.url.appendingPathComponent("place")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let collector = try await Collector.open(place.appendingPathComponent("queue.db"))
        try await collector.record(lesson(1))
        try await collector.pause()
        let (told, waits, gate) = (Locked<[String]>([]), Locked<[Duration]>([]), Gate())
        let wakefulness = Wakefulness(
            collector.caller,
            wait: { wait in
                waits.with { $0.append(wait) }
                if waits.with({ $0.count }) == 3 { await gate.pass() }
            },
            tell: { text in told.with { $0.append(text) } }
        )
        let away = folder.url.appendingPathComponent("away")
        try FileManager.default.moveItem(at: place, to: away)
        let opening = wakefulness.begin(self.folder)
        try await until { waits.with { $0.count } == 3 }
        #expect(waits.with { $0 } == [.seconds(1), .seconds(2), .seconds(4)])
        #expect(told.with { $0.count } == 3)
        #expect(told.with { $0.first }?.contains("could not be opened") == true)
        #expect(await isPaused(collector))
        try FileManager.default.moveItem(at: away, to: place)
        await gate.open()
        await opening.done.value
        #expect(try await collector.readStatus().recorded == 1)
        await wakefulness.end(self.folder)?.done.value
        #expect(await isPaused(collector))
        // What is wanted no longer is not tried again.
        try FileManager.default.moveItem(at: place, to: away)
        let again = wakefulness.begin(self.folder)
        _ = await again.turn.failure()
        wakefulness.end(self.folder)
        try FileManager.default.moveItem(at: away, to: place)
        await again.done.value
        #expect(await isPaused(collector))
    }

    @Test func anAppThatPausesAndResumesByItselfIsHeard() async throws {
        let collector = try await Collector.open(folder.queue, config: Config(endpoint: lrs), transport: memoryLrs)
        try await collector.pause()
        try await collector.resume()
        try await collector.record(lesson(1))
        let task = ScriptedTask(folder.queue)
        #expect(await BackgroundWork.begin(in: task) { collector }.value)
        #expect(try await collector.readStatus().delivered == 1)
        // What it said holds until it goes.
        let suspension = Suspension(collector, delay: ScriptedTime(folder.queue))
        await suspension.enterBackground().value
        #expect(await isPaused(collector))
    }

    /// `ProcessInfo.performExpiringActivity` calls its block on a thread of its own, and once more with `true`, perhaps
    /// beside it, when the time is over; at once with `true` where there is none. The activity lasts until the blocks end.
    @Test(arguments: [0, 1, 2])
    func anExtensionHasTimeUntilItsQueueIsClosed(overs: Int) async throws {
        let collector = try await Collector.open(folder.queue)
        let (lasts, open) = (DispatchSemaphore(value: 0), Locked<[Int]>([]))
        let queue = folder.queue
        let activity = ExpiringActivity { _, block in
            let blocks = DispatchGroup()
            if overs < 2 { DispatchQueue.global().async(group: blocks) { block(false) } }
            if overs > 0 { DispatchQueue.global().async(group: blocks) { block(true) } }
            DispatchQueue.global().async {
                blocks.wait()
                open.with { $0.append(openFiles(of: queue)) }
                lasts.signal()
            }
        }
        await Suspension(collector, delay: activity).enterBackground().value
        try await blocking { lasts.wait() }
        if overs == 0 { #expect(open.with { $0 } == [0]) }
        #expect(openFiles(of: queue) == 0)
    }
}

func isPaused(_ collector: Collector) async -> Bool {
    if case .paused = await thrown({ _ = try await collector.readStatus() }) { true } else { false }
}
