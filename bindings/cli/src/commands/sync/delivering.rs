//! A sync that is watched: with a bar, a countdown while it waits, and an early end on request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pannier::{Ended, Event, EventStream, SyncReport};

use super::super::signals::Ending;
use super::super::{Failure, Output, advice, duration, list, now_ms, queue_file, tell};
use super::targets::Targets;
use crate::terminal::{one_line, safe};

/// Interval at which the bar is redrawn.
const TICK: Duration = Duration::from_millis(100);
/// Interval at which the queue is checked during a wait, and whether another process still delivers it.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// Exit code that a shell reports for a process that Ctrl-C ended.
const AT_ONCE: i32 = 130;

/// Tells whether somebody wants this to end.
static ASKED_TO_END: AtomicBool = AtomicBool::new(false);

/// Tells whether Ctrl-C or a polite request was what ended it.
pub fn asked_to_end() -> bool {
    ASKED_TO_END.load(Ordering::Relaxed)
}

/// Syncs, and goes on after waits that end within the patience. The first Ctrl-C or polite request ends
/// the sync, the second one the process.
pub fn deliver(
    targets: &Targets,
    patience: Duration,
    output: Output,
) -> Result<SyncReport, Failure> {
    let mut ending = Ending::listen()?;
    // The thread ends with the process: it waits for what may never come.
    std::thread::spawn(move || {
        ending.wait();
        ASKED_TO_END.store(true, Ordering::Relaxed);
        ending.wait();
        std::process::exit(AT_ONCE);
    });
    let mut undelivered = 0;
    let mut endpoints = Vec::new();
    for upstream in &targets.opened {
        let Some(status) = targets.status(upstream)? else {
            continue;
        };
        undelivered += status.ledger.queued + status.ledger.waiting;
        endpoints.push((upstream.name().to_owned(), status.endpoint));
    }
    let watch = Watch {
        bar: if output.json {
            ProgressBar::hidden()
        } else {
            bar(undelivered)
        },
        events: targets.collector.events(),
        endpoints,
        quiet: output.json,
    };
    let began = Instant::now();
    let mut sum: Option<SyncReport> = None;
    let report = loop {
        let left = patience.saturating_sub(began.elapsed());
        let mut report = watch.sync(targets, left)?;
        if let Some(before) = sum.take() {
            add_all(&mut report, &before);
        }
        if ASKED_TO_END.load(Ordering::Relaxed) {
            if !matches!(report.ended, Ended::Emptied) {
                report.ended = Ended::Interrupted;
            }
            break report;
        }
        let (until, what) = next_try(&report, targets, &watch.endpoints)?;
        let left = patience.saturating_sub(began.elapsed());
        let wait = until.map(|until| Wait::begin(until, now_ms()));
        match wait {
            Some(wait) if !left.is_zero() && wait.long <= left.max(TICK) => {
                watch.wait(&wait, what, targets);
            }
            _ => break report,
        }
        sum = Some(report);
    };
    watch.bar.finish_and_clear();
    Ok(report)
}

/// Returns when something may be delivered again, and the reason for waiting until then.
fn next_try(
    report: &SyncReport,
    targets: &Targets,
    endpoints: &[(String, Option<String>)],
) -> Result<(Option<i64>, &'static str), Failure> {
    Ok(match &report.ended {
        Ended::Busy { .. } => (
            Some(now_ms() + LOOK_EACH.as_millis() as i64),
            "another process is delivering this queue",
        ),
        Ended::Waiting { until, .. } => (Some(*until), "it asks for time"),
        Ended::Emptied => (
            next_due(targets)?,
            "the next statement that waits aside is due then",
        ),
        // Where another process has set another LRS, nobody has said that it may be sent to.
        Ended::Interrupted if are_the_same(endpoints, targets)? => {
            (Some(now_ms()), "the queue's files were put back")
        }
        Ended::NeedsApp { .. } | Ended::Interrupted => (None, ""),
    })
}

