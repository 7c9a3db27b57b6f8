//! Runs the command in a folder of its own, with nothing of the environment that names an LRS.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pannier_hub::mischief::Mischief;
use pannier_hub::{Hub, Options, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Desk {
    pub folder: TempDir,
    env: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            env: Vec::new(),
        }
    }

    /// With an LRS, which is there, and its credentials.
    pub fn at(hub: &Running) -> Self {
        let mut desk = Self::new();
        for (name, value) in [
            ("LRS", hub.url().as_str()),
            ("LRS_USER", "me"),
            ("LRS_PASSWORD", "secret"),
        ] {
            desk.set(&format!("PANNIER_{name}"), value);
        }
        desk
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pannier"));
        let foreign = std::env::vars().filter(|(name, _)| name.starts_with("PANNIER_"));
        for (name, _) in foreign {
            command.env_remove(name);
        }
        command
            .env("PANNIER_QUEUE", self.path("queue.db"))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, "")
    }

    pub fn run_with(&self, args: &[&str], input: &str) -> Ended {
        let mut child = self.command(args).spawn().unwrap();
        // One that refuses at once reads nothing of it.
        let written = child.stdin.take().unwrap().write_all(input.as_bytes());
        if let Err(error) = written {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        }
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must go well, with `--json`.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Vec<Value> {
        let ended = self.run(&[args, &["--json"]].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.json()
    }

    /// Records statements and gives their ids.
    #[track_caller]
    pub fn recorded(&self, statements: &Value) -> Vec<String> {
        let ended = self.run_with(&["record", "--json"], &statements.to_string());
        assert_eq!(ended.code, 0, "{ended:?}");
        ended
            .json()
            .iter()
            .map(|line| line["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Ended {
    pub fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    pub fn is(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(
            self.out.contains(words) || self.err.contains(words),
            "no {words:?} in {self:?}"
        );
    }
}

/// A hub that takes these credentials, and what can be done to it.
pub fn hub() -> (Running, Mischief) {
    let mischief = Mischief::new();
    let hub = Hub::start_around(&Options::new("me", "secret"), |router| {
        mischief.around(router)
    })
    .unwrap();
    (hub, mischief)
}

/// Two that the hub refuses until the mischief stops, held one after the other; with four that it has.
pub fn two_held(desk: &Desk, mischief: &Mischief) -> Vec<String> {
    ["1 held", "2 held"]
        .into_iter()
        .map(|held| {
            let ids = desk.recorded(&json!([
                statement("one"),
                statement("two"),
                statement("three")
            ]));
            mischief.refuse(&ids[0], "not today");
            desk.run(&["sync", "--wait", "2m"]).is(1, held);
            ids[0].clone()
        })
        .collect()
}

pub fn statement(object: &str) -> Value {
    json!({
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": format!("http://example.org/{object}")},
    })
}

/// All that a hub has, newest first.
pub fn at_the_hub(hub: &Running) -> Vec<Value> {
    let result: Value = serde_json::from_str(&ask(hub, "statements")).unwrap();
    result["statements"].as_array().unwrap().clone()
}

/// The hub's answer to a GET.
pub fn ask(hub: &Running, what: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = reqwest::Client::new()
        .get(format!("{}/{what}", hub.url()))
        .header("authorization", "Basic bWU6c2VjcmV0")
        .header("x-experience-api-version", "2.0.0");
    let body = runtime.block_on(async { request.send().await.unwrap().bytes().await.unwrap() });
    String::from_utf8(body.to_vec()).unwrap()
}
