import Foundation

/// Good places for a queue. The folder is made where there is none.
///
/// On Apple's systems it can be read once the device was unlocked since it was started, so that a sync
/// in the background can, and it is not in backups: a restored device must not replay a queue that
/// another one has delivered.
public enum QueueFile {
    /// In Application Support, where an app keeps what people do not see. That folder is the app's own on iOS; on macOS and
    /// Linux all apps of a person share it, so the queue is in a folder with the name of the app there.
    ///
    /// - Parameter app: By default the bundle's identifier. A command-line tool has none, and says its own, such as
    ///   `com.example.tool`: else this throws ``NoAppIdentifier``.
    public static func inApplicationSupport(
        _ name: String = "pannier.db", app: String? = Bundle.main.bundleIdentifier
    ) throws -> URL {
        let support = try FileManager.default.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        #if canImport(Darwin) && !os(macOS)
        return try file(name, in: support.appendingPathComponent("Pannier"))
        #else
        return try file(name, in: folder(in: support, of: app))
        #endif
    }

    /// The folder of an app's queues, in one that apps share.
    static func folder(in shared: URL, of app: String?) throws -> URL {
        guard let app, !app.isEmpty, !app.contains("/"), !app.hasPrefix(".") else { throw NoAppIdentifier() }
        return shared.appendingPathComponent(app).appendingPathComponent("Pannier")
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

/// It is not known which app this is, and another one's queue must not be taken for its own.
public struct NoAppIdentifier: LocalizedError {
    public var errorDescription: String? {
        "this program has no bundle identifier to tell its queue from that of another one: "
            + "say QueueFile.inApplicationSupport(app: \"com.example.tool\"), or choose a folder with QueueFile.file"
    }
}
