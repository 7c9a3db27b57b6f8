import Foundation
import Pannier

/// The desk in a terminal: asks for badges until there are no more, and delivers.
public func desk(
    queue: URL, config: Config, session: UUID, read: () -> String?, say: (String) -> Void
) async throws {
    var config = config
    // Who was delivered is remembered for the day: whoever comes back is here already.
    config.history = .for(age: .seconds(24 * 60 * 60))
    let collector = try await Collector.open(queue, config: config)
    let checkin = Checkin(collector: collector, workshop: "first-aid", session: session)
    say("Badge? (an empty line ends)")
    while let badge = read() {
        switch try await checkin.checkIn(badge: badge) {
        case .welcome(let name): say("Welcome, \(name).")
        case .alreadyHere(let name): say("\(name) is here already.")
        case .nobody: break
        }
        if badge.isEmpty { break }
    }
    say("Check-ins: \(try await checkin.undelivered()).")
    say(try await checkin.deliver())
    await collector.close()
}
