#if canImport(UIKit) && !os(watchOS)
import Foundation
import UIKit

/// Pauses and resumes a collector with the app, for as long as this lives:
///
/// ```swift
/// let lifecycle = Lifecycle(collector, of: .shared)
/// ```
///
/// Where the app was started in the background the queue is closed at once, until the app comes to the foreground or a task
/// of ``BackgroundSync`` delivers. What is recorded meanwhile is taken in all the same.
///
/// Not for app extensions, which have no `UIApplication`: those have ``ExpiringActivity``. An ``AppCollector`` has one already.
@MainActor
public final class Lifecycle {
    private let comings: Comings

    public init(_ collector: Collector, of application: UIApplication) {
        let suspension = Suspension(
            collector, delay: BackgroundTime { application },
            inBackground: application.applicationState == .background
        )
        comings = .ofApplication { suspension.app(inBackground: $0) }
    }
}

extension Comings {
    static func ofApplication(_ tell: @escaping @Sendable (_ inBackground: Bool) -> Void) -> Comings {
        Comings(
            from: .default, going: [UIApplication.didEnterBackgroundNotification],
            // The second comes also where an app of scenes was in the background only until it had one.
            coming: [UIApplication.willEnterForegroundNotification, UIApplication.didBecomeActiveNotification], tell
        )
    }
}

/// UIKit's background tasks. UIKit posts its notifications, and calls when the time is over, on the main thread.
final class BackgroundTime: SuspensionDelay {
    private let application: @MainActor @Sendable () -> UIApplication

    init(_ application: @escaping @MainActor @Sendable () -> UIApplication) {
        self.application = application
    }

    func begin(_ name: String, expired: @escaping @Sendable () -> Void) -> Int {
        MainActor.assumeIsolated {
            application().beginBackgroundTask(withName: name, expirationHandler: { expired() }).rawValue
        }
    }

    func end(_ number: Int) {
        let (application, identifier) = (application, UIBackgroundTaskIdentifier(rawValue: number))
        // There was none to be had.
        if identifier == .invalid { return }
        if Thread.isMainThread {
            // When the time is over it has to be ended before the handler returns.
            MainActor.assumeIsolated { application().endBackgroundTask(identifier) }
        } else {
            Task { @MainActor in application().endBackgroundTask(identifier) }
        }
    }
}
#endif
