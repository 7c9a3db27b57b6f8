//! Doing nothing, and what it costs.

use std::time::Duration;

use pannier::{Collector, SyncPolicy};
use pannier_bench::data::{Shape, Statements};
use serde_json::{Map, Value, json};

use super::config;
use crate::Failed;
use crate::cost;
use crate::durability::Class;
use crate::sink::{Network, Sink};

/// Doing nothing.
#[derive(Clone, Debug, clap::Args)]
pub struct Idle {
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// With a statement queued and nobody to deliver to.
    #[arg(long)]
    unreachable: bool,
}

impl Idle {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let folder = tempfile::tempdir()?;
        let sink = Sink::start(Network::default())?;
        let mut config = config(Some(&sink), Class::Power);
        config.sync = SyncPolicy::AUTOMATIC;
        if self.unreachable {
            // Port 9 of this machine: nobody listens.
            config.endpoint = Some("http://127.0.0.1:9/xAPI".to_owned());
        }
        let collector = Collector::open(folder.path().join("queue.db"), config)?;
        collector.record(Statements::new(1, Shape::Bare).next().unwrap_or_default())?;
        collector.sync()?;
        // The connection that was used leaves the pool.
        std::thread::sleep(Duration::from_secs(2));
        let (sleeps, written, cpu) = (cost::sleeps(), cost::written(), cost::cpu());
        std::thread::sleep(Duration::from_secs(self.seconds));
        let mut costs = Map::new();
        // Our own sleep is one.
        let woken = cost::sleeps().saturating_sub(sleeps + 1);
        costs.insert("seconds".into(), json!(self.seconds));
        costs.insert("wake_ups".into(), json!(woken));
        costs.insert("written".into(), json!(cost::written() - written));
        let cpu = cost::cpu().saturating_sub(cpu);
        costs.insert("cpu_total_us".into(), json!(cpu.as_secs_f64() * 1e6));
        drop(collector);
        sink.stop()?;
        Ok(costs)
    }
}
