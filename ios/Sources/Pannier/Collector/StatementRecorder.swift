import Foundation

/// Takes statements in: what most of an app has to know of Pannier. A ``Collector`` is one, and so are each
/// ``Recorder`` and an ``AppCollector``; an app's tests have `FakeRecorder` of `PannierTesting` in their place.
public protocol StatementRecorder: Sendable {
    /// Takes a statement in. When this returns, it is on the disk and will be delivered. Returns its id, made here
    /// unless the statement has one, and whether it is new: the same under the same id again changes nothing. For who must
    /// know that it is kept: throws a `PannierError` if it is not.
    @discardableResult
    func record(_ statement: Statement) async throws -> Recorded

    /// Takes in all of these or none. A fault has the index of its statement among them.
    @discardableResult
    func recordAll(_ statements: [Statement]) async throws -> [Recorded]

    /// Has a statement recorded, and returns at once: neither suspends nor throws. What is posted is recorded in the
    /// order of these calls, and before whatever is called later of the same collector. What cannot be recorded is told
    /// ``OnNotRecorded``. A process that ends in the next moment may lose it, untold: killed, or by its own end without a
    /// ``Collector/close()``. ``record(_:)`` is for who must know.
    ///
    /// What is posted in one breath is one commit to the disk.
    func post(_ statement: Statement)
}

/// Is told what was posted and could not be recorded: see ``StatementRecorder/post(_:)``. The error says why, mostly as
/// a `PannierError`: the statement is not valid, the disk is full. The statement is kept nowhere. Called on a thread of
/// Pannier's, one at a time for each collector. Only ``Collector/close()`` waits for it, unless called in here: so this may
/// record a substitute and wait for that.
public typealias OnNotRecorded = @Sendable (_ statement: Statement, _ error: any Error) -> Void

extension Collector: StatementRecorder {
    public func post(_ statement: Statement) { caller.post(statement, by: nil) }
}

extension Recorder: StatementRecorder {
    public func post(_ statement: Statement) { caller.post(statement, by: blocking) }
}
