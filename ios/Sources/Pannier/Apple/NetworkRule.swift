/// Which networks an automatic sync may use. A sync by hand uses whatever there is.
public struct NetworkRule: Hashable, Sendable {
    /// Networks that may cost money: cellular data, personal hotspots.
    public var expensive: Bool
    /// Networks on which the person has asked apps to use little: Low Data Mode.
    public var constrained: Bool

    /// Default: every network but a constrained one.
    public init(expensive: Bool = true, constrained: Bool = false) {
        (self.expensive, self.constrained) = (expensive, constrained)
    }

    /// Whether a network like this may be used.
    public func allows(_ path: NetworkPath) -> Bool {
        path.isSatisfied && (expensive || !path.isExpensive) && (constrained || !path.isConstrained)
    }
}

/// What there is of a network.
public struct NetworkPath: Hashable, Sendable {
    /// There is one.
    public var isSatisfied: Bool
    /// It may cost money.
    public var isExpensive: Bool
    /// The person has asked apps to use little of it.
    public var isConstrained: Bool

    public init(isSatisfied: Bool, isExpensive: Bool = false, isConstrained: Bool = false) {
        (self.isSatisfied, self.isExpensive, self.isConstrained) = (isSatisfied, isExpensive, isConstrained)
    }
}
