//! The constants of the core's vocabulary, read from its sources: a compiled library keeps no constants.

use syn::{Expr, ExprLit, Item, Lit, Meta};

/// The constants of one of the core's modules.
pub struct Section {
    /// `Verbs`, `ActivityTypes`, `Categories` or `ExtensionKeys`.
    pub name: &'static str,
    /// Description of its contents.
    pub what: &'static str,
    /// The constants.
    pub words: Vec<Word>,
}

/// Text of a module of the core at build time; a change of it triggers a rebuild.
macro_rules! module {
    ($file:literal) => {
        include_str!(concat!(
            "../../../core/xapi/src/statement/vocabulary/",
            $file
        ))
    };
}

/// Source, name and contents of each section.
const SECTIONS: [(&str, &str, &str); 4] = [
    (
        module!("verbs.rs"),
        "Verbs",
        "The verbs of ADL, cmi5 and the video profile.",
    ),
    (
        module!("activity_types.rs"),
        "ActivityTypes",
        "The kinds of activities of ADL, cmi5, the video profile and the Tin Can registry.",
    ),
    (
        module!("categories.rs"),
        "Categories",
        "Activities to put into the categories of a context, by their ids.",
    ),
    (
        module!("extensions.rs"),
        "ExtensionKeys",
        "Keys for extensions of cmi5 and the video profile.",
    ),
];

/// A constant.
pub struct Word {
    /// Name in the core's spelling: `CMI5_MOVE_ON`.
    pub name: String,
    /// Lines of documentation.
    pub docs: Vec<String>,
    /// Its IRI.
    pub iri: String,
    /// English word to show, for verbs.
    pub display: Option<String>,
}

/// Reads the vocabulary from the core's sources, which are next to this crate's.
pub fn read() -> Result<Vec<Section>, String> {
    SECTIONS
        .into_iter()
        .map(|(source, name, what)| {
            let words = words(source).map_err(|error| format!("{name}: {error}"))?;
            Ok(Section { name, what, words })
        })
        .collect()
}

/// Returns the constants of a module.
fn words(text: &str) -> Result<Vec<Word>, String> {
    let file = syn::parse_file(text).map_err(|error| error.to_string())?;
    let constants = file.items.into_iter().filter_map(|item| match item {
        Item::Const(constant) => Some(constant),
        _ => None,
    });
    constants
        .map(|constant| {
            let name = constant.ident.to_string();
            let docs = constant
                .attrs
                .iter()
                .filter_map(|attribute| match &attribute.meta {
                    Meta::NameValue(pair) if pair.path.is_ident("doc") => string(&pair.value),
                    _ => None,
                })
                .map(|line| line.trim().to_owned())
                .collect();
            let (iri, display) = match &*constant.expr {
                Expr::Struct(verb) => {
                    let field = |wanted: &str| {
                        let field = verb.fields.iter().find(
                            |field| matches!(&field.member, syn::Member::Named(name) if name == wanted),
                        );
                        string(&field?.expr)
                    };
                    (field("id"), field("display"))
                }
                plain => (string(plain), None),
            };
            let iri = iri.ok_or_else(|| format!("{name} has no IRI"))?;
            Ok(Word {
                name,
                docs,
                iri,
                display,
            })
        })
        .collect()
}

fn string(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pannier::statement::vocabulary::{categories, verbs};

    #[test]
    fn the_cores_words_are_all_found() {
        let read = read().unwrap();
        let find = |section: usize, name: &str| {
            let found = read[section].words.iter().find(|word| word.name == name);
            found.map(|word| (word.iri.as_str(), word.display.as_deref()))
        };
        assert_eq!(
            find(0, "ANSWERED"),
            Some((verbs::ANSWERED.id, Some("answered")))
        );
        assert_eq!(find(2, "VIDEO"), Some((categories::VIDEO, None)));
        assert!(read.iter().all(|section| {
            let documented = section.words.iter().all(|word| !word.docs.is_empty());
            section.words.len() > 2 && documented
        }));
        assert!(read[0].words.iter().all(|verb| verb.display.is_some()));
    }
}
