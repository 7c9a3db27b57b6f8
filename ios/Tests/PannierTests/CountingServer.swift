import Foundation
import Testing

#if canImport(Glibc)
import Glibc
private let stream = Int32(SOCK_STREAM.rawValue)
#else
import Darwin
private let stream = SOCK_STREAM
#endif

/// Takes one request on 127.0.0.1, counts its body without keeping it, and answers 204.
final class CountingServer: Sendable {
    let url: URL
    private let listening: Int32

    struct Came: Sendable {
        var head = ""
        var bytes: Int64 = 0
        /// What the body begins with.
        var begins = ""
    }

    init() throws {
        listening = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = listening
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, length) == 0 && listen(listening, 5) == 0 && getsockname(listening, $0, &length) == 0
            }
        }
        try #require(isBound)
        url = URL(string: "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/xAPI/statements")!
    }

    deinit { close(listening) }

    /// Waits for the request and blocks the thread meanwhile.
    func take() -> Came {
        let connection = accept(listening, nil, nil)
        defer { close(connection) }
        var came = Came()
        var head: [UInt8] = []
        while !head.ends(with: Array("\r\n\r\n".utf8)) {
            var byte: UInt8 = 0
            guard recv(connection, &byte, 1, 0) == 1 else { return came }
            head.append(byte)
        }
        came.head = String(decoding: head, as: UTF8.self)
        let announced = came.head.firstMatch(of: #/(?i)content-length: (\d+)/#).flatMap { Int64($0.1) } ?? 0
        if came.head.lowercased().contains("expect: 100-continue") { say("HTTP/1.1 100 Continue\r\n\r\n", to: connection) }
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while came.bytes < announced {
            let read = recv(connection, &chunk, chunk.count, 0)
            guard read > 0 else { return came }
            if came.bytes == 0 { came.begins = String(decoding: chunk.prefix(min(read, 20)), as: UTF8.self) }
            came.bytes += Int64(read)
        }
        say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", to: connection)
        return came
    }

    /// Whether somebody has come who was not taken yet.
    func isCalled() -> Bool {
        var asked = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
        return poll(&asked, 1, 0) > 0
    }

    private func say(_ text: String, to connection: Int32) {
        let bytes = Array(text.utf8)
        _ = send(connection, bytes, bytes.count, 0)
    }
}

extension Array where Element: Equatable {
    fileprivate func ends(with end: [Element]) -> Bool { count >= end.count && suffix(end.count) == end[...] }
}
