import Checkin
import Foundation
import Pannier

let environment = ProcessInfo.processInfo.environment
let config = Config(
    endpoint: environment["PANNIER_LRS"].flatMap(URL.init(string:)),
    credentials: environment["PANNIER_LRS_USER"].map {
        .basic(user: $0, password: environment["PANNIER_LRS_PASSWORD"] ?? "")
    }
)
let queue = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? "checkin.db")
// One workshop, so that a desk that is opened again knows who is here.
let session = UUID(uuidString: "5D9B6B8E-40E6-4B57-8C35-1D3C6F1F2A10")!
try await desk(queue: queue, config: config, session: session, read: { readLine() }, say: { print($0) })
