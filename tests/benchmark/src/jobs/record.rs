//! Recording, one call after another.

use std::sync::atomic::{AtomicBool, Ordering};

use pannier::Collector;
use serde_json::{Map, Value, json};

use super::{By, Input, config};
use crate::Failed;
use crate::cost::{Latencies, Meter};
use crate::durability::Class;
use crate::floor::Log;
use crate::sink::{Network, Sink};

/// One call of `record` after another.
#[derive(Clone, Debug, clap::Args)]
pub struct Record {
    #[command(flatten)]
    input: Input,
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    #[arg(long, value_enum, default_value = "power")]
    class: Class,
    /// So many threads at once.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// While another thread of the same collector delivers.
    #[arg(long)]
    syncing: bool,
}

impl Record {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let statements = self.input.load()?;
        let bytes = statements.iter().map(Vec::len).sum();
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("queue.db");
        let mut took = Latencies::default();
        let mut costs = match self.by {
            By::Floor | By::FloorWithIds => {
                let log = Log::open(&path, self.class, self.by.ids())?;
                let meter = Meter::start();
                log.record(&statements, &mut took)?;
                meter.stop(statements.len(), bytes)
            }
            By::Pannier => {
                let sink = self
                    .syncing
                    .then(|| Sink::start(Network::default()))
                    .transpose()?;
                let config = config(sink.as_ref(), self.class);
                let collector = Collector::open(&path, config)?;
                let over = AtomicBool::new(false);
                let costs = std::thread::scope(|scope| {
                    if self.syncing {
                        scope.spawn(|| sync_until(&collector, &over));
                    }
                    let meter = Meter::start();
                    let recorders: Vec<_> = (0..self.threads)
                        .map(|first| {
                            let mine = statements.iter().skip(first).step_by(self.threads);
                            scope.spawn(|| record_each(&collector, mine))
                        })
                        .collect();
                    for recorder in recorders {
                        took.extend(recorder.join().map_err(|_| "a recorder panicked")??);
                    }
                    let costs = meter.stop(statements.len(), bytes);
                    over.store(true, Ordering::Relaxed);
                    Ok::<_, Failed>(costs)
                })?;
                drop(collector);
                sink.map(Sink::stop).transpose()?;
                costs
            }
        };
        took.write(&mut costs);
        costs.insert("file_bytes".into(), json!(std::fs::metadata(&path)?.len()));
        Ok(costs)
    }
}

fn record_each<'a>(
    collector: &Collector,
    statements: impl Iterator<Item = &'a Vec<u8>>,
) -> Result<Latencies, pannier::Error> {
    let mut took = Latencies::default();
    for statement in statements {
        took.time(|| collector.record(statement))?;
    }
    Ok(took)
}

fn sync_until(collector: &Collector, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if let Err(error) = collector.sync() {
            eprintln!("sync: {error}");
            return;
        }
    }
}
