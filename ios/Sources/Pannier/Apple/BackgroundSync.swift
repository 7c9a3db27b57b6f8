#if canImport(BackgroundTasks) && !os(macOS)
import BackgroundTasks
import Foundation

/// Delivers while the app is in the background, when the system finds it a good time.
///
/// The identifiers have to be in the app's Info.plist (`BGTaskSchedulerPermittedIdentifiers`), with the
/// background modes `fetch` and `processing`. Register before the app has finished launching; schedule
/// whenever it goes into the background.
public struct BackgroundSync: Sendable {
    /// A short task, soon: some thirty seconds, whenever the system thinks that the app will be used.
    public let refresh: String
    /// A long one, later: minutes, when the device is not in use; with a network.
    public let processing: String

    public init(refresh: String, processing: String) {
        (self.refresh, self.processing) = (refresh, processing)
    }

    /// Says what is to be done in the background. `collector` is asked for one each time, as the app may
    /// have been started for this alone. Returns false if an identifier is not in the Info.plist.
    @discardableResult
    public func register(_ collector: @escaping @Sendable () async throws -> Collector) -> Bool {
        [refresh, processing].allSatisfy { identifier in
            BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
                let chance = Chance(task)
                // If there is still something to deliver, or there is again.
                try? schedule()
                Task {
                    guard let collector = try? await collector() else {
                        chance.complete(success: false)
                        return
                    }
                    await BackgroundWork.deliver(collector, in: chance)
                }
            }
        }
    }

    /// Asks for both, the short one after `wait` at the earliest. Charging is asked for only if
    /// `needsPower`.
    public func schedule(after wait: Duration = .seconds(15 * 60), needsPower: Bool = false) throws {
        let soon = BGAppRefreshTaskRequest(identifier: refresh)
        soon.earliestBeginDate = Date(timeIntervalSinceNow: TimeInterval(wait.components.seconds))
        try BGTaskScheduler.shared.submit(soon)
        let later = BGProcessingTaskRequest(identifier: processing)
        later.requiresNetworkConnectivity = true
        later.requiresExternalPower = needsPower
        try BGTaskScheduler.shared.submit(later)
    }
}

/// A task of the system's. It is given back once.
private final class Chance: BackgroundChance, @unchecked Sendable {
    private let task: BGTask
    private let given = Locked(true)

    init(_ task: BGTask) {
        self.task = task
    }

    func onExpiration(_ expired: @escaping @Sendable () -> Void) {
        task.expirationHandler = { [weak self] in
            expired()
            self?.complete(success: false)
        }
    }

    func complete(success: Bool) {
        let first = given.with { given in
            defer { given = false }
            return given
        }
        if first { task.setTaskCompleted(success: success) }
    }
}
#endif
