import Foundation
import Testing

@testable import Pannier

/// The app's own code: listeners, credentials providers and transports, good ones and bad ones.
struct CallbacksTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    struct Oh: Error {}

    @Test func eventsTellWhatHappenedInOrderAndEndWhenTheCollectorIsClosed() async throws {
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: memoryLrs
        )
        let (stream, rest) = (collector.events, collector.events)
        let good = try await collector.record(lesson(1)).id
        let bad = try await collector.record(
            json: #"{"actor":{"mbox":"mailto:bad@example.com"},"verb":{"id":"https://example.com/did"},"object":{"id":"https://example.com/it"}}"#
        ).id
        let first = try await collector.sync()
        #expect(first.waiting.map(\.reason) == [.suspect])
        try await waitsAreOver(in: folder.queue)
        let another = try await collector.record(lesson(2)).id
        let report = try await collector.sync()
        let events = try await within {
            var (events, syncs): ([Event], Int) = ([], 0)
            for await event in stream {
                events.append(event)
                if case .synced = event { syncs += 1 }
                if syncs == 2 { break }
            }
            return events
        }
        #expect(events.flatMap { if case .recorded(let ids) = $0 { ids } else { [UUID]() } } == [good, bad, another])
        #expect(events.flatMap { if case .delivered(let ids, "main") = $0 { ids } else { [UUID]() } } == [good, another])
        #expect(events.contains(.held(id: bad, reason: .refused, words: "this one is bad")))
        #expect(events.last == .synced(report: report))
        // What is told is a value to keep.
        #expect(try JSONDecoder().decode([Event].self, from: JSONEncoder().encode(events)) == events)

        await collector.close()
        let all = try await within { await rest.reduce(into: []) { $0.append($1) } }
        #expect(all == events)
        #expect(await collector.events.first { _ in true } == nil)
        #expect(await collector.status.first { _ in true } == nil)
    }

    @Test func whoIsSlowHearsHowMuchWasMissedAndKeepsNobodyWaiting() async throws {
        let feed = EventFeed()
        let event = Event.recorded(ids: [])
        var slow = feed.events().makeAsyncIterator()
        for _ in 0..<(EventFeed.kept + 5) { feed.tell(event) }
        for _ in 0..<EventFeed.kept { #expect(await slow.next() == event) }
        feed.tell(event)
        #expect(await slow.next() == .missed(count: 5))
        #expect(await slow.next() == event)
        feed.close()
        #expect(await slow.next() == nil)
    }

    @Test func aListenerThatThrowsDisturbsNobodyAndACancelledOneHearsNoMore() async throws {
        let path = folder.queue.path
        let collector = try await blocking { try BlockingCollector.open(path: path, config: Config()) }
        let (heard, hear) = AsyncStream.makeStream(of: Event.self)
        let afterwards = Locked(0)
        _ = collector.addListener(listener: Listener { _ in throw Oh() })
        collector.addListener(listener: Listener { _ in afterwards.with { $0 += 1 } }).cancel()
        _ = collector.addListener(listener: Listener { hear.yield($0) })
        var events = heard.makeAsyncIterator()
        for n in 0..<2 {
            let id = try await blocking { try collector.record(statement: lesson(n)).id }
            #expect(await events.next() == .recorded(ids: [id]))
        }
        #expect(afterwards.with { $0 } == 0)
    }

    @Test func aProviderIsAskedWhenTheCredentialsAreRefused() async throws {
        let hub = try await Lrs.hub()
        let (good, bad) = (hub.credentials, Credentials.basic(user: "me", password: "expired"))
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: hub.url, credentials: bad),
            credentialsProvider: AsyncCredentialsProvider { good }
        )
        try await collector.record(lesson(1))
        #expect(try await collector.sync().delivered == 1)
    }

    /// Never comes back before it is let go.
    private final class Hangs: CredentialsProvider {
        let (asked, end) = (Locked(0), DispatchSemaphore(value: 0))

        func credentials() throws -> Credentials? {
            asked.with { $0 += 1 }
            end.wait()
            return nil
        }
    }

    @Test func credentialsThatTheAppSetsEndTheWaitForAProviderThatNeverReturns() async throws {
        let (hub, provider) = (try await Lrs.hub(), Hangs())
        defer { provider.end.signal() }
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: hub.url, credentials: .basic(user: "me", password: "expired")),
            credentialsProvider: provider
        )
        try await collector.record(lesson(1))
        let sync = Task { try await collector.sync().delivered }
        try await until { provider.asked.with { $0 } == 1 }
        try await collector.setCredentials(hub.credentials)
        #expect(try await within { try await sync.value } == 1)
        try await collector.record(lesson(2))
        #expect(try await within { try await collector.sync().delivered } == 1)
        await collector.close()
    }

    @Test func aProviderThatThrowsHasNoCredentialsAndNothingIsLost() async throws {
        let hub = try await Lrs.hub()
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: hub.url),
            credentialsProvider: AsyncCredentialsProvider { throw Oh() }
        )
        try await collector.record(lesson(1))
        guard case .needsApp(let trouble) = try await collector.sync().ended else {
            Issue.record("it did without credentials")
            return
        }
        #expect(trouble.problem == .credentials)
        try await collector.setCredentials(hub.credentials)
        #expect(try await collector.sync().delivered == 1)
    }

    @Test(arguments: [
        (Oh() as any Error, Problem.broken), (TransportError.unreachable(reason: "no route"), .unreachable),
        (TransportError.timedOut, .timedOut), (TransportError.broken(reason: "reset"), .broken),
    ])
    func aTransportThatThrowsSaysWhyThereIsNoAnswer(error: any Error, problem: Problem) async throws {
        let collector = try await Collector.open(
            folder.queue, config: Config(endpoint: lrs), transport: AsyncTransport { _ in throw error }
        )
        try await collector.record(lesson(1))
        guard case .waiting(_, _, let trouble) = try await collector.sync().ended else {
            Issue.record("it did not wait")
            return
        }
        #expect(trouble?.problem == problem)
        #expect(try await collector.readStatus().queued == 1)
    }

    @Test func nothingSecretIsPrinted() async throws {
        let secret = Credentials.basic(user: "s3cret", password: "s3cret")
        var dumped = "\(secret) \(String(reflecting: Credentials.bearer(token: "s3cret"))) "
        dump(secret, to: &dumped)
        let printed = Locked(dumped)
        let transport = AsyncTransport { request in
            printed.with { $0 += "\(request) \(String(reflecting: request)) \(request.headers) " }
            return answer(503, "s3cret")
        }
        let config = Config(endpoint: lrs, credentials: secret)
        let collector = try await Collector.open(folder.queue, config: config, transport: transport)
        try await collector.record(lesson(1))
        try await collector.sync()
        let queued = try await collector.queued()
        let all = printed.with { "\($0) \(queued) \(config)" }
        #expect(all.contains("lrs.example") && all.contains("bytes"))
        for secret in ["s3cret", "ada@", "YTp", "czNjcmV0"] { #expect(!all.contains(secret), "\(all)") }
    }
}

private final class Listener: EventListener {
    private let hear: @Sendable (Event) throws -> Void

    init(_ hear: @escaping @Sendable (Event) throws -> Void) {
        self.hear = hear
    }

    func onEvent(event: Event) throws {
        try hear(event)
    }
}
