import Foundation
import Testing

@testable import Pannier

/// What statements have in common is said once: for the app, or for a learner.
struct RecorderTests {
    let folder: Folder
    let hub: Lrs
    let ofTheApp = StatementDefaults(XapiContext().platform("Quest 3").language("de"))

    init() async throws {
        folder = try Folder()
        hub = try await Lrs.hub()
    }

    private func learner(_ name: String) -> StatementDefaults {
        StatementDefaults(.account(homePage: "https://school.example", name: name))
    }

    private func answered(_ word: String) -> Statement {
        Statement(.answered, XapiActivity("https://example.com/words/\(word)"))
    }

    @Test func anAppSaysWhereOnceAndEachLearnerWho() async throws {
        var config = hub.config
        config.defaults = ofTheApp
        let collector = try await Collector.open(folder.queue, config: config)
        let ada = try await collector.recorder(learner("ada"))
        let ben = try await collector.recorder(learner("ben"))
        let first = try await ada.record(answered("zug")).id
        let others = try await ben.recordAll([answered("zug"), answered("rad")]).map(\.id)
        let french = try await ada.within(StatementDefaults(XapiContext().language("fr")))
        let third = try await french.record(json: answered("train").toJson()).id
        let error = await thrown { try await collector.record(answered("zug")) }
        #expect("\(String(describing: error))".contains("$.actor"))
        #expect(try await collector.sync().delivered == 4)
        for (id, name, language) in [(first, "ada", "de"), (others[1], "ben", "de"), (third, "ada", "fr")] {
            let stored = try #require(try await hub.statement(id))
            let text = "\(stored)"
            for said in [name, language, "Quest 3"] {
                #expect(text.contains(said), "\(said) is not in \(text)")
            }
        }
        await collector.close()
    }

    @Test func whatIsWrongWithThemIsToldWhenTheyAreSaid() async throws {
        let wrong = StatementDefaults(.mbox("ada"))
        var config = hub.config
        config.defaults = wrong
        await #expect(throws: PannierError.self) {
            try await Collector.open(folder.queue, config: config)
        }
        let collector = try await Collector.open(folder.queue, config: hub.config)
        await #expect(throws: PannierError.self) { try await collector.recorder(wrong) }
        let ada = try await collector.recorder(learner("ada"))
        await collector.close()
        let error = await thrown { try await ada.record(answered("zug")) }
        guard case .closing = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
