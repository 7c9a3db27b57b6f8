import Foundation
import Testing

@testable import Pannier

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The platform's HTTP, against the hub: in memory, and from files as in the background.
struct URLSessionTransportTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test(arguments: [false, true])
    func whatIsRecordedIsDelivered(fromFiles: Bool) async throws {
        let hub = try await Lrs.hub()
        let transport = URLSessionTransport(.ephemeral, uploads: Uploads(fromFiles: fromFiles))
        let collector = try await Collector.open(folder.queue, config: hub.config, transport: transport)
        let ids = try await collector.recordAll((1...120).map { lesson($0) })
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
        let transport = URLSessionTransport()
        let request = Request(
            method: .get, url: URL(string: "http://127.0.0.1:9/xAPI/about")!, headers: [], body: nil,
            timeout: .seconds(20), longestAnswer: 1_000
        )
        let error = try await blocking { () -> TransportError? in
            do {
                _ = try transport.exchange(request: request)
                return nil
            } catch { return error as? TransportError }
        }
        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
