import Foundation

/// One of a ``Collector``'s upstreams, by its name: what waits for it, what it has refused, and how it is
/// delivered to. The collector's own calls of the same names are those of the first one, `main`.
///
/// Its calls are made as the collector's are: none blocks, and each may throw a `PannierError`. When the
/// collector is closed they throw `closing`, and when the upstream is removed, by whatever process,
/// `noUpstream`. There is nothing to close.
public final class Upstream: Sendable {
    /// By which the queue knows it.
    public let name: String
    private let blocking: BlockingUpstream
    private let caller: Caller

    init(_ blocking: BlockingUpstream, _ caller: Caller) {
        (self.name, self.blocking, self.caller) = (blocking.name(), blocking, caller)
    }

    /// How things stand with it now. ``Collector/statuses`` shows it as it changes.
    public func readStatus() async throws -> Status {
        try await reading { try $0.status() }
    }

    /// Which statements are for it.
    public func route() async throws -> Route {
        try await reading { try $0.route() }
    }

    /// Says which statements are for it from now on. Those that are recorded already are for whom they
    /// were. All are for `main`, whose route cannot be set (`PannierError.mainStays`): so none is for nobody.
    public func setRoute(_ route: Route) async throws {
        try await changing { try $0.setRoute(route: route) }
    }

    /// A page of the statements queued for it, in capture order, after the one with the `seq` `after`.
    public func queued(after: Int64 = 0, limit: Int = 50) async throws -> [ListedStatement] {
        try await reading { try $0.queued(after: after, limit: Int32(clamping: limit)) }
    }

    /// A page of those that wait aside for it and come back by themselves.
    public func waiting(after: Int64 = 0, limit: Int = 50) async throws -> [WaitingStatement] {
        try await reading { try $0.waiting(after: after, limit: Int32(clamping: limit)) }
    }

    /// A page of those that are held for it until the app retries, replaces or discards them.
    public func held(after: Int64 = 0, limit: Int = 50) async throws -> [HeldStatement] {
        try await reading { try $0.held(after: after, limit: Int32(clamping: limit)) }
    }

    /// One that is held for it.
    public func heldOne(_ id: UUID) async throws -> HeldStatement {
        try await reading { try $0.heldOne(id: id) }
    }

    /// Lets a held statement be tried again here.
    public func retry(_ id: UUID) async throws {
        try await changing { try $0.retry(id: id) }
    }

    /// Puts a corrected statement in the place of one that is held here. It goes to the end of the queue, for
    /// this upstream alone: others get the old one. Its id is its own, or the old one's, if it has that and
    /// no other upstream has it or is to get it.
    @discardableResult
    public func replace(_ id: UUID, with statement: Statement) async throws -> UUID {
        try await changing { try $0.replace(id: id, statement: statement) }
    }

    /// Like ``replace(_:with:)``, with JSON text.
    @discardableResult
    public func replace(_ id: UUID, json: String) async throws -> UUID {
        try await changing { try $0.replaceJson(id: id, json: json) }
    }

    /// Like ``replace(_:with:)``, with contents of its attachments that are not those of the old one, which it has
    /// besides.
    @discardableResult
    public func replace(_ id: UUID, with statement: Statement, contents: [Data]) async throws -> UUID {
        try await changing {
            try $0.replaceWith(id: id, statement: statement, contents: contents)
        }
    }

    /// Gives up for good a statement that is held here. Other upstreams get it all the same.
    public func discard(_ id: UUID) async throws {
        try await changing { try $0.discard(id: id) }
    }

    /// Both copies of a statement that is held here as a conflict, and where they differ.
    public func conflict(_ id: UUID) async throws -> Conflict {
        try await reading { try $0.conflict(id: id) }
    }

    /// Ends a conflict: our copy is given up here, and what this LRS has stays as it is.
    public func keepTheirs(_ id: UUID) async throws {
        try await changing { try $0.keepTheirs(id: id) }
    }

    /// Ends a conflict: what our copy says is recorded under a new id, which is returned, for this upstream
    /// alone.
    @discardableResult
    public func sendAsNew(_ id: UUID) async throws -> UUID {
        try await changing { try $0.sendAsNew(id: id) }
    }

    /// Delivers to this upstream alone what is due; see ``Collector/sync(patience:)``. Where this process has
    /// neither added it nor got credentials for it, nothing is sent, and the report says `needsApp`.
    @discardableResult
    public func sync(patience: Duration = .zero) async throws -> SyncReport {
        let blocking = blocking
        return try await caller.syncing { _ in try blocking.sync(patience: patience) }
    }

    /// Tries the connection to this upstream's LRS; see ``Collector/probe()``. Where this process has neither
    /// added it nor got credentials for it, it is asked without any.
    public func probe() async throws -> Probe {
        let blocking = blocking
        return try await caller.reading(isSync: true) { _ in try blocking.probe() }
    }

    /// Like ``probe()``, but shows the right to write by storing this statement, whatever the route; see
    /// ``Collector/probeStoring(_:)``.
    public func probeStoring(_ statement: Statement) async throws -> Probe {
        let blocking = blocking
        return try await caller.reading(isSync: true) { _ in try blocking.probeStoring(statement: statement) }
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on, and this
    /// process delivers to the upstream from now on.
    public func setCredentials(_ credentials: Credentials?) async throws {
        try await changing { try $0.setCredentials(credentials: credentials) }
    }

    /// Says where to deliver to; see ``Collector/setEndpoint(_:)``. Credentials belong to an origin (scheme,
    /// host and port): for another one they are dropped.
    public func setEndpoint(_ endpoint: URL) async throws {
        try await changing { try $0.setEndpoint(endpoint: endpoint) }
    }

    /// Says where to deliver to and as whom, at once: no request goes to one with the credentials of the
    /// other.
    public func setTarget(_ endpoint: URL, credentials: Credentials) async throws {
        try await changing { try $0.setTarget(endpoint: endpoint, credentials: credentials) }
    }

    private func reading<Value: Sendable>(
        _ work: @escaping @Sendable (BlockingUpstream) throws -> Value
    ) async throws -> Value {
        let blocking = blocking
        return try await caller.reading { _ in try work(blocking) }
    }

    private func changing<Value: Sendable>(
        _ work: @escaping @Sendable (BlockingUpstream) throws -> Value
    ) async throws -> Value {
        let blocking = blocking
        return try await caller.changing { _ in try work(blocking) }
    }
}

extension Upstream: CustomStringConvertible {
    public var description: String { "Upstream(\(name))" }
}
