#if canImport(SwiftUI)
import Foundation
import Pannier
import SwiftUI

/// The desk on a tablet. An app shows it as its only window; the collector delivers by itself as soon as there is a
/// network:
///
/// ```swift
/// @main struct CheckinApp: App {
///     let collector = AppCollector(
///         config: CheckinView.config(lrs), file: try QueueFile.inApplicationSupport("checkin.db")
///     )
///     var body: some Scene { WindowGroup { CheckinView(collector: collector, session: session) } }
/// }
/// ```
public struct CheckinView: View {
    let collector: AppCollector
    let session: UUID

    @State private var checkin: Checkin?
    @State private var badge = ""
    @State private var said = "Badge?"
    @State private var undelivered = ""

    public init(collector: AppCollector, session: UUID) {
        (self.collector, self.session) = (collector, session)
    }

    /// Delivers by itself, and remembers for the day who was delivered: whoever comes back is here already.
    public static func config(_ config: Config) -> Config {
        var config = config
        config.sync = .automatic(count: 20, age: .seconds(60))
        config.history = .for(age: .seconds(24 * 60 * 60))
        return config
    }

    public var body: some View {
        VStack(spacing: 16) {
            Text(said)
            TextField("Badge", text: $badge).onSubmit { checkIn() }
            Button("Check in") { checkIn() }.disabled(checkin == nil)
            Text(undelivered)
        }
        .padding()
        .task { await run() }
    }

    /// For as long as the desk is shown.
    private func run() async {
        do {
            let opened = try await collector.collector()
            checkin = Checkin(collector: opened, workshop: "first-aid", session: session)
            for await status in collector.status { undelivered = status.inWords }
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
