import Foundation

/// Time that is asked for on the main thread in one way and elsewhere in another: UIKit gives some on the main thread only.
final class TimeByThread: SuspensionDelay {
    private let (main, elsewhere): (any SuspensionDelay, any SuspensionDelay)
    private let isMain: @Sendable () -> Bool

    init(
        main: any SuspensionDelay, elsewhere: any SuspensionDelay,
        isMain: @escaping @Sendable () -> Bool = { Thread.isMainThread }
    ) {
        (self.main, self.elsewhere, self.isMain) = (main, elsewhere, isMain)
    }

    func begin(_ name: String, expired: @escaping @Sendable () -> Void) -> Int {
        let isMain = isMain()
        return (isMain ? main : elsewhere).begin(name, expired: expired) * 2 + (isMain ? 0 : 1)
    }

    func end(_ number: Int) {
        (number % 2 == 0 ? main : elsewhere).end(number / 2)
    }
}
