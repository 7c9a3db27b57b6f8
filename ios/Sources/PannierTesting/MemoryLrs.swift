import Foundation
import Pannier

/// An LRS in memory, and the way to it: a `Transport`. It stores a batch whole or not at all, knows what it has by its
/// id, and gives xAPI's headers with its answers, as a good one does. Whatever thread calls it.
///
/// Waits are those of an app: `collector.sync()` after a failure may say until when it waits.
public final class MemoryLrs: Transport, @unchecked Sendable {
    /// A base URL to set up a collector with; no request leaves the process.
    public static let endpoint = URL(string: "https://lrs.example/xAPI")!

    fileprivate struct State {
        var stored: [UUID: String] = [:]
        var voided: Set<UUID> = []
        var times: [UUID: Int] = [:]
        var refused: [(text: String, status: Int)] = []
        var next: [Failure] = []
        var always: Failure?
        var authorization: String?
        var mostBytes = Int.max
        var ahead: TimeInterval = 0
        var requests = 0
    }

    private let lock = NSLock()
    private var state = State()

    /// An empty one that takes everything from everybody.
    public init() {}

    private func with<Value>(_ work: (inout State) throws -> Value) rethrows -> Value {
        lock.lock()
        defer { lock.unlock() }
        return try work(&state)
    }

    /// From now on only these credentials are taken; anything else is answered by 401.
    public func expect(_ credentials: Credentials) {
        let expected =
            switch credentials {
            case .basic(let user, let password): "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
            case .basic64(let value): "Basic " + value
            case .bearer(let token): "Bearer " + token
            }
        with { $0.authorization = expected }
    }

    /// From now on a batch of more bytes is answered by 413.
    public func limitBytes(_ most: Int) { with { $0.mostBytes = most } }

    /// From now on a batch in which this text stands is answered by this status.
    public func refuse(_ text: String, status: Int = 400) { with { $0.refused.append((text, status)) } }

    /// It has this statement already, from elsewhere: with another one under the same id there is a conflict.
    public func put(_ id: UUID, _ statement: String) { with { $0.stored[id] = statement } }

    /// Its clock is ahead by so many seconds, or behind.
    public func setAhead(_ seconds: TimeInterval) { with { $0.ahead = seconds } }

    /// Happens to the next request that brings statements; several calls, to as many.
    public func failNext(_ failure: Failure) { with { $0.next.append(failure) } }

    /// Happens to every request, look-ups too, until `recover`.
    public func failAlways(_ failure: Failure) { with { $0.always = failure } }

    /// Nothing goes wrong any more. What it refuses, and its limits, stay.
    public func recover() { with { ($0.always, $0.next) = (nil, []) } }

    /// The ids of all that it has.
    public var ids: Set<UUID> { with { Set($0.stored.keys) } }

    /// How many requests there were.
    public var requests: Int { with { $0.requests } }

    /// The statement under this id as it came.
    public func statement(_ id: UUID) -> String? { with { $0.stored[id] } }

    /// Whether it is voided.
    public func isVoided(_ id: UUID) -> Bool { with { $0.voided.contains(id) } }

    /// How often it was taken in as one that is new: once, if it was delivered, however often it was sent.
    public func timesStored(_ id: UUID) -> Int { with { $0.times[id] ?? 0 } }

    public func exchange(request: Request) throws -> Response {
        let body = try Self.text(of: request)
        return try with { state in
            state.requests += 1
            let isPost = request.method == .post
            let failure = isPost && !state.next.isEmpty ? state.next.removeFirst() : state.always
            switch failure {
            case nil: return state.obey(request, body)
            case .status(let status): return state.answer(status, "no")
            case .tooManyRequests(let wait): return state.later(429, wait)
            case .unavailable(let wait): return state.later(503, wait)
            case .gateway(let status): return state.page(status, "Gateway")
            case .portal: return state.page(200, "Log in")
            case .unreachable: throw TransportError.unreachable(reason: "no connection")
            case .timedOut: throw TransportError.timedOut
            case .lostAnswer:
                _ = state.obey(request, body)
                throw TransportError.broken(reason: "the answer is lost")
            }
        }
    }

