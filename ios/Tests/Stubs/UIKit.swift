@_exported import Darwin
import Foundation

public struct UIBackgroundTaskIdentifier: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let invalid = UIBackgroundTaskIdentifier(rawValue: 0)
}

@MainActor
open class UIApplication {
    public enum State: Int, Sendable { case active, inactive, background }
    @available(iOSApplicationExtension, unavailable)
    public class var shared: UIApplication { fatalError() }
    public var applicationState: State { fatalError() }
    public nonisolated class var didEnterBackgroundNotification: Notification.Name { fatalError() }
    public nonisolated class var willEnterForegroundNotification: Notification.Name { fatalError() }
    public nonisolated class var didBecomeActiveNotification: Notification.Name { fatalError() }
    public func beginBackgroundTask(
        withName name: String?, expirationHandler: (@MainActor @Sendable () -> Void)? = nil
    ) -> UIBackgroundTaskIdentifier { fatalError() }
    public func endBackgroundTask(_ identifier: UIBackgroundTaskIdentifier) {}
}
