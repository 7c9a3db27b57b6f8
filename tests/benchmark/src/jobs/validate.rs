//! Validating.

use pannier::statement::{self, Fill};
use pannier::{Uuid, XapiVersion};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{By, Input};
use crate::Failed;
use crate::cost::Meter;

/// Checking statements.
#[derive(Clone, Debug, clap::Args)]
pub struct Validate {
    #[command(flatten)]
    input: Input,
    /// The floor reads JSON's syntax alone, by `serde_json`.
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    /// The version of the standard: 1.0.3 or 2.0.0.
    #[arg(long, default_value = "2.0.0")]
    rules: XapiVersion,
    /// Also complete them, as `record` does.
    #[arg(long)]
    complete: bool,
}

impl Validate {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let statements = self.input.load()?;
        let bytes = statements.iter().map(Vec::len).sum();
        let fill = Fill {
            id: Uuid::nil(),
            now_ms: 1_700_000_000_000,
        };
        let meter = Meter::start();
        let mut invalid = 0;
        for statement in &statements {
            let valid = match (self.by, self.complete) {
                (By::Floor | By::FloorWithIds, _) => {
                    serde_json::from_slice::<IgnoredAny>(statement).is_ok()
                }
                (By::Pannier, false) => statement::check(statement, self.rules).is_ok(),
                (By::Pannier, true) => statement::prepare(statement, self.rules, &fill).is_ok(),
            };
            invalid += usize::from(!valid);
        }
        let mut costs = meter.stop(statements.len(), bytes);
        costs.insert("invalid".into(), json!(invalid));
        Ok(costs)
    }
}
