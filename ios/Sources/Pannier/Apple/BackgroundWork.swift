import Foundation

/// A chance to work that the system gives while the app is in the background: one of BGTaskScheduler's
/// tasks, and a test's.
public protocol BackgroundChance: AnyObject, Sendable {
    /// Calls `expired` when the chance is over, which may be at any time.
    func onExpiration(_ expired: @escaping @Sendable () -> Void)
    /// Gives the rest of it back.
    func complete(success: Bool)
}

/// What is done with a chance to work in the background.
public enum BackgroundWork {
    /// Opens the file, delivers what is due, and closes the file again: also when the chance is over
    /// before that. What was sent and not answered by then is looked up the next time. Returns whether
    /// all is delivered; the chance has been given back when this returns.
    @discardableResult
    public static func deliver(
        _ collector: Collector, in chance: any BackgroundChance, patience: Duration = .seconds(5)
    ) async -> Bool {
        chance.onExpiration {
            // Ends the sync, which returns at once as interrupted.
            Task { try? await collector.pause() }
        }
        try? await collector.resume()
        let ended = try? await collector.sync(patience: patience).ended
        try? await collector.pause()
        chance.complete(success: ended == .emptied)
        return ended == .emptied
    }
}
