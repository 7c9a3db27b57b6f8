//! An LRS that keeps nothing: it reads a batch, finds the ids in it and returns them. A process of
//! its own, so that its work is not counted, with a delay and a bandwidth where asked for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Failed;

/// The line between us and the sink.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Network {
    /// Milliseconds that an answer takes.
    #[arg(long, default_value_t = 0)]
    pub delay_ms: u64,
    /// Kilobits a second that go through; 0: as many as can.
    #[arg(long, default_value_t = 0)]
    pub kbit: u64,
}

/// A sink under way.
pub struct Sink {
    child: Child,
    stdin: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
    /// Its xAPI base URL.
    pub endpoint: String,
}

impl Sink {
    /// Starts one.
    pub fn start(line: Network) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("sink")
            .args(["--delay-ms", &line.delay_ms.to_string()])
            .args(["--kbit", &line.kbit.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().ok_or("the sink has no output")?);
        let mut endpoint = String::new();
        output.read_line(&mut endpoint)?;
        Ok(Self {
            child,
            stdin,
            output,
            endpoint: endpoint.trim().to_owned(),
        })
    }

    /// Ends it; what went through it.
    pub fn stop(mut self) -> Result<Value, Failed> {
        drop(self.stdin.take());
        let mut counters = String::new();
        self.output.read_line(&mut counters)?;
        self.child.wait()?;
        Ok(serde_json::from_str(&counters)?)
    }
}

#[derive(Default)]
struct Counters {
    connections: AtomicU64,
    requests: AtomicU64,
    statements: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    /// When the line is free again: all connections share it.
    free: Mutex<Option<Instant>>,
}

impl Counters {
    /// Waits until so many bytes that began to arrive then are through the line.
    fn carry(&self, bytes: usize, began: Instant, line: Network) {
        let Some(micros) = (bytes as u64 * 8_000).checked_div(line.kbit) else {
            return;
        };
        let through = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let from = free.map_or(began, |free| free.max(began));
            *free.insert(from + Duration::from_micros(micros))
        };
        std::thread::sleep(through.saturating_duration_since(Instant::now()));
    }
}

/// The sink's own process: prints its endpoint, serves until its input ends, prints its counters.
pub fn run(line: Network) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}/xAPI", listener.local_addr()?);
    let counters = Arc::new(Counters::default());
    let served = Arc::clone(&counters);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counters = Arc::clone(&served);
            counters.connections.fetch_add(1, Ordering::Relaxed);
            // An error is the end of a connection.
            std::thread::spawn(move || serve(stream, &counters, line));
        }
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{}",
        json!({
            "connections": read(&counters.connections),
            "requests": read(&counters.requests),
            "statements": read(&counters.statements),
            "bytes_up": read(&counters.up),
            "bytes_down": read(&counters.down),
        })
    );
    Ok(())
}

fn serve(stream: TcpStream, counters: &Counters, line: Network) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut output = stream.try_clone()?;
    let mut input = BufReader::with_capacity(64 * 1024, stream);
    let mut body = Vec::new();
    loop {
        let (mut length, mut up, mut post, mut first) = (0, 0, false, true);
        let mut header = String::new();
        loop {
            header.clear();
            if input.read_line(&mut header)? == 0 {
                return Ok(());
            }
            up += header.len();
            if std::mem::take(&mut first) {
                post = header.starts_with("POST");
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            if header == "\r\n" {
                break;
            }
        }
        let began = Instant::now();
        body.resize(length, 0);
        input.read_exact(&mut body)?;
        up += length;
        counters.carry(up, began, line);
        std::thread::sleep(Duration::from_millis(line.delay_ms));
        let answer = if post {
            let (answer, statements) = ids(&body);
            counters.statements.fetch_add(statements, Ordering::Relaxed);
            answer
        } else {
            r#"{"version":["1.0.3","2.0.0"]}"#.to_owned()
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.up.fetch_add(up as u64, Ordering::Relaxed);
        counters
            .down
            .fetch_add(answer.len() as u64, Ordering::Relaxed);
        output.write_all(answer.as_bytes())?;
    }
}

/// The ids of the statements of a batch. In what the bench sends, `{"id":"` and a UUID begin a
/// statement and nothing else.
fn ids(body: &[u8]) -> (String, u64) {
    const BEGIN: &[u8] = br#"{"id":""#;
    let mut answer = String::from("[");
    let mut count = 0;
    for at in memchr::memmem::find_iter(body, BEGIN) {
        let id = body.get(at + BEGIN.len()..at + BEGIN.len() + 36);
        let Some(id) = id.and_then(|id| str::from_utf8(id).ok()) else {
            continue;
        };
        let after = body.get(at + BEGIN.len() + 36);
        if after != Some(&b'"') || id.as_bytes()[8] != b'-' {
            continue;
        }
        if count > 0 {
            answer.push(',');
        }
        answer.push('"');
        answer.push_str(id);
        answer.push('"');
        count += 1;
    }
    answer.push(']');
    (answer, count)
}
