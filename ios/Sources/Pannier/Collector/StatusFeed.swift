import Dispatch

/// Shows how things stand to everybody who watches: the latest, at most every 50 ms. While nobody
/// watches, nothing is read.
final class StatusFeed: Sendable {
    private static let every = DispatchTimeInterval.milliseconds(50)

    private struct State {
        var watchers: [Int: AsyncStream<Status>.Continuation] = [:]
        var next = 0
        var reading = false
        var changed = false
        var closed = false
    }

    private let state = Locked(State())
    private let read: @Sendable () throws -> Status

    init(read: @escaping @Sendable () throws -> Status) {
        self.read = read
    }

    /// How things stand now, and again whenever that changes.
    func statuses() -> AsyncStream<Status> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Status.self, bufferingPolicy: .bufferingNewest(1)
        )
        let number: Int? = state.with {
            guard !$0.closed else { return nil }
            $0.watchers[$0.next] = continuation
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
        if let status = try? read() {
            let watchers = state.with { Array($0.watchers.values) }
            for watcher in watchers { watcher.yield(status) }
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
