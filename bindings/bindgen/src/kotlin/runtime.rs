//! Changes to what uniffi's bindings do where an app errs: a text with half a character and a call after the end are
//! `PannierException`s, whatever the app's own code throws is caught, and no thread of its keeps a JVM alive.

/// What uniffi writes, and what takes its place. The functions called are in the library (`Bindings.kt`).
const EVERYWHERE: [(&str, &str); 6] = [
    (
        "        return Charsets.UTF_8.newEncoder().run {
            onMalformedInput(CodingErrorAction.REPORT)
            encode(CharBuffer.wrap(value))
        }
",
        "        return asText {
            Charsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPORT).encode(CharBuffer.wrap(value))
        }
",
    ),
    ("} catch(e: kotlin.Exception) {\n", "} catch(e: Throwable) {\n"),
    (
        "        if (e is E) {
            callStatus.code = UNIFFI_CALL_ERROR
            callStatus.error_buf = lowerError(e)
",
        "        val lowered = (e as? E)?.let { runCatching { lowerError(it) }.getOrNull() }
        if (lowered != null) {
            callStatus.code = UNIFFI_CALL_ERROR
            callStatus.error_buf = lowered
",
    ),
    (
        "callStatus.error_buf = FfiConverterString.lower(err)",
        "callStatus.error_buf = FfiConverterString.lower(legible(err))",
    ),
    (
        "            if (c == 0L) {
                throw IllegalStateException(\"${this.javaClass.simpleName} object has already been destroyed\")
",
        "            if (c == 0L || wasDestroyed.get()) {
                throw closed()
",
    ),
    (
        "    internal fun register(lib: UniffiLib) {\n",
        "    internal fun register(lib: UniffiLib) {\n        callOnDaemons(vtable)\n",
    ),
];

/// The end of a collector.
const COLLECTOR: &str = "open class BlockingCollector: ";
const CLOSE: (&str, &str) = (
    "    @Synchronized
    override fun close() {
        this.destroy()
",
    "    /**
     * Ends a sync under way and closes the file, whoever is in a call: calls that have begun come to their end, and those
     * made from now on fail as `Closing`. Closing twice is closing once.
     */
    @Synchronized
    override fun close() {
        this.end()
",
);

/// Returns the bindings with all of this changed; an error where uniffi writes something else by now.
pub fn mend(bindings: &str) -> Result<String, String> {
    let mut mended = bindings.to_owned();
    for (made, wanted) in EVERYWHERE {
        if !mended.contains(made) {
            return Err(unknown(made));
        }
        mended = mended.replace(made, wanted);
    }
    let collector = mended.find(COLLECTOR).ok_or_else(|| unknown(COLLECTOR))?;
    let (before, rest) = mended.split_at(collector);
    if !rest.contains(CLOSE.0) {
        return Err(unknown(CLOSE.0));
    }
    Ok(before.to_owned() + &without_an_end(&rest.replacen(CLOSE.0, CLOSE.1, 1)))
}

/// Lets calls that tell nothing and declare no exception do nothing after the end.
fn without_an_end(bindings: &str) -> String {
    let lines: Vec<&str> = bindings.lines().collect();
    let mut changed = String::with_capacity(bindings.len());
    for (at, line) in lines.iter().enumerate() {
        let head = at.checked_sub(2).map_or("", |head| lines[head]);
        let is_silent = line.trim() == "callWithHandle {"
            && lines[at - 1].trim() == "="
            && head.contains("override fun `")
            && !head.contains("@Throws");
        changed.push_str(if is_silent {
            "    if (uniffiIsDestroyed) Unit else callWithHandle {"
        } else {
            line
        });
        changed.push('\n');
    }
    changed
}

fn unknown(made: &str) -> String {
    let line = made.trim().lines().next().unwrap_or_default();
    format!("uniffi does not write `{line}` … any more: see bindings/bindgen/src/kotlin/runtime.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_changed_and_what_is_not_found_is_told() {
        let silent = "    override fun `cancel`()\n        = \n    callWithHandle {\n";
        let throws =
            "    @Throws(A::class)override fun `pause`()\n        = \n    callWithHandle {\n";
        let made: String = EVERYWHERE.iter().map(|(made, _)| *made).collect();
        let made = made + CLOSE.0 + COLLECTOR + "\n" + CLOSE.0 + CLOSE.0 + silent + throws;
        let wanted: String = EVERYWHERE.iter().map(|(_, wanted)| *wanted).collect();
        let silent = silent.replace("callWith", "if (uniffiIsDestroyed) Unit else callWith");
        let wanted = wanted + CLOSE.0 + COLLECTOR + "\n" + CLOSE.1 + CLOSE.0 + &silent + throws;
        assert_eq!(mend(&made), Ok(wanted));
        assert!(mend("").is_err_and(|told| told.contains("Charsets")));
        let without_end = made.replace("this.destroy()", "that()");
        assert!(mend(&without_end).is_err_and(|told| told.contains("@Synchronized")));
    }
}
