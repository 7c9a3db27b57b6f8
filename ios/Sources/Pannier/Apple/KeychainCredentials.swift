#if canImport(Security)
import Foundation
import Security

/// An example of where credentials belong: in the Keychain, readable once the device was unlocked since
/// it was started, on this device only. As a provider it is asked when the LRS refuses what it got.
public final class KeychainCredentials: CredentialsProvider {
    private let service: String
    /// In the account's place for what has no user; no user name has a colon.
    private static let (ready, token) = (":basic", ":bearer")

    /// `service` tells the app's secrets apart, such as `com.example.app.lrs`.
    public init(service: String) {
        self.service = service
    }

    /// What was saved last, or nil.
    public func credentials() throws -> Credentials? {
        var query = query
        query[kSecReturnAttributes as String] = true
        query[kSecReturnData as String] = true
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess,
            let item = found as? [String: Any],
            let user = item[kSecAttrAccount as String] as? String,
            let secret = item[kSecValueData as String] as? Data
        else { throw CredentialsError.unavailable(reason: "the Keychain says \(status)") }
        let text = String(decoding: secret, as: UTF8.self)
        return switch user {
        case Self.token: .bearer(token: text)
        case Self.ready: .basic64(value: text)
        default: .basic(user: user, password: text)
        }
    }

    /// Saves these in the place of what there was; nil removes it.
    public func save(_ credentials: Credentials?) throws {
        let removed = SecItemDelete(query as CFDictionary)
        guard removed == errSecSuccess || removed == errSecItemNotFound else {
            throw CredentialsError.unavailable(reason: "the Keychain says \(removed)")
        }
        let (user, secret): (String, String)
        switch credentials {
        case .basic(let name, let password): (user, secret) = (name, password)
        case .basic64(let value): (user, secret) = (Self.ready, value)
        case .bearer(let token): (user, secret) = (Self.token, token)
        case nil: return
        }
        var item = query
        item[kSecAttrAccount as String] = user
        item[kSecValueData as String] = Data(secret.utf8)
        item[kSecAttrAccessible as String] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        let added = SecItemAdd(item as CFDictionary, nil)
        guard added == errSecSuccess else {
            throw CredentialsError.unavailable(reason: "the Keychain says \(added)")
        }
    }

    private var query: [String: Any] {
        [kSecClass as String: kSecClassGenericPassword, kSecAttrService as String: service]
    }
}
#endif
