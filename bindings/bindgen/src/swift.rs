//! The vocabulary as Swift. Verbs are found where a verb is wanted: `.completed`.

use heck::ToLowerCamelCase;

use crate::vocabulary::{Section, Word};

const HEAD: &str = "// Made by bindings/generate; changes are lost.
";

pub fn write(vocabulary: &[Section]) -> String {
    let mut lines = vec![HEAD.to_owned()];
    for Section { name, what, words } in vocabulary {
        lines.push(match *name {
            "Verbs" => format!("/// {what}\nextension Verb {{"),
            _ => format!("/// {what}\npublic enum {name} {{"),
        });
        lines.extend(words.iter().map(word));
        lines.push("}\n".to_owned());
    }
    lines.join("\n")
}

fn word(word: &Word) -> String {
    let (name, iri) = (word.name.to_lower_camel_case(), &word.iri);
    let value = match &word.display {
        Some(shown) => format!("Verb(id: {iri:?}, display: [\"en\": {shown:?}])"),
        None => format!("{iri:?}"),
    };
    let docs = word.docs.join(" ");
    format!("    /// {docs}\n    public static let {name} = {value}")
}
