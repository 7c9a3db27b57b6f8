//! Defaults for what statements leave open, from a file.

use std::path::{Path, PathBuf};

use clap::Args;
use pannier::StatementDefaults;
use pannier::statement::{Invalid, PreparedDefaults, XapiVersion};

use super::{Failure, small_file};
use crate::terminal::one_line;

/// The option for it, and the rules by which the statements are judged then.
#[derive(Args, Debug)]
pub struct DefaultsArgs {
    /// What is said of statements that leave it open: JSON in a file, an object with `actor`, `context` or
    /// both
    ///
    /// What a statement says itself counts: each property of the context is a default of its own, and so are
    /// each kind of contextActivities and each extension.
    #[arg(long, value_name = "FILE")]
    defaults: Option<PathBuf>,
}

impl DefaultsArgs {
    /// Returns the defaults in the file; none where no file is named.
    pub fn read(&self, rules: XapiVersion) -> Result<PreparedDefaults, Failure> {
        let Some(path) = &self.defaults else {
            return Ok(PreparedDefaults::default());
        };
        let text = small_file::text(path, "defaults")?;
        let read = StatementDefaults::from_json(&text);
        read.and_then(|defaults| defaults.check(rules).map(|()| defaults.prepared()))
            .map_err(|invalid| wrong(path, &invalid))
    }
}

fn wrong(path: &Path, invalid: &Invalid) -> Failure {
    let faults: Vec<_> = invalid.faults.iter().map(ToString::to_string).collect();
    Failure::usage(format!(
        "the defaults in {} are none: {}",
        one_line(path.display()),
        faults.join("; ")
    ))
}
