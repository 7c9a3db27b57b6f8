import Foundation

#if canImport(Darwin)
import Observation
#endif

/// The one handle an app holds: a ``Collector`` that is opened when it is first used and kept in step with the device.
///
/// ```swift
/// let collector = AppCollector(config: Config(endpoint: lrs, credentials: credentials))
/// ```
///
/// Making one neither suspends, throws nor blocks: it may be a property of the `App`, of the app's delegate, or a global. The
/// queue is opened on a thread of Pannier's by the first call, or as the app comes to the foreground; calls wait for that. If
/// it cannot be opened, the calls made so far throw why, and the next one tries anew. Then, on Apple's systems:
///
/// - An automatic sync, and one in the background, sends over `networks` only, and is ended when there are none of those.
/// - The queue is closed before the app is suspended, within time that the system is asked for, and opened again when it comes
///   back. What is recorded while it is closed is taken in all the same.
/// - `backgroundSync`, if given, delivers while the app is in the background. Its tasks are registered as this is made, which
///   has to be before the app has finished launching, and once; and asked for whenever the app goes into the background.
///
/// All calls may be made from any thread or actor. An app has one of these for each queue, for as long as it lives; nothing is
/// lost if it is never closed. An app extension, which has no `UIApplication`, has ``Collector`` and ``Suspension``.
public final class AppCollector: StatementRecorder, Sendable {
    private struct Opened: Sendable {
        let collector: Collector
        /// None: the queue stays open in the background.
        let suspension: Suspension?
    }

    private let opening: OnFirstUse<Opened>
    private let (feed, statusFeed) = (EventFeed(), StatusFeed())
    private let posts: Posts
    private let system: any AppSystem
    private let backgroundSync: BackgroundSync?
    private let inBackground: Locked<Bool>
    private let watches = Locked<[any Sendable]>([])

    /// - Parameters:
    ///   - config: How the collector is set up; all of it has a default. It delivers by itself, `.automatic()`, unless `sync` says
    ///     `.manual`, or after how many and how long.
    ///   - file: The queue's file, asked for when it is opened: `try QueueFile.inAppGroup("group.com.example")`, say.
    ///   - networks: Those that an automatic sync may use. A sync by hand uses whatever there is.
    ///   - backgroundSync: Delivers in the background. By default nothing does, until the app comes back.
    ///   - pauseInBackground: Without, the queue stays open and a sync goes on until the system suspends the app, and iOS kills
    ///     an app that holds a lock then: only for one that is never suspended.
    ///   - transport: Takes the place of the built-in HTTP.
    ///   - credentialsProvider: Asked when the LRS refuses the credentials.
    ///   - onNotRecorded: Told what was posted (``post(_:)``) and could not be recorded, also as the queue could not be opened;
    ///     without it that is an error in the system's log, or on standard error where there is none.
    ///   - onOpen: Has the collector first, each time that it was opened, to add upstreams, say. What it throws is why the
    ///     queue could not be opened.
    @available(iOSApplicationExtension, unavailable, message: "an extension has Collector.open and Suspension")
    public convenience init(
        config: Config = Config(),
        file: @autoclosure @escaping @Sendable () throws -> URL = try QueueFile.inApplicationSupport(),
        networks: Networks = .unconstrained,
        backgroundSync: BackgroundSync? = nil,
        pauseInBackground: Bool = true,
        transport: (any Transport)? = nil,
        credentialsProvider: (any CredentialsProvider)? = nil,
        onNotRecorded: OnNotRecorded? = nil,
        onOpen: @escaping @Sendable (Collector) async throws -> Void = { _ in }
    ) {
        #if canImport(Darwin)
        let system = AppleSystem()
        #else
        let system = PlainSystem()
        #endif
        self.init(
            config: config, file: file, networks: networks, backgroundSync: backgroundSync,
            pauseInBackground: pauseInBackground, transport: transport, credentialsProvider: credentialsProvider,
            onNotRecorded: onNotRecorded, onOpen: onOpen, system: system
        )
    }

    init(
        config: Config, file: @escaping @Sendable () throws -> URL, networks: Networks = .unconstrained,
        backgroundSync: BackgroundSync? = nil, pauseInBackground: Bool = true, transport: (any Transport)? = nil,
        credentialsProvider: (any CredentialsProvider)? = nil, onNotRecorded: OnNotRecorded? = nil,
        onOpen: @escaping @Sendable (Collector) async throws -> Void = { _ in }, system: any AppSystem
    ) {
        let (feed, statusFeed, inBackground, network) = (feed, statusFeed, Locked(false), NetworkWatch(networks))
        (self.system, self.backgroundSync, self.inBackground) = (system, backgroundSync, inBackground)
        posts = Posts(onNotRecorded)
        var delivering = config
        delivering.sync = config.sync ?? .automatic()
        opening = OnFirstUse { [delivering] in
            let begunInBackground = inBackground.with { $0 }
            let time = begunInBackground ? GrantedTime(system.delay, "Pannier opens its queue") : nil
            do {
                let queue = try await Calls.make { try file() }
                var config = delivering
                config.network = network.isAllowed
                let collector = try await Collector.open(
                    queue, config: config, transport: transport, credentialsProvider: credentialsProvider,
                    onNotRecorded: onNotRecorded, feed: feed, statusFeed: statusFeed
                )
                network.tell(collector)
                do { try await onOpen(collector) } catch {
                    await collector.giveUp()
                    throw error
                }
                let suspension = pauseInBackground ? Suspension(collector, delay: system.delay) : nil
                let closing = begunInBackground ? suspension?.enterBackground() : nil
                Task {
                    await closing?.value
                    time?.end()
                }
                return Opened(collector: collector, suspension: suspension)
            } catch {
                time?.end()
                throw error
            }
        }
        watches.with { watches in
            watches = [
                system.watchNetwork { network.changed(to: $0) },
                system.watchApp { [weak self] inBackground in self?.app(inBackground) },
            ]
        }
        guard let backgroundSync, let scheduler = system.scheduler else { return }
        let unknown = backgroundSync.register(with: scheduler) { [weak self] in
            guard let self else { throw PannierError.closing(explanation: "the app has let go of its collector") }
            return try await self.collector()
        }
        for identifier in unknown {
            Log.error("\(identifier) is not in BGTaskSchedulerPermittedIdentifiers of Info.plist", of: .background)
        }
    }

