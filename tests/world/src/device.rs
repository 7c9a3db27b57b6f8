//! A device with a queue, seen through the command alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Server, id_of};
use crate::lrs::{PASSWORD, USER};

/// The command that is judged; set once, by `main`.
pub static COMMAND: OnceLock<PathBuf> = OnceLock::new();

/// Longer than this no command may take, whatever it waits for.
const LONGEST: Duration = Duration::from_mins(4);

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said on standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// The JSON that it printed, one value a line.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")))
            .collect()
    }

    /// The last JSON that it printed; null where it printed none.
    pub fn last(&self) -> Value {
        self.lines().pop().unwrap_or_default()
    }

    /// The same, if it ended with this code.
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "the exit code: {self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cut = |text: &str| text.chars().take(1500).collect::<String>();
        write!(
            to,
            "code {:?} after {:.1?}, printed {:?}, said {:?}",
            self.code,
            self.took,
            cut(&self.stdout),
            cut(&self.stderr)
        )
    }
}

/// A command under way. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    begun: Instant,
    output: [Option<JoinHandle<String>>; 2],
}

impl Running {
    /// Starts a command of one's own making.
    pub fn start(mut command: Command, input: &[u8]) -> Self {
        let begun = Instant::now();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut to = child.stdin.take().expect("piped");
        let input = input.to_vec();
        // It may end without reading all of it.
        std::thread::spawn(move || to.write_all(&input));
        let output = [
            Some(reader(child.stdout.take().expect("piped"))),
            Some(reader(child.stderr.take().expect("piped"))),
        ];
        Self {
            child,
            begun,
            output,
        }
    }

    /// Waits for its end; panics if it takes longer than anything may.
    pub fn wait(self) -> Ran {
        self.wait_for(LONGEST)
    }

    /// Waits for its end; panics if it takes longer than this, or if the command did panic.
    pub fn wait_for(mut self, longest: Duration) -> Ran {
        loop {
            if let Some(status) = self.child.try_wait().expect("it is a child of ours") {
                let mut said = self.output.each_mut().map(|one| {
                    let one = one.take().expect("taken once");
                    one.join().expect("a reader does not panic")
                });
                let ran = Ran {
                    code: status.code(),
                    stdout: std::mem::take(&mut said[0]),
                    stderr: std::mem::take(&mut said[1]),
                    took: self.begun.elapsed(),
                };
                assert_ne!(ran.code, Some(101), "it panicked: {ran}");
                return ran;
            }
            assert!(
                self.begun.elapsed() < longest,
                "the command did not end within {longest:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal: `KILL`, `INT` or `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither fails but for a child that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still shown.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A device. Its queue is deleted with it.
#[derive(Debug)]
pub struct Device {
    folder: TempDir,
    queue: PathBuf,
    user: String,
    password: String,
    recorded: Mutex<BTreeMap<String, Value>>,
}

impl Device {
    /// A device with nothing on it, and with the credentials that good servers know.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            queue: folder.path().join("queue.db"),
            folder,
            user: USER.into(),
            password: PASSWORD.into(),
            recorded: Mutex::default(),
        }
    }

    /// A device with so many sample statements in its queue.
    pub fn with(count: usize) -> Self {
        let device = Self::new();
        device.record((0..count).map(sample));
        device
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its queue.
    pub fn queue(&self) -> &Path {
        &self.queue
    }

    /// Writes a file into its folder and says where.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.folder().join(name);
        fs::write(&path, bytes).expect("it can be written");
        path.to_string_lossy().into_owned()
    }

    /// A command without a queue and without credentials.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(COMMAND.get().expect("set by main"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_lowercase();
            if text.starts_with("pannier") || text.ends_with("_proxy") {
                command.env_remove(&name);
            }
        }
        command
            .args(args)
            .env("HOME", self.folder())
            .env("XDG_DATA_HOME", self.folder())
            .current_dir(self.folder());
        command
    }

