import Foundation

/// Time for an app extension, which has no `UIApplication`:
///
/// ```swift
/// let suspension = Suspension(collector, delay: ExpiringActivity())
/// await suspension.enterBackground().value  // when it is done
/// ```
///
/// An activity of `ProcessInfo.performExpiringActivity` lasts as long as its block runs, on a thread of the system's; so
/// that waits until the time is given back. When the time runs out, or there is none, the system calls the block with
/// `true`, perhaps beside the one that waits.
public final class ExpiringActivity: SuspensionDelay {
    typealias Perform = @Sendable (String, @escaping @Sendable (Bool) -> Void) -> Void

    private let perform: Perform
    private let activities = Locked<(last: Int, begun: [Int: DispatchSemaphore])>((0, [:]))

    init(_ perform: @escaping Perform) {
        self.perform = perform
    }

    #if canImport(Darwin) && !os(macOS)
    /// By the system's own.
    public convenience init() {
        self.init { ProcessInfo.processInfo.performExpiringActivity(withReason: $0, using: $1) }
    }
    #endif

    public func begin(_ name: String, expired: @escaping @Sendable () -> Void) -> Int {
        let ended = DispatchSemaphore(value: 0)
        let number = activities.with { activities in
            activities.last += 1
            activities.begun[activities.last] = ended
            return activities.last
        }
        perform(name) { isOver in
            if isOver { expired() } else { ended.wait() }
        }
        return number
    }

    public func end(_ number: Int) {
        activities.with { $0.begun.removeValue(forKey: number) }?.signal()
    }
}
