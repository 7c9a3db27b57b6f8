//! docs/names.md: every name in it is one, and every name that ought to be in it is.
//!
//! What uniffi makes is not looked at but what it is made of, with uniffi's own rules for names: a
//! call is `recordAll` in Kotlin and Swift, an error an `…Exception` in Kotlin, and a case of an error
//! begins with a small letter in Swift (`bindings/bindgen/src/swift.rs`).
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use heck::ToLowerCamelCase;

const DECLARING: [&str; 16] = [
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "mod",
    "fn",
    "class",
    "interface",
    "protocol",
    "object",
    "fun",
    "val",
    "func",
    "var",
    "let",
];

/// The languages' own, which nobody here declares.
const GIVEN: [&str; 6] = ["Uuid", "UUID", "SystemTime", "Instant", "Date", "Duration"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All sources with this ending in the folder, one after another.
fn sources(folder: &str, ending: &str) -> String {
    fn gather(folder: &Path, ending: &str, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() {
                // What is built, what is generated, and tests say nothing of names.
                let left_out = ["target", "test", "tests", "Tests", "Generated", "Sample"];
                if !left_out.contains(&&*name) && !name.starts_with('.') {
                    gather(&path, ending, text);
                }
            } else if path.to_string_lossy().ends_with(ending) && name != "tests.rs" {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    gather(&root().join(folder), ending, &mut text);
    text
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !(char.is_alphanumeric() || char == '_'))
        .filter(|word| !word.is_empty())
}

/// What the text declares, and the variants of its enums.
fn declared(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim().starts_with("//")) {
        let mut before = "";
        for word in words(line) {
            if DECLARING.contains(&before) {
                names.insert(word.to_owned());
            }
            before = word;
        }
        // A variant stands alone at the beginning of its line.
        let line = line.trim();
        if let Some(variant) = words(line).next()
            && line.starts_with(variant)
            && variant.starts_with(char::is_uppercase)
            && line[variant.len()..].starts_with([',', '(', ' '])
        {
            names.insert(variant.to_owned());
        }
    }
    names
}

/// The rows of the table under this heading: Rust, Kotlin, Swift.
fn rows(heading: &str) -> Vec<[Option<String>; 3]> {
    let page = std::fs::read_to_string(root().join("docs/names.md")).unwrap();
    let (_, section) = page.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    lines
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let cells: [&str; 3] = cells.try_into().expect("three columns");
            cells.map(|cell| (!cell.is_empty()).then(|| cell.trim_matches('`').to_owned()))
        })
        .collect()
}

fn column(rows: &[[Option<String>; 3]], at: usize) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row[at].clone()).collect()
}

/// The names that follow these words in the text.
fn after<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| words(rest.trim_start_matches(['`', ' '])).next())
        .collect()
}

#[test]
fn every_name_on_the_page_is_one() {
    let core = ["core/src", "core/xapi/src"].map(|folder| sources(folder, ".rs"));
    let core = declared(&core.join("\n"));
    let ffi = declared(&sources("bindings/ffi/src", ".rs"));
    let made = |name: &str| {
        [name.to_owned(), name.to_lower_camel_case()]
            .into_iter()
            .chain(
                name.strip_suffix("Error")
                    .map(|start| format!("{start}Exception")),
            )
    };
    let made: BTreeSet<String> = ffi
        .iter()
        .chain(&core)
        .flat_map(|name| made(name))
        .collect();
    let kotlin = declared(&sources("android", ".kt"));
    let swift = declared(&sources("ios/Sources", ".swift"));
    let vocabulary =
        std::fs::read_to_string(root().join("bindings/bindgen/src/vocabulary.rs")).unwrap();
    for heading in [
        "Types",
        "Calls of a statement",
        "Calls of the collector",
        "Calls of an upstream",
        "Calls of a recorder",
        "With the device",
        "Errors",
        "The vocabulary",
    ] {
        let rows = rows(heading);
        assert!(rows.len() >= 3, "{heading}");
        for (at, own) in [(0, &core), (1, &kotlin), (2, &swift)] {
            for name in column(&rows, at) {
                let is_made = at > 0 && (made.contains(&name) || vocabulary.contains(&*name));
                assert!(
                    own.contains(&name) || is_made || GIVEN.contains(&&*name),
                    "{heading}: nothing is called {name}"
                );
            }
        }
    }
}

