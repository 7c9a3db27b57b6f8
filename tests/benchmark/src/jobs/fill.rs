//! Making a queue for another job.

use std::path::{Path, PathBuf};
use std::process::Command;

use pannier::statement::{self, Fill};
use pannier::{Collector, Uuid, XapiVersion};
use pannier_bench::data::{Shape, Statements};
use serde_json::{Map, Value, json};

use super::{By, Input, config, output};
use crate::Failed;
use crate::durability::Class;
use crate::floor::Log;

/// Making a queue.
#[derive(Clone, Debug, clap::Args)]
pub struct Make {
    #[command(flatten)]
    pub(super) input: Input,
    #[arg(long, value_enum, default_value = "pannier")]
    pub(super) by: By,
    #[arg(long)]
    pub(super) db: PathBuf,
}

impl Make {
    pub(super) fn new(db: &Path, count: usize) -> Self {
        let input = Input {
            file: None,
            count,
            shape: Shape::Bare,
        };
        Self {
            input,
            by: By::Pannier,
            db: db.to_path_buf(),
        }
    }

    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let (mut count, mut bytes) = (0, 0);
        let input: Box<dyn Iterator<Item = Vec<u8>>> = match &self.input.file {
            Some(_) => Box::new(self.input.load()?.into_iter()),
            None => Box::new(Statements::new(1, self.input.shape).take(self.input.count)),
        };
        let mut input = input.inspect(|statement| {
            count += 1;
            bytes += statement.len();
        });
        match self.by {
            By::Floor | By::FloorWithIds => {
                // What Pannier adds travels with the floor too.
                let fill = Fill {
                    id: Uuid::nil(),
                    now_ms: 1_700_000_000_000,
                };
                let mut n = 0;
                let mut log = Log::open(&self.db, Class::Kill, self.by.ids())?;
                log.fill(input.filter_map(|statement| {
                    n += 1;
                    let fill = Fill {
                        id: Uuid::from_u128(n),
                        ..fill
                    };
                    let prepared = statement::prepare(&statement, XapiVersion::V2_0_0, &fill);
                    prepared.ok().map(|prepared| prepared.body)
                }))?;
            }
            By::Pannier => {
                let collector = Collector::open(&self.db, config(None, Class::Kill))?;
                loop {
                    let some: Vec<_> = input.by_ref().take(1_000).collect();
                    if some.is_empty() {
                        break;
                    }
                    collector.record_all(some)?;
                }
                drop(input);
            }
        }
        let mut made = Map::new();
        made.insert("count".into(), json!(count));
        made.insert("bytes".into(), json!(bytes));
        let size = std::fs::metadata(&self.db)?.len();
        made.insert("file_bytes".into(), json!(size));
        Ok(made)
    }

    /// The same in a process of its own.
    pub(super) fn elsewhere(&self) -> Result<Value, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("fill").arg("--db").arg(&self.db);
        command.args(["--count", &self.input.count.to_string()]);
        if self.input.shape == Shape::Complete {
            command.args(["--shape", "complete"]);
        }
        match self.by {
            By::Pannier => {}
            By::Floor => drop(command.args(["--by", "floor"])),
            By::FloorWithIds => drop(command.args(["--by", "floor-with-ids"])),
        }
        command.args(&self.input.file);
        output(&mut command)
    }
}
