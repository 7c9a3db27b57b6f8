#if canImport(Network)
import Dispatch
import Network

/// Tells a collector whether there is a network that it may use, for as long as the monitor lives:
///
/// ```swift
/// let monitor = NetworkMonitor(collector, networks: .unmetered)
/// ```
///
/// A sync that is under way when the network becomes one that may not be used is ended: it would go on over
/// whatever there is now. ``BackgroundWork`` keeps to the networks, too. An ``AppCollector`` has one already.
public final class NetworkMonitor: Sendable {
    private let monitor = NWPathMonitor()

    public convenience init(_ collector: Collector, networks: Networks = .unconstrained) {
        let watch = NetworkWatch(networks)
        watch.tell(collector)
        self.init { watch.changed(to: $0) }
    }

    /// Told once at the beginning, and whenever the network changes.
    init(_ tell: @escaping @Sendable (Connection) -> Void) {
        monitor.pathUpdateHandler = { path in
            tell(
                Connection(
                    isSatisfied: path.status == .satisfied, isExpensive: path.isExpensive,
                    isConstrained: path.isConstrained
                )
            )
        }
        monitor.start(queue: DispatchQueue(label: "pannier-network"))
    }

    deinit {
        monitor.cancel()
    }
}
#endif
