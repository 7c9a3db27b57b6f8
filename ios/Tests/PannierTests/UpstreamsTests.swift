import Foundation
import Testing

@testable import Pannier

/// The hub and another LRS from one queue: what each of them got, whatever the other one does.
struct UpstreamsTests {
    let folder: Folder
    let hub: Lrs
    let exams = ScriptedLrs()
    let added = NewUpstream(
        name: "exams", endpoint: URL(string: "https://exams.example/xAPI")!, credentials: .bearer(token: "of-exams")
    )

    init() async throws {
        folder = try Folder()
        hub = try await Lrs.hub()
    }

    private func opened(_ others: [String: ScriptedLrs] = [:]) async throws -> Collector {
        let transport = world(others.merging(["exams.example": exams]) { $1 })
        return try await Collector.open(folder.queue, config: hub.config, transport: transport)
    }

    private func isAtHub(_ ids: [UUID]) async throws -> Bool {
        for id in ids where try await hub.statement(id) == nil { return false }
        return true
    }

    @Test(arguments: [Problem.unreachable, .credentials, .notAnLrs])
    func oneThatIsDownRefusesOrIsNoneKeepsTheOtherFromNothing(problem: Problem) async throws {
        let collector = try await opened()
        let upstream = try await collector.addUpstream(added)
        let ids = try await collector.recordAll((0..<3).map { lesson($0) }).map(\.id)
        exams.answers { _ in
            switch problem {
            case .unreachable: throw TransportError.unreachable(reason: "no route")
            case .credentials: return answer(401, "who are you")
            default: return Response(status: 200, headers: [], body: Data("<html>sign in</html>".utf8))
            }
        }
        let report = try await collector.sync()
        #expect(report.upstreams.map(\.name) == ["main", "exams"])
        #expect(report.upstreams.map(\.delivered) == [3, 0])
        #expect(report.upstreams[0].ended == .emptied && report.upstreams[1].ended == report.ended)
        #expect(try await isAtHub(ids))
        let status = try await upstream.readStatus()
        #expect(status.queued == 3 && status.trouble?.problem == problem)
        #expect(try await collector.readStatus().trouble == nil)
        #expect(try await upstream.queued().map(\.id) == ids)
        #expect(exams.ids.isEmpty)
        exams.answers(instead: nil)
        // What nobody can tell the outcome of is waited for.
        if problem == .notAnLrs { return }
        #expect(try await upstream.sync().delivered == 3)
        #expect(exams.ids == Set(ids))
    }

    @Test func oneThatNobodyDeliversToHereIsNotHealthy() async throws {
        let first = try await opened()
        try await first.addUpstream(added)
        await first.close()
        let collector = try await opened()
        #expect(try await collector.upstreams().allSatisfy(\.isHealthy))
        try await collector.record(lesson(1))
        #expect(try await collector.upstreams().map(\.isHealthy) == [true, false])
        try await collector.addUpstream(added)
        #expect(try await collector.upstreams().allSatisfy(\.isHealthy))
    }

    @Test func eachIsProbedByItselfAndWhatIsStoredForThatIsInNoCount() async throws {
        let collector = try await opened()
        let upstream = try await collector.addUpstream(added)
        let id = try await collector.record(lesson(1)).id
        func found(_ examined: Examined, in probe: Probe) -> Check? { probe.checks.first { $0.examined == examined } }
        exams.answers { _ in answer(401, "who are you") }
        let refused = try await upstream.probe()
        #expect(refused.endpoint.absoluteString == "https://exams.example/xAPI")
        #expect(found(.credentials, in: refused)?.finding == .bad && found(.credentials, in: refused)?.status == 401)
        #expect(refused.worst == .bad)
        #expect(try await found(.credentials, in: collector.probe())?.finding == .good)
        exams.answers(instead: nil)
        #expect(try await found(.credentials, in: upstream.probe())?.finding == .good)
        #expect(exams.ids.isEmpty)
        #expect(try await found(.write, in: upstream.probeStoring(lesson(2)))?.finding == .good)
        #expect(exams.ids.count == 1 && !exams.ids.contains(id))
        let status = try await upstream.readStatus()
        #expect(status.queued == 1 && status.delivered == 0)
        #expect(try await !isAtHub([id]))
    }

