//! The vocabulary as Kotlin.

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
