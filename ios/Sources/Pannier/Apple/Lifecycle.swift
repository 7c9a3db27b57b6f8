#if canImport(UIKit) && !os(watchOS)
import Foundation
import UIKit

/// Pauses and resumes a collector with the app, for as long as this lives:
///
/// ```swift
/// let lifecycle = Lifecycle(collector, of: .shared)
/// ```
///
/// Not for app extensions, which have no `UIApplication`: they call `pause()` when they are done.
@MainActor
public final class Lifecycle {
    private let suspension: Suspension
    private var watching: [Task<Void, Never>] = []

    public init(_ collector: Collector, of application: UIApplication) {
        let suspension = Suspension(collector, delay: BackgroundTime(application))
        self.suspension = suspension
        watching = [
            Task {
                let all = NotificationCenter.default
                for await _ in all.notifications(named: UIApplication.didEnterBackgroundNotification) {
                    await suspension.enterBackground()
                }
            },
            Task {
                let all = NotificationCenter.default
                for await _ in all.notifications(named: UIApplication.willEnterForegroundNotification) {
                    await suspension.enterForeground()
                }
            },
        ]
    }

    deinit {
        for task in watching { task.cancel() }
    }
}

/// UIKit's background tasks.
private final class BackgroundTime: SuspensionDelay {
    private let application: UIApplication

    init(_ application: UIApplication) {
        self.application = application
    }

    @MainActor
    func begin(_ name: String) async -> Int {
        let application = application
        let number = Locked(UIBackgroundTaskIdentifier.invalid)
        let begun = application.beginBackgroundTask(withName: name) {
            // Called on the main thread. Not ending it would end the app.
            MainActor.assumeIsolated { application.endBackgroundTask(number.with { $0 }) }
        }
        number.with { $0 = begun }
        return begun.rawValue
    }

    @MainActor
    func end(_ number: Int) async {
        application.endBackgroundTask(UIBackgroundTaskIdentifier(rawValue: number))
    }
}
#endif
