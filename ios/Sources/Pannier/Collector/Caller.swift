import Foundation

/// How a collector's calls are made, its upstreams' too. It knows no collector, so that one that is
/// forgotten ends.
final class Caller: Sendable {
    /// None: it is closed.
    let opened: Locked<BlockingCollector?>
    let statusFeed: StatusFeed
    let withinSync: WithinSync

    init(_ blocking: BlockingCollector, _ withinSync: WithinSync) {
        let opened = Locked<BlockingCollector?>(blocking)
        (self.opened, self.withinSync) = (opened, withinSync)
        statusFeed = StatusFeed { try opened.whileOpen().upstreams() }
    }

    func reading<Value: Sendable>(
        on threads: OperationQueue = Calls.short,
        _ work: @escaping @Sendable (BlockingCollector) throws -> Value
    ) async throws -> Value {
        let blocking = try opened.whileOpen()
        return try await Calls.make(on: threads) { try work(blocking) }
    }

    func changing<Value: Sendable>(
        on threads: OperationQueue = Calls.short,
        _ work: @escaping @Sendable (BlockingCollector) throws -> Value
    ) async throws -> Value {
        let (blocking, statusFeed) = (try opened.whileOpen(), statusFeed)
        return try await Calls.make(on: threads) {
            defer { statusFeed.change() }
            return try work(blocking)
        }
    }

    func syncing(
        _ work: @escaping @Sendable (BlockingCollector) throws -> SyncReport
    ) async throws -> SyncReport {
        if WithinSync.current === withinSync {
            // What the core says where it can see it by the thread.
            throw PannierError.reentrant(
                explanation: "a sync is asked for from within a sync of the same collector, and would wait for "
                    + "itself: return from the transport or credentials provider first, and sync afterwards"
            )
        }
        return try await changing(on: Calls.syncs, work)
    }
}

extension Locked<BlockingCollector?> {
    func whileOpen() throws -> BlockingCollector {
        guard let blocking = with({ $0 }) else {
            throw PannierError.closing(explanation: "the collector is closed: open it again")
        }
        return blocking
    }
}
