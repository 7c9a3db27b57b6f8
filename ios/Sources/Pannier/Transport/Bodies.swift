import Foundation

extension Body {
    /// The number of its bytes: what `Content-Length` says.
    public var count: Int64 {
        pieces.reduce(0) { count, piece in
            switch piece {
            case .bytes(let bytes): count + Int64(bytes.count)
            case .file(_, _, let length): count + length
            }
        }
    }

    /// Its bytes, where they lie in memory in one piece.
    var bytes: Data? {
        if pieces.isEmpty { return Data() }
        if pieces.count == 1, case .bytes(let bytes) = pieces[0] { return bytes }
        return nil
    }

    /// Writes its pieces one after the other, a little of a file at a time.
    ///
    /// - Throws: `TransportError.unreadable` where a file cannot be read or is too short; what `output` throws.
    public func write(to output: FileHandle) throws {
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): try output.write(contentsOf: bytes)
            case .file(let path, let offset, let length):
                try Self.copy(from: Self.opened(path, at: offset), length, to: output)
            }
        }
    }

    private static func opened(_ path: String, at offset: Int64) throws -> FileHandle {
        guard let file = FileHandle(forReadingAtPath: path), let offset = UInt64(exactly: offset) else {
            throw TransportError.unreadable(reason: "it cannot be opened")
        }
        do { try file.seek(toOffset: offset) } catch {
            throw TransportError.unreadable(reason: "it is too short")
        }
        return file
    }

    private static func copy(from file: FileHandle, _ length: Int64, to output: FileHandle) throws {
        defer { try? file.close() }
        var left = length
        while left > 0 {
            try pooled {
                let chunk: Data?
                do { chunk = try file.read(upToCount: Int(min(left, chunkBytes))) } catch {
                    throw TransportError.unreadable(reason: "it cannot be read")
                }
                guard let chunk, !chunk.isEmpty else { throw TransportError.unreadable(reason: "it is too short") }
                try output.write(contentsOf: chunk)
                left -= Int64(chunk.count)
            }
        }
    }

    /// What the system makes for each chunk goes with it.
    private static func pooled(_ work: () throws -> Void) rethrows {
        #if canImport(ObjectiveC)
        try autoreleasepool(invoking: work)
        #else
        try work()
        #endif
    }

    private static let chunkBytes: Int64 = 64 * 1024
}

extension Method {
    /// As HTTP spells it.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        }
    }
}
