import Foundation

extension PannierError {
    /// What to do next, in English for developers.
    public var explanation: String {
        switch self {
        case .invalid(_, _, _, let text), .contentMissing(_, _, _, let text),
            .contentMismatch(_, _, _, _, let text), .contentUnused(_, _, let text), .otherContent(_, let text),
            .unknown(_, let text), .notHeld(_, let text), .notInConflict(_, let text),
            .mayHaveBeenSent(_, let text), .noEndpoint(let text), .invalidEndpoint(let text),
            .invalidCredentials(let text), .invalidConfig(let text), .noTransport(let text), .noUpstream(_, let text),
            .otherUpstream(_, let text), .upstreamName(_, let text), .upstreamNotEmpty(_, _, let text),
            .tooManyUpstreams(let text), .mainStays(let text), .diskFull(let text),
            .busy(let text), .newer(_, _, _, let text), .missing(_, let text), .notAQueue(_, let text), .damaged(let text),
            .readOnly(let text), .cannotOpen(_, let text), .unplaced(_, let text), .partlyErased(_, let text),
            .paused(let text), .closing(let text), .storage(let text), .reentrant(let text), .panicked(let text):
            return text
        }
    }

    /// The faults of a statement that is not valid, the first hundred in the order of its text; empty for
    /// other errors.
    public var faults: [Fault] {
        if case .invalid(let faults, _, _, _) = self { faults } else { [] }
    }
}

extension PannierError {
    /// What is wrong: the statement, the moment, the set-up or the file. Enough for most of an app.
    public enum Group: Hashable, Sendable, CaseIterable {
        /// A statement cannot be taken in as it is: the same again fails again.
        case notAccepted
        /// It cannot be done now, as things stand: with that statement, that upstream or this collector.
        case wrongState
        /// What the app has said of where and how to deliver cannot be used, or is missing.
        case setup
        /// Something is wrong with the file of the queue, or with the disk that it is on.
        case queueFile
    }

    /// The group that it belongs to. None: `panicked`, which is nobody's mistake but the code's.
    public var group: Group? {
        switch self {
        case .invalid, .contentMissing, .contentMismatch, .contentUnused, .otherContent: .notAccepted
        case .unknown, .notHeld, .notInConflict, .mayHaveBeenSent, .upstreamNotEmpty, .paused, .reentrant, .closing:
            .wrongState
        case .noEndpoint, .invalidEndpoint, .invalidCredentials, .invalidConfig, .noTransport, .noUpstream, .otherUpstream, .upstreamName,
            .tooManyUpstreams, .mainStays:
            .setup
        case .diskFull, .busy, .newer, .missing, .notAQueue, .damaged, .readOnly, .cannotOpen, .unplaced, .partlyErased,
            .storage:
            .queueFile
        case .panicked: nil
        }
    }
}

extension PannierError: LocalizedError {
    public var errorDescription: String? { explanation }
}

extension TransportError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .unreachable(let reason): "the LRS cannot be reached: \(reason)"
        case .unreadable(let reason): "a file of the request cannot be read: \(reason)"
        case .timedOut: "the LRS did not answer in time"
        case .broken(let reason): "the connection to the LRS broke: \(reason)"
        }
    }
}

extension CredentialsError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .unavailable(let reason): "no credentials: \(reason)"
        }
    }
}

/// `dump` and debuggers show the kind only, as printing does.
extension Credentials: CustomReflectable {
    public var customMirror: Mirror { Mirror(self, children: []) }
}
