/// Marks what the app does while a sync of one collector waits for it, on whatever thread: were it to sync
/// the same collector, the two would wait for each other.
final class WithinSync: Sendable {
    /// The mark of the sync that waits for this task.
    @TaskLocal static var current: WithinSync?

    func transport(_ apps: any Transport) -> any Transport { Marked(apps, self) }

    func provider(_ apps: any CredentialsProvider) -> any CredentialsProvider { MarkedProvider(apps, self) }

    private final class Marked: Transport {
        private let apps: any Transport
        private let mark: WithinSync

        init(_ apps: any Transport, _ mark: WithinSync) { (self.apps, self.mark) = (apps, mark) }

        func exchange(request: Request) throws -> Response {
            try WithinSync.$current.withValue(mark) { try apps.exchange(request: request) }
        }
    }

    private final class MarkedProvider: CredentialsProvider {
        private let apps: any CredentialsProvider
        private let mark: WithinSync

        init(_ apps: any CredentialsProvider, _ mark: WithinSync) { (self.apps, self.mark) = (apps, mark) }

        func credentials() throws -> Credentials? {
            try WithinSync.$current.withValue(mark) { try apps.credentials() }
        }
    }
}
