import Foundation

#if canImport(os)
import os
#endif

/// The system's log (subsystem `pannier`), or standard error where there is none.
enum Log {
    enum Category: String { case queue, background }

    static func error(_ text: String, of category: Category) {
        #if canImport(os)
        Logger(subsystem: "pannier", category: category.rawValue).error("\(text, privacy: .public)")
        #else
        FileHandle.standardError.write(Data("pannier: \(text)\n".utf8))
        #endif
    }
}
