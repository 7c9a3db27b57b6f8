//! Delivering a queue to a sink.

use pannier::Collector;
use serde_json::{Map, Value, json};

use super::{By, Input, Make, config};
use crate::Failed;
use crate::cost::Meter;
use crate::durability::Class;
use crate::floor::Log;
use crate::sink::{Network, Sink};

/// Delivering a queue.
#[derive(Clone, Debug, clap::Args)]
pub struct Drain {
    #[command(flatten)]
    input: Input,
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    #[arg(long, value_enum, default_value = "power")]
    class: Class,
    /// Most statements of a request.
    #[arg(long, default_value_t = 50)]
    batch: u32,
    /// Most requests in flight.
    #[arg(long, default_value_t = 1)]
    in_flight: u32,
    #[command(flatten)]
    line: Network,
}

impl Drain {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let folder = tempfile::tempdir()?;
        let db = folder.path().join("queue.db");
        // In another process: what filling cost is not the drain's.
        let filled = Make {
            input: self.input.clone(),
            by: self.by,
            db: db.clone(),
        }
        .elsewhere()?;
        let (count, bytes) = (number(&filled, "count"), number(&filled, "bytes"));
        let sink = Sink::start(self.line)?;
        let mut costs = match self.by {
            By::Floor | By::FloorWithIds => {
                let log = Log::open(&db, self.class, self.by.ids())?;
                let meter = Meter::start();
                log.drain(&sink.endpoint, self.batch)?;
                meter.stop(count, bytes)
            }
            By::Pannier => {
                let mut config = config(Some(&sink), self.class);
                config.max_statements = self.batch;
                config.max_bytes = 1 << 30;
                config.requests_in_flight = self.in_flight;
                let collector = Collector::open(&db, config)?;
                let meter = Meter::start();
                let report = collector.sync()?;
                let costs = meter.stop(count, bytes);
                if report.delivered != count as u64 {
                    return Err(format!("not all was delivered: {report:?}").into());
                }
                drop(collector);
                costs
            }
        };
        let through = sink.stop()?;
        costs.insert("file_bytes".into(), json!(std::fs::metadata(&db)?.len()));
        costs.insert("peak_file_bytes".into(), filled["file_bytes"].clone());
        let up = through["bytes_up"].as_f64().unwrap_or_default();
        costs.insert("wire_per_byte".into(), json!(up / bytes as f64));
        if self.line.kbit > 0 {
            // Of what the line carries in that time.
            let seconds = costs["seconds"].as_f64().unwrap_or_default();
            let share = up * 8.0 / (self.line.kbit as f64 * 1_000.0 * seconds);
            costs.insert("of_line".into(), json!(share));
        }
        for name in ["connections", "requests", "statements"] {
            costs.insert(name.into(), through[name].clone());
        }
        Ok(costs)
    }
}

fn number(value: &Value, name: &str) -> usize {
    value[name].as_u64().unwrap_or_default() as usize
}
