import Foundation

/// A request's body in a file of its own, which ends with this. Whoever has one holds a lock on it: so what a kill has left
/// over is known by that nobody does, whichever of the apps that share the folder it was.
final class BodyFile {
    let url: URL
    private let file: FileHandle

    init(_ body: Body, in folder: URL = FileManager.default.temporaryDirectory) throws {
        while true {
            let url = folder.appendingPathComponent("pannier-\(UUID().uuidString).body")
            let number = open(url.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard number >= 0 else { throw Self.noRoom }
            let file = FileHandle(fileDescriptor: number, closeOnDealloc: true)
            // Somebody who sweeps may have been quicker than the lock.
            guard flock(number, LOCK_SH | LOCK_NB) == 0, FileManager.default.fileExists(atPath: url.path) else {
                continue
            }
            (self.url, self.file) = (url, file)
            break
        }
        do { try body.write(to: file) } catch {
            throw error as? TransportError ?? Self.noRoom
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    private static let noRoom = TransportError.unreachable(reason: "no room for the request's file")

    /// Removes what processes that were killed have left over.
    static func sweep(_ folder: URL = FileManager.default.temporaryDirectory) {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in all where name.hasPrefix("pannier-") && name.hasSuffix(".body") {
            let path = folder.appendingPathComponent(name).path
            let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            if number < 0 { continue }
            if flock(number, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(number)
        }
    }

    /// Once in the life of a process, on a thread of Pannier's.
    static func sweepOnce() { _ = swept }

    private static let swept: Void = Calls.short.addOperation { sweep() }
}
