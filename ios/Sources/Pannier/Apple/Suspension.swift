import Foundation

/// Time that the system grants before it suspends the app: UIKit's background tasks, an extension's
/// ``ExpiringActivity``, and a test's.
public protocol SuspensionDelay: Sendable {
    /// Asks for time, at once, on the thread that it is called from. `expired` is called when it runs out, which
    /// may be at any moment, and ends it.
    func begin(_ name: String, expired: @escaping @Sendable () -> Void) -> Int
    /// Gives the rest of it back. Called once for each that was begun.
    func end(_ number: Int)
}

/// Closes the queue before the app is suspended and opens it afterwards: iOS kills an app that holds a
/// lock on a file while it is suspended (0xdead10cc). The queue stays open as long as a task in the background
/// delivers (``BackgroundWork``), which closes it then.
///
/// What is begun here is begun before the call returns: calls that the app makes after ``enterForeground()`` find
/// the file open. What goes wrong is written to the system's log and tried again.
public final class Suspension: Sendable {
    private let wakefulness: Wakefulness
    private let delay: any SuspensionDelay

    /// - Parameter inBackground: Where the app is now. One that was started in the background has its queue closed.
    public init(_ collector: Collector, delay: any SuspensionDelay, inBackground: Bool = false) {
        (wakefulness, self.delay) = (collector.wakefulness, delay)
        app(inBackground: inBackground)
    }

    deinit {
        wakefulness.forget(self)
    }

    func app(inBackground: Bool) {
        if inBackground { enterBackground() } else { enterForeground() }
    }

    /// The app has gone into the background: ends a sync under way and closes the file, in time that
    /// the system is asked for at once. What was sent and not answered is looked up later. The task that is
    /// returned ends when the time was given back.
    @discardableResult
    public func enterBackground() -> Task<Void, Never> {
        let time = GrantedTime(delay, "Pannier closes its queue")
        let closing = wakefulness.end(self, isApp: true)
        return Task {
            await closing?.done.value
            time.end()
        }
    }

    /// The app is coming back: opens the file again. Calls that are made from now on wait for that, and the task that is
    /// returned does.
    @discardableResult
    public func enterForeground() -> Task<Void, Never> {
        wakefulness.begin(self).done
    }
}

/// Time that was asked for. It is given back once: when it is not needed any more, or when it runs out.
final class GrantedTime: Sendable {
    private enum State {
        case asked
        case granted(Int)
        case over
    }

    private let delay: any SuspensionDelay
    private let state = Locked(State.asked)

    init(_ delay: any SuspensionDelay, _ name: String) {
        self.delay = delay
        let number = delay.begin(name) { [self] in end() }
        let isOver = state.with { state in
            if case .over = state { return true }
            state = .granted(number)
            return false
        }
        // It ran out before it was known by which number.
        if isOver { delay.end(number) }
    }

    func end() {
        let granted: Int? = state.with { state in
            defer { state = .over }
            if case .granted(let number) = state { return number }
            return nil
        }
        if let granted { delay.end(granted) }
    }
}

/// Tells of the notifications by which an app comes and goes, on the thread on which they are posted and before that goes on:
/// whatever the app does next comes after it. For as long as this lives.
final class Comings: @unchecked Sendable {
    private let center: NotificationCenter
    private let observers: [any NSObjectProtocol]

    init(
        from center: NotificationCenter, going: [Notification.Name], coming: [Notification.Name],
        _ tell: @escaping @Sendable (_ inBackground: Bool) -> Void
    ) {
        self.center = center
        func observe(_ names: [Notification.Name], _ inBackground: Bool) -> [any NSObjectProtocol] {
            names.map { center.addObserver(forName: $0, object: nil, queue: nil) { _ in tell(inBackground) } }
        }
        observers = observe(going, true) + observe(coming, false)
    }

    convenience init(
        _ suspension: Suspension, from center: NotificationCenter, going: [Notification.Name],
        coming: [Notification.Name]
    ) {
        self.init(from: center, going: going, coming: coming) { suspension.app(inBackground: $0) }
    }

    deinit {
        for observer in observers { center.removeObserver(observer) }
    }
}
