#if canImport(BackgroundTasks) && !os(macOS)
import BackgroundTasks
import Foundation

extension BackgroundSync {
    /// Says what is to be done in the background. `collector` is asked for one each time, as the app may
    /// have been started for this alone. Returns the identifiers that the system does not take, as they are not in the
    /// Info.plist; the other one works.
    @discardableResult
    public func register(_ collector: @escaping @Sendable () async throws -> Collector) -> [String] {
        register(with: SystemScheduler(), collector)
    }

    /// Asks for both while something is undelivered that can be sent, each by itself, and takes back what was asked for when
    /// nothing is. Returns what the system refused, by identifier.
    @discardableResult
    public func schedule(_ collector: Collector) async -> [String: any Error] {
        await schedule(collector, with: SystemScheduler())
    }
}

struct SystemScheduler: TaskScheduler {
    func register(_ identifier: String, _ begin: @escaping @Sendable (any BackgroundChance) -> Void) -> Bool {
        BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { begin(Chance($0)) }
    }

    func submit(_ request: TaskRequest) throws {
        let asked: BGTaskRequest
        switch request.kind {
        case .refresh: asked = BGAppRefreshTaskRequest(identifier: request.identifier)
        case .processing(let needsPower):
            let processing = BGProcessingTaskRequest(identifier: request.identifier)
            processing.requiresNetworkConnectivity = true
            processing.requiresExternalPower = needsPower
            asked = processing
        }
        asked.earliestBeginDate = request.earliest
        try BGTaskScheduler.shared.submit(asked)
    }

    func cancel(_ identifier: String) {
        BGTaskScheduler.shared.cancel(taskRequestWithIdentifier: identifier)
    }
}

/// A task of the system's.
private final class Chance: BackgroundChance, @unchecked Sendable {
    private let task: BGTask

    init(_ task: BGTask) {
        self.task = task
    }

    func onExpiration(_ expired: @escaping @Sendable () -> Void) {
        task.expirationHandler = expired
    }

    func complete(success: Bool) {
        task.setTaskCompleted(success: success)
    }
}
#endif