    @Test func oneThatIsSlowKeepsTheOtherFromNothingAndEventsSayWhoseTheyAre() async throws {
        let (gate, exams) = (Gate(), exams)
        let collector = try await opened()
        let upstream = try await collector.addUpstream(added)
        let events = collector.events
        let ids = [try await collector.record(lesson(1)).id, try await collector.record(lesson(2)).id]
        exams.answers { request in
            await gate.pass()
            exams.answers(instead: nil)
            return try await exams.exchange(request)
        }
        async let syncing = collector.sync()
        let statuses = collector.statuses
        let shown = try await within { await statuses.first { $0[0].status.delivered == 2 } }
        #expect(shown?.map(\.name) == ["main", "exams"])
        #expect(try await isAtHub(ids))
        let status = try await upstream.readStatus()
        #expect(exams.ids.isEmpty && status.syncing && status.queued == 2)
        await gate.open()
        let report = try await syncing
        #expect(report.delivered == 4 && report.ended == .emptied)
        #expect(exams.ids == Set(ids))
        await collector.close()
        let all = try await within { await events.reduce(into: []) { $0.append($1) } }
        let delivered = all.compactMap { if case .delivered(let ids, let name) = $0 { (name, ids) } else { nil } }
        #expect(Dictionary(uniqueKeysWithValues: delivered) == ["main": ids, "exams": ids])
        #expect(await thrown { _ = try await upstream.readStatus() }?.told.kind == .closing)
    }

    @Test func eachGetsWhatItsRouteTakes() async throws {
        let collector = try await opened()
        let before = try await collector.record(lesson(1)).id
        let route = Route(activities: ["https://example.com/lessons/1"], verbs: [Verb.completed.id])
        var some = added
        some.route = route
        let upstream = try await collector.addUpstream(some)
        let ids = try await collector.recordAll([1, 2, 10].map { lesson($0) }).map(\.id)
        #expect(try await upstream.route() == route)
        try await upstream.setRoute(Route(verbs: [Verb.passed.id]))
        var passed = lesson(7)
        passed.verb = .passed
        let late = try await collector.recordAll([passed, lesson(1)]).map(\.id)
        try await collector.sync()
        #expect(exams.ids == [ids[0], ids[2], late[0]])
        #expect(try await isAtHub(ids + late + [before]))
        let main = try await collector.upstream("main")
        #expect(await thrown { try await main.setRoute(route) }?.told.kind == .mainStays)
        let listed = try await collector.upstreams()
        #expect(try JSONDecoder().decode([UpstreamInfo].self, from: JSONEncoder().encode(listed)) == listed)
    }

    @Test func whatIsThereAlreadyGoesToOneThatAsksForIt() async throws {
        let late = ScriptedLrs()
        let collector = try await opened(["late.example": late])
        let delivered = try await collector.record(lesson(1)).id
        try await collector.sync()
        let queued = try await collector.record(lesson(2)).id
        try await collector.addUpstream(added)
        let url = URL(string: "https://late.example/xAPI")!
        try await collector.addUpstream(NewUpstream(name: "late", endpoint: url, backfill: true))
        let later = try await collector.record(lesson(3)).id
        try await collector.sync()
        #expect(exams.ids == [later])
        #expect(late.ids == [queued, later])
        #expect(try await isAtHub([delivered, queued, later]))
    }

    @Test func whatOneRefusesIsDecidedThereAlone() async throws {
        let collector = try await opened()
        let upstream = try await collector.addUpstream(added)
        exams.refuses("/lessons/9")
        let ids = try await collector.recordAll([90, 91, 92].map { lesson($0) }).map(\.id)
        var good = [try await collector.record(lesson(1)).id]
        try await collector.sync()
        #expect(Set(try await upstream.waiting().map(\.id)) == Set(ids))
        // Refused once, each is a suspect; twice, with another one taken in between, it is held.
        for n in 2..<5 {
            try await waitsAreOver(in: folder.queue)
            good.append(try await collector.record(lesson(n)).id)
            try await collector.sync()
        }
        #expect(try await upstream.held().map(\.id) == ids)
        #expect(try await upstream.heldOne(ids[0]).words == "this one is bad")
        #expect(try await collector.held().isEmpty)
        #expect(try await isAtHub(ids))
        let elsewhere = await thrown { try await collector.discard(ids[1]) }
        #expect([.notHeld, .unknown].contains(elsewhere?.told.kind))
        exams.refuses(nil)
        try await upstream.retry(ids[0])
        try await upstream.discard(ids[1])
        let new = try await upstream.replace(ids[2], with: lesson(33))
        try await collector.sync()
        #expect(exams.ids == Set(good + [ids[0], new]))
        #expect(try await hub.statement(new) == nil)
        let status = try await upstream.readStatus()
        #expect([status.held, status.discarded, status.replaced] == [0, 1, 1])
    }

