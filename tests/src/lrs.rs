//! The LRSs that Pannier is tested against, on loopback over fresh storage: our own hub, and real
//! ones that others wrote.
//!
//! The real ones are installed by `tests/run lrs`, which names their folder in `PANNIER_REAL_LRS`.
//! How they are started, and what had to be changed for it, is in `lrs/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pannier::statement::{Comparison, compare};
use pannier::{Credentials, Uuid};
use pannier_cli::hub::{Hub, Options, Running};
use tempfile::TempDir;

use crate::ask::Ask;
use crate::process::Process;

/// Long enough for a cold disk on a busy machine; they take a second or two.
const START: Duration = Duration::from_mins(2);
/// The user of every one of them.
pub const USER: &str = "tester";

/// That user's password.
pub const PASSWORD: &str = "secret";

/// Which LRS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our own hub, in this process.
    Hub,
    /// Ralph: a statement known already is left out of the answer; a refusal is a 422.
    Ralph,
    /// Ralph as shipped: every write after the first is answered 500.
    RalphStock,
    /// Ralph that stores a batch in part: 200 and an object that reports the refusals.
    RalphPartial,
    /// Learning Locker's statements service, which speaks 1.0.3 only.
    LearningLocker,
}

/// A running LRS. Dropping it ends it and deletes its storage.
pub struct Lrs {
    url: String,
    /// Statements asked for at once; 0 for as many as it has.
    page: usize,
    _running: Box<dyn std::any::Any>,
}

/// Statements asked for at once.
const PAGE: usize = 100;

impl Lrs {
    /// Starts one. It answers when this returns, and has no statements.
    pub fn start(kind: Kind) -> Self {
        let lrs = match kind {
            Kind::Hub => {
                let hub: Running = Hub::start(&Options::new(USER, PASSWORD)).expect("a free port");
                Self {
                    url: hub.url(),
                    page: PAGE,
                    _running: Box::new(hub),
                }
            }
            Kind::Ralph => Self::ralph("append"),
            Kind::RalphStock => Self::ralph("stock"),
            Kind::RalphPartial => Self::ralph("partial"),
            Kind::LearningLocker => {
                let mut command = Command::new("node");
                let modules = installed().join("learning-locker/node_modules");
                command
                    .env("NODE_PATH", modules)
                    .arg(launcher("learning-locker/launch.js"));
                // Its pages have been seen to leave out statements that it shows by their ids.
                Self {
                    page: 0,
                    ..Self::launch(command)
                }
            }
        };
        assert!(
            lrs.ask().all_statements().is_empty(),
            "a fresh LRS has no statements"
        );
        lrs
    }

    fn ralph(personality: &str) -> Self {
        let mut command = Command::new(installed().join("ralph/bin/python"));
        command.arg(launcher("ralph/launch.py")).arg(personality);
        Self::launch(command)
    }

    fn launch(mut command: Command) -> Self {
        let folder: TempDir = tempfile::tempdir().expect("a temporary folder");
        command
            .arg(folder.path())
            .env("LRS_USER", USER)
            .env("LRS_PASSWORD", PASSWORD);
        let process = Process::launch(command, START);
        Self {
            url: format!("http://{}/xAPI", process.address()),
            page: PAGE,
            _running: Box::new((process, folder)),
        }
    }

    /// The base URL, as one gives it to a collector.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client that asks it what it has.
    pub fn ask(&self) -> Ask {
        Ask::new(&self.url, USER, PASSWORD, self.page)
    }

    /// Makes sure that the LRS has these statements, each the same as was recorded, and no others.
    pub fn has_exactly(&self, recorded: &BTreeMap<Uuid, String>) {
        let theirs = self.ask().all_statements();
        let missing: Vec<_> = recorded
            .keys()
            .filter(|id| !theirs.contains_key(*id))
            .collect();
        assert!(missing.is_empty(), "the LRS does not have {missing:?}");
        for (id, copy) in &theirs {
            let ours = recorded
                .get(id)
                .unwrap_or_else(|| panic!("the LRS has {id}, never recorded"));
            let comparison = compare(ours.as_bytes(), copy.to_string().as_bytes());
            assert_eq!(
                comparison,
                Comparison::Same,
                "{id} is {ours} here and {copy} there"
            );
        }
    }
}

/// Credentials that every one of them accepts.
pub fn credentials() -> Credentials {
    Credentials::Basic {
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
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
