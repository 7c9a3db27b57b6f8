import Foundation

extension PannierError {
    /// What to do next, in English for developers.
    public var explanation: String {
        switch self {
        case .invalid(_, _, _, let text), .attachmentContent(_, let text), .otherContent(_, let text),
            .unknown(_, let text), .notHeld(_, let text), .notInConflict(_, let text),
            .mayHaveBeenSent(_, let text), .noEndpoint(let text), .invalidEndpoint(let text),
            .invalidCredentials(let text), .noTransport(let text), .noUpstream(_, let text),
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
