import Foundation

/// How a collector's calls are made, its upstreams' too. It knows no collector, so that one that is
/// forgotten ends.
final class Caller: Sendable {
    /// None: it is closed.
    let opened: Locked<BlockingCollector?>
    let statusFeed: StatusFeed
    let withinSync: WithinSync
    let turns = Turns()
    private let posts: Posts
    /// What the app said last of the network.
    private let network = Locked(true)

    init(_ blocking: BlockingCollector, _ withinSync: WithinSync, _ posts: Posts, _ statusFeed: StatusFeed) {
        let opened = Locked<BlockingCollector?>(blocking)
        (self.opened, self.withinSync, self.posts, self.statusFeed) = (opened, withinSync, posts, statusFeed)
        statusFeed.reads { try opened.whileOpen().upstreams() }
    }

    func reading<Value: Sendable>(
        isSync: Bool = false, _ work: @escaping @Sendable (BlockingCollector) throws -> Value
    ) async throws -> Value {
        let (blocking, turns) = (try opened.whileOpen(), turns)
        return try await Calls.make(
            on: isSync ? Calls.syncs : Calls.short, place: { turns.place($0, isSync: isSync) }
        ) { try work(blocking) }
    }

    func changing<Value: Sendable>(
        isSync: Bool = false, _ work: @escaping @Sendable (BlockingCollector) throws -> Value
    ) async throws -> Value {
        let statusFeed = statusFeed
        return try await reading(isSync: isSync) {
            defer { statusFeed.change() }
            return try work($0)
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
        return try await changing(isSync: true, work)
    }

    /// Begins to record a statement. Whoever posts is told on another thread, also where nothing is begun any more.
    func post(_ statement: Statement, by recorder: BlockingRecorder?) {
        let (posts, statusFeed) = (posts, statusFeed)
        do {
            let blocking = try opened.whileOpen()
            turns.post(Posted(statement: statement, recorder: recorder)) {
                posts.record($0, in: blocking)
                statusFeed.change()
            }
        } catch {
            posts.tellLater(statement, error)
        }
    }

    /// Waits until all that was posted so far is recorded, or told.
    func posted() async {
        let turns = turns
        try? await Calls.make(place: { turns.place($0, isSync: true) }) {}
        await told()
    }

    /// Waits until the app has been told of all that is known by now not to be recorded.
    func told() async { await posts.told() }

    /// Begins to close the file.
    func pause() -> Turn {
        let (opened, statusFeed) = (opened, statusFeed)
        return turns.take(opens: false) {
            let blocking = try opened.whileOpen()
            // From then on nothing can be read: this is what is shown meanwhile.
            statusFeed.read()
            defer { statusFeed.change() }
            try blocking.pause()
        }
    }

    /// Begins to open it again.
    func resume() -> Turn {
        let (opened, statusFeed) = (opened, statusFeed)
        return turns.take(opens: true) {
            defer { statusFeed.change() }
            try opened.whileOpen().resume()
        }
    }

    /// Nothing can be begun any more; what was begun is done. None: it is closed already.
    func close() -> Turn? {
        let closing = opened.with { opened in
            defer { opened = nil }
            return opened
        }
        guard let closing else { return nil }
        return turns.take(opens: false) {
            // Already paused: there is nothing left to end.
            try? closing.pause()
        }
    }

    func setNetwork(_ available: Bool) {
        network.with { $0 = available }
        try? opened.whileOpen().setNetwork(available: available)
        statusFeed.setNetwork(available)
    }

    var mayUseNetwork: Bool { network.with { $0 } }
}

extension Locked<BlockingCollector?> {
    func whileOpen() throws -> BlockingCollector {
        guard let blocking = with({ $0 }) else {
            throw PannierError.closing(explanation: "the collector is closed: open it again")
        }
        return blocking
    }
}
