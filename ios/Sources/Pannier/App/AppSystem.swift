/// What the system tells an app, and gives it: Apple's systems, others, and a test's.
protocol AppSystem: Sendable {
    /// Time before the app is suspended.
    var delay: any SuspensionDelay { get }

    /// Starts the app in the background; none where the system does not.
    var scheduler: (any TaskScheduler)? { get }

    /// Tells whenever the app goes into the background or comes to the foreground, before the app's own code goes on; and
    /// that it has been started in the background. For as long as what is returned lives.
    func watchApp(_ tell: @escaping @Sendable (_ inBackground: Bool) -> Void) -> any Sendable

    /// Tells by what the device is connected now, and whenever that changes. For as long as what is returned lives.
    func watchNetwork(_ tell: @escaping @Sendable (Connection) -> Void) -> any Sendable
}

/// A system that suspends no app and tells nothing of networks: each is used.
struct PlainSystem: AppSystem {
    let delay: any SuspensionDelay = NoTime()
    let scheduler: (any TaskScheduler)? = nil

    func watchApp(_ tell: @escaping @Sendable (_ inBackground: Bool) -> Void) -> any Sendable { true }
    func watchNetwork(_ tell: @escaping @Sendable (Connection) -> Void) -> any Sendable { true }

    private struct NoTime: SuspensionDelay {
        func begin(_ name: String, expired: @escaping @Sendable () -> Void) -> Int { 0 }
        func end(_ number: Int) {}
    }
}
