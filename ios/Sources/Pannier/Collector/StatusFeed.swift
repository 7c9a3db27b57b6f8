import Dispatch

/// Shows how things stand to everybody who watches: the latest, at most every 50 ms. While nobody
/// watches, nothing is read.
final class StatusFeed: Sendable {
    private static let every = DispatchTimeInterval.milliseconds(50)

    private struct Watcher: Sendable {
        let show: @Sendable ([UpstreamInfo]) -> Void
        let finish: @Sendable () -> Void
    }

    private struct State {
        var watchers: [Int: Watcher] = [:]
        var next = 0
        var reading = false
        var changed = false
        var closed = false
    }

    private let state = Locked(State())
    private let read: @Sendable () throws -> [UpstreamInfo]

    init(read: @escaping @Sendable () throws -> [UpstreamInfo]) {
        self.read = read
    }

    /// How things stand now with each upstream, and again whenever that changes.
    func statuses() -> AsyncStream<[UpstreamInfo]> { stream { $0 } }

    /// The same of the first one.
    func statusesOfMain() -> AsyncStream<Status> { stream { $0[0].status } }

    private func stream<Value: Sendable>(
        _ part: @escaping @Sendable ([UpstreamInfo]) -> Value
    ) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Value.self, bufferingPolicy: .bufferingNewest(1)
        )
        let number: Int? = state.with {
            guard !$0.closed else { return nil }
            $0.watchers[$0.next] = Watcher(
                show: { continuation.yield(part($0)) }, finish: { continuation.finish() }
            )
            $0.next += 1
            return $0.next - 1
        }
        if let number {
            continuation.onTermination = { [weak self] _ in
                self?.state.with { _ = $0.watchers.removeValue(forKey: number) }
            }
            change()
        } else {
            continuation.finish()
        }
        return stream
    }

    /// Something has changed.
    func change() {
        let begin = state.with { state in
            guard !state.closed, !state.watchers.isEmpty else { return false }
            state.changed = true
            defer { state.reading = true }
            return !state.reading
        }
        if begin { Calls.short.addOperation { [weak self] in self?.show() } }
    }

    func close() {
        let watchers = state.with { state in
            defer { (state.closed, state.watchers) = (true, [:]) }
            return state.watchers
        }
        for watcher in watchers.values { watcher.finish() }
    }

    private func show() {
        state.with { $0.changed = false }
        // While paused there is nothing to read; what was true last is shown.
        if let upstreams = try? read() {
            let watchers = state.with { Array($0.watchers.values) }
            for watcher in watchers { watcher.show(upstreams) }
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.every) { [weak self] in
            guard let self else { return }
            let again = state.with {
                $0.reading = $0.changed
                return $0.changed
            }
            if again { Calls.short.addOperation { [weak self] in self?.show() } }
        }
    }
}