/// Whatever is called by this name in all three languages has the calls that stand under the heading; Rust has
/// them in these files.
fn calls_are_on_the_page(heading: &str, files: &[&str], name: &str) {
    let rows = rows(heading);
    let [rust, kotlin, swift] = [0, 1, 2].map(|at| column(&rows, at));
    for file in files {
        let path = root().join("core/src/collector").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let (_, calls) = text.split_once(&format!("impl {name} {{")).unwrap();
        for call in after(calls.split("\n}\n").next().unwrap(), "    pub fn ") {
            assert!(rust.contains(call), "Rust's {call} is not on the page");
        }
    }
    let text = sources("ios/Sources/Pannier/Collector", &format!("/{name}.swift"));
    for call in after(&text, "public func ") {
        assert!(swift.contains(call), "Swift's {call} is not on the page");
    }
    assert_eq!(swift.difference(&declared(&text)).next(), None);
    let text = sources("android", &format!("/{name}.kt"));
    for call in after(&text, "public suspend fun ") {
        let is_kotlins = ["recordAllJson", "closeAndJoin"].contains(&call);
        assert!(
            kotlin.contains(call) || is_kotlins,
            "Kotlin's {call} is not on the page"
        );
    }
    assert_eq!(kotlin.difference(&declared(&text)).next(), None);
    assert_eq!(kotlin, swift);
    for [rust, _, swift] in &rows {
        if let (Some(rust), Some(swift)) = (rust, swift) {
            let differs = ["open", "sync_within", "status"].contains(&&**rust);
            assert!(
                differs || *swift == rust.to_lower_camel_case(),
                "{rust} and {swift}"
            );
        }
    }
}

#[test]
fn every_call_is_on_the_page_and_the_same_in_kotlin_and_swift() {
    let collector = ["mod.rs", "upstreams.rs"];
    calls_are_on_the_page("Calls of the collector", &collector, "Collector");
    calls_are_on_the_page("Calls of an upstream", &["upstream_handle.rs"], "Upstream");
    calls_are_on_the_page("Calls of a recorder", &["recorder.rs"], "Recorder");
}

#[test]
fn every_error_and_every_exported_type_is_on_the_page() {
    let errors = rows("Errors");
    let text = std::fs::read_to_string(root().join("bindings/ffi/src/errors.rs")).unwrap();
    let (_, kinds) = text.split_once("pub enum PannierError {").unwrap();
    let kinds = declared(kinds.split("\n}\n").next().unwrap());
    let (kotlin, swift) = (column(&errors, 1), column(&errors, 2));
    assert_eq!(kotlin, kinds);
    assert_eq!(
        swift,
        kinds
            .iter()
            .map(|kind| kind.to_lower_camel_case())
            .collect()
    );

    let types = column(&rows("Types"), 2);
    let text = sources("bindings/ffi/src", ".rs");
    let exported = text
        .split("uniffi::Record)]")
        .chain(text.split("uniffi::Enum)]"));
    // Macros call theirs `$name`.
    let small = ["CredentialsError", "ListenerError", "Header", "Url"];
    for part in exported.skip(1) {
        let head = &part[..part.len().min(400)];
        let name = after(head, "pub struct ")
            .into_iter()
            .next()
            .filter(|_| head.find("pub struct ") < head.find("pub enum ").or(Some(usize::MAX)))
            .or_else(|| after(head, "pub enum ").into_iter().next());
        if let Some(name) = name {
            assert!(
                types.contains(name) || small.contains(&name) || name == "name",
                "{name} is not on the page"
            );
        }
    }
}

/// Python takes no parameter without a default after one that has one, and a case's fields are its
/// parameters there.
#[test]
fn no_field_of_a_case_without_a_default_follows_one_that_has_one() {
    fn enums(folder: &Path, found: &mut Vec<syn::ItemEnum>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                enums(&path, found);
            } else {
                let file = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap();
                found.extend(file.items.into_iter().filter_map(|item| match item {
                    syn::Item::Enum(one) => Some(one),
                    _ => None,
                }));
            }
        }
    }
    let mut found = Vec::new();
    enums(&root().join("bindings/ffi/src"), &mut found);
    let mut with_defaults = 0;
    for variant in found.iter().flat_map(|one| &one.variants) {
        let has_default = variant.fields.iter().map(|field| {
            let mut attributes = field.attrs.iter();
            attributes.any(|attribute| attribute.path().is_ident("uniffi"))
        });
        let has_default: Vec<bool> = has_default.collect();
        assert!(has_default.is_sorted(), "{}", variant.ident);
        with_defaults += usize::from(has_default.contains(&true));
    }
    assert!(with_defaults > 0, "no case has a default any more");
}
