import Foundation

/// Delivers while the app is in the background, when the system finds it a good time: what an ``AppCollector`` is given.
///
/// The identifiers have to be in the app's Info.plist (`BGTaskSchedulerPermittedIdentifiers`), with the
/// background modes `fetch` for the short task and `processing` for the long one; either may be left out.
///
/// An app that has a ``Collector`` calls `register(_:)` before it has finished launching, and `schedule(_:)` whenever it goes
/// into the background. It has a `Lifecycle` besides, or calls `pause()` and `resume()` itself: without, the queue is closed
/// after such a task even if the app has come to the foreground meanwhile.
public struct BackgroundSync: Hashable, Sendable {
    /// A short task, soon: some thirty seconds, whenever the system thinks that the app will be used. The system takes one
    /// request of an app for such a task, whatever its identifier: an app that has one of its own delivers in that, by
    /// ``BackgroundWork``.
    public var refresh: String?
    /// A long one, later: minutes, when the device is not in use; with a network.
    public var processing: String?
    /// The short one comes after so long at the earliest.
    public var wait: Duration
    /// The long one comes only while the device is being charged.
    public var needsPower: Bool

    /// - Parameters:
    ///   - wait: The short one comes after so long at the earliest.
    ///   - needsPower: The long one comes only while the device is being charged.
    public init(
        refresh: String? = nil, processing: String? = nil, after wait: Duration = .seconds(15 * 60),
        needsPower: Bool = false
    ) {
        (self.refresh, self.processing, self.wait, self.needsPower) = (refresh, processing, wait, needsPower)
    }

    private var plan: BackgroundPlan {
        BackgroundPlan(refresh: refresh, processing: processing, wait: wait, needsPower: needsPower)
    }

    /// Says what is to be done when the system starts a task. Returns the identifiers that it does not take.
    func register(
        with scheduler: any TaskScheduler, _ collector: @escaping @Sendable () async throws -> Collector
    ) -> [String] {
        let plan = plan
        return [refresh, processing].compactMap { $0 }.filter { identifier in
            !scheduler.register(identifier) { chance in
                // If this one is cut off. What is left to be done is asked for at its end.
                _ = plan.apply(due: .distantPast, now: Date(), to: scheduler)
                BackgroundWork.begin(in: chance, patience: .seconds(5), collector) { found in
                    let due: Date?
                    switch found {
                    case .success(let collector): due = await BackgroundPlan.due(collector)
                    case .failure(let error): due = BackgroundPlan.due(after: error)
                    }
                    _ = plan.apply(due: due, now: Date(), to: scheduler)
                }
            }
        }
    }

    func schedule(_ collector: Collector, with scheduler: any TaskScheduler) async -> [String: any Error] {
        plan.apply(due: await BackgroundPlan.due(collector), now: Date(), to: scheduler)
    }
}
