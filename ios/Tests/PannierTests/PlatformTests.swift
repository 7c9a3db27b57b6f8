import Foundation
import Testing

@testable import Pannier

/// What the parts for Apple's systems decide; the systems themselves are played here.
struct PlatformTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func networksAreUsedByTheRule() {
        let allowed: [Networks: Set<Connection>] = [
            .any: [.constrained, .metered, .unmetered], .unconstrained: [.metered, .unmetered], .unmetered: [.unmetered],
        ]
        for networks in Networks.allCases {
            #expect(Set(Connection.allCases.filter(networks.allows)) == allowed[networks])
        }
    }

    /// No network is expensive or constrained; one may be both.
    @Test(arguments: [
        (false, false, false, Connection.none), (false, true, true, .none), (true, false, false, .unmetered),
        (true, true, false, .metered), (true, false, true, .constrained), (true, true, true, .constrained),
    ])
    func aConnectionIsWhatItsPathSays(isSatisfied: Bool, isExpensive: Bool, isConstrained: Bool, is connection: Connection) {
        #expect(
            Connection(isSatisfied: isSatisfied, isExpensive: isExpensive, isConstrained: isConstrained) == connection
        )
    }

    @Test func whatIsKnownOfTheNetworkBeforeThereIsACollectorIsToldIt() async throws {
        let collector = try await Collector.open(folder.queue)
        let watch = NetworkWatch(.unmetered)
        watch.changed(to: .metered)
        watch.tell(collector)
        #expect(try await collector.readStatus().network == false)
        watch.changed(to: .unmetered)
        #expect(try await collector.readStatus().network == true)
    }

    @Test func timeIsAskedForAndGivenBackInTheWayOfTheThread() {
        let (main, elsewhere) = (ScriptedTime(folder.queue), ScriptedTime(folder.queue))
        let isMain = Locked(true)
        let time = TimeByThread(main: main, elsewhere: elsewhere) { isMain.with { $0 } }
        let first = time.begin("") {}
        isMain.with { $0 = false }
        let others = [time.begin("") {}, time.begin("") {}]
        #expect((main.begun, elsewhere.begun) == (1, 2))
        time.end(others[1])
        time.end(first)
        #expect((main.ended, elsewhere.ended) == ([1], [2]))
    }

    @Test func aNetworkThatIsNotAllowedAnyMoreEndsASync() async throws {
        let gate = Gate()
        let hangs = AsyncTransport { _ in
            await gate.pass()
            return answer(503)
        }
        let collector = try await Collector.open(folder.queue, config: Config(endpoint: lrs), transport: hangs)
        try await collector.record(lesson(1))
        let watch = NetworkWatch(.unmetered)
        watch.tell(collector)
        let (wifi, cellular) = (Connection.unmetered, Connection.metered)
        watch.changed(to: wifi)
        let sync = Task { try await collector.sync() }
        await gate.hasCome()
        watch.changed(to: wifi)
        watch.changed(to: cellular)
        #expect(try await within { try await sync.value.ended } == .interrupted)
        #expect(try await collector.readStatus().network == false)
        // One by hand uses whatever there is, whatever is told again of it.
        let byHand = Task { try await collector.sync() }
        await gate.hasCome(2)
        watch.changed(to: cellular)
        watch.changed(to: .none)
        await gate.open()
        #expect(try await within { try await byHand.value.ended } != .interrupted)
        watch.changed(to: wifi)
        #expect(try await collector.readStatus().network == true)
    }

    @Test func aFileHasItsFolder() throws {
        let file = try QueueFile.file("queue.db", in: folder.url.appendingPathComponent("a/b"))
        #expect(FileManager.default.fileExists(atPath: file.deletingLastPathComponent().path))
    }

    @Test func anAppsQueueIsItsOwnWhereAppsShareAFolder() throws {
        let shared = folder.url
        let (one, other) = (
            try QueueFile.folder(in: shared, of: "com.example.one"),
            try QueueFile.folder(in: shared, of: "com.example.other")
        )
        #expect(one != other)
        #expect(one.path == shared.path + "/com.example.one/Pannier")
        for none in [nil, "", "..", "a/b", "/etc"] {
            #expect(throws: NoAppIdentifier.self) { try QueueFile.folder(in: shared, of: none) }
        }
        #expect(NoAppIdentifier().localizedDescription.contains("inApplicationSupport(app:"))
    }

    /// What the library calls is held to it by `Tests/check-privacy`.
    @Test func thePrivacyManifestGivesForEachInterfaceAReasonThatAppleHas() throws {
        // Of Apple's, those that are about the app's own files and times.
        let known = [
            "NSPrivacyAccessedAPICategoryFileTimestamp": ["C617.1", "0A2A.1", "3B52.1", "DDA9.1"],
            "NSPrivacyAccessedAPICategorySystemBootTime": ["35F9.1", "8FFB.1", "3D61.1"],
            "NSPrivacyAccessedAPICategoryDiskSpace": ["E174.1", "85F4.1", "7D9E.1", "B728.1"],
            "NSPrivacyAccessedAPICategoryActiveKeyboards": ["3EC4.1", "54BD.1"],
            "NSPrivacyAccessedAPICategoryUserDefaults": ["CA92.1", "1C8F.1", "C56D.1", "AC6B.1"],
        ]
        let manifest = try Data(
            contentsOf: ios.appendingPathComponent("Sources/Pannier/PrivacyInfo.xcprivacy")
        )
        let read = try PropertyListSerialization.propertyList(from: manifest, format: nil) as? [String: Any]
        #expect(read?["NSPrivacyTracking"] as? Bool == false)
        let declared = try #require(read?["NSPrivacyAccessedAPITypes"] as? [[String: Any]])
        let interfaces = declared.compactMap { $0["NSPrivacyAccessedAPIType"] as? String }
        #expect(Set(interfaces).count == declared.count)
        for interface in declared {
            let reasons = try #require(interface["NSPrivacyAccessedAPITypeReasons"] as? [String])
            let own = known[interface["NSPrivacyAccessedAPIType"] as? String ?? ""] ?? []
            #expect(!reasons.isEmpty && reasons.allSatisfy(own.contains), "\(interface)")
        }
    }

    @Test func credentialsAreReplacedAndNeverLostOnTheWay() throws {
        let place = ScriptedKeychain()
        let secret = Secret(place: place)
        #expect(try secret.credentials() == nil)
        for credentials in [
            Credentials.basic(user: "ada", password: "1"), .basic(user: "ben", password: "2"), .basic64(value: "MQ=="),
            .bearer(token: "t"),
        ] {
            try secret.save(credentials)
            #expect(try secret.credentials() == credentials)
            #expect(place.items.with { $0.count } == 1)
        }
        place.fails.with { $0 = true }
        #expect(throws: CredentialsError.self) { try secret.save(.bearer(token: "new")) }
        #expect(try secret.credentials() == .bearer(token: "t"))
        place.fails.with { $0 = false }
        // Somebody else adds one between the two calls.
        try secret.save(nil)
        place.meanwhile.with { $0 = SecretItem(account: "eve", data: Data("3".utf8)) }
        try secret.save(.basic(user: "ada", password: "4"))
        #expect(try secret.credentials() == .basic(user: "ada", password: "4"))
        try secret.save(nil)
        try secret.save(nil)
        #expect(try secret.credentials() == nil)
    }
}

/// The Keychain's items of one service: an update changes all that there are, and one with the same account is not added
/// twice.
private final class ScriptedKeychain: SecretPlace {
    let items = Locked<[SecretItem]>([])
    let fails = Locked(false)
    /// What somebody else adds right before the next is added.
    let meanwhile = Locked<SecretItem?>(nil)

    func find() -> SecretItem? { items.with { $0.first } }

    func update(_ item: SecretItem) -> SecretStatus {
        if fails.with({ $0 }) { return .failed(-25_308) }
        return items.with { items in
            if items.isEmpty { return .notThere }
            items = [item]
            return .done
        }
    }

    func add(_ item: SecretItem) -> SecretStatus {
        if fails.with({ $0 }) { return .failed(-25_308) }
        let other = meanwhile.with { meanwhile in
            defer { meanwhile = nil }
            return meanwhile
        }
        return items.with { items in
            if let other { items.append(other) }
            // The service alone makes it the same: that is all that is asked for.
            if !items.isEmpty { return .isThere }
            items.append(item)
            return .done
        }
    }

    /// Works also where nothing else does.
    func remove() -> SecretStatus {
        items.with { items in
            defer { items = [] }
            return items.isEmpty ? .notThere : .done
        }
    }
}
