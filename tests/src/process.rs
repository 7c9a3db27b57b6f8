//! A child process that says when it is ready, and does not outlive its test.
//!
//! Whoever is launched prints a line `ready on 127.0.0.1:PORT` and ends when its standard input
//! does. So it ends even if the test process is killed, when the kernel closes the pipe.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The child, its log, and where it listens. Dropping it kills the child; if the test is failing
/// then, the end of the log is printed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    address: String,
}

impl Process {
    /// Starts the command and waits until it is ready. Panics with its log if it ends before that
    /// or takes longer than `within`.
    pub fn launch(mut command: Command, within: Duration) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, when_ready) = channel();
        keep_log(child.stdout.take().expect("piped"), &log, ready.clone());
        keep_log(child.stderr.take().expect("piped"), &log, ready);
        let mut process = Self {
            child,
            log,
            address: String::new(),
        };
        match when_ready.recv_timeout(within) {
            Ok(address) => process.address = address,
            Err(why) => panic!("{command:?} did not get ready: {why}"),
        }
        process
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Neither fails but for a child that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.lock().expect("the log's threads do not panic");
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the end of the log of {}:", self.address);
            for line in &lines[lines.len().saturating_sub(40)..] {
                eprintln!("  | {line}");
            }
        }
    }
}

fn keep_log(from: impl Read + Send + 'static, log: &Arc<Mutex<String>>, ready: Sender<String>) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if let Some(address) = line.strip_prefix("ready on ") {
                // Nobody waits any more after the first one.
                let _ = ready.send(address.trim_end().to_owned());
            }
            let mut log = log.lock().expect("nobody panics while holding the log");
            log.push_str(&line);
            log.push('\n');
        }
    });
}
