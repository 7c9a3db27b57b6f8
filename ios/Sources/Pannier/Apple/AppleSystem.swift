#if canImport(Darwin)
import Foundation

#if canImport(UIKit)
import UIKit
#endif

/// What Apple's systems tell an app and give it. On macOS no app is suspended or started in the background.
@available(iOSApplicationExtension, unavailable)
struct AppleSystem: AppSystem {
    #if canImport(BackgroundTasks) && !os(macOS)
    let scheduler: (any TaskScheduler)? = SystemScheduler()
    #else
    let scheduler: (any TaskScheduler)? = nil
    #endif

    #if canImport(UIKit) && !os(watchOS)
    let delay: any SuspensionDelay = TimeByThread(
        main: BackgroundTime { UIApplication.shared }, elsewhere: ExpiringActivity()
    )

    func watchApp(_ tell: @escaping @Sendable (_ inBackground: Bool) -> Void) -> any Sendable {
        // There may be no application yet: an `App` is made before it.
        Task { @MainActor in
            if UIApplication.shared.applicationState == .background { tell(true) }
        }
        return Comings.ofApplication(tell)
    }
    #else
    let delay: any SuspensionDelay = PlainSystem().delay

    func watchApp(_ tell: @escaping @Sendable (_ inBackground: Bool) -> Void) -> any Sendable { true }
    #endif

    func watchNetwork(_ tell: @escaping @Sendable (Connection) -> Void) -> any Sendable { NetworkMonitor(tell) }
}
#endif
