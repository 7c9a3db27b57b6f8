//! The vocabulary as Kotlin, and changes to uniffi's bindings so that Kotlin prints and Java calls them well.

mod errors;
mod hidden;
mod runtime;

use crate::vocabulary::{Section, Word};

const HEAD: &str = "// Made by bindings/generate; changes are lost.

package pannier
";

pub fn write(vocabulary: &[Section]) -> String {
    let mut lines = vec![HEAD.to_owned()];
    for Section { name, what, words } in vocabulary {
        lines.push(format!("/** {what} */\npublic object {name} {{"));
        lines.extend(words.iter().map(word));
        lines.push("}\n".to_owned());
    }
    lines.join("\n")
}

fn word(word: &Word) -> String {
    let Word { name, iri, .. } = word;
    let line = match &word.display {
        Some(shown) => {
            format!("@JvmField public val {name}: Verb = Verb({iri:?}, mapOf(\"en\" to {shown:?}))")
        }
        None => format!("public const val {name}: String = {iri:?}"),
    };
    format!("    /** {} */\n    {line}", word.docs.join(" "))
}

/// Returns uniffi's bindings with cases that print as their names, errors in groups that say what to do, and
/// constructors that Java can call without a `Companion` and without what has a default; uniffi's own items are
/// hidden, and what it does where an app errs is mended.
pub fn finish(bindings: &str) -> Result<String, String> {
    let hidden: Vec<String> = bindings.lines().map(hidden::hide).collect();
    runtime::mend(&errors::group(&tidy(&hidden.join("\n")))?)
}

fn tidy(bindings: &str) -> String {
    let lines: Vec<&str> = bindings.lines().collect();
    let mut in_companion = false;
    let mut finished = String::with_capacity(bindings.len() + 4096);
    for (at, line) in lines.iter().enumerate() {
        in_companion = match *line {
            "    companion object {" => true,
            "}" => false,
            _ => in_companion,
        };
        finished.push_str(&finish_line(line, &lines[at + 1..], in_companion));
        finished.push('\n');
    }
    finished
}

fn finish_line(line: &str, following: &[&str], in_companion: bool) -> String {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    if text.starts_with("object ") && text.contains(" : ") && text.ends_with("()") {
        return format!("{indent}data {text}");
    }
    // Names in backticks are the API's; uniffi's own have none.
    let is_ours = text.starts_with("fun `") || text.contains(") fun `");
    if in_companion && indent.len() == 4 && is_ours {
        return format!("{indent}@JvmStatic @JvmOverloads {text}");
    }
    if let Some(property) = property(line) {
        return property;
    }
    if text.starts_with("get() = \"") && text.contains("explanation=${ `explanation` }") {
        // The message of an error is what a log shows of it.
        return format!("{indent}get() = `explanation`");
    }
    match text.split_once('(') {
        Some((head, rest)) if head.starts_with("data class ") && may_overload(following) => {
            format!(
                "{indent}{} @JvmOverloads constructor({rest}",
                head.trim_end()
            )
        }
        _ => line.to_owned(),
    }
}

/// Returns the first line of what a value tells of itself, which uniffi makes a function and Kotlin has a property for.
/// The functions of objects are overridden ones.
fn property(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("fun `")?;
    let (name, rest) = rest.split_once("`(): ")?;
    let returned = rest.strip_suffix(" {")?;
    let is_plain = before
        .trim_start()
        .trim_start_matches("*/")
        .trim()
        .is_empty();
    is_plain.then(|| format!("{before}val `{name}`: {returned} get() {{"))
}

/// Tells whether one of the parameters that follow has a default and all are of types that Java knows: a
/// constructor with an unsigned number is hidden from it.
fn may_overload(parameters: &[&str]) -> bool {
    let code = |line: &&&str| !line.trim_start().starts_with(['*', '/']);
    let ends = |line: &str| line.trim_start().starts_with(')') || line.contains(") : ");
    let mut defaults = false;
    for line in parameters.iter().filter(code) {
        if line.contains("kotlin.ULong") || line.contains("kotlin.UInt") {
            return false;
        }
        defaults |= line.contains("val `") && line.contains(" = ");
        if ends(line) {
            break;
        }
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_tells_of_itself_is_a_property() {
        for (made, wanted) in [
            (
                "        fun `isTransient`(): kotlin.Boolean {",
                "        val `isTransient`: kotlin.Boolean get() {",
            ),
            (
                "     */ fun `undelivered`(): kotlin.Long {",
                "     */ val `undelivered`: kotlin.Long get() {",
            ),
        ] {
            assert_eq!(tidy(made).trim_end(), wanted);
        }
        for other in [
            "    override fun `status`(): Status {",
            "    fun `of`(`id`: Uuid): Status {",
            "    fun `status`(): Status",
            "    fun `close`() {",
            "    fun asBytes(): Bytes {",
        ] {
            assert_eq!(tidy(other).trim_end(), other);
        }
    }

    #[test]
    fn cases_print_as_their_names_and_java_needs_no_companion_and_no_defaults() {
        let made = "\
data class Config (
    /**
     * Where to = there.
     */
    val `endpoint`: Url? = null 
    , 
){
    companion object
}
data class Size (
    val `length`: kotlin.ULong
    , 
    val `url`: Url? = null 
    , 
){
}
sealed class Ended {
    object Emptied : Ended()
    data class Busy(
        val `until`: pannier.Timestamp ) : Ended()
    data class Early(
        val `ids`: List<pannier.Uuid>) : Ended()
    data class Late(
        val `by`: kotlin.Int = 50 ) : Ended()
}
class Unknown(val `id`: Uuid, val `explanation`: kotlin.String) : PannierException() {
        override val message
            get() = \"id=${ `id` }, explanation=${ `explanation` }\"
}
open class Buffer {
    companion object {
        internal fun alloc() {
    }
    fun asBytes() =
}
open class Handle
{
    fun `close`() {
    companion object {
    @Throws(PannierException::class) fun `open`(`path`: kotlin.String): Handle {
        fun inner() {
    }
}
public object Converter: Buffer<Ended>{
";
        let wanted = made
            .replace("class Config (", "class Config @JvmOverloads constructor(")
            .replace("object Emptied", "data object Emptied")
            .replace("class Late(", "class Late @JvmOverloads constructor(")
            .replace(
                "\"id=${ `id` }, explanation=${ `explanation` }\"",
                "`explanation`",
            )
            .replace("@Throws", "@JvmStatic @JvmOverloads @Throws");
        assert_eq!(tidy(made), wanted);
    }
}
