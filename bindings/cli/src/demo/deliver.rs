//! Syncing by hand, wait after wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pannier::store::{Trouble, WaitKind};
use pannier::{Collector, Ended};

use super::error::Error;

/// In the demo no wait is longer than a few seconds; an LRS that is really down ends it.
const PATIENCE: Duration = Duration::from_mins(2);

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One try.
    Tried,
    /// An answer got lost, so that nobody knows what the LRS has, and it is time to look.
    OutcomeUnknown,
    /// Nothing is queued any more, as far as patience goes.
    Delivered,
}

/// Syncs that far, and says what each wait is for.
pub fn deliver(collector: &Collector, until: Until, say: impl Fn(&str)) -> Result<(), Error> {
    let give_up = now_ms() + PATIENCE.as_millis() as i64;
    loop {
        let (due, unknown) = match collector.sync()?.ended {
            // What waits aside comes back by itself.
            Ended::Emptied => match collector.status()?.next_due {
                Some(due) => (due, false),
                None => return Ok(()),
            },
            Ended::Waiting {
                until: due,
                why,
                trouble,
            } => {
                let wait = format!("{:.1} s", (due - now_ms()).max(0) as f64 / 1000.0);
                let trouble = trouble.as_ref().map_or_else(String::new, words);
                say(&match why {
                    WaitKind::RetryAfter => format!("{trouble}: asked to wait for {wait}"),
                    WaitKind::OutcomeUnknown => {
                        format!("{trouble}: nobody knows what arrived, looks in {wait}")
                    }
                    _ => format!("{trouble}: keeps {}", collector.status()?.ledger.queued),
                });
                (due, why == WaitKind::OutcomeUnknown)
            }
            Ended::NeedsApp { trouble } => {
                say(&words(&trouble));
                return Ok(());
            }
            Ended::Busy { until: due } => (due, false),
            Ended::Interrupted => return Ok(()),
        };
        if until == Until::Tried || due > give_up {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis((due - now_ms()).max(0) as u64));
        if unknown && until == Until::OutcomeUnknown {
            return Ok(());
        }
    }
}

fn words(trouble: &Trouble) -> String {
    match trouble.status {
        Some(status) => format!("{status} ({})", trouble.words),
        None => format!("{} ({})", trouble.problem, trouble.words),
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
