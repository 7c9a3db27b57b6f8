import Foundation
import Testing

@testable import Pannier

/// What the parts for Apple's systems decide; the systems themselves are played here.
struct PlatformTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test(arguments: [
        (NetworkPath(isSatisfied: false), NetworkRule(expensive: true, constrained: true), false),
        (NetworkPath(isSatisfied: true), NetworkRule(expensive: false), true),
        (NetworkPath(isSatisfied: true, isExpensive: true), NetworkRule(), true),
        (NetworkPath(isSatisfied: true, isExpensive: true), NetworkRule(expensive: false), false),
        (NetworkPath(isSatisfied: true, isConstrained: true), NetworkRule(), false),
        (NetworkPath(isSatisfied: true, isConstrained: true), NetworkRule(constrained: true), true),
    ])
    func networksAreUsedByTheRule(path: NetworkPath, rule: NetworkRule, allowed: Bool) {
        #expect(rule.allows(path) == allowed)
    }

    @Test func theQueueIsClosedWithinTheTimeAskedForAndOpenedAgain() async throws {
        let collector = try await Collector.open(folder.queue)
        try await collector.record(lesson(1))
        let delay = Delay()
        let suspension = Suspension(collector, delay: delay)
        await suspension.enterBackground()
        #expect(await delay.said == ["begin", "end"])
        #expect(await thrown { _ = try await collector.readStatus() } != nil)
        // Closed for good: nothing is left in a log beside the file.
        #expect(!FileManager.default.fileExists(atPath: folder.queue.path + "-wal"))
        async let first: Void = suspension.enterBackground()
        await first
        await suspension.enterForeground()
        #expect(try await collector.readStatus().recorded == 1)
    }

    @Test func aChanceInTheBackgroundIsUsedAndGivenBack() async throws {
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: memoryLrs
        )
        try await collector.record(lesson(1))
        try await collector.pause()
        let chance = Chance()
        #expect(await BackgroundWork.deliver(collector, in: chance))
        #expect(chance.completed.with { $0 } == [true])
        #expect(await thrown { _ = try await collector.readStatus() } != nil)
        try await collector.resume()
        #expect(try await collector.readStatus().delivered == 1)
    }

    @Test func aChanceThatIsOverEndsTheSyncAndLosesNothing() async throws {
        let gate = Gate()
        let hangs = AsyncTransport { _ in
            await gate.pass()
            return answer(503)
        }
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: hangs
        )
        try await collector.record(lesson(1))
        let chance = Chance()
        let work = Task { await BackgroundWork.deliver(collector, in: chance) }
        await gate.hasCome()
        chance.expire()
        #expect(try await within { await work.value } == false)
        #expect(chance.completed.with { $0 } == [false])
        await gate.open()
        try await collector.resume()
        #expect(try await collector.readStatus().queued == 1)
    }

    @Test func aFileHasItsFolder() throws {
        let file = try QueueFile.file("queue.db", in: folder.url.appendingPathComponent("a/b"))
        #expect(FileManager.default.fileExists(atPath: file.deletingLastPathComponent().path))
    }

    @Test func thePrivacyManifestIsOne() throws {
        let manifest = try Data(
            contentsOf: ios.appendingPathComponent("Sources/Pannier/PrivacyInfo.xcprivacy")
        )
        let read = try PropertyListSerialization.propertyList(from: manifest, format: nil) as? [String: Any]
        #expect(read?["NSPrivacyTracking"] as? Bool == false)
        #expect((read?["NSPrivacyAccessedAPITypes"] as? [[String: Any]])?.count == 2)
    }
}

private actor Delay: SuspensionDelay {
    var said: [String] = []

    func begin(_ name: String) -> Int {
        said.append("begin")
        return 7
    }

    func end(_ number: Int) {
        said.append(number == 7 ? "end" : "end of another")
    }
}

private final class Chance: BackgroundChance {
    let completed = Locked<[Bool]>([])
    private let expired = Locked<@Sendable () -> Void>({})

    func onExpiration(_ expired: @escaping @Sendable () -> Void) {
        self.expired.with { $0 = expired }
    }

    func complete(success: Bool) {
        completed.with { $0.append(success) }
    }

    func expire() {
        expired.with { $0 }()
    }
}
