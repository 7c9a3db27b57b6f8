//! The LRSs that Pannier is tested against, on loopback over fresh storage: our own hub, and real
//! ones that others wrote.
//!
//! The real ones are installed by `tests/run lrs`, which names their folder in `PANNIER_REAL_LRS`.
//! How they are started, and what had to be changed for it, is in `lrs/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pannier::{Credentials, Uuid};
use pannier_hub::{Hub, Options, Running};
use serde_json::Value;
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
    kind: Kind,
    url: String,
    /// Statements asked for at once.
    page: usize,
    _running: Box<dyn std::any::Any>,
}

/// Statements asked for at once.
const PAGE: usize = 100;

/// More than any test delivers. A limit of 0 would be an LRS's own, of 100 statements for one.
const ALL: usize = 1_000_000;

impl Lrs {
    /// Starts one. It answers when this returns, and has no statements.
    pub fn start(kind: Kind) -> Self {
        let lrs = match kind {
            Kind::Hub => {
                let hub: Running = Hub::start(&Options::new(USER, PASSWORD)).expect("a free port");
                Self {
                    kind,
                    url: hub.url(),
                    page: PAGE,
                    _running: Box::new(hub),
                }
            }
            Kind::Ralph => Self::ralph(kind, "append"),
            Kind::RalphStock => Self::ralph(kind, "stock"),
            Kind::RalphPartial => Self::ralph(kind, "partial"),
            Kind::LearningLocker => {
                let mut command = Command::new("node");
                let modules = installed().join("learning-locker/node_modules");
                command
                    .env("NODE_PATH", modules)
                    .arg(launcher("learning-locker/launch.js"));
                // It sorts by `stored` and goes on from an id that is sorted otherwise, so that its pages
                // leave out some of what requests at once brought: all have to be on the first.
                Self {
                    page: ALL,
                    ..Self::launch(kind, command)
                }
            }
        };
        assert!(
            lrs.ask().all_statements().is_empty(),
            "a fresh LRS has no statements"
        );
        lrs
    }

    fn ralph(kind: Kind, personality: &str) -> Self {
        let mut command = Command::new(installed().join("ralph/bin/python"));
        command.arg(launcher("ralph/launch.py")).arg(personality);
        Self::launch(kind, command)
    }

    fn launch(kind: Kind, mut command: Command) -> Self {
        let folder: TempDir = tempfile::tempdir().expect("a temporary folder");
        command
            .arg(folder.path())
            .env("LRS_USER", USER)
            .env("LRS_PASSWORD", PASSWORD);
        let process = Process::launch(command, START);
        Self {
            kind,
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
            let sent = serde_json::from_str(ours).expect("what is recorded is JSON");
            if let Err(name) = self.kind.shows(&sent, copy) {
                panic!("{id} is {ours} here and {copy} there: look at {name}");
            }
        }
    }
}

impl Kind {
    /// Every member that was sent is there with its value, and nothing is there that was not sent but
    /// for what an LRS adds (xAPI 2.0.0, 4.2.4 and 4.2.7). Says at which member it is otherwise.
    fn shows(self, sent: &Value, copy: &Value) -> Result<(), String> {
        let (Value::Object(sent), Value::Object(copy)) = (sent, copy) else {
            return Err("the whole".to_owned());
        };
        for (name, value) in sent {
            let there = copy.get(name).ok_or(name)?;
            if !self.is_same(value, there) {
                return Err(name.clone());
            }
        }
        let adds = ["stored", "authority", "version", "timestamp"];
        let mut added = copy.keys().filter(|name| !sent.contains_key(*name));
        match added.find(|name| !adds.contains(&name.as_str())) {
            Some(name) => Err(name.clone()),
            None => Ok(()),
        }
    }

    /// The same value, as this kind of LRS gives it back.
    fn is_same(self, sent: &Value, there: &Value) -> bool {
        match (sent, there) {
            (Value::Object(sent), Value::Object(there)) => {
                let mut added = there.keys().filter(|name| !sent.contains_key(*name));
                let kept = |(name, value): (&String, &Value)| {
                    there.get(name).is_some_and(|one| self.is_same(value, one))
                };
                sent.iter().all(kept) && added.all(|name| self.fills_in(name))
            }
            (Value::Array(sent), Value::Array(there)) => {
                let mut pairs = sent.iter().zip(there);
                sent.len() == there.len() && pairs.all(|(one, other)| self.is_same(one, other))
            }
            // It writes numbers as JavaScript does: 0.0 comes back as 0.
            (Value::Number(sent), Value::Number(there))
                if self == Self::LearningLocker && sent.is_f64() =>
            {
                let pair = sent.as_f64().zip(there.as_f64());
                pair.is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
            }
            _ => sent == there,
        }
    }

    /// Whether it adds a member of this name within a statement.
    fn fills_in(self, name: &str) -> bool {
        match self {
            // It says of agents and activities what they are, where that was left to the default.
            Self::LearningLocker => name == "objectType",
            Self::Hub | Self::Ralph | Self::RalphStock | Self::RalphPartial => false,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Kind;

    #[test]
    fn a_copy_with_another_value_or_a_word_more_is_no_copy() {
        let sent = crate::sample::statement(1, 0);
        let mut copy = sent.clone();
        copy["stored"] = json!("2026-11-28T00:00:00Z");
        copy["authority"] = json!({"mbox": "mailto:lrs@lrs.example"});
        assert_eq!(Kind::Hub.shows(&sent, &copy), Ok(()));
        for (place, value, at) in [
            ("/result/score/scaled", json!(0.1), "result"),
            ("/result/duration", json!("PT0.50S"), "result"),
            (
                "/timestamp",
                json!("2024-05-02T00:00:00.001000Z"),
                "timestamp",
            ),
            ("/actor/account", json!(null), "actor"),
            (
                "/object",
                json!({"id": "https://vocabulary.example.com/words/0"}),
                "object",
            ),
        ] {
            let mut other = copy.clone();
            *other.pointer_mut(place).expect("it is there") = value;
            for kind in [Kind::Hub, Kind::Ralph, Kind::LearningLocker] {
                assert_eq!(kind.shows(&sent, &other), Err(at.to_owned()), "{kind:?}");
            }
        }
        for place in ["/context", "/actor", ""] {
            let mut other = copy.clone();
            let parent = other.pointer_mut(place).expect("it is there");
            parent["revision"] = json!("2");
            assert!(
                Kind::LearningLocker.shows(&sent, &other).is_err(),
                "{place:?}"
            );
        }
    }

    #[test]
    fn only_learning_locker_may_fill_in_and_write_numbers_otherwise() {
        let sent = crate::sample::statement(1, 0);
        for (place, name, value) in [
            ("/object", "objectType", json!("Activity")),
            ("/result/score", "scaled", json!(0)),
        ] {
            let mut copy = sent.clone();
            copy.pointer_mut(place).expect("it is there")[name] = value;
            assert_eq!(Kind::LearningLocker.shows(&sent, &copy), Ok(()));
            assert!(Kind::Hub.shows(&sent, &copy).is_err());
            assert!(Kind::Ralph.shows(&sent, &copy).is_err());
        }
    }
}
