import Foundation

/// In which order the calls, pauses and resumes of a collector take effect.
///
/// - Pauses and resumes come one after another, as they were begun.
/// - A call that is begun after a resume waits for it.
/// - A pause waits for the calls that were begun before it, but for syncs, which it ends.
/// - What is posted keeps its order, and whatever is called after it waits for it.
final class Turns: Sendable {
    private struct State {
        /// Those that a pause waits for.
        var calls: [ObjectIdentifier: Work] = [:]
        /// The last pause or resume, until it is done.
        var last: Work?
        /// It, if it is a resume.
        var opening: Work?
        /// What was posted last, until it is recorded.
        var posting: Posting?
    }

    private let state = Locked(State())

    /// Gives a call its place. A sync does not keep a pause waiting.
    func place(_ call: Work, isSync: Bool) {
        let name = ObjectIdentifier(call)
        state.with {
            if let opening = $0.opening { call.addDependency(opening) }
            if let posting = $0.posting { call.addDependency(posting.work) }
            if !isSync { $0.calls[name] = call }
        }
        if !isSync { call.onEnd { [weak self] in self?.state.with { _ = $0.calls.removeValue(forKey: name) } } }
    }

    /// Has it recorded by `record`, together with what else is posted before its turn comes.
    func post(_ posted: Posted, _ record: @escaping @Sendable ([Posted]) -> Void) {
        let begun: Posting? = state.with { state in
            if state.posting?.add(posted) == true { return nil }
            let posting = Posting(posted, record)
            if let opening = state.opening { posting.work.addDependency(opening) }
            if let before = state.posting { posting.work.addDependency(before.work) }
            state.calls[ObjectIdentifier(posting.work)] = posting.work
            state.posting = posting
            return posting
        }
        guard let work = begun?.work else { return }
        let name = ObjectIdentifier(work)
        work.onEnd { [weak self] in
            self?.state.with { state in
                state.calls[name] = nil
                if state.posting.map({ ObjectIdentifier($0.work) }) == name { state.posting = nil }
            }
        }
        Calls.short.addOperation(work)
    }

    /// How many calls a pause would wait for now.
    var underWay: Int { state.with { $0.calls.count } }

    /// Whether a pause or a resume is under way.
    var isTurning: Bool { state.with { $0.last != nil } }

    /// Begins a pause or a resume, at once: what is begun from now on comes after it.
    func take(opens: Bool, _ work: @escaping @Sendable () throws -> Void) -> Turn {
        let turn = Turn(work)
        state.with {
            if let last = $0.last { turn.work.addDependency(last) }
            if !opens { for call in $0.calls.values { turn.work.addDependency(call) } }
            ($0.last, $0.opening) = (turn.work, opens ? turn.work : nil)
        }
        let name = ObjectIdentifier(turn.work)
        turn.work.onEnd { [weak self] in
            self?.state.with { state in
                if state.last.map(ObjectIdentifier.init) == name { (state.last, state.opening) = (nil, nil) }
            }
        }
        Calls.short.addOperation(turn.work)
        return turn
    }
}

/// What is posted before its turn comes, and is recorded by one work.
private final class Posting: Sendable {
    private struct State {
        var posted: [Posted]
        var hasBegun = false
    }

    let work: Work
    private let state: Locked<State>

    init(_ first: Posted, _ record: @escaping @Sendable ([Posted]) -> Void) {
        let state = Locked(State(posted: [first]))
        self.state = state
        work = Work {
            record(
                state.with { state in
                    state.hasBegun = true
                    return state.posted
                }
            )
        }
    }

    /// False if it is too late.
    func add(_ posted: Posted) -> Bool {
        state.with { state in
            if !state.hasBegun { state.posted.append(posted) }
            return !state.hasBegun
        }
    }
}

/// A pause or a resume that was begun.
final class Turn: Sendable {
    fileprivate let work: Work
    private let result: Locked<Result<Void, any Error>>

    fileprivate init(_ turn: @escaping @Sendable () throws -> Void) {
        let result = Locked<Result<Void, any Error>>(.success(()))
        self.result = result
        work = Work { [result] in
            let outcome = Result(catching: turn)
            result.with { $0 = outcome }
        }
    }

    /// Waits for the end, or until the caller is cancelled.
    func wait() async throws {
        let (work, result) = (work, result)
        try await Calls.make(place: { $0.addDependency(work) }) { try result.with { $0 }.get() }
    }

    /// Waits for the end, whatever becomes of the caller; what went wrong, if anything.
    func failure() async -> (any Error)? {
        await withCheckedContinuation { waiting in
            let end = Work { [result] in
                guard case .failure(let error) = result.with({ $0 }) else { return waiting.resume(returning: nil) }
                waiting.resume(returning: error)
            }
            end.addDependency(work)
            Calls.short.addOperation(end)
        }
    }
}
