#if canImport(Network)
import Dispatch
import Network

/// Tells a collector whether there is a network that it may use, for as long as the monitor lives:
///
/// ```swift
/// let monitor = NetworkMonitor(collector, rule: NetworkRule(expensive: false))
/// ```
public final class NetworkMonitor: Sendable {
    private let monitor = NWPathMonitor()

    public init(_ collector: Collector, rule: NetworkRule = NetworkRule()) {
        monitor.pathUpdateHandler = { [weak collector] path in
            let path = NetworkPath(
                isSatisfied: path.status == .satisfied, isExpensive: path.isExpensive,
                isConstrained: path.isConstrained
            )
            collector?.setNetwork(rule.allows(path))
        }
        monitor.start(queue: DispatchQueue(label: "pannier-network"))
    }

    deinit {
        monitor.cancel()
    }
}
#endif
