import Foundation
@testable import Pannier

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The folder `ios`.
let ios = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized

let environment = ProcessInfo.processInfo.environment

/// What a command that is to run outside begins with, if this is in a chroot.
let outside = (environment["PANNIER_OUTSIDE"] ?? "").split(separator: " ").map(String.init)

/// Another process. It ends with its standard input, and with its test.
final class Companion: Sendable {
    private let process: Locked<Process>
    private let input: FileHandle

    private init(_ process: Process, _ input: FileHandle) {
        (self.process, self.input) = (Locked(process), input)
    }

    deinit {
        process.with { $0.terminate() }
    }

    /// Starts a command, and waits until it says a line in which `read` finds something.
    static func start<Value: Sendable>(
        _ command: [String], _ settings: [String: String] = [:],
        until read: @escaping @Sendable (String) -> Value?
    ) async throws -> (process: Companion, said: Value) {
        try await blocking {
            let (process, input, output) = (Process(), Pipe(), Pipe())
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = command
            process.environment = environment.merging(settings) { $1 }
            (process.standardInput, process.standardOutput) = (input, output)
            process.standardError = FileHandle.nullDevice
            try process.run()
            var said = ""
            while true {
                let more = output.fileHandleForReading.availableData
                said += String(decoding: more, as: UTF8.self)
                for line in said.split(separator: "\n") {
                    if let value = read(String(line)) {
                        return (Companion(process, input.fileHandleForWriting), value)
                    }
                }
                if more.isEmpty { throw NotStarted(command: command, said: said) }
            }
        }
    }

    func end() async throws {
        try input.close()
        try await blocking { self.process.with { $0.waitUntilExit() } }
    }
}

struct NotStarted: Error {
    let command: [String]
    let said: String
}

/// An LRS with one user. It ends with its test.
final class Lrs: Sendable {
    static let (user, password) = ("me", "s3cret")
    let url: URL
    private let process: Companion

    private init(_ process: Companion, _ url: URL) {
        (self.process, self.url) = (process, url)
    }

    /// `pannier hub` on a free port.
    static func hub() async throws -> Lrs {
        let (process, url) = try await Companion.start(
            [pannier, "--json", "hub", "--listen", "127.0.0.1:0"],
            ["PANNIER_HUB_USER": user, "PANNIER_HUB_PASSWORD": password]
        ) { line in
            line.firstMatch(of: #/"url":"([^"]+)"/#).flatMap { URL(string: String($0.1)) }
        }
        return Lrs(process, url)
    }

    /// Ralph, from the folder that `tests/run` installed it to.
    static func ralph(installed: String, folder: URL) async throws -> Lrs {
        let launch = ios.appendingPathComponent("../tests/lrs/ralph/launch.py").standardized.path
        let (process, url) = try await Companion.start(
            outside + ["\(installed)/ralph/bin/python", launch, "append", folder.path],
            ["LRS_USER": user, "LRS_PASSWORD": password]
        ) { line -> URL? in
            guard line.hasPrefix("ready on ") else { return nil }
            return URL(string: "http://\(line.dropFirst("ready on ".count))/xAPI")
        }
        return Lrs(process, url)
    }

    var credentials: Credentials { .basic(user: Self.user, password: Self.password) }
    var config: Config { Config(endpoint: url, credentials: credentials) }

    /// The statement with this id as the LRS has it.
    func statement(_ id: UUID) async throws -> String? {
        let query = "statements?statementId=\(id.uuidString.lowercased())"
        var request = URLRequest(url: URL(string: "\(url.absoluteString)/\(query)")!)
        request.setValue("2.0.0", forHTTPHeaderField: "X-Experience-API-Version")
        let pair = Data("\(Self.user):\(Self.password)".utf8).base64EncodedString()
        request.setValue("Basic \(pair)", forHTTPHeaderField: "Authorization")
        let (body, answer) = try await URLSession.shared.data(for: request)
        guard (answer as? HTTPURLResponse)?.statusCode == 200 else { return nil }
        return String(decoding: body, as: UTF8.self)
    }
}

/// The `pannier` command; `cargo build -p pannier-cli` makes it.
let pannier = environment["PANNIER_COMMAND"]
    ?? ios.appendingPathComponent("../target/debug/pannier").standardized.path

/// Work that blocks, on a thread of its own: Swift has as few as one.
func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { waiting in
        Thread { waiting.resume(with: Result(catching: work)) }.start()
    }
}

