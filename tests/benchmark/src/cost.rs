//! What a piece of work cost this process: time, processor, memory, bytes written, and how long the
//! single calls took. Linux only: it reads `/proc`.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// Measures from its making to [`Meter::stop`].
pub struct Meter {
    started: Instant,
    cpu: Duration,
    written: u64,
}

impl Meter {
    /// Starts.
    pub fn start() -> Self {
        Self {
            cpu: cpu(),
            written: proc_number("/proc/self/io", "write_bytes:"),
            started: Instant::now(),
        }
    }

    /// The costs of `count` statements of `bytes` together, each member a plain number.
    pub fn stop(&self, count: usize, bytes: usize) -> Map<String, Value> {
        let seconds = self.started.elapsed().as_secs_f64();
        let cpu = cpu().saturating_sub(self.cpu).as_secs_f64();
        let written = proc_number("/proc/self/io", "write_bytes:") - self.written;
        let count_f = count.max(1) as f64;
        let mut costs = Map::new();
        for (name, value) in [
            ("count", json!(count)),
            ("bytes", json!(bytes)),
            ("seconds", json!(seconds)),
            ("per_second", json!(count_f / seconds)),
            ("cpu_us", json!(cpu * 1e6 / count_f)),
            (
                "written_per_byte",
                json!(written as f64 / bytes.max(1) as f64),
            ),
            (
                "rss_mib",
                json!(proc_number("/proc/self/status", "VmHWM:") as f64 / 1024.0),
            ),
        ] {
            costs.insert(name.to_owned(), value);
        }
        costs
    }
}

/// The time of single calls.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Times one call.
    pub fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let value = call();
        self.0.push(started.elapsed());
        value
    }

    /// Takes in what another thread timed.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds the percentiles, in microseconds.
    pub fn write(mut self, costs: &mut Map<String, Value>) {
        self.0.sort_unstable();
        let at = |share: f64| {
            let index = (self.0.len() as f64 * share) as usize;
            self.0
                .get(index.min(self.0.len().saturating_sub(1)))
                .map_or(0.0, |took| took.as_secs_f64() * 1e6)
        };
        for (name, share) in [
            ("p50_us", 0.5),
            ("p99_us", 0.99),
            ("p999_us", 0.999),
            ("max_us", 1.0),
        ] {
            costs.insert(name.to_owned(), json!(at(share)));
        }
    }
}

/// Processor time of all threads of this process, ended ones too.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How often the threads of this process have gone to sleep so far: each is a wake-up to come.
pub fn sleeps() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks
        .flatten()
        .map(|task| {
            let status = task.path().join("status");
            proc_number(&status.to_string_lossy(), "voluntary_ctxt_switches:")
        })
        .sum()
}

/// Bytes handed to the file system so far.
pub fn written() -> u64 {
    proc_number("/proc/self/io", "wchar:")
}

fn proc_number(file: &str, name: &str) -> u64 {
    std::fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
