// What Apple's Foundation has and Linux's has not. Every one of our sources for Apple asks for Darwin.
@_exported import Foundation
@_exported import FoundationNetworking

public struct FileProtectionType: Sendable {
    public static let completeUntilFirstUserAuthentication = FileProtectionType()
}

extension FileAttributeKey {
    public static let protectionKey = FileAttributeKey(rawValue: "NSFileProtectionKey")
}

extension FileManager {
    public func containerURL(forSecurityApplicationGroupIdentifier group: String) -> URL? { fatalError() }
}

extension URLResourceValues {
    public var isExcludedFromBackup: Bool? {
        get { fatalError() }
        set { fatalError() }
    }
}

extension URLSessionConfiguration {
    public static func background(withIdentifier identifier: String) -> URLSessionConfiguration {
        fatalError()
    }
    public var sessionSendsLaunchEvents: Bool {
        get { fatalError() }
        set { fatalError() }
    }
}

extension NotificationCenter {
    public final class Notifications: AsyncSequence {
        public struct Iterator: AsyncIteratorProtocol {
            public mutating func next() async -> Notification? { fatalError() }
        }
        public func makeAsyncIterator() -> Iterator { fatalError() }
    }

    public func notifications(named: Notification.Name, object: AnyObject? = nil) -> Notifications {
        fatalError()
    }
}
