import Foundation
import Testing

@testable import Pannier

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The platform's HTTP, against the hub.
struct URLSessionTransportTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func whatIsRecordedIsDelivered() async throws {
        let hub = try await Lrs.hub()
        let transport = URLSessionTransport()
        let collector = try await Collector.open(folder.queue, config: hub.config, transport: transport)
        let ids = try await collector.recordAll((1...120).map { lesson($0) }).map(\.id)
        let report = try await collector.sync()
        #expect(report.delivered == 120 && report.ended == .emptied)
        #expect(try await hub.statement(ids[119]) != nil)
        try await collector.setCredentials(.basic(user: "me", password: "wrong"))
        try await collector.record(lesson(121))
        guard case .needsApp(let trouble) = try await collector.sync().ended else {
            Issue.record("wrong credentials went unnoticed")
            return
        }
        #expect(trouble.problem == .credentials && trouble.status == 401)
    }

    @Test func anAnswerThatIsLongerThanWasAskedForIsCutAndSaysSo() async throws {
        let hub = try await Lrs.hub()
        let transport = URLSessionTransport()
        func about(_ longest: Int64) async throws -> Response {
            let request = Request(
                method: .get, url: hub.url.appendingPathComponent("about"), headers: [], body: nil,
                timeout: .seconds(20), longestAnswer: longest
            )
            return try await blocking { try transport.exchange(request: request) }
        }
        let whole = try await about(1_000_000)
        #expect(whole.body.count > 4 && !whole.cut)
        let short = try await about(4)
        #expect(short.body == whole.body.prefix(4) && short.cut)
        let exact = try await about(Int64(whole.body.count))
        #expect(exact.body == whole.body && !exact.cut)
    }

    @Test func noConnectionIsToldFromABrokenOne() async throws {
        let request = Request(
            method: .get, url: URL(string: "http://127.0.0.1:9/xAPI/about")!, headers: [], body: nil,
            timeout: .seconds(20), longestAnswer: 1_000
        )
        let error = try await failure(of: request)
        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aFileIsSentAsItLiesThereAndNotByWayOfTheMemory() async throws {
        let (large, ends) = (folder.url.appendingPathComponent("large"), folder.url.appendingPathComponent("ends"))
        // So long that what other tests need meanwhile is little.
        let length: Int64 = 512 << 20
        try Data().write(to: large)
        let file = try FileHandle(forWritingTo: large)
        try file.truncate(atOffset: UInt64(length))
        try file.close()
        try Data("0123456789".utf8).write(to: ends)
        let body = Body(pieces: [
            .file(path: ends.path, offset: 7, length: 3), .file(path: large.path, offset: 0, length: length),
            .bytes(bytes: Data("end".utf8)),
        ])
        #expect(body.count == length + 6)
        try forgetPeak()
        let before = try peak()
        let (answer, came) = try await exchanged(.put, body)
        #expect(answer.status == 204)
        #expect(came.bytes == length + 6 && came.begins.hasPrefix("789"))
        #expect(came.head.hasPrefix("PUT ") && !came.head.lowercased().contains("chunked"), "\(came.head)")
        let more = try peak() - before
        #expect(more < length / 4, "\(more) bytes more were in memory")
    }

    @Test func whatCannotBeReadIsNotSent() async throws {
        let file = folder.url.appendingPathComponent("s3cret")
        try Data("0123456789".utf8).write(to: file)
        let server = try CountingServer()
        for piece in [
            BodyPiece.file(path: file.path, offset: 8, length: 3), .file(path: file.path, offset: .max, length: 2),
            .file(path: file.path + ".none", offset: 0, length: 1),
            .file(path: folder.url.path, offset: 0, length: 1),
        ] {
            let body = Body(pieces: [.bytes(bytes: Data("{}".utf8)), piece])
            let request = request(.post, server.url, body)
            let error = try await failure(of: request)
            guard case .unreadable(let reason) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(!reason.contains("s3cret"))
        }
        #expect(!server.isCalled())
    }

    @Test func whatAKillHasLeftOverIsRemovedAndNothingElse() throws {
        let body = Body(pieces: [.bytes(bytes: Data("a".utf8)), .bytes(bytes: Data("b".utf8))])
        let left = folder.url.appendingPathComponent("pannier-\(UUID().uuidString).body")
        let other = folder.url.appendingPathComponent("pannier-\(UUID().uuidString).json")
        for file in [left, other] { try Data("old".utf8).write(to: file) }
        var used: BodyFile? = try BodyFile(body, in: folder.url)
        let url = try #require(used?.url)
        BodyFile.sweep(folder.url)
        #expect(!FileManager.default.fileExists(atPath: left.path))
        #expect(FileManager.default.fileExists(atPath: other.path))
        #expect(try Data(contentsOf: url) == Data("ab".utf8))
        used = nil
        #expect(!FileManager.default.fileExists(atPath: url.path))
    }

    @Test func aRequestsFileThatCannotBeMadeIsLeftNowhere() throws {
        let body = Body(pieces: [.bytes(bytes: Data("a".utf8)), .file(path: "/none", offset: 0, length: 1)])
        #expect(throws: TransportError.self) { try BodyFile(body, in: folder.url) }
        #expect(throws: TransportError.self) { try BodyFile(body, in: folder.url.appendingPathComponent("none")) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test(arguments: [Method.head, .delete]) func aDocumentIsAskedForAndDeletedByItsMethod(_ method: Method) async throws {
        let (answer, came) = try await exchanged(method, nil)
        #expect(answer.status == 204)
        #expect(came.head.hasPrefix("\(method.name) /xAPI/statements HTTP/1.1\r\n"), "\(came.head)")
    }

    private func failure(of request: Request) async throws -> TransportError? {
        try await blocking {
            do {
                _ = try URLSessionTransport().exchange(request: request)
                return nil
            } catch { return error as? TransportError }
        }
    }

    private func exchanged(_ method: Pannier.Method, _ body: Body?) async throws -> (Response, CountingServer.Came) {
        let server = try CountingServer()
        let request = request(method, server.url, body)
        async let came = blocking { server.take() }
        let answer = try await blocking { try URLSessionTransport().exchange(request: request) }
        return (answer, try await came)
    }

    private func request(_ method: Pannier.Method, _ url: URL, _ body: Body?) -> Request {
        Request(method: method, url: url, headers: [], body: body, timeout: .seconds(120), longestAnswer: 1_000)
    }

    /// The most memory that the process has had since `forgetPeak`, in bytes (proc(5)); nothing where there is no such
    /// file.
    private func peak() throws -> Int64 {
        #if os(Linux)
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.firstMatch(of: #/VmHWM:\s*(\d+) kB/#))
        return try #require(Int64(line.1)) * 1024
        #else
        return 0
        #endif
    }

    private func forgetPeak() throws {
        #if os(Linux)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "/proc/self/clear_refs"))
        try file.write(contentsOf: Data("5".utf8))
        try file.close()
        #endif
    }
}
