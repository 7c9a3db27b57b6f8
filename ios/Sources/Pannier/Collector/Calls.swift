import Foundation

/// Where calls that block are made, so that no caller's thread ever is.
enum Calls {
    /// For short calls: so many at once wait for the disk.
    static let short = threads("pannier", .userInitiated)

    /// Syncs last long, and must not keep records waiting.
    static let syncs = threads("pannier-sync", .utility)

    /// Does the work whether or not the caller goes on waiting for it. A caller that is cancelled gets
    /// a `CancellationError` at once; one that was cancelled before has nothing done.
    static func make<Value: Sendable>(
        on threads: OperationQueue = short,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let outcome = Outcome<Value>()
        return try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await withCheckedThrowingContinuation { waiting in
                if outcome.isWaited(for: waiting) {
                    threads.addOperation { outcome.settle(Result(catching: work)) }
                }
            }
        } onCancel: {
            outcome.settle(.failure(CancellationError()))
        }
    }

    /// Does the work also for a caller that is cancelled, who waits for it.
    static func finish(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { waiting in
            short.addOperation {
                work()
                waiting.resume()
            }
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

/// What a call comes to, told once: by the call or by a cancellation, whichever is first.
private final class Outcome<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
        case told
    }

    private let state = Locked(State.open)

    /// False if it is settled already, and the one who waits was told.
    func isWaited(for waiting: CheckedContinuation<Value, any Error>) -> Bool {
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
