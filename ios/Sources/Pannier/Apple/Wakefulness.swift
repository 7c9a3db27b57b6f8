import Foundation

/// Whether anybody needs the file of a collector open: the app in the foreground, or a task that delivers in
/// the background. It is closed when the last of them goes, and opened when one comes. What fails is told, and
/// tried again until it is no longer wanted.
///
/// The app itself may say so, too, by ``Collector/pause()`` and ``Collector/resume()``: that takes effect at once,
/// whoever needs it, and holds until the app goes into the background or comes back.
final class Wakefulness: Sendable {
    private struct State {
        var users: Set<ObjectIdentifier> = []
        var app = false
        /// What is wanted last has the last number.
        var wish = 0
    }

    /// Something that is wanted, and was begun.
    struct Wish: Sendable {
        /// The first try.
        let turn: Turn
        /// Ends when it is so, or is no longer wanted.
        let done: Task<Void, Never>
    }

    private let caller: Caller
    private let state = Locked(State())
    private let wait: @Sendable (Duration) async -> Void
    private let tell: @Sendable (String) -> Void

    init(
        _ caller: Caller,
        wait: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) },
        tell: @escaping @Sendable (String) -> Void = { Log.error($0, of: .queue) }
    ) {
        (self.caller, self.wait, self.tell) = (caller, wait, tell)
    }

    /// Somebody needs it open, until the end. Calls that are made from now on wait until it is.
    @discardableResult
    func begin(_ user: AnyObject) -> Wish {
        state.with { state in
            state.users.insert(ObjectIdentifier(user))
            return wish(&state, awake: true)
        }
    }

    /// They do not need it any more. None: somebody else does.
    @discardableResult
    func end(_ user: AnyObject, isApp: Bool = false) -> Wish? {
        state.with { state in
            state.users.remove(ObjectIdentifier(user))
            if isApp { state.app = false }
            return state.users.isEmpty && !state.app ? wish(&state, awake: false) : nil
        }
    }

    /// Nobody can say any more whether they need it: nothing changes.
    func forget(_ user: AnyObject) {
        state.with { _ = $0.users.remove(ObjectIdentifier(user)) }
    }

    /// The app says so itself, and gets to know itself what goes wrong.
    func take(awake: Bool) -> Turn {
        state.with { state in
            state.app = awake
            state.wish += 1
            return awake ? caller.resume() : caller.pause()
        }
    }

    private func wish(_ state: inout State, awake: Bool) -> Wish {
        state.wish += 1
        let (turn, number) = (awake ? caller.resume() : caller.pause(), state.wish)
        return Wish(turn: turn, done: Task { await follow(turn, number, awake) })
    }

    private func follow(_ first: Turn, _ number: Int, _ awake: Bool) async {
        var (turn, pause) = (first, Duration.seconds(1))
        while let error = await turn.failure() {
            if case PannierError.closing = error { return }
            let words = (error as? PannierError)?.explanation ?? "\(error)"
            tell("the queue could not be \(awake ? "opened" : "closed"), which is tried again: \(words)")
            await wait(pause)
            pause = min(pause * 2, .seconds(30))
            let again: Turn? = state.with { state in
                guard state.wish == number else { return nil }
                return awake ? caller.resume() : caller.pause()
            }
            guard let again else { return }
            turn = again
        }
    }
}
