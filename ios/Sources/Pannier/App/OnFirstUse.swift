import Foundation

/// Something that is opened when it is first used, not on the caller's thread, and once. Whoever asks meanwhile has their
/// turn in the order in which they asked. If it cannot be opened they all get the error, and who asks next tries anew.
final class OnFirstUse<Value: Sendable>: Sendable {
    typealias Then = @Sendable (Result<Value, any Error>) -> Void

    /// It is not open, and nobody has asked for that.
    struct NotOpen: Error {}

    private enum Phase {
        case unused
        case opening
        case open(Value)
    }

    private struct State {
        var phase = Phase.unused
        var isClosed = false
        var waiting: [Then] = []
    }

    private enum Answer {
        case later(begins: Bool)
        case now(Value)
        case never(any Error)
    }

    private let state = Locked(State())
    private let open: @Sendable () async throws -> Value

    init(_ open: @escaping @Sendable () async throws -> Value) {
        self.open = open
    }

    /// Calls `then` with it: before this returns where it is open, else when it is. Waits for nothing, and `then` must not
    /// either, nor use this.
    ///
    /// - Parameter opens: Without, only who comes while it is open, or being opened, gets it.
    func use(opens: Bool = true, _ then: @escaping Then) {
        let answer: Answer = state.with { state in
            if state.isClosed {
                return .never(PannierError.closing(explanation: "the collector is closed: make another one"))
            }
            switch state.phase {
            case .open(let value): return .now(value)
            case .opening:
                state.waiting.append(then)
                return .later(begins: false)
            case .unused:
                guard opens else { return .never(NotOpen()) }
                (state.phase, state.waiting) = (.opening, [then])
                return .later(begins: true)
            }
        }
        switch answer {
        case .later(let begins): if begins { Task.detached { await self.run() } }
        case .now(let value): then(.success(value))
        case .never(let error): then(.failure(error))
        }
    }

    /// It. A caller that is cancelled gets a `CancellationError` at once, and what is being opened is opened all the same.
    func value() async throws -> Value {
        try await Outcome.wait { outcome in use { outcome.settle($0) } }
    }

    /// Nothing is opened any more. What is open, or being opened, is handed to `then`, after who asked for it before.
    func close(_ then: @escaping @Sendable (Value?) -> Void) {
        let answer: Value?? = state.with { state in
            state.isClosed = true
            switch state.phase {
            case .opening:
                state.waiting.append { then(try? $0.get()) }
                return .none
            case .open(let value):
                state.phase = .unused
                return .some(value)
            case .unused: return .some(nil)
            }
        }
        if let answer { then(answer) }
    }

    private func run() async {
        do {
            let value = try await open()
            state.with { state in
                // Within the lock: who comes later comes later.
                for then in state.waiting { then(.success(value)) }
                state.waiting = []
                state.phase = state.isClosed ? .unused : .open(value)
            }
        } catch {
            let waiting = state.with { state in
                defer { (state.phase, state.waiting) = (.unused, []) }
                return state.waiting
            }
            for then in waiting { then(.failure(error)) }
        }
    }
}
