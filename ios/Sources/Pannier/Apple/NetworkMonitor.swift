#if canImport(Network)
import Dispatch
import Network

/// Tells a collector whether there is a network that it may use, for as long as the monitor lives:
///
/// ```swift
/// let monitor = NetworkMonitor(collector, rule: NetworkRule(expensive: false))
/// ```
///
/// A sync that is under way when the network becomes one that may not be used is ended: it would go on over
/// whatever there is now. ``BackgroundWork`` keeps to the rule, too.
public final class NetworkMonitor: Sendable {
    private let monitor = NWPathMonitor()

    public init(_ collector: Collector, rule: NetworkRule = NetworkRule()) {
        let watch = NetworkWatch(collector, rule)
        monitor.pathUpdateHandler = { path in
            watch.changed(
                to: NetworkPath(
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
