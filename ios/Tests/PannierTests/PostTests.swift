import Foundation
import Testing

@testable import Pannier

/// What is posted, which nobody waits for: its order, and who is told of what could not be recorded.
struct PostTests {
    let folder: Folder
    let told = Locked<[(Statement, any Error)]>([])

    init() throws {
        folder = try Folder()
    }

    private func open() async throws -> Collector {
        try await Collector.open(folder.queue) { [told] statement, error in told.with { $0.append((statement, error)) } }
    }

    @Test func whatIsPostedKeepsItsOrderAndComesBeforeWhatIsCalledLater() async throws {
        let collector = try await open()
        let turns = collector.caller.turns
        for round in 0..<30 {
            let threads = BusyThreads()
            defer { threads.open() }
            for n in 1...10 { collector.post(lesson(round * 20 + n)) }
            let record = Task { try await collector.record(lesson(round * 20 + 11)) }
            try await until { turns.underWay == 2 }
            threads.open()
            // Some come while others are being recorded, on another thread.
            for n in 12...20 { collector.post(lesson(round * 20 + n)) }
            try await record.value
        }
        let order = try await recorded(in: collector)
        let (called, posted) = (order.filter { $0 % 20 == 11 }, order.filter { $0 % 20 != 11 })
        #expect(posted == (1...600).filter { $0 % 20 != 11 } && called.count == 30)
        // What is called comes after all that was posted before it.
        for one in called {
            let before = order.prefix { $0 != one }
            #expect(before.contains(one - 1))
        }
    }

    @Test(arguments: [false, true])
    func aPauseAndACloseWaitForWhatWasPosted(closes: Bool) async throws {
        let collector = try await open()
        let threads = BusyThreads()
        defer { threads.open() }
        // Several commits.
        for n in 1...2_000 { collector.post(lesson(n)) }
        let end = Task { if closes { await collector.close() } else { try await collector.pause() } }
        try await until { collector.caller.turns.isTurning }
        threads.open()
        try await end.value
        #expect(openFiles(of: folder.queue) == 0)
        let again = try await Collector.open(folder.queue)
        #expect(try await again.readStatus().recorded == 2_000)
        #expect(told.with { $0.isEmpty })
    }

    @Test func whatIsPostedInOneBreathIsOneCommit() async throws {
        let collector = try await open()
        let threads = BusyThreads()
        defer { threads.open() }
        for n in 1...100 { collector.post(lesson(n)) }
        #expect(collector.caller.turns.underWay == 1)
        threads.open()
        #expect(try await recorded(in: collector).count == 100)
    }

    @Test func oneThatIsRefusedIsToldAndTheOthersAreRecorded() async throws {
        let collector = try await open()
        let (id, threads) = (UUID(), BusyThreads())
        collector.post(lesson(1))
        collector.post(lesson(2, id: id))
        collector.post(Statement(.completed, XapiActivity("https://example.com/lessons/3")))
        collector.post(lesson(4, id: id))
        collector.post(lesson(5))
        threads.open()
        #expect(try await recorded(in: collector) == [1, 2, 5])
        try await until { [told] in told.with { $0.count } == 2 }
        let errors = told.with { $0.map(\.1) }
        #expect(told.with { $0.map(\.0) } == [
            Statement(.completed, XapiActivity("https://example.com/lessons/3")), lesson(4, id: id),
        ])
        // It is one statement, and no list.
        #expect((errors.first as? PannierError)?.faults.map(\.path) == ["$.actor"])
        #expect((errors.first as? PannierError)?.faults.map(\.index) == [nil])
        #expect(try #require(errors.last as? PannierError).told == (.otherContent, id.uuidString))
    }

    @Test func eachRecorderPostsWithItsOwnDefaults() async throws {
        let collector = try await open()
        func learner(_ name: String) async throws -> Recorder {
            try await collector.recorder(StatementDefaults(.account(homePage: "https://school.example", name: name)))
        }
        let (ada, ben) = (try await learner("ada"), try await learner("ben"))
        let threads = BusyThreads()
        for n in 1...6 { (n % 3 == 0 ? ben : ada).post(Statement(.answered, XapiActivity("https://example.com/lessons/\(n)"))) }
        collector.post(lesson(7))
        threads.open()
        #expect(try await recorded(in: collector) == Array(1...7))
        let who = try await collector.queued().map { statement in
            ["ada", "ben", "Ada"].first { statement.statement.contains("\"\($0)\"") }
        }
        #expect(who == ["ada", "ada", "ben", "ada", "ada", "ben", "Ada"])
    }

    @Test func whoIsToldMayWaitForTheCollectorAndCloseIt() async throws {
        let (held, done) = (Locked<Collector?>(nil), Locked(0))
        let collector = try await Collector.open(folder.queue) { statement, _ in
            let (collector, isOver) = (held.with { $0 }!, DispatchSemaphore(value: 0))
            Task {
                if statement.verb.id == "none" { _ = try? await collector.record(lesson(50)) } else { await collector.close() }
                isOver.signal()
            }
            isOver.wait()
            done.with { $0 += 1 }
        }
        held.with { $0 = collector }
        func bad(_ verb: String) -> Statement { Statement(Verb(verb, "did"), XapiActivity("https://example.com/lessons/1")) }
        collector.post(bad("none"))
        collector.post(lesson(2))
        let calls = Task {
            try await collector.record(lesson(3))
            collector.post(bad("nor this"))
            try await collector.readStatus()
            done.with { $0 += 10 }
        }
        try await until { done.with { $0 } == 12 }
        try await calls.value
        await collector.close()
        let again = try await Collector.open(folder.queue)
        #expect(try await Set(recorded(in: again)) == [2, 3, 50])
        await again.close()
    }

    @Test func afterACloseItIsToldOnAnotherThread() async throws {
        let isHere = Locked<[Bool]>([])
        let collector = try await Collector.open(folder.queue) { [told] statement, error in
            isHere.with { $0.append(Thread.current.threadDictionary["here"] != nil) }
            told.with { $0.append((statement, error)) }
        }
        await collector.close()
        try await blocking {
            Thread.current.threadDictionary["here"] = true
            collector.post(lesson(1))
        }
        try await until { [told] in told.with { $0.count } == 1 }
        #expect(isHere.with { $0 } == [false])
        #expect((told.with { $0.first?.1 } as? PannierError)?.told.kind == .closing)
    }

    @Test func anAppThatDoesNotWantToKnowFindsItInTheLog() throws {
        let said = Locked<[String]>([])
        let id = UUID()
        Posts(nil) { text in said.with { $0.append(text) } }
            .tell(lesson(1, id: id), PannierError.diskFull(explanation: "no room: make some"))
        #expect(said.with { $0 } == ["the statement \(id) that was posted is not recorded: no room: make some"])
    }
}

/// The lessons' numbers, in capture order.
func recorded(in collector: Collector) async throws -> [Int] {
    try await collector.queued(limit: 1_000).compactMap {
        $0.statement.firstMatch(of: #/lessons\/(\d+)"/#).flatMap { Int($0.1) }
    }
}
