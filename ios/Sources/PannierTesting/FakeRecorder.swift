import Foundation
import Pannier

/// A recorder without a queue, for the tests of what records: it keeps in memory what it takes, and refuses what the
/// real one would (`checkStatement`). Whatever thread calls it.
public final class FakeRecorder: StatementRecorder, @unchecked Sendable {
    fileprivate struct State {
        var recorded: [Statement] = []
        var notRecorded: [(statement: Statement, error: any Error)] = []
        var failure: (any Error)?
    }

    private let actor: Actor?
    private let lock = NSLock()
    private var state = State()

    /// - Parameter defaults: Those that the real one has, of which only who did it counts here: a statement that leaves it
    ///   open is not valid without.
    public init(defaults: StatementDefaults? = nil) {
        actor = defaults?.actor
    }

    /// What was recorded and what was posted, in order, as it was given but with its id.
    public var recorded: [Statement] { with { $0.recorded } }

    /// What was posted and could not be recorded, and why.
    public var notRecorded: [(statement: Statement, error: any Error)] { with { $0.notRecorded } }

    /// From now on nothing is recorded, and this is why: `PannierError.diskFull(explanation: "")`, say. With nil everything
    /// is again.
    public func fail(with error: (any Error)?) { with { $0.failure = error } }

    @discardableResult
    public func record(_ statement: Statement) async throws -> Recorded {
        try with { try $0.take([statement], by: actor) }[0]
    }

    @discardableResult
    public func recordAll(_ statements: [Statement]) async throws -> [Recorded] {
        try with { try $0.take(statements, by: actor) }
    }

    /// Recorded when this returns, unlike with a real one.
    public func post(_ statement: Statement) {
        with { state in
            do { _ = try state.take([statement], by: actor) } catch {
                state.notRecorded.append((statement, error))
            }
        }
    }

    private func with<Value>(_ work: (inout State) throws -> Value) rethrows -> Value {
        lock.lock()
        defer { lock.unlock() }
        return try work(&state)
    }
}

extension FakeRecorder.State {
    /// All of them or none.
    fileprivate mutating func take(_ statements: [Statement], by actor: Actor?) throws -> [Recorded] {
        if let failure { throw failure }
        var (taken, all) = (recorded, [Recorded]())
        for (index, given) in statements.enumerated() {
            var (whole, statement) = (given, given)
            whole.actor = given.actor ?? actor
            do {
                _ = try checkStatement(json: whole.toJson(), version: .v200)
            } catch PannierError.invalid(var faults, let more, let warnings, let explanation) where statements.count > 1 {
                for at in faults.indices { faults[at].index = UInt64(index) }
                throw PannierError.invalid(
                    faults: faults, moreFaults: more, warnings: warnings, explanation: explanation
                )
            }
            let id = statement.id ?? UUID()
            statement.id = id
            let known = taken.first { $0.id == id }
            all.append(Recorded(id: id, isNew: known == nil))
            if let known {
                if known == statement { continue }
                throw PannierError.otherContent(
                    id: id, explanation: "another statement was recorded under the id \(id): give this one an id of its own"
                )
            }
            taken.append(statement)
        }
        recorded = taken
        return all
    }
}