/// Tells whether each upstream still has the endpoint that it had at the beginning.
fn are_the_same(
    endpoints: &[(String, Option<String>)],
    targets: &Targets,
) -> Result<bool, Failure> {
    for upstream in &targets.opened {
        let now = targets.status(upstream)?.and_then(|it| it.endpoint);
        let then = endpoints.iter().find(|(name, _)| name == upstream.name());
        if then.is_none_or(|(_, then)| *then != now) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds up this report and the one before it, for each upstream too.
fn add_all(report: &mut SyncReport, before: &SyncReport) {
    add(report, before);
    for one in &mut report.upstreams {
        if let Some(before) = before.upstreams.iter().find(|it| it.name == one.name) {
            add(&mut one.report, &before.report);
        }
    }
}

fn add(report: &mut SyncReport, before: &SyncReport) {
    report.delivered += before.delivered;
    report.held += before.held;
    report.requests += before.requests;
    report.bytes_sent += before.bytes_sent;
}

/// Returns when the next statement that is set aside is due, for whichever upstream.
fn next_due(targets: &Targets) -> Result<Option<i64>, Failure> {
    let mut next: Option<i64> = None;
    for upstream in &targets.opened {
        let due = targets.status(upstream)?.and_then(|it| it.next_due);
        next = next.into_iter().chain(due).min();
    }
    Ok(next)
}

/// A wait until a time of day; the clock may be set during it.
struct Wait {
    until: i64,
    /// Length that it seemed to have when it began.
    long: Duration,
}

impl Wait {
    /// Begins a wait until then, and long enough to be no busy loop.
    fn begin(until: i64, now_ms: i64) -> Self {
        let left = u64::try_from(until.saturating_sub(now_ms)).unwrap_or(0);
        Self {
            until: until.max(now_ms + TICK.as_millis() as i64),
            long: Duration::from_millis(left).max(TICK),
        }
    }

    /// Tells whether it is over, by the clock or by the time that has passed: a clock set back makes no wait
    /// longer.
    fn over(&self, now_ms: i64, passed: Duration) -> bool {
        now_ms >= self.until || passed >= self.long
    }
}

/// Display of a sync that is under way.
struct Watch {
    bar: ProgressBar,
    events: EventStream,
    /// Endpoint of each upstream.
    endpoints: Vec<(String, Option<String>)>,
    quiet: bool,
}

impl Watch {
    fn sync(&self, targets: &Targets, patience: Duration) -> Result<SyncReport, Failure> {
        let (mut done, mut told) = (0, false);
        let mut waits: Option<(i64, String)> = None;
        let report = std::thread::scope(|scope| {
            let syncing = scope.spawn(|| targets.sync(patience));
            while !syncing.is_finished() {
                queue_file::listen();
                if ASKED_TO_END.load(Ordering::Relaxed) {
                    targets.collector.interrupt();
                }
                match self.events.next_within(TICK / 2) {
                    Ok(Some(Event::Delivered { ids, .. })) => {
                        (done, waits) = (done + ids.len() as u64, None);
                        self.bar.inc(ids.len() as u64);
                    }
                    Ok(Some(Event::Held { .. })) => self.bar.inc(1),
                    Ok(Some(Event::WaitingUntil {
                        until,
                        why,
                        trouble,
                        upstream,
                    })) if until - now_ms() <= patience.as_millis() as i64 => {
                        let mut endpoints = self.endpoints.iter();
                        let known = endpoints.find(|(name, _)| *name == upstream);
                        let endpoint = known.and_then(|(_, endpoint)| endpoint.as_deref());
                        let what =
                            trouble.map(|trouble| advice::trouble(&trouble, &upstream, endpoint));
                        let what = what.unwrap_or_else(|| advice::wait(why).to_owned());
                        // An LRS's address may not be in it, and several may wait.
                        let what = match self.endpoints.len() {
                            0 | 1 => what,
                            _ => format!("{upstream}: {what}"),
                        };
                        waits = Some((until, what));
                        told = false;
                    }
                    _ => {}
                }
                if let Some((until, what)) = &waits {
                    self.count_down(*until, what, &mut told);
                } else {
                    self.bar.set_message("");
                }
            }
            syncing.join()
        });
        match report {
            Ok(report) => Ok(report?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Waits until it is over, or until somebody wants it to end.
    fn wait(&self, wait: &Wait, what: &str, targets: &Targets) {
        let (mut told, began, mut looked) = (false, Instant::now(), Instant::now());
        while !wait.over(now_ms(), began.elapsed()) && !ASKED_TO_END.load(Ordering::Relaxed) {
            self.count_down(wait.until, what, &mut told);
            std::thread::sleep(TICK);
            if looked.elapsed() >= LOOK_EACH {
                // This puts back queue files that were deleted or replaced; the next sync reports what could not be
                // put back.
                let _ = targets.collector.status();
                looked = Instant::now();
            }
        }
    }

    /// Shows the time left: on a terminal in the bar; elsewhere it is said once.
    fn count_down(&self, until: i64, what: &str, told: &mut bool) {
        let left = duration::words(until - now_ms());
        if !self.bar.is_hidden() {
            self.bar
                .set_message(one_line(safe(format_args!("waits {left}: {what}"))));
        } else if !*told && !self.quiet {
            *told = true;
            tell(format_args!(
                "waits {left}, until {}: {what}",
                list::time(until)
            ));
        }
    }
}

/// Returns a bar that draws itself on standard error, and only if that is a terminal.
fn bar(queued: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos} of {len} delivered  {wide_msg}");
    ProgressBar::new(queued).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_makes_no_wait_longer() {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let wait = Wait::begin(DAY + 5_000, DAY);
        assert!(!wait.over(DAY + 4_999, Duration::from_millis(4_999)));
        assert!(
            wait.over(DAY + 5_000, Duration::from_secs(1)),
            "set forward"
        );
        assert!(!wait.over(1_000, Duration::from_secs(1)));
        assert!(wait.over(5_000, Duration::from_secs(5)), "set back a day");
    }

    #[test]
    fn what_is_due_already_is_waited_for_a_moment() {
        let wait = Wait::begin(5, 1_000);
        assert!(!wait.over(1_000, Duration::ZERO) && wait.over(1_100, Duration::ZERO));
    }
}
