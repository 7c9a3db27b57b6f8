import Foundation

/// Records statements, keeps them, and delivers them: the one handle an app holds.
///
/// No call blocks the thread it is made from. The work is done on threads of Pannier's own and the
/// caller waits for it: a `Task` that is cancelled stops waiting at once with a `CancellationError`,
/// and what it had begun is done all the same, whole. So a cancelled ``record(_:)`` has usually
/// recorded; give the statement an id of your own and record it again where you must know, which
/// changes nothing if it is there.
///
/// Every call may throw a `PannierError`, whose `explanation` says what to do next.
///
/// Several collectors, also in several processes, may be open on one file; one of them syncs at a
/// time. Everything recorded is safe on the disk, however the app ends.
public final class Collector: Sendable {
    let caller: Caller
    let wakefulness: Wakefulness
    private let feed: EventFeed
    private let leavesFeeds = Locked(false)

    private init(_ caller: Caller, _ blocking: BlockingCollector, _ feed: EventFeed) {
        (self.caller, wakefulness, self.feed) = (caller, Wakefulness(caller), feed)
        _ = blocking.addListener(listener: Relay(feed: feed, statusFeed: caller.statusFeed))
    }

    deinit {
        // The file is closed though its upstreams and recorders may be known to somebody still, and on a thread of
        // Pannier's, as that waits for a sync's end.
        _ = caller.close()
        endFeeds()
    }

    private func endFeeds() {
        if leavesFeeds.with({ $0 }) { return }
        feed.close()
        caller.statusFeed.close()
    }

    /// Closes the file, and leaves the feeds to another one.
    func giveUp() async {
        leavesFeeds.with { $0 = true }
        await close()
    }

    /// Tells `logger` what happens within Pannier from `level` on: a failed sync and what needs the app as `warn`, the end of
    /// each sync as `info`, each request as `debug`. Never a part of a statement, an id, a credential, a URL or the LRS's
    /// words. Without a logger it is the system's log (subsystem `pannier`, category `core`), or standard error where there is
    /// none.
    ///
    /// ```swift
    /// Collector.setLogger(.info) { print($0) }
    /// ```
    ///
    /// This is for all collectors of the process, whenever they are opened, and each call takes the place of the one before.
    /// Where there was none, opening a collector has warnings told to the system's log, if there is one.
    ///
    /// The logger is called on a thread of its own, one entry after another, and may call a collector.
    public static func setLogger(_ level: LogLevel, _ logger: (@Sendable (LogEntry) -> Void)? = nil) {
        Log.tell(level, logger)
    }

    /// Opens the queue in this file, making it where there is none; the folder must exist. A file that
    /// a newer Pannier wrote is refused and left untouched; a damaged one is set aside whole, and what
    /// can be read of it is in the new queue (`Event.salvaged` tells).
    ///
    /// - Parameters:
    ///   - file: A file URL. ``QueueFile`` knows good places for it.
    ///   - config: How the collector is set up; all of it has a default.
    ///   - transport: Takes the place of the built-in HTTP.
    ///   - credentialsProvider: Asked when the LRS refuses the credentials.
    ///   - onNotRecorded: Told what was posted (``post(_:)``) and could not be recorded; without it that is an error in
    ///     the system's log, or on standard error where there is none.
    public static func open(
        _ file: URL,
        config: Config = Config(),
        transport: (any Transport)? = nil,
        credentialsProvider: (any CredentialsProvider)? = nil,
        onNotRecorded: OnNotRecorded? = nil
    ) async throws -> Collector {
        try await open(
            file, config: config, transport: transport, credentialsProvider: credentialsProvider,
            onNotRecorded: onNotRecorded, feed: EventFeed(), statusFeed: StatusFeed()
        )
    }

    /// With feeds that somebody may listen to already.
    static func open(
        _ file: URL, config: Config, transport: (any Transport)?, credentialsProvider: (any CredentialsProvider)?,
        onNotRecorded: OnNotRecorded?, feed: EventFeed, statusFeed: StatusFeed
    ) async throws -> Collector {
        try await Calls.make {
            Log.begin()
            let within = WithinSync()
            let blocking = try BlockingCollector.open(
                path: file.path, config: config,
                transport: transport.map(within.transport),
                credentialsProvider: credentialsProvider.map(within.provider)
            )
            return Collector(Caller(blocking, within, Posts(onNotRecorded), statusFeed), blocking, feed)
        }
    }

    /// What happens from this moment on, until the collector is closed. Everybody who asks gets a
    /// stream of their own; whoever reads theirs slowly gets an `Event.missed` in place of what did
    /// not fit into a buffer of 1,024.
    public var events: AsyncStream<Event> { feed.events() }

