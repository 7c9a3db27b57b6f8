/// Passes events on to everybody who listens. Telling never waits for anybody.
///
/// That a damaged file was saved is told while the collector is opened, when nobody can listen yet: it
/// is kept for the first who does.
final class EventFeed: Sendable {
    /// Events kept for somebody who listens slowly.
    static let kept = 1_024

    private struct State {
        var subscribers: [Int: Subscriber] = [:]
        var next = 0
        var unheard: [Event] = []
        var closed = false
    }

    private struct Subscriber {
        let continuation: AsyncStream<Event>.Continuation
        var missed: Int64 = 0

        mutating func tell(_ event: Event) {
            if missed > 0, case .enqueued = continuation.yield(.missed(count: missed)) { missed = 0 }
            if missed > 0 {
                missed += 1
            } else if case .dropped = continuation.yield(event) {
                missed = 1
            }
        }
    }

    private let state = Locked(State())

    /// What happens from now on.
    func events() -> AsyncStream<Event> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(Self.kept)
        )
        let number: Int? = state.with {
            guard !$0.closed else { return nil }
            var subscriber = Subscriber(continuation: continuation)
            for event in $0.unheard { subscriber.tell(event) }
            $0.unheard = []
            $0.subscribers[$0.next] = subscriber
            $0.next += 1
            return $0.next - 1
        }
        if let number {
            continuation.onTermination = { [weak self] _ in
                self?.state.with { _ = $0.subscribers.removeValue(forKey: number) }
            }
        } else {
            continuation.finish()
        }
        return stream
    }

    func tell(_ event: Event) {
        state.with {
            if $0.subscribers.isEmpty, case .salvaged = event { $0.unheard.append(event) }
            for number in $0.subscribers.keys { $0.subscribers[number]?.tell(event) }
        }
    }

    func close() {
        let subscribers = state.with { state in
            defer { (state.closed, state.subscribers) = (true, [:]) }
            return state.subscribers
        }
        // Without the lock: finishing calls `onTermination`.
        for subscriber in subscribers.values { subscriber.continuation.finish() }
    }
}