/// A folder that ends with its test.
final class Folder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("pannier-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    var queue: URL { url.appendingPathComponent("queue.db") }
}

func lesson(_ n: Int, id: UUID? = nil) -> Statement {
    var statement = Statement(
        .mbox("mailto:ada@example.com", name: "Ada"),
        .completed,
        XapiActivity("https://example.com/lessons/\(n)").name("en", "Lesson \(n)")
    )
    statement.id = id
    return statement
}

/// One that `memoryLrs` refuses.
func badLesson(_ n: Int, id: UUID) -> Statement {
    var statement = lesson(n, id: id)
    statement.verb = Verb("https://example.com/bad", "was bad")
    return statement
}

let lrs = URL(string: "https://lrs.example/xAPI")!

extension Request {
    /// Its body, where it lies in memory, as text.
    var text: String { String(decoding: body?.bytes ?? Data(), as: UTF8.self) }
}

/// An LRS in memory: takes everything but what is called `bad`; ids may have that in them.
let memoryLrs = AsyncTransport(takeAllButBad)

@Sendable func takeAllButBad(_ request: Request) async throws -> Response {
    let body = request.text
    if request.url.path.hasSuffix("/about") { return answer(200, #"{"version":["2.0.0"]}"#) }
    if request.method == .get { return answer(404) }
    if body.contains(#/[:\/]bad/#) { return answer(400, "this one is bad") }
    let ids = body.matches(of: #/"id":"([0-9a-f-]{36})"/#).map { #""\#($0.1)""# }
    return answer(200, "[\(ids.joined(separator: ","))]")
}

/// As an LRS answers: with the version, without which nobody believes it.
func answer(_ status: Int32, _ body: String = "") -> Response {
    let version = Header(name: "X-Experience-API-Version", value: "2.0.0")
    return Response(status: status, headers: [version], body: Data(body.utf8))
}

/// Another process that has a queue open as `db`, by SQLite's own hand, and has run this code.
func python(_ code: String, on queue: URL) async throws -> Companion {
    let open = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)"
    let script = "\(open); \(code); print('done', flush=True); sys.stdin.read()"
    return try await Companion.start(outside + ["python3", "-c", script, queue.path]) { line in
        line == "done" ? () : nil
    }.process
}

/// Everything that waits aside in this queue has waited long enough, and was refused a minute ago.
func waitsAreOver(in queue: URL) async throws {
    let over = "UPDATE aside SET due = 0, steady = steady - 60000 WHERE held = 0"
    try await python("db.execute('\(over)')", on: queue).end()
}

/// A gate that a test opens, and that says who has come to it.
actor Gate {
    private var isOpen = false
    private var come = 0
    private var atGate: [CheckedContinuation<Void, Never>] = []
    private var watchers: [(Int, CheckedContinuation<Void, Never>)] = []

    /// Waits until the gate is opened.
    func pass() async {
        come += 1
        for (count, watcher) in watchers where come >= count { watcher.resume() }
        watchers.removeAll { come >= $0.0 }
        if !isOpen { await withCheckedContinuation { atGate.append($0) } }
    }

    /// Waits until so many have come.
    func hasCome(_ count: Int = 1) async {
        if come < count { await withCheckedContinuation { watchers.append((count, $0)) } }
    }

    func open() {
        isOpen = true
        for one in atGate { one.resume() }
        atGate = []
    }
}

/// Time that passes a test by.
struct TimedOut: Error {}

/// The result, or `TimedOut` if it takes longer than anybody would wait: only if something is broken.
func within<Value: Sendable>(
    _ limit: Duration = .seconds(60), _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw TimedOut()
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}

/// The error that the work throws.
func thrown(_ work: () async throws -> Void) async -> PannierError? {
    do {
        try await work()
        return nil
    } catch {
        return error as? PannierError
    }
}
