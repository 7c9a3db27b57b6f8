//! Syncing by hand, wait after wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::ProgressBar;
use pannier::{Collector, Ended, Trouble, WaitKind};

use super::error::Error;

/// Interval at which a countdown is updated.
const TICK: Duration = Duration::from_millis(200);

/// Longest time to wait for the LRS: no wait of the demo is longer than a request's own time-out, so that this ends
/// it only where the LRS is really down.
const PATIENCE: Duration = Duration::from_mins(2);

/// Point at which to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One try.
    Tried,
    /// A lost answer, so that nobody knows what the LRS has, and it has to be looked up.
    OutcomeUnknown,
    /// An empty queue, as far as patience goes.
    Delivered,
}

/// Syncs up to that point, says the reason of each wait, and counts it down next to the bar.
pub fn deliver(
    collector: &Collector,
    until: Until,
    bar: &ProgressBar,
    say: impl Fn(&str),
) -> Result<(), Error> {
    let give_up = now_ms() + PATIENCE.as_millis() as i64;
    loop {
        bar.set_message("");
        let (due, what, unknown) = match collector.sync()?.ended {
            // Statements set aside return to the queue by themselves.
            Ended::Emptied => match collector.status()?.next_due {
                Some(due) => (due, "offers the refused one again", false),
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
                let what = match why {
                    WaitKind::RetryAfter => "goes on",
                    WaitKind::OutcomeUnknown => "looks what arrived",
                    WaitKind::Backoff | WaitKind::App => "tries again",
                };
                (due, what, why == WaitKind::OutcomeUnknown)
            }
            Ended::NeedsApp { trouble } => {
                say(&words(&trouble));
                return Ok(());
            }
            Ended::Busy { until: due } => (due, "tries again", false),
            Ended::Interrupted => return Ok(()),
        };
        if until == Until::Tried || due > give_up {
            return Ok(());
        }
        count_down(due, what, bar);
        if unknown && until == Until::OutcomeUnknown {
            return Ok(());
        }
    }
}

/// Waits, and shows the reason and the time left.
fn count_down(due: i64, what: &str, bar: &ProgressBar) {
    loop {
        let left = Duration::from_millis((due - now_ms()).max(0) as u64);
        if left.is_zero() {
            return bar.set_message("");
        }
        bar.set_message(format!("{what} in {} s", left.as_secs() + 1));
        std::thread::sleep(left.min(TICK));
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
