//! The `recorder` process, and what it has said so far.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use pannier::Uuid;

use crate::device::queue;

/// It runs until it is killed or has finished.
#[derive(Debug)]
pub struct Recorder {
    child: Child,
    said: JoinHandle<Vec<String>>,
}

impl Recorder {
    /// Starts it. The command is the one of [`command`], or runs that.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let said =
            std::thread::spawn(move || said.lines().map(|line| line.expect("text")).collect());
        Self { child, said }
    }

    /// Kills it in a while; the ids that it has said by then.
    pub fn kill_after(mut self, wait: Duration) -> Vec<Uuid> {
        sleep(wait);
        self.child.kill().expect("it runs");
        let status = self.child.wait().expect("it was started");
        assert!(status.code().is_none(), "it ended by itself: {status}");
        ids(&self.said.join().expect("the pipe is read to its end"))
    }

    /// Waits for its end; all that it has said.
    pub fn finish(mut self) -> Vec<String> {
        let status = self.child.wait().expect("it was started");
        assert!(status.success(), "{status}");
        self.said.join().expect("the pipe is read to its end")
    }
}

/// Runs the recorder on the queue in a folder; `words` are what it is told, without the file.
pub fn command(recorder: &str, words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(recorder);
    command.arg(words[0]).arg(queue(folder)).args(&words[1..]);
    command
}

/// Lines that are ids.
pub fn ids(lines: &[String]) -> Vec<Uuid> {
    lines
        .iter()
        .map(|line| line.parse().expect("an id"))
        .collect()
}

/// Chance for one test. The seed is shown with a failure, and `PANNIER_SEED` sets it; where processes
/// are killed, it takes a machine as busy, too.
pub fn chance() -> (u64, fastrand::Rng) {
    let seed = std::env::var("PANNIER_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("a number"),
    );
    println!("seed {seed} (PANNIER_SEED={seed} sets it again)");
    (seed, fastrand::Rng::with_seed(seed))
}
