//! Opening a queue, with little or much in it.

use std::path::PathBuf;
use std::time::Instant;

use pannier::Collector;
use pannier_bench::data::{Shape, Statements};
use serde_json::{Map, Value, json};

use super::{Make, config};
use crate::Failed;
use crate::cost::{Latencies, Meter};
use crate::durability::Class;

/// Opening a queue that is there, recording, asking how things stand.
#[derive(Clone, Debug, clap::Args)]
pub struct Open {
    /// The queue's file; filled first where there is none.
    #[arg(long)]
    db: PathBuf,
    /// With so many.
    #[arg(long, default_value_t = 0)]
    queued: usize,
    #[arg(long, value_enum, default_value = "power")]
    class: Class,
    /// How many records after the first.
    #[arg(long, default_value_t = 2_000)]
    records: usize,
}

impl Open {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        if !self.db.exists() {
            Make::new(&self.db, self.queued).elsewhere()?;
        }
        // New ones: a record that is known already costs less.
        let mut statements = Statements::new(fastrand::u64(..), Shape::Bare);
        let first = statements.next().unwrap_or_default();
        let rest: Vec<_> = statements.take(self.records).collect();
        let started = Instant::now();
        let collector = Collector::open(&self.db, config(None, self.class))?;
        collector.record(&first)?;
        let open = started.elapsed();
        let mut asked = Latencies::default();
        for _ in 0..20 {
            asked.time(|| collector.status())?;
        }
        let queued = collector.status()?.ledger.queued;
        let mut status = Map::new();
        asked.write(&mut status);
        let bytes = rest.iter().map(Vec::len).sum();
        let mut took = Latencies::default();
        let meter = Meter::start();
        for statement in &rest {
            took.time(|| collector.record(statement))?;
        }
        let mut costs = meter.stop(rest.len(), bytes);
        took.write(&mut costs);
        costs.insert("queued".into(), json!(queued));
        costs.insert("open_us".into(), json!(open.as_secs_f64() * 1e6));
        costs.insert("status_us".into(), status["p50_us"].clone());
        Ok(costs)
    }
}
