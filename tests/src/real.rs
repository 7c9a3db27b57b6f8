//! LRSs that others wrote, running on loopback over fresh storage.
//!
//! They are installed by `tests/run lrs`, which names their folder in `PANNIER_REAL_LRS`; how they
//! are started and what had to be changed for it is in `lrs/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pannier::lrs::Credentials;
use tempfile::TempDir;

use crate::ask::Ask;
use crate::process::Process;

/// Long enough for a cold disk on a busy machine; they take a second or two.
const START: Duration = Duration::from_mins(2);
const USER: &str = "tester";
const PASSWORD: &str = "secret";

/// How Ralph behaves: all three are its own behaviour over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// A statement known already is left out of the answer; a refusal is a 422.
    Append,
    /// As shipped: everything after the first write is answered 500.
    Stock,
    /// A batch may be stored in part: 200 and an object that reports the refusals.
    Partial,
}

/// A running LRS. Dropping it ends it and deletes its storage.
#[derive(Debug)]
pub struct RealLrs {
    process: Process,
    _folder: TempDir,
}

impl RealLrs {
    /// Ralph, from PyPI.
    pub fn ralph(personality: Personality) -> Self {
        let mut command = Command::new(installed().join("ralph/bin/python"));
        command
            .arg(launcher("ralph/launch.py"))
            .arg(match personality {
                Personality::Append => "append",
                Personality::Stock => "stock",
                Personality::Partial => "partial",
            });
        Self::launch(command)
    }

    /// Learning Locker's statements service, from npm. It speaks 1.0.3 only.
    pub fn learning_locker() -> Self {
        let mut command = Command::new("node");
        command
            .env(
                "NODE_PATH",
                installed().join("learning-locker/node_modules"),
            )
            .arg(launcher("learning-locker/launch.js"));
        Self::launch(command)
    }

    fn launch(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        command
            .arg(folder.path())
            .env("LRS_USER", USER)
            .env("LRS_PASSWORD", PASSWORD);
        let lrs = Self {
            process: Process::launch(command, START),
            _folder: folder,
        };
        assert!(
            lrs.ask().all_statements().is_empty(),
            "a fresh LRS has no statements"
        );
        lrs
    }

    /// The base URL, as one gives it to a collector.
    pub fn url(&self) -> String {
        format!("http://{}/xAPI", self.process.address())
    }

    /// Credentials that it accepts.
    pub fn credentials(&self) -> Credentials {
        Credentials::Basic {
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
        }
    }

    /// A client that asks it what it has.
    pub fn ask(&self) -> Ask {
        Ask::new(&self.url(), USER, PASSWORD)
    }
}

fn installed() -> PathBuf {
    let folder = std::env::var_os("PANNIER_REAL_LRS")
        .expect("PANNIER_REAL_LRS names no folder with the real LRSs: use `tests/run lrs`");
    PathBuf::from(folder)
}

fn launcher(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lrs").join(name)
}