    /// How things stand, at most a moment ago: at once, and again whenever it has changed; with several
    /// upstreams, with the first one, `main`. ``readStatus()`` says how they stand now.
    public var status: AsyncStream<Status> { caller.statusFeed.statusesOfMain() }

    /// How things stand with each of the ``upstreams()``, `main` first: at once, and again whenever it has
    /// changed.
    public var statuses: AsyncStream<[UpstreamInfo]> { caller.statusFeed.statuses() }

    /// Takes a statement in. When this returns, it is on the disk and will be delivered. Returns its
    /// id, made here unless the statement has one, and whether it is new: recording the same statement under the same id
    /// again changes nothing. A missing `timestamp` is set to now, and what else it leaves open is what `Config.defaults`
    /// say.
    @discardableResult
    public func record(_ statement: Statement) async throws -> Recorded {
        try await caller.changing { try $0.record(statement: statement) }
    }

    /// Takes a statement in as JSON text, whose bytes are kept as they are.
    @discardableResult
    public func record(json: String) async throws -> Recorded {
        try await caller.changing { try $0.recordJson(json: json) }
    }

    /// Takes a statement in with contents of its attachments, which are sent with it: one for each attachment that
    /// has no `fileUrl`, found by the `sha2` that it says (`attachmentOf` says it). Together they may have 1 MiB.
    @discardableResult
    public func recordWith(_ statement: Statement, contents: [Data]) async throws -> Recorded {
        try await caller.changing { try $0.recordWith(statement: statement, contents: contents) }
    }

    /// Takes a statement in as JSON text, with contents of its attachments.
    @discardableResult
    public func recordWith(json: String, contents: [Data]) async throws -> Recorded {
        try await caller.changing { try $0.recordJsonWith(json: json, contents: contents) }
    }

    /// Takes in all of these or none. A fault has the index of its statement among them.
    @discardableResult
    public func recordAll(_ statements: [Statement]) async throws -> [Recorded] {
        try await caller.changing { try $0.recordAll(statements: statements) }
    }

    /// Like ``recordAll(_:)``, of JSON texts.
    @discardableResult
    public func recordAll(json: [String]) async throws -> [Recorded] {
        try await caller.changing { try $0.recordAllJson(json: json) }
    }

    /// Records with these defaults: for a learner, a session or a scene. Where they say nothing, those of
    /// `Config.defaults` count. What is wrong with them is told here (`PannierError.invalid`).
    public func recorder(_ defaults: StatementDefaults) async throws -> Recorder {
        let caller = caller
        return try await caller.reading { Recorder(try $0.recorder(defaults: defaults), caller) }
    }

    /// Delivers what is due and returns when nothing is, or when it would have to wait for longer than
    /// `patience`. Tries at once even where a backoff is not over; what the LRS asked for by
    /// Retry-After is kept. Cancelling the caller does not end the sync; ``interrupt()``
    /// and ``pause()`` do. A transport or a credentials provider that syncs the collector it serves gets a
    /// `PannierError.reentrant`. Several upstreams are delivered to beside each other; the report has the sums,
    /// the most urgent end, and what was done for each.
    @discardableResult
    public func sync(patience: Duration = .zero) async throws -> SyncReport {
        try await caller.syncing { try $0.sync(patience: patience) }
    }

    /// How things stand now. Costs the same however long the queue is.
    public func readStatus() async throws -> Status {
        try await caller.reading { try $0.status() }
    }

    /// A page of the queue, in capture order, after the statement with the `seq` `after`.
    public func queued(after: Int64 = 0, limit: Int = 50) async throws -> [ListedStatement] {
        try await caller.reading { try $0.queued(after: after, limit: Int32(clamping: limit)) }
    }

    /// A page of those that wait aside and come back by themselves.
    public func waiting(after: Int64 = 0, limit: Int = 50) async throws -> [WaitingStatement] {
        try await caller.reading { try $0.waiting(after: after, limit: Int32(clamping: limit)) }
    }

    /// A page of those that are held until the app retries, replaces or discards them.
    public func held(after: Int64 = 0, limit: Int = 50) async throws -> [HeldStatement] {
        try await caller.reading { try $0.held(after: after, limit: Int32(clamping: limit)) }
    }

    /// One that is held.
    public func heldOne(_ id: UUID) async throws -> HeldStatement {
        try await caller.reading { try $0.heldOne(id: id) }
    }

    /// A page of what was delivered and is kept, as the history policy says.
    public func history(after: Int64 = 0, limit: Int = 50) async throws -> [ListedStatement] {
        try await caller.reading { try $0.history(after: after, limit: Int32(clamping: limit)) }
    }

