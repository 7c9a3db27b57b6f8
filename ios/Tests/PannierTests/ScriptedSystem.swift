import Foundation

@testable import Pannier

// The system that an app for Apple's devices meets, by what Apple documents of it.

/// How many descriptors of this process have a file open whose path begins like this: the queue's, its log's, its lock's.
func openFiles(of queue: URL) -> Int {
    let folder = "/proc/self/fd"
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let names = all.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
    return names.filter { $0.hasPrefix(queue.path) }.count
}

/// A task of BGTaskScheduler's. When its time is over the handler is called, on whatever thread; without a handler the
/// task counts as failed. As soon as it is complete the app may be suspended: what it has open then is looked at.
final class ScriptedTask: BackgroundChance {
    struct End: Equatable {
        var success: Bool
        /// Files of the queue that the app has open as it is suspended.
        var open: Int
    }

    private struct State {
        var handler: (@Sendable () -> Void)?
        var ends: [End] = []
    }

    private let state = Locked(State())
    private let queue: URL

    init(_ queue: URL) {
        self.queue = queue
    }

    var ends: [End] { state.with { $0.ends } }

    func onExpiration(_ expired: @escaping @Sendable () -> Void) {
        state.with { $0.handler = expired }
    }

    func complete(success: Bool) {
        let end = End(success: success, open: openFiles(of: queue))
        state.with { $0.ends.append(end) }
    }

    func expire() {
        if let handler = state.with({ $0.handler }) { handler() } else { complete(success: false) }
    }
}

/// BGTaskScheduler, which takes one request for a refresh task of an app and ten for processing tasks; another one with the
/// same identifier takes the place of the first.
final class ScriptedScheduler: TaskScheduler {
    struct TooManyPendingTaskRequests: Error {}

    private let requests = Locked<[TaskRequest]>([])
    private let registered = Locked<[String: @Sendable (any BackgroundChance) -> Void]>([:])
    /// What the Info.plist has. None: everything.
    private let permitted: Set<String>?

    init(permitted: Set<String>? = nil) {
        self.permitted = permitted
    }

    var pending: [TaskRequest] { requests.with { $0 } }
    var identifiers: [String] { pending.map(\.identifier).sorted() }

    func register(_ identifier: String, _ begin: @escaping @Sendable (any BackgroundChance) -> Void) -> Bool {
        if let permitted, !permitted.contains(identifier) { return false }
        let before = registered.with { $0.updateValue(begin, forKey: identifier) }
        // There the app ends.
        precondition(before == nil, "\(identifier) is registered twice")
        return true
    }

    /// The time has come: starts the app for this task.
    func start(_ identifier: String, _ chance: any BackgroundChance) {
        cancel(identifier)
        registered.with { $0[identifier] }?(chance)
    }

    func submit(_ request: TaskRequest) throws {
        try requests.with { requests in
            let others = requests.filter { $0.identifier != request.identifier }
            let alike = others.filter { ($0.kind == .refresh) == (request.kind == .refresh) }
            if alike.count >= (request.kind == .refresh ? 1 : 10) { throw TooManyPendingTaskRequests() }
            requests = others + [request]
        }
    }

    func cancel(_ identifier: String) {
        requests.with { $0.removeAll { $0.identifier == identifier } }
    }
}

/// UIKit's background tasks: each is to be ended once, also in its handler.
final class ScriptedTime: SuspensionDelay {
    private struct State {
        var begun = 0
        var ended: [Int] = []
        var openAtTheEnd: [Int] = []
        var handlers: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Locked(State())
    private let queue: URL
    private let isOverAtOnce: Bool

    init(_ queue: URL, isOverAtOnce: Bool = false) {
        (self.queue, self.isOverAtOnce) = (queue, isOverAtOnce)
    }

    var begun: Int { state.with { $0.begun } }
    var ended: [Int] { state.with { $0.ended } }
    /// Files of the queue that were open when the time was given back, each time.
    var openAtTheEnd: [Int] { state.with { $0.openAtTheEnd } }

    func begin(_ name: String, expired: @escaping @Sendable () -> Void) -> Int {
        let number = state.with { state in
            state.begun += 1
            state.handlers[state.begun] = expired
            return state.begun
        }
        if isOverAtOnce { expired() }
        return number
    }

    func end(_ number: Int) {
        let open = openFiles(of: queue)
        state.with { state in
            state.ended.append(number)
            state.openAtTheEnd.append(open)
            state.handlers[number] = nil
        }
    }

    func expire() {
        for handler in state.with({ Array($0.handlers.values) }) { handler() }
    }
}

/// The system as one app meets it: where the app is, and which network there is, is what a test says.
final class ScriptedApp: AppSystem {
    private struct Watchers: Sendable {
        var app: [@Sendable (Bool) -> Void] = []
        var network: [@Sendable (Connection) -> Void] = []
    }

    let time: ScriptedTime
    let tasks: ScriptedScheduler
    private let watchers = Locked(Watchers())

    init(_ queue: URL, permitted: Set<String>? = nil) {
        (time, tasks) = (ScriptedTime(queue), ScriptedScheduler(permitted: permitted))
    }

    var delay: any SuspensionDelay { time }
    var scheduler: (any TaskScheduler)? { tasks }

    func watchApp(_ tell: @escaping @Sendable (_ inBackground: Bool) -> Void) -> any Sendable {
        watchers.with { $0.app.append(tell) }
        return true
    }

    func watchNetwork(_ tell: @escaping @Sendable (Connection) -> Void) -> any Sendable {
        watchers.with { $0.network.append(tell) }
        return true
    }

    func app(inBackground: Bool) {
        for tell in watchers.with({ $0.app }) { tell(inBackground) }
    }

    func network(is connection: Connection) {
        for tell in watchers.with({ $0.network }) { tell(connection) }
    }
}

/// All threads for short calls are busy until this is opened: what is begun meanwhile has its place, and waits.
final class BusyThreads: Sendable {
    private let opened = DispatchSemaphore(value: 0)

    init() {
        for _ in 0..<Calls.short.maxConcurrentOperationCount { Calls.short.addOperation { [opened] in opened.wait() } }
    }

    func open() {
        for _ in 0..<Calls.short.maxConcurrentOperationCount { opened.signal() }
    }
}

/// Waits until it is so.
func until(_ isSo: @escaping @Sendable () async -> Bool) async throws {
    try await within(.seconds(30)) {
        while !(await isSo()) {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
