import Foundation

/// Records for a learner, a session or a scene: what its statements have in common is said once. The
/// ``Collector``'s own calls of the same names are those of one with `Config.defaults` alone.
///
/// Its calls are made as the collector's are: none blocks, and each may throw a `PannierError`. When the
/// collector is closed they throw `closing`. There is nothing to close.
public final class Recorder: Sendable {
    let blocking: BlockingRecorder
    let caller: Caller

    init(_ blocking: BlockingRecorder, _ caller: Caller) {
        (self.blocking, self.caller) = (blocking, caller)
    }

    /// Takes a statement in, with what it leaves open itself; see ``Collector/record(_:)``.
    @discardableResult
    public func record(_ statement: Statement) async throws -> Recorded {
        try await changing { try $0.record(statement: statement) }
    }

    /// Takes a statement in as JSON text, whose bytes are kept as they are beside what is added.
    @discardableResult
    public func record(json: String) async throws -> Recorded {
        try await changing { try $0.recordJson(json: json) }
    }

    /// Takes a statement in with contents of its attachments, which are sent with it: one for each attachment that
    /// has no `fileUrl`, found by the `sha2` that it says (`attachmentOf` says it). Together they may have 1 MiB.
    @discardableResult
    public func recordWith(_ statement: Statement, contents: [Data]) async throws -> Recorded {
        try await changing { try $0.recordWith(statement: statement, contents: contents) }
    }

    /// Takes a statement in as JSON text, with contents of its attachments.
    @discardableResult
    public func recordWith(json: String, contents: [Data]) async throws -> Recorded {
        try await changing { try $0.recordJsonWith(json: json, contents: contents) }
    }

    /// Takes in all of these or none. A fault has the index of its statement among them.
    @discardableResult
    public func recordAll(_ statements: [Statement]) async throws -> [Recorded] {
        try await changing { try $0.recordAll(statements: statements) }
    }

    /// Takes in all of these JSON texts or none.
    @discardableResult
    public func recordAll(json: [String]) async throws -> [Recorded] {
        try await changing { try $0.recordAllJson(json: json) }
    }

    /// Records with these defaults; where they say nothing, with those of this one. What is wrong with them is
    /// told here (`PannierError.invalid`).
    public func within(_ defaults: StatementDefaults) async throws -> Recorder {
        let (blocking, caller) = (blocking, caller)
        return try await caller.reading { _ in
            Recorder(try blocking.within(defaults: defaults), caller)
        }
    }

    private func changing<Value: Sendable>(
        _ work: @escaping @Sendable (BlockingRecorder) throws -> Value
    ) async throws -> Value {
        let blocking = blocking
        return try await caller.changing { _ in try work(blocking) }
    }
}
