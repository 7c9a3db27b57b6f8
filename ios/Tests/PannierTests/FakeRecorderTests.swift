import Foundation
import Pannier
import PannierTesting
import Testing

/// The fake takes and refuses what the real one does.
struct FakeRecorderTests {
    let fake = FakeRecorder()
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func whatIsRecordedAndPostedIsThereInItsOrder() async throws {
        let recorder: any StatementRecorder = fake
        let first = try await recorder.record(lesson(1)).id
        recorder.post(lesson(2))
        let others = try await recorder.recordAll([lesson(3), lesson(4, id: first)].prefix(1).map { $0 }).map(\.id)
        #expect(fake.recorded.map(\.object) == [1, 2, 3].map { lesson($0).object })
        #expect([first] + others == [0, 2].map { fake.recorded[$0].id })
        #expect(fake.recorded[1].id != nil && fake.notRecorded.isEmpty)
    }

    /// Each by the fake and by a real one.
    @Test func itRefusesWhatARealOneRefuses() async throws {
        let (id, known) = (UUID(), UUID())
        let collector = try await Collector.open(folder.queue)
        let nobody = Statement(.completed, XapiActivity("https://example.com/lessons/1"))
        let file = Attachment(
            usageType: "https://example.com/u", display: ["en": "x"], contentType: "text/plain", length: 1,
            sha2: String(repeating: "a", count: 64), fileUrl: nil
        )
        let cases: [[Statement]] = [
            [lesson(0, id: known)], [nobody], [lesson(1), nobody], [lesson(1, id: id), lesson(2, id: id)],
            [lesson(9, id: known)], [lesson(0, id: known)], [lesson(1, id: id).attachment(file)],
            [lesson(3, id: id), lesson(3, id: id)],
        ]
        for statements in cases {
            var told: [String] = []
            for recorder in [fake, collector] as [any StatementRecorder] {
                let error = await thrown {
                    if statements.count == 1 { try await recorder.record(statements[0]) } else {
                        try await recorder.recordAll(statements)
                    }
                }
                told.append("\(String(describing: error?.told)) \(error?.faults.map(\.index) ?? [])")
            }
            #expect(told[0] == told[1])
        }
        #expect(fake.recorded.map(\.id) == [known, id])
        #expect(try await collector.readStatus().recorded == 2)
        let twice = lesson(4, id: UUID())
        for recorder in [fake, collector] as [any StatementRecorder] {
            #expect(try await recorder.record(lesson(0, id: known)) == Recorded(id: known, isNew: false))
            #expect(try await recorder.recordAll([twice, twice]).map(\.isNew) == [true, false])
        }
    }

    @Test func whatIsPostedAndRefusedIsKeptApart() async throws {
        fake.post(Statement(.completed, XapiActivity("https://example.com/lessons/1")))
        #expect((fake.notRecorded.first?.error as? PannierError)?.faults.map(\.path) == ["$.actor"])
        fake.fail(with: PannierError.diskFull(explanation: "no room"))
        fake.post(lesson(1))
        let error = await thrown { try await fake.record(lesson(2)) }
        #expect(error?.told.kind == .diskFull)
        #expect(fake.recorded.isEmpty && fake.notRecorded.count == 2)
        fake.fail(with: nil)
        fake.post(lesson(3))
        #expect(fake.recorded.map(\.object) == [lesson(3).object])
    }

    @Test func whoDidItMayBeSaidOnceAsARecordersDefaultsDo() async throws {
        let fake = FakeRecorder(defaults: StatementDefaults(.account(homePage: "https://school.example", name: "ada")))
        fake.post(Statement(.completed, XapiActivity("https://example.com/lessons/1")))
        fake.post(lesson(2))
        #expect(fake.notRecorded.isEmpty)
        #expect(fake.recorded.map(\.actor) == [nil, lesson(2).actor])
    }
}
