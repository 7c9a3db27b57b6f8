import Pannier

/// The kinds of `PannierError`.
enum Kind: CaseIterable {
    case invalid, contentMissing, contentMismatch, contentUnused, otherContent, unknown, notHeld, notInConflict, mayHaveBeenSent
    case noEndpoint, invalidEndpoint, invalidCredentials, invalidConfig, noTransport
    case diskFull, busy, newer, missing, notAQueue, damaged, readOnly, cannotOpen, paused, closing, storage
    case reentrant, panicked, unplaced, partlyErased
    case noUpstream, otherUpstream, upstreamName, upstreamNotEmpty, tooManyUpstreams, mainStays

    /// All but the one that needs a small disk, and the three that no app in Swift can bring about: what its
    /// callbacks throw is no panic, and neither is a file taken away nor a disk filled in the very middle of
    /// a call.
    static let onAnyMachine = allCases.filter { ![.diskFull, .panicked, .unplaced, .partlyErased].contains($0) }
}

extension PannierError {
    /// Its kind, and what it is about: the statement, the faults' paths, the file; empty where it is
    /// about nothing. Without a default: a new kind does not compile until it is here.
    var told: (kind: Kind, about: String) {
        switch self {
        case .invalid(let faults, _, _, _): (.invalid, faults.map(\.path).joined(separator: " "))
        case .contentMissing(let id, let path, let sha2, _): (.contentMissing, "\(id) \(path) \(sha2)")
        case .contentMismatch(let id, let path, let said, let found, _):
            (.contentMismatch, "\(id) \(path) \(said) \(found)")
        case .contentUnused(let id, let sha2, _): (.contentUnused, "\(id) \(sha2)")
        case .otherContent(let id, _): (.otherContent, id.uuidString)
        case .unknown(let id, _): (.unknown, id.uuidString)
        case .notHeld(let id, _): (.notHeld, id.uuidString)
        case .notInConflict(let id, _): (.notInConflict, id.uuidString)
        case .mayHaveBeenSent(let id, _): (.mayHaveBeenSent, id.uuidString)
        case .noEndpoint: (.noEndpoint, "")
        case .invalidEndpoint: (.invalidEndpoint, "")
        case .invalidCredentials: (.invalidCredentials, "")
        case .invalidConfig: (.invalidConfig, "")
        case .noTransport: (.noTransport, "")
        case .noUpstream(let name, _): (.noUpstream, name)
        case .otherUpstream(let name, _): (.otherUpstream, name)
        case .upstreamName(let name, _): (.upstreamName, name)
        case .upstreamNotEmpty(let name, let left, _): (.upstreamNotEmpty, "\(name) \(left)")
        case .tooManyUpstreams: (.tooManyUpstreams, "")
        case .mainStays: (.mainStays, "")
        case .diskFull: (.diskFull, "")
        case .busy: (.busy, "")
        case .newer(let path, let found, let known, _): (.newer, "\(path) \(found) \(found > known)")
        case .missing(let path, _): (.missing, path)
        case .reentrant: (.reentrant, "")
        case .panicked: (.panicked, "")
        case .unplaced(let ids, _): (.unplaced, ids.map(\.uuidString).joined(separator: " "))
        case .partlyErased(let erased, _): (.partlyErased, "\(erased.undelivered)")
        case .notAQueue(let path, _): (.notAQueue, path)
        case .damaged: (.damaged, "")
        case .readOnly: (.readOnly, "")
        case .cannotOpen(let path, _): (.cannotOpen, path)
        case .paused: (.paused, "")
        case .closing: (.closing, "")
        case .storage: (.storage, "")
        }
    }
}