    /// A command on this device's queue, with its credentials.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command
            .env("PANNIER_QUEUE", &self.queue)
            .env("PANNIER_LRS_USER", &self.user)
            .env("PANNIER_LRS_PASSWORD", &self.password);
        command
    }

    /// Starts a command on its queue with `--json`.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(&[args, &["--json"]].concat()), b"")
    }

    /// The same as another user of the LRS.
    pub fn start_as(&self, user: &str, password: &str, args: &[&str]) -> Running {
        let mut command = self.command(&[args, &["--json"]].concat());
        command
            .env("PANNIER_LRS_USER", user)
            .env("PANNIER_LRS_PASSWORD", password);
        Running::start(command, b"")
    }

    /// Runs a command on its queue with `--json`.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.start(args).wait()
    }

    /// Runs a command on its queue with `--json` and gives it this to read.
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Ran {
        Running::start(self.command(&[args, &["--json"]].concat()), input).wait()
    }

    /// Runs a command of one's own making.
    pub fn run_it(command: Command) -> Ran {
        Running::start(command, b"").wait()
    }

    /// Records these and keeps in mind what they were.
    pub fn record(&self, statements: impl IntoIterator<Item = Value>) {
        let statements: Vec<Value> = statements.into_iter().collect();
        let ran = self.feed(&["record", "-"], &lines(&statements)).ended(0);
        let named = ran.lines();
        assert_eq!(named.len(), statements.len(), "{ran}");
        let mut recorded = self.recorded();
        for (statement, named) in statements.into_iter().zip(named) {
            recorded.insert(id_of(&named), statement);
        }
    }

    fn recorded(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Value>> {
        self.recorded
            .lock()
            .expect("nobody panics while holding it")
    }

    /// The ids of what it has recorded, sorted.
    pub fn ids(&self) -> Vec<String> {
        self.recorded().keys().cloned().collect()
    }

    /// One sync.
    pub fn sync(&self, server: &Server) -> Ran {
        self.run(&["sync", "--lrs", &server.url()])
    }

    /// One sync that goes on after waits that end within so many seconds.
    pub fn sync_wait(&self, server: &Server, seconds: u64) -> Ran {
        self.run(&[
            "sync",
            "--lrs",
            &server.url(),
            "--wait",
            &seconds.to_string(),
        ])
    }

    /// Syncs again and again, as somebody does who wants it gone, until nothing is queued nor waits
    /// or the time is over. Says how the last one ended.
    pub fn drain(&self, server: &Server, within: Duration) -> Ran {
        self.drain_until(server, within, |status| {
            status["queued"] == 0 && status["waiting"] == 0
        })
    }

    /// The same until something is so.
    pub fn drain_until(
        &self,
        server: &Server,
        within: Duration,
        done: impl Fn(&Value) -> bool,
    ) -> Ran {
        let begun = Instant::now();
        loop {
            let left = within.saturating_sub(begun.elapsed());
            let ran = self.sync_wait(server, left.as_secs().clamp(1, 10));
            if done(&self.status()) || begun.elapsed() + Duration::from_secs(1) > within {
                return ran;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// How things stand. The numbers must add up.
    pub fn status(&self) -> Value {
        let ran = self.run(&["status"]);
        let status = ran.last();
        assert!(status.is_object(), "{ran}");
        let sum = |names: &[&str]| names.iter().map(|name| number(&status[name])).sum::<u64>();
        assert_eq!(
            number(&status["recorded"]),
            sum(&[
                "queued",
                "waiting",
                "held",
                "delivered",
                "retracted",
                "discarded",
                "replaced",
                "erased"
            ]),
            "the numbers add up: {status}"
        );
        status
    }

    /// The held ones.
    pub fn held(&self) -> Vec<Value> {
        self.run(&["held", "list"]).ended(0).lines()
    }

    /// What counts as delivered is stored there, once each and as it was recorded, and nothing else
    /// is; says how many.
    pub fn stored_is_delivered(&self, server: &Server) -> usize {
        let (delivered, stored) = (
            number(&self.status()["delivered"]),
            self.stored_right(server),
        );
        assert_eq!(delivered, stored as u64, "delivered, and stored there");
        stored
    }

    /// What is stored there is stored once each and as it was recorded; says how many.
    pub fn stored_right(&self, server: &Server) -> usize {
        let recorded = self.recorded();
        let all = server.lrs.all();
        for (id, copies) in &all {
            assert_eq!(*copies, 1, "copies of {id} among {} stored", all.len());
            let ours = recorded
                .get(id)
                .unwrap_or_else(|| panic!("{id} was never recorded"));
            same(ours, &server.lrs.copies(id)[0]);
        }
        all.len()
    }

    /// All that was recorded is stored there, once each, and counts as delivered.
    pub fn all_delivered(&self, server: &Server) {
        let missing = self.ids().into_iter().filter(|id| !server.lrs.has(id));
        let missing: Vec<_> = missing.collect();
        assert!(
            missing.is_empty(),
            "{} are not stored, {:?} first; {}",
            missing.len(),
            missing.first(),
            self.status()
        );
        self.stored_is_delivered(server);
    }

    /// Nothing is held.
    pub fn nothing_held(&self) {
        let held = self.held();
        assert!(
            held.is_empty(),
            "{} are held: {}",
            held.len(),
            json!(held.iter().take(2).collect::<Vec<_>>())
        );
    }
}

/// A number of a status.
pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// JSON, one a line.
pub fn lines(statements: &[Value]) -> Vec<u8> {
    let lines = statements.iter().map(|one| format!("{one}\n"));
    lines.collect::<String>().into_bytes()
}

/// What the app gave is there unchanged; what it left out may have been added.
fn same(given: &Value, sent: &Value) {
    for (name, value) in given.as_object().expect("a statement is an object") {
        let letters = if name == "id" {
            value.as_str().unwrap_or_default().to_lowercase() == id_of(sent)
        } else {
            &sent[name] == value
        };
        assert!(
            letters,
            "{name} of {} was sent as {}",
            given["id"], sent[name]
        );
    }
}

/// The id of the `n`th sample.
pub fn id(n: usize) -> String {
    format!("5a3f1c2e-7b64-4d0a-9c11-{n:012x}")
}

/// The `n`th sample: complete, with its id and a timestamp, so that nothing is left to fill in.
pub fn sample(n: usize) -> Value {
    json!({
        "id": id(n),
        "timestamp": format!("2026-03-{:02}T09:{:02}:{:02}.250Z", 1 + n / 3600 % 28, n / 60 % 60, n % 60),
        "actor": {"objectType": "Agent", "mbox": format!("mailto:learner{}@example.com", n % 5)},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
        "object": {"objectType": "Activity", "id": format!("https://quiz.example.com/questions/{n}")},
        "result": {"success": !n.is_multiple_of(3), "score": {"scaled": 0.5}},
    })
}

/// A sample that lacks what Pannier fills in.
pub fn bare_sample(n: usize) -> Value {
    let mut statement = sample(n);
    let object = statement.as_object_mut().expect("an object");
    object.remove("id");
    object.remove("timestamp");
    statement
}

/// The bytes of all files in a folder whose names begin so, by name.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("it is there");
    entries
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().map(OsStr::to_string_lossy);
            let name = name.expect("a file has a name").into_owned();
            (name, fs::read(&path).expect("it can be read"))
        })
        .collect()
}
