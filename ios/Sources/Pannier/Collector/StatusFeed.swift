import Dispatch

/// Shows how things stand to everybody who watches: the latest, at most every 50 ms, and only what
/// differs from what they were shown. While nobody watches, nothing is read.
///
/// While the collector is paused nothing can be read: then it shows how things stood when it was paused,
/// with what the app has said of the network since.
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
        /// What the app said of the network.
        var network: Bool?
        /// Something has been recorded since it was last read.
        var isOlder = false
    }

    private let state = Locked(State())
    /// What was read last. Touched by who reads, one at a time, so that none puts back what is newer.
    private let latest = Locked<[UpstreamInfo]?>(nil)
    /// None: nothing is open yet, and nothing is shown.
    private let reader = Locked<(@Sendable () throws -> [UpstreamInfo])?>(nil)

    /// From now on it is read like this.
    func reads(_ read: @escaping @Sendable () throws -> [UpstreamInfo]) {
        reader.with { $0 = read }
        change()
    }

    /// How things stand now with each upstream, and again whenever that changes.
    func statuses() -> AsyncStream<[UpstreamInfo]> { stream { $0 } }

    /// The same of the first one.
    func statusesOfMain() -> AsyncStream<Status> { stream { $0[0].status } }

    private func stream<Value: Equatable & Sendable>(
        _ part: @escaping @Sendable ([UpstreamInfo]) -> Value
    ) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Value.self, bufferingPolicy: .bufferingNewest(1)
        )
        let shown = Locked<Value?>(nil)
        let number: Int? = state.with {
            guard !$0.closed else { return nil }
            $0.watchers[$0.next] = Watcher(
                show: { upstreams in
                    let now = part(upstreams)
                    let differs = shown.with { shown in
                        defer { shown = now }
                        return shown != now
                    }
                    if differs { continuation.yield(now) }
                },
                finish: { continuation.finish() }
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

    func setNetwork(_ available: Bool) {
        state.with { $0.network = available }
        change()
    }

    /// Something was recorded, perhaps while nothing could be read.
    func isOlder() {
        state.with { $0.isOlder = true }
        change()
    }

    /// Reads how things stand, and shows it. Waits for the disk.
    func read() {
        guard let reader = reader.with({ $0 }) else { return }
        latest.with { latest in
            // If something is recorded meanwhile, it is told after this.
            let wasOlder = state.with { state in
                defer { state.isOlder = false }
                return state.isOlder
            }
            do { latest = try reader() } catch {
                if wasOlder { state.with { $0.isOlder = true } }
                guard case PannierError.paused = error else { return }
                for at in (latest ?? []).indices { latest?[at].status.syncing = false }
            }
            let (watchers, network) = state.with { (Array($0.watchers.values), $0.network) }
            guard var upstreams = latest else { return }
            if let network { for at in upstreams.indices { upstreams[at].status.network = network } }
            for watcher in watchers { watcher.show(upstreams) }
        }
    }

    /// How things stand as far as that is known, and whether something has been recorded since. Waits for the
    /// disk.
    func known() -> (upstreams: [UpstreamInfo], isOlder: Bool) {
        read()
        return (latest.with { $0 } ?? [], state.with { $0.isOlder })
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
        read()
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
