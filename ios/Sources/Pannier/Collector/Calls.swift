import Foundation

/// Where calls that block are made, so that no caller's thread ever is.
enum Calls {
    /// For short calls: so many at once wait for the disk.
    static let short = threads("pannier", .userInitiated)

    /// Syncs last long, and must not keep records waiting.
    static let syncs = threads("pannier-sync", .utility)

    /// Does the work whether or not the caller goes on waiting for it. A caller that is cancelled gets
    /// a `CancellationError` at once; one that was cancelled before has nothing done.
    ///
    /// - Parameter place: Says what the call has to wait for.
    static func make<Value: Sendable>(
        on threads: OperationQueue = short,
        place: (Work) -> Void = { _ in },
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await Outcome.wait { outcome in
            let call = Work { outcome.settle(Result(catching: work)) }
            place(call)
            threads.addOperation(call)
        }
    }

    private static func threads(_ name: String, _ quality: QualityOfService) -> OperationQueue {
        let queue = OperationQueue()
        queue.name = name
        queue.maxConcurrentOperationCount = 8
        queue.qualityOfService = quality
        return queue
    }
}

/// What is done on a thread of Pannier's own, after what it was said to come after. Waiting for that
/// takes no thread.
final class Work: Operation, @unchecked Sendable {
    private let work: @Sendable () -> Void
    private let ended = Locked<@Sendable () -> Void>({})

    init(_ work: @escaping @Sendable () -> Void) {
        self.work = work
    }

    /// Calls this when it is done.
    func onEnd(_ call: @escaping @Sendable () -> Void) {
        ended.with { $0 = call }
    }

    override func main() {
        work()
        ended.with { $0 }()
        // An operation keeps what it came after, and that what it came after.
        for before in dependencies { removeDependency(before) }
    }
}

/// What a call comes to, told once: by the call or by a cancellation, whichever is first.
final class Outcome<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
        case told
    }

    private let state = Locked(State.open)

    /// Waits until what is begun settles it, or the caller is cancelled; for a caller that is cancelled already nothing
    /// is begun.
    static func wait(_ begin: (Outcome) -> Void) async throws -> Value {
        let outcome = Outcome()
        return try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await withCheckedThrowingContinuation { waiting in
                if outcome.isWaited(for: waiting) { begin(outcome) }
            }
        } onCancel: {
            outcome.settle(.failure(CancellationError()))
        }
    }

    /// False if it is settled already, and the one who waits was told.
    private func isWaited(for waiting: CheckedContinuation<Value, any Error>) -> Bool {
        let settled: Result<Value, any Error>? = state.with {
            guard case .settled(let result) = $0 else {
                $0 = .awaited(waiting)
                return nil
            }
            $0 = .told
            return result
        }
        if let settled { waiting.resume(with: settled) }
        return settled == nil
    }

    func settle(_ result: Result<Value, any Error>) {
        let waiting: CheckedContinuation<Value, any Error>? = state.with {
            switch $0 {
            case .settled, .told: return nil
            case .open: $0 = .settled(result); return nil
            case .awaited(let waiting): $0 = .told; return waiting
            }
        }
        waiting?.resume(with: result)
    }
}