    /// The same from its end, the newest first: those before the `seq` `before`, or the last ones.
    public func historyBefore(_ before: Int64? = nil, limit: Int = 50) async throws -> [ListedStatement] {
        try await caller.reading {
            try $0.historyBefore(before: before, limit: Int32(clamping: limit))
        }
    }

    /// Lets a held statement be tried again.
    public func retry(_ id: UUID) async throws {
        try await caller.changing { try $0.retry(id: id) }
    }

    /// Puts a corrected statement in the place of a held one. It goes to the end of the queue; its id
    /// is its own, or, if it has the old one's, the old one's.
    @discardableResult
    public func replace(_ id: UUID, with statement: Statement) async throws -> UUID {
        try await caller.changing { try $0.replace(id: id, statement: statement) }
    }

    /// Like ``replace(_:with:)``, with JSON text.
    @discardableResult
    public func replace(_ id: UUID, json: String) async throws -> UUID {
        try await caller.changing { try $0.replaceJson(id: id, json: json) }
    }

    /// Like ``replace(_:with:)``, with contents of its attachments that are not those of the old one, which it has
    /// besides.
    @discardableResult
    public func replace(_ id: UUID, with statement: Statement, contents: [Data]) async throws -> UUID {
        try await caller.changing {
            try $0.replaceWith(id: id, statement: statement, contents: contents)
        }
    }

    /// Contents of a statement's attachments, as long as they are on the device.
    public func contents(_ id: UUID) async throws -> [KeptContent] {
        try await caller.reading { try $0.contents(id: id) }
    }

    /// Gives a held statement up for good.
    public func discard(_ id: UUID) async throws {
        try await caller.changing { try $0.discard(id: id) }
    }

    /// Both copies of a statement that is held as a conflict, and where they differ.
    public func conflict(_ id: UUID) async throws -> Conflict {
        try await caller.reading { try $0.conflict(id: id) }
    }

    /// Ends a conflict: our copy is given up, and what the LRS has stays as it is.
    public func keepTheirs(_ id: UUID) async throws {
        try await caller.changing { try $0.keepTheirs(id: id) }
    }

    /// Ends a conflict: what our copy says is recorded under a new id, which is returned.
    @discardableResult
    public func sendAsNew(_ id: UUID) async throws -> UUID {
        try await caller.changing { try $0.sendAsNew(id: id) }
    }

    /// Takes back a statement that no LRS can have: one that was never sent, or that the LRS itself refused each time that
    /// it was. One that may be there can only be voided.
    public func retract(_ id: UUID) async throws {
        try await caller.changing { try $0.retract(id: id) }
    }

    /// Records a statement by `actor` that voids another one. It is sent after its target is
    /// delivered. Returns its own id.
    @discardableResult
    public func void(_ target: UUID, actor: Actor) async throws -> UUID {
        try await caller.changing { try $0.voidStatement(target: target, actor: actor) }
    }

    /// Erases every statement that names this person from the device, delivered or not, and overwrites
    /// its bytes. The LRS keeps what it has.
    @discardableResult
    public func erase(_ who: Ifi) async throws -> Erased {
        try await caller.changing { try $0.erase(who: who) }
    }

    /// Ends a sync under way, whose report says `interrupted`: the network it may use is gone. Does not
    /// wait for the end. An automatic sync begins again with the next statement, or when the network is
    /// back.
    public func interrupt() {
        try? caller.opened.whileOpen().interrupt()
    }

    /// Ends a sync under way, folds everything into the file and closes it: an iOS app that is
    /// suspended with a locked file is killed. Until ``resume()`` nothing is delivered, and calls fail, but for those
    /// that record: they open the file, commit, and close it again. Waits for the calls begun before it. Pauses and
    /// resumes take effect in the order in which they were called, from one actor also where its tasks are several.
    ///
    /// This takes effect whoever delivers in the background. ``Suspension`` and `Lifecycle` see to it that nobody is
    /// disturbed.
    public func pause(isolation: isolated (any _Concurrency.Actor)? = #isolation) async throws {
        try Task.checkCancellation()
        try await wakefulness.take(awake: false).wait()
    }

    /// Opens the file again. Calls made from now on wait for that.
    public func resume(isolation: isolated (any _Concurrency.Actor)? = #isolation) async throws {
        try Task.checkCancellation()
        try await wakefulness.take(awake: true).wait()
    }

    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on.
    public func setCredentials(_ credentials: Credentials?) async throws {
        try await caller.changing { try $0.setCredentials(credentials: credentials) }
    }

    /// Says where to deliver to. What was learned about another LRS is forgotten, and a sync that is under
    /// way goes on with the new one. Credentials belong to an origin (scheme, host and port): for another
    /// one they are dropped, so set those of the new LRS after this, or use ``setTarget(_:credentials:)``
    /// for both at once. Those set before there was any endpoint are for this one.
    public func setEndpoint(_ endpoint: URL) async throws {
        try await caller.changing { try $0.setEndpoint(endpoint: endpoint) }
    }

