import Foundation

/// The system's scheduler of tasks in the background, and a test's.
protocol TaskScheduler: Sendable {
    /// Says what is to be done when a task is started. Once for each identifier, and before the app has finished launching.
    /// False if the app's Info.plist does not have it.
    func register(_ identifier: String, _ begin: @escaping @Sendable (any BackgroundChance) -> Void) -> Bool
    /// Takes the place of what was asked for with the same identifier.
    func submit(_ request: TaskRequest) throws
    func cancel(_ identifier: String)
}

/// What is asked of it.
struct TaskRequest: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case refresh
        case processing(needsPower: Bool)
    }

    var identifier: String
    var kind: Kind
    /// Not before then.
    var earliest: Date?
}

/// When the app is to be started to deliver in the background: only while there is something to deliver.
struct BackgroundPlan: Hashable, Sendable {
    var refresh: String?
    var processing: String?
    /// The short task comes after so long at the earliest.
    var wait: Duration
    var needsPower: Bool

    /// Asks for what is to be had, each by itself: an app's own refresh task, of which the system takes one, leaves the
    /// other. What was refused, by identifier. With nothing due it takes back what was asked for.
    func apply(due: Date?, now: Date, to scheduler: any TaskScheduler) -> [String: any Error] {
        guard let due else {
            for identifier in [refresh, processing].compactMap({ $0 }) { scheduler.cancel(identifier) }
            return [:]
        }
        var requests: [TaskRequest] = []
        if let refresh {
            let soon = max(due, now.addingTimeInterval(wait / .seconds(1)))
            requests.append(TaskRequest(identifier: refresh, kind: .refresh, earliest: soon))
        }
        if let processing {
            let kind = TaskRequest.Kind.processing(needsPower: needsPower)
            requests.append(TaskRequest(identifier: processing, kind: kind, earliest: due > now ? due : nil))
        }
        var refused: [String: any Error] = [:]
        for request in requests {
            do { try scheduler.submit(request) } catch { refused[request.identifier] = error }
        }
        return refused
    }

    /// From when on a sync of this collector would do something.
    static func due(_ collector: Collector) async -> Date? {
        let feed = collector.caller.statusFeed
        let known = try? await Calls.make { feed.known() }
        // Not known: it is looked after when the app is started.
        guard let known, !known.upstreams.isEmpty else { return .distantPast }
        return due(known.upstreams, isOlder: known.isOlder)
    }

    /// From when on there is something to do after a collector could not be had: what may be better then is tried again.
    static func due(after error: any Error) -> Date? {
        (error as? PannierError)?.isTransient == true ? .distantPast : nil
    }

    /// From when on a sync would do something for any that this process delivers to; none: not before something changes.
    /// With `isOlder` something was recorded since, for whom is not known.
    static func due(_ upstreams: [UpstreamInfo], isOlder: Bool = false) -> Date? {
        upstreams.filter(\.opened).compactMap { due($0.status, isOlder) }.min()
    }

    private static func due(_ status: Status, _ isOlder: Bool) -> Date? {
        let undelivered = status.queued > 0 || isOlder ? Date.distantPast : status.nextDue
        guard status.endpoint != nil, let undelivered else { return nil }
        // Also where the app should act first: the LRS is asked again in an hour, and by then may take what it refuses now.
        return max(undelivered, status.waitingUntil ?? undelivered)
    }
}
