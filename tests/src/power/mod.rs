//! The plug is pulled: what is on the disk then, and what a queue makes of it.
//!
//! A process runs with `witness.c` loaded into it, which writes down, in order, every change it
//! makes to the files of its folder, every sync, and everything it says. [`log`] reads that;
//! [`disk`] plays it on a disk that keeps only what was synced, and of the rest what it likes: some
//! sectors of a write and not others, later writes without earlier ones, a new length without the
//! bytes. So one run gives as many power cuts as one likes, each from a seed, at any moment: within
//! a commit, a checkpoint, a vacuum, the making of the file, a salvage.
//!
//! Linux only: elsewhere there is no such way to look over a process's shoulder without rights.

pub mod disk;
pub mod log;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use log::Act;

/// Runs a program on a folder to its end and tells what it did there. Panics if it fails.
///
/// `scratch` is for the witness and its log; it lies outside the folder.
pub fn watch(mut program: Command, folder: &Path, scratch: &Path) -> Vec<Act> {
    let (library, log) = (witness(scratch), scratch.join("log"));
    let folder = folder.canonicalize().expect("the folder exists");
    let done = program
        .env("LD_PRELOAD", library)
        .env("PANNIER_WITNESS_FOLDER", folder)
        .env("PANNIER_WITNESS_LOG", &log)
        .stdout(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{program:?} cannot be started: {error}"));
    assert!(done.success(), "{program:?}: {done}");
    log::read(&std::fs::read(log).expect("the witness wrote it"))
}

fn witness(scratch: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/power/witness.c");
    let library = scratch.join("witness.so");
    let done = Command::new("cc")
        .args([
            "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
        ])
        .args([&library, &source])
        .status()
        .expect("a C compiler, as SQLite needs one too");
    assert!(done.success(), "the witness does not compile");
    library
}
