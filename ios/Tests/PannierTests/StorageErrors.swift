import Foundation
import Pannier
import Testing

/// What goes wrong beneath Pannier: the call says it, and nothing recorded before is lost.
extension ErrorKindsTests {
    func onAFullDisk() async throws -> PannierError? {
        let disk = try #require(SmallDisk(at: folder.url.appendingPathComponent("disk")))
        let collector = try await Collector.open(disk.url.appendingPathComponent("queue.db"))
        var recorded: Int64 = 0
        let error = await thrown {
            for n in 0..<10_000 {
                try await collector.record(lesson(n))
                recorded += 1
            }
        }
        let status = try await collector.readStatus()
        #expect(recorded > 0)
        #expect([status.recorded, status.queued] == [recorded, recorded])
        await collector.close()
        return error
    }

    /// Another process has it, and does not give it back for longer than Pannier waits.
    func underAForeignLock() async throws -> PannierError? {
        let collector = try await Collector.open(folder.queue)
        let other = try await python("db.execute('BEGIN IMMEDIATE')", on: folder.queue)
        let error = await thrown { try await collector.record(lesson(1)) }
        try await other.end()
        try await collector.record(lesson(2))
        #expect(try await collector.readStatus().recorded == 1)
        return error
    }

    func damagedWhileOpen() async throws -> PannierError? {
        let collector = try await Collector.open(folder.queue)
        try await collector.recordAll((0..<200).map { lesson($0) })
        // So that all of it is in the file.
        try await collector.pause()
        let size = try Data(contentsOf: folder.queue).count
        try await collector.resume()
        // As a disk that fails: nobody has written the file.
        let written = folder.url.appendingPathComponent("written").path
        #expect(run("touch", "-r", folder.queue.path, written))
        try overwrite(UInt64(size / 4), with: Array(repeating: 0x55, count: size / 2))
        #expect(run("touch", "-r", written, folder.queue.path))
        return await thrown { _ = try await collector.queued(limit: 1_000) }
    }

    func madeReadOnly() async throws -> PannierError? {
        let collector = try await Collector.open(folder.queue)
        let id = try await collector.record(lesson(1)).id
        try await collector.pause()
        // SQLite's mark of a format that it may read, but not write.
        try overwrite(18, with: [9])
        return await thrown {
            try await collector.resume()
            try await collector.retract(id)
        }
    }

    /// None of the kinds fits: it says what SQLite said.
    func withoutATable() async throws -> PannierError? {
        let collector = try await Collector.open(folder.queue)
        try await python("db.execute('DROP TABLE aside')", on: folder.queue).end()
        let error = await thrown { _ = try await collector.held() }
        #expect(error?.explanation.contains("aside") == true)
        return error
    }
}

/// A disk of 512 KiB in the memory of a Linux machine. It ends with its test.
final class SmallDisk {
    let url: URL

    static let canBeMade: Bool = {
        guard let folder = try? Folder() else { return false }
        return withExtendedLifetime(folder) { SmallDisk(at: folder.url.appendingPathComponent("disk")) != nil }
    }()

    init?(at url: URL) {
        self.url = url
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        guard run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", url.path) else { return nil }
    }

    deinit {
        _ = run("umount", "--lazy", url.path)
    }
}

private func run(_ command: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}
