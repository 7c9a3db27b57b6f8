/// Tells a collector of the networks that come and go, by a rule.
final class NetworkWatch: Sendable {
    private let collector: WeakCollector
    private let rule: NetworkRule
    /// Whether the last one was allowed. Until something is known there is one.
    private let allowed = Locked(true)

    init(_ collector: Collector, _ rule: NetworkRule) {
        (self.collector, self.rule) = (WeakCollector(collector), rule)
    }

    func changed(to path: NetworkPath) {
        let now = rule.allows(path)
        let before = allowed.with { allowed in
            defer { allowed = now }
            return allowed
        }
        collector.it?.setNetwork(now)
        // A sync by hand that was begun without a network that is allowed goes on.
        if before && !now { collector.it?.interrupt() }
    }

    private final class WeakCollector: @unchecked Sendable {
        private(set) weak var it: Collector?

        init(_ it: Collector) { self.it = it }
    }
}
