//! The jobs, each in a process of its own: does one thing by one contender and prints one JSON
//! object with counts and costs.

mod drain;
mod fill;
mod idle;
mod open;
mod record;
mod validate;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use pannier::Config;
use pannier_bench::data::{self, Shape};
use serde_json::Value;

use crate::Failed;
use crate::durability::Class;
use crate::floor::Ids;
use crate::sink::Sink;

pub use drain::Drain;
pub use fill::Make;
pub use idle::Idle;
pub use open::Open;
pub use record::Record;
pub use validate::Validate;

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// The product.
    Pannier,
    /// The same parts without what the product promises.
    Floor,
    /// The floor with one promise: no id twice.
    FloorWithIds,
}

impl By {
    fn ids(self) -> Ids {
        match self {
            Self::Floor => Ids::None,
            Self::FloorWithIds | Self::Pannier => Ids::Unique,
        }
    }
}

/// Which statements.
#[derive(Clone, Debug, clap::Args)]
pub struct Input {
    /// A file of JSON lines; without one, statements are made up.
    pub file: Option<PathBuf>,
    /// How many to make up.
    #[arg(long, default_value_t = 20_000)]
    pub count: usize,
    /// Whether those have an id and a timestamp.
    #[arg(long, value_enum, default_value = "bare")]
    pub shape: Shape,
}

impl Input {
    fn load(&self) -> Result<Vec<Vec<u8>>, Failed> {
        Ok(data::load(self.file.as_deref(), self.count, self.shape)?)
    }

    /// As JSON lines.
    pub fn print(&self) -> Result<(), Failed> {
        let mut output = std::io::stdout().lock();
        for statement in self.load()? {
            output.write_all(&statement)?;
            output.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn config(sink: Option<&Sink>, class: Class) -> Config {
    let mut config = Config::default();
    config.endpoint = sink.map(|sink| sink.endpoint.clone());
    config.durability = class.into();
    config
}

/// Runs a job; what it printed.
pub fn output(command: &mut Command) -> Result<Value, Failed> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