    deinit {
        let (feed, statusFeed) = (feed, statusFeed)
        // A collector that is open ends them when nobody knows it any more.
        opening.close { opened in
            guard opened == nil else { return }
            feed.close()
            statusFeed.close()
        }
    }

    /// The collector itself, opened if it is not, for what else it can do: lists, held statements, credentials, upstreams.
    public func collector() async throws -> Collector { try await opening.value().collector }

    /// Takes a statement in; see ``Collector/record(_:)``.
    @discardableResult
    public func record(_ statement: Statement) async throws -> Recorded { try await collector().record(statement) }

    /// Takes in all of these or none. A fault has the index of its statement among them.
    @discardableResult
    public func recordAll(_ statements: [Statement]) async throws -> [Recorded] { try await collector().recordAll(statements) }

    public func post(_ statement: Statement) {
        let posts = posts
        // Who posts in the background waits for nothing, and the app may be suspended the moment after.
        let time = inBackground.with { $0 } ? GrantedTime(system.delay, "Pannier records") : nil
        opening.use { opened in
            switch opened {
            case .success(let opened):
                opened.collector.post(statement)
                guard let time else { return }
                let caller = opened.collector.caller
                Task {
                    await caller.posted()
                    time.end()
                }
            case .failure(let error):
                posts.tellLater(statement, error)
                time?.end()
            }
        }
    }

    /// Records with these defaults: for a learner, a session or a scene; see ``Collector/recorder(_:)``.
    public func recorder(_ defaults: StatementDefaults) async throws -> Recorder {
        try await collector().recorder(defaults)
    }

    /// Delivers what is due; see ``Collector/sync(patience:)``.
    @discardableResult
    public func sync(patience: Duration = .zero) async throws -> SyncReport { try await collector().sync(patience: patience) }

    /// How things stand, at most a moment ago: as soon as the queue is open, and again whenever it has changed.
    public var status: AsyncStream<Status> {
        defer { open() }
        return statusFeed.statusesOfMain()
    }

    /// The same of each upstream, `main` first.
    public var statuses: AsyncStream<[UpstreamInfo]> {
        defer { open() }
        return statusFeed.statuses()
    }

    /// What happens from this moment on; see ``Collector/events``.
    public var events: AsyncStream<Event> {
        defer { open() }
        return feed.events()
    }

    private func open() { opening.use { _ in } }

    /// Ends a sync under way, closes the file for good, and ends ``events`` and ``status``; calls fail from then on. Waits for
    /// what was recorded and posted before it, and for the queue if it is being opened; never for the network.
    public func close() async {
        await withCheckedContinuation { waiting in
            opening.close { opened in
                Task {
                    await opened?.collector.close()
                    waiting.resume()
                }
            }
        }
        watches.with { $0 = [] }
        feed.close()
        statusFeed.close()
    }

    /// The app goes into the background or comes to the foreground. What is being opened is closed or left open in its turn.
    private func app(_ goesIntoBackground: Bool) {
        inBackground.with { $0 = goesIntoBackground }
        guard goesIntoBackground else {
            return opening.use { result in
                switch result {
                case .success(let opened): opened.suspension?.enterForeground()
                // Nobody waits for it: the next call throws why.
                case .failure(let error): Log.error("the queue could not be opened: \(error)", of: .queue)
                }
            }
        }
        let (system, backgroundSync) = (system, backgroundSync)
        let time = GrantedTime(system.delay, "Pannier closes its queue")
        opening.use(opens: false) { result in
            guard case .success(let opened) = result else { return time.end() }
            let closing = opened.suspension?.enterBackground()
            Task {
                await closing?.value
                if let backgroundSync, let scheduler = system.scheduler {
                    for (identifier, error) in await backgroundSync.schedule(opened.collector, with: scheduler) {
                        Log.error("\(identifier) is not started in the background: \(error)", of: .background)
                    }
                }
                time.end()
            }
        }
    }
}

#if canImport(Darwin)
/// So `.environment(collector)` and `@Environment(AppCollector.self)` take it. It tells nothing that way: ``status`` does.
@available(iOS 17, macOS 14, tvOS 17, watchOS 10, *)
extension AppCollector: Observable {}
#endif
