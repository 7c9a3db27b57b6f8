import Foundation
import Testing

@testable import Pannier

/// A collector that nobody knows any more is nowhere. Counted are its files, its objects here, and the app's transport,
/// which the native library has as long as a thread of the collector's is there.
struct ForgottenTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func aForgottenCollectorEndsWholeThoughItsHandlesAreKnown() async throws {
        let queue = folder.queue
        let known = Locked<[any Sendable]>([])
        let objects = Locked<[Gone]>([])
        for n in 0..<20 {
            let transport = AsyncTransport(takeAllButBad)
            let collector = try await Collector.open(
                queue, config: Config(endpoint: lrs, sync: .automatic(count: 1, age: .seconds(1))),
                transport: transport
            )
            try await collector.record(lesson(n))
            try await collector.sync()
            let handles: [any Sendable] = [
                try await collector.upstream("main"), try await collector.recorder(StatementDefaults()),
                collector.events, collector.status, watching(collector),
            ]
            known.with { $0 += handles }
            let blocking = try collector.caller.opened.whileOpen()
            objects.with { $0 += [Gone(collector), Gone(blocking), Gone(transport)] }
            #expect(openFiles(of: queue) > 0)
        }
        try await until { openFiles(of: queue) == 0 }
        // The transport is known to the native library as long as that has anything of the collector.
        try await until { objects.with { $0.allSatisfy(\.isGone) } }
        withExtendedLifetime(known) {}
    }

    @Test func aForgottenCollectorEndsASyncThatHangs() async throws {
        let (queue, gate) = (folder.queue, Gate())
        let hangs = AsyncTransport { _ in
            await gate.pass()
            return answer(503)
        }
        do {
            let collector = try await Collector.open(
                queue, config: Config(endpoint: lrs, sync: .automatic(count: 1, age: .seconds(1))), transport: hangs
            )
            try await collector.record(lesson(1))
            await gate.hasCome()
        }
        try await until { openFiles(of: queue) == 0 }
        await gate.open()
    }

    @Test func aCancelledOpenLeavesNothingOpen() async throws {
        let queue = folder.queue
        let objects = Locked<[Gone]>([])
        for n in 0..<30 {
            let transport = AsyncTransport(takeAllButBad)
            objects.with { $0.append(Gone(transport)) }
            let config = Config(endpoint: lrs, sync: .automatic(count: 1, age: .seconds(1)))
            let threads = n % 3 == 0 ? BusyThreads() : nil
            let before = Calls.short.operationCount
            let open = Task { try await Collector.open(queue, config: config, transport: transport) }
            if let threads {
                // It is begun, and nobody waits for it when it is done.
                try await until { Calls.short.operationCount > before }
                open.cancel()
                threads.open()
            } else {
                if n % 3 == 1 { await Task.yield() }
                open.cancel()
            }
            _ = await open.result
        }
        // Whoever was not cancelled in time has got one, and forgotten it.
        try await until { objects.with { $0.allSatisfy(\.isGone) } }
        try await until { openFiles(of: queue) == 0 }
    }

    private func watching(_ collector: Collector) -> NetworkWatch {
        let watch = NetworkWatch(.any)
        watch.tell(collector)
        return watch
    }

    private final class Gone: @unchecked Sendable {
        private weak var object: AnyObject?
        var isGone: Bool { object == nil }

        init(_ object: AnyObject) { self.object = object }
    }
}
