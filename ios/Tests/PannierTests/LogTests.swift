import Foundation
import Testing

@testable import Pannier

/// What the core tells of itself, and who is told. The logger is the process's, so what other tests do is left out.
@Suite(.serialized) final class LogTests {
    let folder: Folder
    let heard = Locked<[LogEntry]>([])
    let refusing = AsyncTransport { _ in answer(401, "SECRET") }

    init() throws { folder = try Folder() }

    deinit { Collector.setLogger(.off) }

    /// A collector with a statement for the upstream `told`, which refuses the credentials.
    private func opened() async throws -> (Collector, Upstream) {
        let collector = try await Collector.open(folder.queue, transport: refusing)
        let endpoint = URL(string: "https://SECRET.example/xAPI")!
        let told = try await collector.addUpstream(
            NewUpstream(name: "told", endpoint: endpoint, credentials: .bearer(token: "SECRET")))
        try await collector.record(lesson(1))
        return (collector, told)
    }

    private func isTold(_ entry: LogEntry) -> Bool { entry.fields["upstream"] == "told" }

    /// What was told when this holds of the last entry, at the latest in a minute.
    private func told(until ends: (LogEntry) -> Bool) async throws -> [LogEntry] {
        for _ in 0..<6_000 {
            let told = heard.with { $0 }.filter(isTold)
            if told.contains(where: ends) { return told }
            try await Task.sleep(for: .milliseconds(10))
        }
        return []
    }

    @Test func aSyncThatNeedsTheAppIsAWarningWithItsFields() async throws {
        let heard = heard
        Collector.setLogger(.warn) { entry in heard.with { $0.append(entry) } }
        let (collector, upstream) = try await opened()
        try await upstream.sync()
        let told = try await told { _ in true }
        #expect(told.map(\.level) == [.warn])
        #expect(told.first?.fields == ["by_hand": "true", "problem": "credentials", "upstream": "told"])
        #expect(
            told.first?.description
                == "nothing is sent until the app has acted (by_hand=true, problem=credentials, upstream=told)")
        await collector.close()
    }

    @Test func whatHasLessWeightIsToldToWhoWantsItAndNoSecretToAnybody() async throws {
        let heard = heard
        Collector.setLogger(.debug) { entry in heard.with { $0.append(entry) } }
        let (collector, upstream) = try await opened()
        try await upstream.sync()
        let told = try await told { $0.level == .warn }
        #expect(told.suffix(2).map(\.text) == ["synced", "nothing is sent until the app has acted"])
        #expect(told.contains { $0.level == .debug && $0.fields["kind"] == "batch" && $0.fields["status"] == "401" })
        #expect(!"\(told)".contains("SECRET") && !"\(told)".contains("ada"))
        await collector.close()
    }

    @Test func oneMayCallTheCollector() async throws {
        let (collector, upstream) = try await opened()
        let blocking = try collector.caller.opened.whileOpen()
        let queued = Locked<Int64?>(nil)
        Collector.setLogger(.warn) { entry in
            guard entry.fields["upstream"] == "told" else { return }
            let now = try? blocking.status().queued
            queued.with { $0 = now }
        }
        try await upstream.sync()
        for _ in 0..<6_000 where queued.with({ $0 }) == nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(queued.with { $0 } == 1)
        await collector.close()
    }
}
