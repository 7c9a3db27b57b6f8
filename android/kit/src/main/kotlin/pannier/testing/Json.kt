package pannier.testing

/** The texts of the statements in a body: the items of an array, or the one there is. */
internal fun statements(body: String): List<String> =
    if (body.trimStart().startsWith("[")) parts(body) else listOf(body)

/** The text of a value, by the names of the properties on the way to it; null where one is missing. */
internal fun value(json: String, vararg names: String): String? =
    names.fold(json as String?) { text, name -> text?.let { property(it, name) } }

/** A string without its quotes. Escapes stay: no id has any. */
internal fun string(json: String?): String? = json?.takeIf { it.startsWith("\"") }?.removeSurrounding("\"")

private fun property(json: String, name: String): String? {
    if (!json.trimStart().startsWith("{")) return null
    val found = parts(json).firstOrNull { it.startsWith("\"$name\"") && it.removePrefix("\"$name\"").trimStart().startsWith(":") }
    return found?.removePrefix("\"$name\"")?.trimStart()?.removePrefix(":")?.trim()
}

/** What stands between the commas of an array or an object, those of what is within it left alone. */
private fun parts(json: String): List<String> {
    val parts = mutableListOf<String>()
    val inside = json.trim().drop(1).dropLast(1)
    var (depth, from) = 0 to 0
    var inString = false
    var at = 0
    while (at < inside.length) {
        val char = inside[at]
        when {
            inString && char == '\\' -> at++
            char == '"' -> inString = !inString
            inString -> {}
            char == '{' || char == '[' -> depth++
            char == '}' || char == ']' -> depth--
            char == ',' && depth == 0 -> {
                parts += inside.substring(from, at).trim()
                from = at + 1
            }
        }
        at++
    }
    inside.substring(from).trim().takeIf { it.isNotEmpty() }?.let(parts::add)
    return parts
}