    @Test func aConflictAtOneIsEndedThere() async throws {
        let collector = try await opened()
        let upstream = try await collector.addUpstream(added)
        let ids = [UUID(), UUID()]
        for id in ids {
            exams.has(id, as: try lesson(2, id: id).toJson())
            try await collector.record(lesson(1, id: id))
        }
        try await collector.sync()
        #expect(try await upstream.conflict(ids[0]).theirs?.contains("/lessons/2") == true)
        #expect(await thrown { _ = try await collector.conflict(ids[0]) } != nil)
        try await upstream.keepTheirs(ids[0])
        let new = try await upstream.sendAsNew(ids[1])
        try await upstream.sync()
        #expect(exams.ids == Set(ids + [new]))
        #expect(exams.stored[new]?.contains("/lessons/1") == true)
        for id in ids { #expect(try await hub.statement(id)?.contains("/lessons/1") == true) }
    }

    @Test func noLrsSeesAnothersCredentialsAndNoProviderIsAskedForAnother() async throws {
        let (others, exams, asked) = (ScriptedLrs(), exams, Locked(0))
        let mains = AsyncCredentialsProvider {
            asked.with { $0 += 1 }
            return nil
        }
        let collector = try await Collector.open(
            folder.queue, config: hub.config, transport: world(["exams.example": exams, "other.example": others]),
            credentialsProvider: mains
        )
        exams.answers { request in
            if request.headers.contains(where: { $0.value == "Bearer renewed" }) { exams.answers(instead: nil) }
            return answer(401, "who are you")
        }
        let upstream = try await collector.addUpstream(
            added, credentialsProvider: AsyncCredentialsProvider { .bearer(token: "renewed") }
        )
        let id = try await collector.record(lesson(1)).id
        try await collector.sync()
        // The first with the new ones was refused as well; by hand it is tried again.
        try await upstream.sync()
        #expect(exams.ids == [id])
        #expect(asked.with { $0 } == 0)
        #expect(exams.seen == ["Bearer of-exams", "Bearer renewed"])
        try await upstream.setEndpoint(URL(string: "https://other.example/xAPI")!)
        try await collector.record(lesson(2))
        try await upstream.sync()
        #expect(others.seen == [""])
        others.forgets()
        try await upstream.setCredentials(.bearer(token: "of-other"))
        try await collector.record(lesson(3))
        try await upstream.sync()
        exams.forgets()
        try await upstream.setTarget(added.endpoint, credentials: .bearer(token: "again"))
        try await collector.record(lesson(4))
        try await upstream.sync()
        #expect(others.seen == ["Bearer of-other"] && exams.seen == ["Bearer again"])
        #expect([others, exams].map(\.ids.count) == [2, 2])
        let listed = try await collector.upstreams()
        #expect(!"\(added) \(upstream) \(listed)".contains("of-"))
    }

    @Test func oneIsRemovedWithWhatIsLeftOrNotAtAll() async throws {
        let collector = try await opened()
        let upstream = try await collector.addUpstream(added)
        exams.answers { _ in throw TransportError.unreachable(reason: "no route") }
        let ids = try await collector.recordAll([lesson(1), lesson(2)]).map(\.id)
        try await upstream.sync()
        let full = await thrown { try await collector.removeUpstream("exams", remainder: .mustBeEmpty) }
        #expect(try #require(full).told == (.upstreamNotEmpty, "exams 2"))
        #expect(try await collector.removeUpstream("exams", remainder: .discard) == 2)
        exams.answers(instead: nil)
        let gone = await thrown { try await upstream.sync() }
        #expect(try #require(gone).told == (.noUpstream, "exams"))
        let report = try await collector.sync()
        #expect(report.ended == .emptied && report.upstreams.isEmpty)
        #expect(try await isAtHub(ids))
        #expect(exams.ids.isEmpty)
        #expect(try await collector.upstreams().map(\.name) == ["main"])
    }

    @Test func whoHasNotAddedItRecordsForItAndDoesNotDeliver() async throws {
        try await opened().addUpstream(added)
        let collector = try await opened()
        #expect(try await collector.upstreams().map(\.opened) == [true, false])
        try await collector.record(lesson(1))
        guard case .needsApp(let trouble) = try await collector.upstream("exams").sync().ended else {
            Issue.record("it delivered")
            return
        }
        #expect(trouble.problem == .credentials && exams.seen.isEmpty)
    }

    @Test func aProviderThatSyncsHearsSoAndDoesNotWaitForItself() async throws {
        let (said, itself) = (Locked<[Kind?]>([]), Locked<(Collector, Upstream)?>(nil))
        let collector = try await opened()
        exams.answers { _ in answer(401, "who are you") }
        let provider = AsyncCredentialsProvider {
            if let (collector, upstream) = itself.with({ $0 }) {
                let kinds = [
                    await thrown { try await upstream.sync() }?.told.kind,
                    await thrown { try await collector.sync() }?.told.kind,
                ]
                said.with { $0 += kinds }
            }
            return nil
        }
        let upstream = try await collector.addUpstream(added, credentialsProvider: provider)
        itself.with { $0 = (collector, upstream) }
        try await collector.record(lesson(1))
        #expect(try await within { try await collector.sync() }.upstreams[0].delivered == 1)
        #expect(said.with { !$0.isEmpty && $0.allSatisfy { $0 == .reentrant } })
        itself.with { $0 = nil }
    }

    /// Who knows an upstream alone keeps no queue open.
    @Test func anUpstreamEndsWithItsCollector() async throws {
        var collector: Collector? = try await opened()
        let upstream = try await collector!.addUpstream(added)
        collector = nil
        #expect(await thrown { _ = try await upstream.readStatus() }?.told.kind == .closing)
    }
}
