import Foundation
@testable import Pannier

/// An LRS in memory that does what a test says, and tells what came to it.
final class ScriptedLrs: Sendable {
    typealias Exchange = @Sendable (Request) async throws -> Response

    private struct State {
        var stored: [UUID: String] = [:]
        var seen: [String] = []
        var instead: Exchange?
        var refuses: String?
    }

    private let state = Locked(State())

    /// What it has taken, by id.
    var stored: [UUID: String] { state.with { $0.stored } }

    /// Ids of what it has taken.
    var ids: Set<UUID> { Set(stored.keys) }

    /// Each `Authorization` that came here; empty where there was none.
    var seen: Set<String> { state.with { Set($0.seen) } }

    /// Has another statement under this id.
    func has(_ id: UUID, as other: String) { state.with { $0.stored[id] = other } }

    /// Answers in its place, or throws, as long as it is set.
    func answers(instead: Exchange?) { state.with { $0.instead = instead } }

    /// Refuses statements with this in them.
    func refuses(_ text: String?) { state.with { $0.refuses = text } }

    /// Forgets who has come here.
    func forgets() { state.with { $0.seen = [] } }

    func exchange(_ request: Request) async throws -> Response {
        let given = request.headers.first { $0.name.lowercased() == "authorization" }?.value ?? ""
        let instead = state.with { state in
            state.seen.append(given)
            return state.instead
        }
        if let instead { return try await instead(request) }
        let body = request.text
        if request.url.path.hasSuffix("/about") { return answer(200, #"{"version":["2.0.0"]}"#) }
        if request.method == .get {
            let asked = request.url.query?.firstMatch(of: #/statementId=([0-9a-f-]{36})/#)
            let copy = asked.flatMap { UUID(uuidString: String($0.1)) }.flatMap { stored[$0] }
            return copy.map { answer(200, $0) } ?? answer(404)
        }
        // Those of the statements, and not of what they refer to.
        let own = body.replacing("\"StatementRef\",\"id\"", with: "")
        let ids = own.matches(of: #/"id":"([0-9a-f-]{36})"/#).map { UUID(uuidString: String($0.1))! }
        return state.with { state in
            if let bad = state.refuses, body.contains(bad) { return answer(400, "this one is bad") }
            if ids.contains(where: { state.stored[$0] != nil }) { return answer(409, "there is another one") }
            for id in ids { state.stored[id] = body }
            return answer(200, "[\(ids.map { "\"\($0.uuidString.lowercased())\"" }.joined(separator: ","))]")
        }
    }
}

/// `URLSession` for all LRSs but these, by the names of their hosts.
func world(_ scripted: [String: ScriptedLrs]) -> any Transport {
    let outside = URLSessionTransport()
    return AsyncTransport { request in
        if let lrs = scripted[request.url.host ?? ""] { return try await lrs.exchange(request) }
        return try await blocking { try outside.exchange(request: request) }
    }
}
