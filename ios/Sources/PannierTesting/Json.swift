/// Reads as much JSON as an LRS in memory needs, and leaves each statement's text as it is.
enum Json {
    /// The texts of the statements in a body: the items of an array, or the one there is.
    static func statements(_ body: String) -> [String] {
        let text = trimmed(body[...])
        return text.hasPrefix("[") ? parts(text).map(String.init) : [String(text)]
    }

    /// A string, by the names of the properties on the way to it. Escapes stay: no id has any.
    static func string(_ json: String, _ names: String...) -> String? {
        var text: Substring? = json[...]
        for name in names { text = text.flatMap { property($0, name) } }
        guard let text, text.count >= 2, text.hasPrefix("\"") else { return nil }
        return String(text.dropFirst().dropLast())
    }

    private static func property(_ json: Substring, _ name: String) -> Substring? {
        let key = "\"\(name)\""
        guard trimmed(json).hasPrefix("{") else { return nil }
        for part in parts(json) where part.hasPrefix(key) {
            let rest = trimmed(part.dropFirst(key.count))
            if rest.hasPrefix(":") { return trimmed(rest.dropFirst()) }
        }
        return nil
    }

    /// What stands between the commas of an array or an object, those of what is within it left alone.
    private static func parts(_ json: Substring) -> [Substring] {
        let inside = trimmed(json).dropFirst().dropLast()
        var parts: [Substring] = []
        var (depth, from) = (0, inside.startIndex)
        var (isString, isEscaped) = (false, false)
        for at in inside.indices {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch inside[at] {
            case "\\" where isString: isEscaped = true
            case "\"": isString.toggle()
            case _ where isString: break
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            case "," where depth == 0:
                parts.append(trimmed(inside[from..<at]))
                from = inside.index(after: at)
            default: break
            }
        }
        let last = trimmed(inside[from...])
        return last.isEmpty ? parts : parts + [last]
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return start }
        return start[...end]
    }
}
