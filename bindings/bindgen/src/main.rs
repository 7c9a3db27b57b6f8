//! Makes the Kotlin or Swift sources of Pannier: the bindings from the library, which knows what it
//! exports, and the vocabulary from the core's sources. `bindings/generate` runs it.

mod kotlin;
mod swift;
mod vocabulary;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [language, library, out_dir] = args.as_slice() else {
        eprintln!("usage: pannier-bindgen kotlin|swift LIBRARY OUTDIR");
        return ExitCode::from(2);
    };
    match run(language, library, out_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pannier-bindgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(language: &str, library: &str, out_dir: &str) -> Result<(), Box<dyn Error>> {
    let (target, file, write): (_, _, fn(&[vocabulary::Section]) -> String) = match language {
        "kotlin" => (
            TargetLanguage::Kotlin,
            "pannier/Vocabulary.kt",
            kotlin::write,
        ),
        "swift" => (TargetLanguage::Swift, "Vocabulary.swift", swift::write),
        other => return Err(format!("'{other}' is neither kotlin nor swift").into()),
    };
    generate(GenerateOptions {
        languages: vec![target],
        source: library.into(),
        out_dir: out_dir.into(),
        ..GenerateOptions::default()
    })
    .map_err(|error| format!("{error:#}"))?;
    let vocabulary = vocabulary::read()?;
    std::fs::write(Path::new(out_dir).join(file), write(&vocabulary))?;
    let (bindings, finish): (_, fn(&str) -> Result<String, String>) = match language {
        "kotlin" => ("pannier/pannier.kt", kotlin::finish),
        _ => ("PannierBindings.swift", |made| Ok(swift::finish(made))),
    };
    let bindings = Path::new(out_dir).join(bindings);
    let made = std::fs::read_to_string(&bindings)?;
    std::fs::write(bindings, finish(&made)?)?;
    Ok(())
}
