import Foundation

/// A statement whose recording nobody waits for, and the recorder whose defaults it gets.
struct Posted: Sendable {
    let statement: Statement
    let recorder: BlockingRecorder?
}

/// Records what was posted, and tells what could not be: the app, or the system's log where that does not want to know.
/// Telling has a turn of its own, so that who is told may call the collector and wait for it.
struct Posts: Sendable {
    /// In one commit.
    private static let most = 500

    /// True in what the app does when it is told.
    @TaskLocal private static var isTelling = false

    private let onNotRecorded: OnNotRecorded?
    private let log: @Sendable (String) -> Void
    /// The app is told one after another, and not on a thread that others wait for.
    private let telling = OperationQueue()

    init(_ onNotRecorded: OnNotRecorded?, log: @escaping @Sendable (String) -> Void = { Log.error($0, of: .queue) }) {
        (self.onNotRecorded, self.log) = (onNotRecorded, log)
        telling.maxConcurrentOperationCount = 1
    }

    /// All in their order. Those of one recorder are one commit, as long as all are taken.
    func record(_ posted: [Posted], in collector: BlockingCollector) {
        var rest = posted[...]
        while let first = rest.first {
            let run = rest.prefix(Self.most).prefix { $0.recorder === first.recorder }
            record(run.map(\.statement), in: collector, by: first.recorder)
            rest = rest.dropFirst(run.count)
        }
    }

    private func record(_ statements: [Statement], in collector: BlockingCollector, by recorder: BlockingRecorder?) {
        do {
            if statements.count > 1 {
                _ = try recorder?.recordAll(statements: statements) ?? collector.recordAll(statements: statements)
            } else if let one = statements.first {
                _ = try recorder?.record(statement: one) ?? collector.record(statement: one)
            }
        } catch PannierError.unplaced(_, let explanation) {
            // They are recorded: who records them again counts them twice.
            log("what was posted is recorded, but: \(explanation)")
        } catch {
            // None is recorded for the sake of one.
            if statements.count > 1, (error as? PannierError)?.group == .notAccepted {
                for statement in statements { record([statement], in: collector, by: recorder) }
            } else {
                for statement in statements { tellLater(statement, error) }
            }
        }
    }

    /// Says of a statement that it is not recorded, on a thread of Pannier's, after those before it.
    func tellLater(_ statement: Statement, _ error: any Error) {
        telling.addOperation { tell(statement, error) }
    }

    /// Waits until all is told, unless it is called from there.
    func told() async {
        if Self.isTelling { return }
        await withCheckedContinuation { waiting in telling.addOperation { waiting.resume() } }
    }

    /// Says it here and now.
    func tell(_ statement: Statement, _ error: any Error) {
        if let onNotRecorded {
            return Self.$isTelling.withValue(true) { onNotRecorded(statement, error) }
        }
        let name = statement.id.map { " \($0)" } ?? ""
        let words = (error as? PannierError)?.explanation ?? error.localizedDescription
        log("the statement\(name) that was posted is not recorded: \(words)")
    }
}
