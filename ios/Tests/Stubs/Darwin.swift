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

extension ProcessInfo {
    public func performExpiringActivity(
        withReason reason: String, using block: @escaping @Sendable (Bool) -> Void
    ) { fatalError() }
}
