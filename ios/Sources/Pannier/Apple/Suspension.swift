import Foundation

/// Time that the system grants before it suspends the app: UIKit's background tasks, and a test's.
public protocol SuspensionDelay: Sendable {
    /// Asks for time, which is given back by itself if it runs out.
    func begin(_ name: String) async -> Int
    /// Gives the rest of it back.
    func end(_ number: Int) async
}

/// Closes the queue before the app is suspended and opens it afterwards: iOS kills an app that holds a
/// lock on a file while it is suspended (0xdead10cc).
public actor Suspension {
    private let collector: Collector
    private let delay: any SuspensionDelay
    private var last: Task<Void, Never>?

    public init(_ collector: Collector, delay: any SuspensionDelay) {
        (self.collector, self.delay) = (collector, delay)
    }

    /// The app has gone into the background: ends a sync under way and closes the file, in time that
    /// the system was asked for. What was sent and not answered is looked up later.
    public func enterBackground() async {
        await inTurn { [collector, delay] in
            let number = await delay.begin("Pannier closes its queue")
            try? await collector.pause()
            await delay.end(number)
        }
    }

    /// The app is coming back: opens the file again.
    public func enterForeground() async {
        await inTurn { [collector] in try? await collector.resume() }
    }

    /// One after another, in the order in which they were asked for.
    private func inTurn(_ work: @escaping @Sendable () async -> Void) async {
        let before = last
        let task = Task {
            await before?.value
            await work()
        }
        last = task
        await task.value
    }
}
