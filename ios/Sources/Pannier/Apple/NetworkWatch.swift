/// Tells a collector of the networks that come and go, by a rule. What comes before there is a collector is told it then.
final class NetworkWatch: Sendable {
    private struct State {
        weak var collector: Collector?
        /// Whether the last one was allowed. Until something is known there is one.
        var isAllowed = true
    }

    private let networks: Networks
    private let state = Locked(State())

    init(_ networks: Networks) {
        self.networks = networks
    }

    /// Whether the network, as far as it is known, may be used.
    var isAllowed: Bool { state.with { $0.isAllowed } }

    /// From now on this one is told.
    func tell(_ collector: Collector) {
        let isAllowed = state.with { state in
            state.collector = collector
            return state.isAllowed
        }
        if !isAllowed { collector.setNetwork(false) }
    }

    func changed(to connection: Connection) {
        let now = networks.allows(connection)
        let (collector, before) = state.with { state in
            defer { state.isAllowed = now }
            return (state.collector, state.isAllowed)
        }
        collector?.setNetwork(now)
        // A sync by hand that was begun without a network that is allowed goes on.
        if before && !now { collector?.interrupt() }
    }
}
