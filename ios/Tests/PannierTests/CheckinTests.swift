import Checkin
import Foundation
import Pannier
import Testing

/// The sample, played through: in the field, and back in town.
struct CheckinTests {
    let folder: Folder
    let session = UUID()

    init() throws {
        folder = try Folder()
    }

    @Test func whoCheckedInWithoutANetworkIsDeliveredWhenThereIsOne() async throws {
        let said = try await play(Config(), ["ada", "ben", "ada", ""])
        #expect(said.contains("Welcome, ada.") && said.contains("Welcome, ben."))
        #expect(said.contains("ada is here already.") && said.contains("Check-ins: 2 not delivered yet."))
        let hub = try await Lrs.hub()
        let now = try await play(hub.config, ["ben", "eve"])
        #expect(now.contains("ben is here already.") && now.contains("Welcome, eve."))
        #expect(now.contains("3 delivered."), "\(now)")
        let later = try await play(hub.config, ["ada"])
        #expect(later.contains("ada is here already.") && later.contains("0 delivered."), "\(later)")
    }

    @Test func whatIsNotDeliveredYetIsAllOfIt() async throws {
        var status = try await Collector.open(folder.queue).readStatus()
        #expect(status.inWords == "0 not delivered yet")
        (status.queued, status.waiting) = (1, 2)
        #expect(status.inWords == "3 not delivered yet (2 of them come later)")
        status.held = 4
        #expect(
            status.inWords
                == "7 not delivered yet (2 of them come later, 4 of them the LRS refuses), and somebody has to look at it"
        )
    }

    private func play(_ config: Config, _ badges: [String]) async throws -> [String] {
        var (left, said) = (badges[...], [String]())
        try await desk(
            queue: folder.queue, config: config, session: session,
            read: { left.popFirst() }, say: { said.append($0) }
        )
        return said
    }
}