    /// Says where to deliver to and as whom, at once: no request goes to one with the credentials of the
    /// other.
    public func setTarget(_ endpoint: URL, credentials: Credentials) async throws {
        try await caller.changing { try $0.setTarget(endpoint: endpoint, credentials: credentials) }
    }

    /// Delivers to another LRS, too: what is recorded from now on and its route takes, and with
    /// `NewUpstream.backfill` what is there already. Each of the upstreams has troubles, waits and refusals of
    /// its own, and none waits for another. There can be 32.
    ///
    /// The file remembers name, endpoint and route, so other processes record for it as well; only one that
    /// calls this, or ``Upstream/setCredentials(_:)``, delivers to it: an app calls this each time that it has
    /// opened the queue. Where the upstream is there already with the same endpoint and route nothing is
    /// changed in the file. With another endpoint or route it is `PannierError.otherUpstream`.
    ///
    /// - Parameters:
    ///   - new: All but name and endpoint has a default.
    ///   - credentialsProvider: Asked when this LRS refuses the credentials, and for no other.
    @discardableResult
    public func addUpstream(
        _ new: NewUpstream, credentialsProvider: (any CredentialsProvider)? = nil
    ) async throws -> Upstream {
        let (caller, provider) = (caller, credentialsProvider.map(caller.withinSync.provider))
        return try await caller.changing {
            Upstream(try $0.addUpstream(new: new, credentialsProvider: provider), caller)
        }
    }

    /// All there are now, the first one, `main`, first.
    public func upstreams() async throws -> [UpstreamInfo] {
        try await caller.reading { try $0.upstreams() }
    }

    /// One of them, whichever process added it.
    public func upstream(_ name: String) async throws -> Upstream {
        let caller = caller
        return try await caller.reading { Upstream(try $0.upstream(name: name), caller) }
    }

    /// Removes an upstream from the queue, for every process; how many statements were given up with it. The
    /// LRS keeps what it has. `main` cannot be removed (`PannierError.mainStays`).
    ///
    /// Statements that another upstream is to get stay for that one. One that is added later under the same
    /// name begins anew.
    @discardableResult
    public func removeUpstream(_ name: String, remainder: Remainder) async throws -> Int64 {
        try await caller.changing { try $0.removeUpstream(name: name, remainder: remainder) }
    }

    /// Tries the connection to the LRS, without recording or storing anything: is it there, is the
    /// connection secure, which versions does it speak, does it know the credentials, may they write, does
    /// its clock agree with the device's. Waits for three or four requests, each 30 s at most; may be called during
    /// a sync and while the collector is paused.
    public func probe() async throws -> Probe {
        try await caller.reading(isSync: true) { try $0.probe() }
    }

    /// Like ``probe()``, but shows the right to write by storing this statement, which is in no queue and
    /// in no count of this collector. An LRS never forgets a statement: void it there if it means nothing.
    public func probeStoring(_ statement: Statement) async throws -> Probe {
        try await caller.reading(isSync: true) { try $0.probeStoring(statement: statement) }
    }

    /// Says that somebody has read of what was lost, in `Status.loss`: until then it is told at every
    /// opening (`Event.salvaged`) and with every status. The damaged files that were kept stay.
    public func acknowledgeLoss() async throws {
        try await caller.changing { try $0.acknowledgeLoss() }
    }

    /// Tells an automatic sync whether the device has a network that it may use; without one it does not try, and one under
    /// way ends after the requests under way. A sync by hand goes on: ``interrupt()`` ends it. `Config.network` says the same
    /// from the beginning.
    public func setNetwork(_ available: Bool) {
        caller.setNetwork(available)
    }

    /// Ends a sync under way, closes the file, and ends ``events`` and ``status``; calls fail from then
    /// on. Waits for the calls begun before it and for a commit to the disk, never for the network, also where the caller is
    /// cancelled. What could not be recorded is told by then (``OnNotRecorded``). Closing twice is closing once.
    public func close() async {
        guard let closing = caller.close() else { return }
        _ = await closing.failure()
        endFeeds()
        await caller.told()
    }
}

/// Tells the feeds what the native library tells. It knows no collector, so that one that is forgotten
/// ends.
private final class Relay: EventListener {
    let feed: EventFeed
    let statusFeed: StatusFeed

    init(feed: EventFeed, statusFeed: StatusFeed) {
        (self.feed, self.statusFeed) = (feed, statusFeed)
    }

    func onEvent(event: Event) {
        feed.tell(event)
        if case .recorded = event { statusFeed.isOlder() } else { statusFeed.change() }
    }
}
