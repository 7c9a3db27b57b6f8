#if canImport(SwiftUI)
import Foundation
import Pannier
import SwiftUI

/// The desk on a tablet. An app shows it as its only window; it keeps its own queue, and delivers by
/// itself as soon as there is a network:
///
/// ```swift
/// @main struct CheckinApp: App {
///     var body: some Scene { WindowGroup { CheckinView(config: config, session: session) } }
/// }
/// ```
public struct CheckinView: View {
    let config: Config
    let session: UUID

    @State private var checkin: Checkin?
    @State private var badge = ""
    @State private var said = "Badge?"
    @State private var undelivered = Undelivered()

    public init(config: Config, session: UUID) {
        var config = config
        config.sync = .automatic(count: 20, age: .seconds(60))
        config.history = .for(age: .seconds(24 * 60 * 60))
        (self.config, self.session) = (config, session)
    }

    public var body: some View {
        VStack(spacing: 16) {
            Text(said)
            TextField("Badge", text: $badge).onSubmit { checkIn() }
            Button("Check in") { checkIn() }.disabled(checkin == nil)
            Text(undelivered.description)
        }
        .padding()
        .task { await run() }
    }

    /// For as long as the desk is shown.
    private func run() async {
        do {
            let collector = try await Collector.open(
                QueueFile.inApplicationSupport("checkin.db"), config: config
            )
            #if canImport(Network)
            let monitor = NetworkMonitor(collector)
            defer { withExtendedLifetime(monitor) {} }
            #endif
            #if canImport(UIKit)
            let lifecycle = Lifecycle(collector, of: .shared)
            defer { withExtendedLifetime(lifecycle) {} }
            #endif
            checkin = Checkin(collector: collector, workshop: "first-aid", session: session)
            for await status in collector.status { undelivered = Undelivered(status) }
            await collector.close()
        } catch {
            said = error.localizedDescription
        }
    }

    private func checkIn() {
        guard let checkin else { return }
        let worn = badge
        badge = ""
        Task {
            do {
                switch try await checkin.checkIn(badge: worn) {
                case .welcome(let name): said = "Welcome, \(name)."
                case .alreadyHere(let name): said = "\(name) is here already."
                case .nobody: break
                }
            } catch {
                said = error.localizedDescription
            }
        }
    }
}
#endif
