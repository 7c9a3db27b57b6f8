import Foundation

#if canImport(os)
import os
#endif

/// The system's log (subsystem `pannier`), or standard error where there is none.
enum Log {
    enum Category: String { case queue, background, core }

    static func error(_ text: String, of category: Category) { write(.error, text, of: category) }

    static func write(_ level: LogLevel, _ text: String, of category: Category) {
        #if canImport(os)
        Logger(subsystem: "pannier", category: category.rawValue).log(level: type(level), "\(text, privacy: .public)")
        #else
        FileHandle.standardError.write(Data("pannier: \(text)\n".utf8))
        #endif
    }

    #if canImport(os)
    private static func type(_ level: LogLevel) -> OSLogType {
        switch level {
        case .off, .error: .error
        case .warn: .default
        case .info: .info
        case .debug: .debug
        }
    }
    #endif

    // MARK: - What the core tells

    private static let isSet = Locked(false)

    /// Tells this logger what happens within Pannier, or the system's log.
    static func tell(_ level: LogLevel, _ logger: (@Sendable (LogEntry) -> Void)?) {
        isSet.with { isSet in
            isSet = true
            setLogger(level: level, logger: Told(logger ?? { write($0.level, "\($0)", of: .core) }))
        }
    }

    /// Has the system's log told of warnings, unless the app has said who is told what. On standard error nobody has asked
    /// for them.
    static func begin() {
        #if canImport(os)
        isSet.with { isSet in
            if isSet { return }
            isSet = true
            setLogger(level: .warn, logger: Told { write($0.level, "\($0)", of: .core) })
        }
        #endif
    }
}

/// A logger that is a closure.
private final class Told: PannierLogger {
    private let logger: @Sendable (LogEntry) -> Void

    init(_ logger: @escaping @Sendable (LogEntry) -> Void) { self.logger = logger }

    func log(entry: LogEntry) { logger(entry) }
}
