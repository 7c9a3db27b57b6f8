#if canImport(BackgroundTasks) && !os(macOS)
import BackgroundTasks
import Foundation

/// Delivers while the app is in the background, when the system finds it a good time.
///
/// The identifiers have to be in the app's Info.plist (`BGTaskSchedulerPermittedIdentifiers`), with the
/// background modes `fetch` for the short task and `processing` for the long one; either may be left out.
/// Register before the app has finished launching; schedule whenever it goes into the background. An app has a
/// ``Lifecycle`` besides, or calls `pause()` and `resume()` itself: without, the queue is closed after such a task
/// even if the app has come to the foreground meanwhile.
public struct BackgroundSync: Sendable {
    /// A short task, soon: some thirty seconds, whenever the system thinks that the app will be used. The system takes one
    /// request of an app for such a task, whatever its identifier: an app that has one of its own delivers in that, by
    /// ``BackgroundWork``.
    public let refresh: String?
    /// A long one, later: minutes, when the device is not in use; with a network.
    public let processing: String?
    private let plan: BackgroundPlan

    /// - Parameters:
    ///   - wait: The short one comes after so long at the earliest.
    ///   - needsPower: The long one comes only while the device is being charged.
    public init(
        refresh: String? = nil, processing: String? = nil, after wait: Duration = .seconds(15 * 60),
        needsPower: Bool = false
    ) {
        (self.refresh, self.processing) = (refresh, processing)
        plan = BackgroundPlan(refresh: refresh, processing: processing, wait: wait, needsPower: needsPower)
    }

    /// Says what is to be done in the background. `collector` is asked for one each time, as the app may
    /// have been started for this alone. Returns the identifiers that the system does not take, as they are not in the
    /// Info.plist; the other one works.
    @discardableResult
    public func register(_ collector: @escaping @Sendable () async throws -> Collector) -> [String] {
        [refresh, processing].compactMap { $0 }.filter { identifier in
            !BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
                // If this one is cut off. What is left to be done is asked for at its end.
                _ = plan.apply(due: .distantPast, now: Date(), to: SystemScheduler())
                BackgroundWork.begin(in: Chance(task), patience: .seconds(5), collector) { found in
                    let due: Date?
                    switch found {
                    case .success(let collector): due = await BackgroundPlan.due(collector)
                    case .failure(let error): due = BackgroundPlan.due(after: error)
                    }
                    _ = plan.apply(due: due, now: Date(), to: SystemScheduler())
                }
            }
        }
    }

    /// Asks for both while something is undelivered that can be sent, each by itself, and takes back what was asked for when
    /// nothing is. Returns what the system refused, by identifier.
    @discardableResult
    public func schedule(_ collector: Collector) async -> [String: any Error] {
        plan.apply(due: await BackgroundPlan.due(collector), now: Date(), to: SystemScheduler())
    }
}

private struct SystemScheduler: TaskScheduler {
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
