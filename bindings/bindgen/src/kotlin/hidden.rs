//! Items that uniffi needs and no app calls. uniffi makes them public so that other libraries' bindings could use
//! them. There are none, so they are made internal here.

/// Beginnings of lines that declare such items. The end of a name is left open where uniffi numbers its own or
/// names them by types.
const PUBLIC: [&str; 5] = [
    "public object FfiConverter",
    "public interface FfiConverter",
    "public abstract class FfiConverter",
    "public typealias FfiConverter",
    "public fun uniffiEnsureInitialized",
];
const UNMARKED: [&str; 9] = [
    "open class RustBuffer",
    "interface UniffiRustCallStatusErrorHandler",
    "object UniffiNullRustCallStatusErrorHandler",
    "interface Disposable",
    "inline fun <T : Disposable?",
    "object UniffiWithHandle",
    "object NoHandle",
    "interface UniffiCleaner",
    "class UniffiJna",
];

/// Functions that the layer above has in a better place.
const FUNCTIONS: [&str; 1] = ["fun `setLogger`("];

/// Such members of types that an app does use, and what they become.
const MEMBERS: [(&str, &str); 7] = [
    (
        "constructor(withHandle:",
        "internal constructor(withHandle:",
    ),
    ("constructor(noHandle:", "internal constructor(noHandle:"),
    ("protected val handle:", "private val handle:"),
    ("protected val cleanable:", "private val cleanable:"),
    ("val uniffiIsDestroyed:", "internal val uniffiIsDestroyed:"),
    ("override fun destroy()", "internal fun destroy()"),
    (
        "fun uniffiCloneHandle()",
        "internal fun uniffiCloneHandle()",
    ),
];

/// Returns the line, made internal if it declares an item of uniffi's own.
pub fn hide(line: &str) -> String {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    if let Some(rest) = line.strip_prefix("public ")
        && PUBLIC.iter().any(|own| line.starts_with(own))
    {
        return format!("internal {rest}");
    }
    if let Some(own) = FUNCTIONS.iter().find(|own| line.contains(*own)) {
        return line.replace(own, &format!("internal {own}"));
    }
    if UNMARKED.iter().any(|own| line.starts_with(own)) {
        return format!("internal {line}");
    }
    if let Some((name, rest)) = line
        .strip_prefix("open class ")
        .and_then(|rest| rest.split_once(": Disposable, "))
    {
        // Rust's implementation of an interface that an app may implement, too.
        let visible = if name.ends_with("Impl") {
            "internal "
        } else {
            ""
        };
        return format!("{visible}open class {name}: {rest}");
    }
    if indent.len() != 4 {
        return line.to_owned();
    }
    if text.starts_with("companion object ErrorHandler") {
        return format!("{indent}internal {text}");
    }
    let member = MEMBERS.iter().find(|(own, _)| text.starts_with(own));
    member.map_or_else(
        || line.to_owned(),
        |(own, hidden)| format!("{indent}{hidden}{}", &text[own.len()..]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_uniffis_own_is_internal_and_the_rest_stays() {
        for (made, wanted) in [
            (
                "public object FfiConverterLong: FfiConverter<Long, Long> {",
                "internal object FfiConverterLong: FfiConverter<Long, Long> {",
            ),
            (
                "         */ fun `setLogger`(`level`: LogLevel)",
                "         */ internal fun `setLogger`(`level`: LogLevel)",
            ),
            (
                "object NoHandle// Magic",
                "internal object NoHandle// Magic",
            ),
            (
                "open class TransportImpl: Disposable, AutoCloseable, Transport",
                "internal open class TransportImpl: AutoCloseable, Transport",
            ),
            (
                "open class Subscription: Disposable, AutoCloseable",
                "open class Subscription: AutoCloseable",
            ),
            (
                "    constructor(noHandle: NoHandle) {",
                "    internal constructor(noHandle: NoHandle) {",
            ),
            (
                "    protected val handle: Long",
                "    private val handle: Long",
            ),
            (
                "    companion object ErrorHandler : U<E> {",
                "    internal companion object ErrorHandler : U<E> {",
            ),
            (
                "    override fun destroy() {",
                "    internal fun destroy() {",
            ),
            (
                "public interface Transport {",
                "public interface Transport {",
            ),
            (
                "        override fun destroy() {",
                "        override fun destroy() {",
            ),
            ("data class Verb (", "data class Verb ("),
        ] {
            assert_eq!(hide(made), wanted);
        }
    }
}
