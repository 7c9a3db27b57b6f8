import Foundation

/// A secret as the Keychain keeps it.
struct SecretItem: Hashable, Sendable {
    var account: String
    var data: Data
}

enum SecretStatus: Hashable, Sendable {
    case done
    /// There is nothing to be changed or removed.
    case notThere
    /// There is one already.
    case isThere
    case failed(Int32)
}

/// Where one secret is kept: a service of the Keychain, and a test's.
protocol SecretPlace: Sendable {
    func find() throws -> SecretItem?
    /// Changes what there is, or nothing at all.
    func update(_ item: SecretItem) -> SecretStatus
    func add(_ item: SecretItem) -> SecretStatus
    func remove() -> SecretStatus
}

/// Credentials that are kept as a secret.
struct Secret: Sendable {
    let place: any SecretPlace
    /// In the account's place for what has no user; no user name has a colon.
    private static let (ready, token) = (":basic", ":bearer")

    init(place: any SecretPlace) {
        self.place = place
    }

    func credentials() throws -> Credentials? {
        guard let item = try place.find() else { return nil }
        let text = String(decoding: item.data, as: UTF8.self)
        return switch item.account {
        case Self.token: .bearer(token: text)
        case Self.ready: .basic64(value: text)
        default: .basic(user: item.account, password: text)
        }
    }

    /// Removes nothing before what is new is there: where this fails the app is not signed out.
    func save(_ credentials: Credentials?) throws {
        let (user, text): (String, String)
        switch credentials {
        case .basic(let name, let password): (user, text) = (name, password)
        case .basic64(let value): (user, text) = (Self.ready, value)
        case .bearer(let token): (user, text) = (Self.token, token)
        case nil: return try check(place.remove(), orNotThere: true)
        }
        let item = SecretItem(account: user, data: Data(text.utf8))
        var status = place.update(item)
        if status == .notThere { status = place.add(item) }
        // Another process was quicker.
        if status == .isThere { status = place.update(item) }
        try check(status)
    }

    private func check(_ status: SecretStatus, orNotThere: Bool = false) throws {
        switch status {
        case .done: return
        case .notThere where orNotThere: return
        case .notThere: throw CredentialsError.unavailable(reason: "the Keychain has lost them")
        case .isThere: throw CredentialsError.unavailable(reason: "the Keychain has others")
        case .failed(let status): throw CredentialsError.unavailable(reason: "the Keychain says \(status)")
        }
    }
}
