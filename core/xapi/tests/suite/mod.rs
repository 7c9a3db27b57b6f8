//! The conformance suite's vectors, which are never kept here.

use std::path::PathBuf;
use std::{env, fs};

/// The text of a file from the suite, or `None` if there is none to be had, which CI does not accept.
pub fn file(name: &str) -> Option<String> {
    let Some(directory) = env::var_os("PANNIER_VECTORS") else {
        assert!(
            env::var_os("CI").is_none(),
            "PANNIER_VECTORS must name the directory of the suite's vectors"
        );
        println!("left out: {name}, since PANNIER_VECTORS is not set");
        return None;
    };
    Some(fs::read_to_string(PathBuf::from(directory).join(name)).expect("a file of vectors"))
}