    private static func text(of request: Request) throws -> String {
        var bytes = Data()
        for piece in request.body?.pieces ?? [] {
            guard case .bytes(let more) = piece else {
                throw TransportError.unreadable(reason: "statements alone are taken")
            }
            bytes.append(more)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MemoryLrs.State {
    fileprivate mutating func obey(_ request: Request, _ body: String) -> Response {
        if request.url.path.hasSuffix("/about") { return answer(200, #"{"version":["1.0.3","2.0.0"]}"#) }
        let shown = request.headers.first { $0.name.lowercased() == "authorization" }?.value
        if let authorization, authorization != shown { return answer(401, "not with these credentials") }
        switch request.method {
        case .get: return show(request.url)
        case .post: return post(body)
        default: return answer(405, "statements are posted")
        }
    }

    /// One that is voided hides behind a parameter of its own (xAPI 1.0.3 Communication 2.1.3).
    private func show(_ url: URL) -> Response {
        let items = URLComponents(url: url, resolvingAgainstBaseURL: false)?.queryItems ?? []
        let asked = items.first { $0.name == "statementId" || $0.name == "voidedStatementId" }
        guard let asked, let id = asked.value.flatMap(UUID.init) else { return answer(400, "there is no id") }
        guard voided.contains(id) == (asked.name == "voidedStatementId"), let copy = stored[id] else {
            return answer(404, "there is none")
        }
        return answer(200, copy)
    }

    /// Takes all in or nothing: another one under an id that it has is a conflict (Communication 2.1.2).
    private mutating func post(_ body: String) -> Response {
        if body.utf8.count > mostBytes { return answer(413, "too large") }
        if let refused = refused.first(where: { body.contains($0.text) }) {
            return answer(refused.status, "one of them is refused")
        }
        var posted: [(id: UUID, text: String)] = []
        for text in Json.statements(body) {
            guard let id = Json.string(text, "id").flatMap(UUID.init) else { return answer(400, "one has no id") }
            posted.append((id, text))
        }
        if Set(posted.map(\.id)).count < posted.count { return answer(400, "an id stands there twice") }
        if posted.contains(where: { stored[$0.id] != nil && stored[$0.id] != $0.text }) {
            return answer(409, "there is another one")
        }
        for (id, text) in posted {
            let isVoiding = Json.string(text, "verb", "id") == "http://adlnet.gov/expapi/verbs/voided"
            if isVoiding, let target = Json.string(text, "object", "id").flatMap(UUID.init) { voided.insert(target) }
            if stored.updateValue(text, forKey: id) == nil { times[id, default: 0] += 1 }
        }
        let ids = posted.map { "\"\($0.id.uuidString.lowercased())\"" }
        return answer(200, "[\(ids.joined(separator: ","))]")
    }

    fileprivate func later(_ status: Int, _ seconds: Int) -> Response {
        var answer = answer(status, "later")
        answer.headers.append(Header(name: "Retry-After", value: "\(seconds)"))
        return answer
    }

    /// As an LRS answers, with its version (Communication 3.3).
    fileprivate func answer(_ status: Int, _ body: String) -> Response {
        let version = Header(name: "X-Experience-API-Version", value: "2.0.0")
        return dated(status, body, [version, Header(name: "Content-Type", value: "application/json")])
    }

    fileprivate func page(_ status: Int, _ title: String) -> Response {
        let kind = Header(name: "Content-Type", value: "text/html")
        return dated(status, "<html><title>\(title)</title></html>", [kind])
    }

    private func dated(_ status: Int, _ body: String, _ headers: [Header]) -> Response {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = Header(name: "Date", value: format.string(from: Date().addingTimeInterval(ahead)))
        return Response(status: Int32(status), headers: headers + [date], body: Data(body.utf8))
    }
}
