#if canImport(Security)
import Foundation
import Security

/// An example of where credentials belong: in the Keychain, readable once the device was unlocked since
/// it was started, on this device only. As a provider it is asked when the LRS refuses what it got.
///
/// On macOS it is the data-protection keychain, as on iOS, which a program has only if it is signed with an application
/// identifier or a keychain group: else the Keychain says -34018.
public final class KeychainCredentials: CredentialsProvider {
    private let secret: Secret

    /// - Parameters:
    ///   - service: Tells the app's secrets apart, such as `com.example.app.lrs`.
    ///   - accessGroup: One that the app shares with its extensions, with the team's prefix. By default the app's first.
    public init(service: String, accessGroup: String? = nil) {
        secret = Secret(place: KeychainPlace(service: service, accessGroup: accessGroup))
    }

    /// What was saved last, or nil.
    public func credentials() throws -> Credentials? { try secret.credentials() }

    /// Saves these in the place of what there was; nil removes it. Where that fails, what there was stays.
    public func save(_ credentials: Credentials?) throws { try secret.save(credentials) }
}

private struct KeychainPlace: SecretPlace {
    let service: String
    let accessGroup: String?

    func find() throws -> SecretItem? {
        var query = query
        query[kSecReturnAttributes as String] = true
        query[kSecReturnData as String] = true
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess,
            let item = found as? [String: Any],
            let account = item[kSecAttrAccount as String] as? String,
            let data = item[kSecValueData as String] as? Data
        else { throw CredentialsError.unavailable(reason: "the Keychain says \(status)") }
        return SecretItem(account: account, data: data)
    }

    func update(_ item: SecretItem) -> SecretStatus {
        told(SecItemUpdate(query as CFDictionary, attributes(item) as CFDictionary))
    }

    func add(_ item: SecretItem) -> SecretStatus {
        told(SecItemAdd(query.merging(attributes(item)) { $1 } as CFDictionary, nil))
    }

    func remove() -> SecretStatus {
        told(SecItemDelete(query as CFDictionary))
    }

    private func attributes(_ item: SecretItem) -> [String: Any] {
        [
            kSecAttrAccount as String: item.account,
            kSecValueData as String: item.data,
            kSecAttrAccessible as String: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
    }

    private var query: [String: Any] {
        var query: [String: Any] = [
            kSecClass as String: kSecClassGenericPassword, kSecAttrService as String: service,
            kSecUseDataProtectionKeychain as String: true,
        ]
        if let accessGroup { query[kSecAttrAccessGroup as String] = accessGroup }
        return query
    }

    private func told(_ status: OSStatus) -> SecretStatus {
        switch status {
        case errSecSuccess: .done
        case errSecItemNotFound: .notThere
        case errSecDuplicateItem: .isThere
        default: .failed(status)
        }
    }
}
#endif
