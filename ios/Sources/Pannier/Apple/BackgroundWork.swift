import Foundation

/// A chance to work that the system gives while the app is in the background: one of BGTaskScheduler's
/// tasks, and a test's.
public protocol BackgroundChance: AnyObject, Sendable {
    /// Calls `expired` when the chance is over, which may be at any time. Set before the system is returned to.
    func onExpiration(_ expired: @escaping @Sendable () -> Void)
    /// Gives the rest of it back. The system may suspend the app at once.
    func complete(success: Bool)
}

/// What is done with a chance to work in the background.
public enum BackgroundWork {
    /// Opens the file, delivers what is due, and closes the file again unless somebody else needs it: the app in the
    /// foreground (``Suspension``, `Lifecycle`), or another such task. The chance is given back once, after that; also
    /// when it is over before all is delivered, or before there is a collector. What was sent and not answered by then
    /// is looked up the next time. Where the app may use no network (``Collector/setNetwork(_:)``) nothing is sent.
    ///
    /// - Parameter collector: Asked once. The app may have been started for this alone.
    /// - Returns: The work, which ends when the chance has been given back, and tells whether all is delivered.
    @discardableResult
    public static func begin(
        in chance: any BackgroundChance, patience: Duration = .seconds(5),
        _ collector: @escaping @Sendable () async throws -> Collector
    ) -> Task<Bool, Never> {
        begin(in: chance, patience: patience, collector) { _ in }
    }

    /// - Parameter plan: Told what came of it before the file is closed, if there is time.
    @discardableResult
    static func begin(
        in chance: any BackgroundChance, patience: Duration,
        _ collector: @escaping @Sendable () async throws -> Collector,
        plan: @escaping @Sendable (Result<Collector, any Error>) async -> Void
    ) -> Task<Bool, Never> {
        let work = Task {
            // What is being opened is waited for in any case: else it would be open when the app is suspended.
            let found = await Task.detached { try await collector() }.result
            guard case .success(let collector) = found else {
                if !Task.isCancelled { await plan(found) }
                chance.complete(success: false)
                return false
            }
            let isDelivered = await deliver(collector, in: chance, patience)
            if !Task.isCancelled { await plan(found) }
            // Ends the sync, if it goes on and nobody else needs it.
            if let closing = collector.wakefulness.end(chance) { _ = await closing.turn.failure() }
            chance.complete(success: isDelivered)
            return isDelivered
        }
        chance.onExpiration { work.cancel() }
        return work
    }

    private static func deliver(
        _ collector: Collector, in chance: any BackgroundChance, _ patience: Duration
    ) async -> Bool {
        if Task.isCancelled || !collector.caller.mayUseNetwork { return false }
        // The sync waits until the file is open. A caller that is cancelled does not wait for the sync.
        collector.wakefulness.begin(chance)
        return (try? await collector.sync(patience: patience).ended) == .emptied
    }
}
