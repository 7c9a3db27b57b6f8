import Foundation

/// Good places for a queue. The folder is made where there is none.
///
/// On Apple's systems it can be read once the device was unlocked since it was started, so that a sync
/// in the background can, and it is not in backups: a restored device must not replay a queue that
/// another one has delivered.
public enum QueueFile {
    /// In Application Support, where an app keeps what people do not see.
    public static func inApplicationSupport(_ name: String = "pannier.db") throws -> URL {
        let support = try FileManager.default.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        return try file(name, in: support.appendingPathComponent("Pannier"))
    }

    /// In this folder.
    public static func file(_ name: String, in folder: URL) throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #if canImport(Darwin)
        try protect(folder)
        #endif
        return folder.appendingPathComponent(name)
    }

    #if canImport(Darwin)
    /// In the container of an App Group, which an app shares with its extensions. Several of them may
    /// have the queue open; each has to pause it before it is suspended.
    public static func inAppGroup(_ group: String, _ name: String = "pannier.db") throws -> URL {
        guard
            let container = FileManager.default.containerURL(forSecurityApplicationGroupIdentifier: group)
        else { throw CocoaError(.fileNoSuchFile) }
        return try file(name, in: container.appendingPathComponent("Pannier"))
    }

    /// The folder's protection is what files made in it get, SQLite's own beside the queue too.
    private static func protect(_ folder: URL) throws {
        #if !os(macOS)
        try FileManager.default.setAttributes(
            [.protectionKey: FileProtectionType.completeUntilFirstUserAuthentication],
            ofItemAtPath: folder.path
        )
        #endif
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        var folder = folder
        try folder.setResourceValues(values)
    }
    #endif
}
