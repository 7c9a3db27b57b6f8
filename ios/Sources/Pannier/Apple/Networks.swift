/// What the device is connected by.
public enum Connection: Hashable, Sendable, CaseIterable {
    /// There is no network.
    case none
    /// A network of which the person has asked apps to use little: Low Data Mode, whether it costs or not.
    case constrained
    /// A network whose use may cost: cellular data, a phone's hotspot.
    case metered
    /// A network that may be used freely: most Wi-Fi.
    case unmetered

    /// By what Network.framework tells of a path. A network need not reach the internet to count: the LRS may be on it.
    init(isSatisfied: Bool, isExpensive: Bool, isConstrained: Bool) {
        self = !isSatisfied ? .none : isConstrained ? .constrained : isExpensive ? .metered : .unmetered
    }
}

/// Which networks an automatic sync may use. A sync by hand uses whatever there is. Whether a device is roaming Apple's
/// systems do not tell.
public enum Networks: Hashable, Sendable, CaseIterable {
    /// Every one.
    case any
    /// Every one but those of which the person has asked apps to use little: Low Data Mode.
    case unconstrained
    /// Unmetered ones only, and not in Low Data Mode.
    case unmetered

    /// Whether a network like this may be used.
    public func allows(_ connection: Connection) -> Bool {
        switch connection {
        case .none: false
        case .constrained: self == .any
        case .metered: self != .unmetered
        case .unmetered: true
        }
    }
}
