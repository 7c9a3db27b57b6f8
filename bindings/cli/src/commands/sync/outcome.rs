//! End of a sync to one upstream: the exit codes, and what there is to say.

use std::collections::BTreeMap;

use pannier::{Ended, Problem, Status, SyncReport, Trouble, Upstream, WaitKind, WaitReason};

use super::super::{Failure, advice, duration, list, now_ms};
use super::delivering;
use crate::terminal::one_line;

/// Returns the exit codes and what there is to say, for one upstream.
pub(super) fn outcome(
    upstream: &Upstream,
    report: &SyncReport,
    status: &Status,
    meant: Option<&str>,
) -> Result<Vec<Failure>, Failure> {
    let undelivered = status.ledger.queued + status.ledger.waiting;
    let endpoint = status.endpoint.as_deref();
    let delayed = match &report.ended {
        Ended::Waiting {
            until,
            why,
            trouble,
        } => Some(waiting(
            *until,
            *why,
            trouble.as_ref(),
            upstream.name(),
            endpoint,
        )),
        Ended::NeedsApp { trouble } => {
            // The queue may have another address by now.
            let is_elsewhere = trouble.problem == Problem::OtherEndpoint;
            let endpoint = if is_elsewhere { meant } else { endpoint };
            Some(advice::trouble(trouble, upstream.name(), endpoint))
        }
        Ended::Busy { .. } => {
            Some("another process is delivering this queue; let it end".to_owned())
        }
        Ended::Interrupted if !delivering::asked_to_end() => Some(format!(
            "another process set an LRS for this queue meanwhile, or its files were put back{}; sync again to go on",
            endpoint.map_or_else(String::new, |it| format!(" (now it is {})", one_line(it)))
        )),
        Ended::Interrupted => Some("ended as asked; sync again to go on".to_owned()),
        Ended::Emptied => None,
    };
    let mut failures = Vec::new();
    match delayed {
        // Nothing waits for it.
        Some(_) if undelivered == 0 => {}
        Some(text) => failures.push(Failure::undelivered(text)),
        None if status.ledger.queued > 0 => failures.push(Failure::undelivered(format!(
            "{} were recorded meanwhile; sync again",
            status.ledger.queued
        ))),
        None => {}
    }
    if status.ledger.waiting > 0 {
        failures.push(Failure::undelivered(aside(upstream)?));
    }
    if status.ledger.held > 0 {
        failures.push(Failure::work(format!(
            "{} {} held until you do something about it; `pannier held list{}` says why",
            status.ledger.held,
            if status.ledger.held == 1 { "is" } else { "are" },
            advice::at(upstream.name()),
        )));
    }
    Ok(failures)
}

fn waiting(
    until: i64,
    why: WaitKind,
    trouble: Option<&Trouble>,
    upstream: &str,
    endpoint: Option<&str>,
) -> String {
    let what = trouble.map(|trouble| advice::trouble(trouble, upstream, endpoint));
    let (left, at) = (duration::words(until - now_ms()), list::time(until));
    let then = match why {
        WaitKind::Backoff => "A sync by hand tries at once; nothing tries by itself".to_owned(),
        _ => format!(
            "Nothing is sent before {at} ({left}), {}; sync again then, or let `--wait` wait for it",
            advice::wait(why)
        ),
    };
    match what {
        Some(what) => format!("{what} {then}."),
        None => format!("{then}."),
    }
}

/// Describes what the statements that are set aside wait for, each reason once.
fn aside(upstream: &Upstream) -> Result<String, Failure> {
    let now = now_ms();
    let mut reasons: BTreeMap<&str, (WaitReason, u64, Option<i64>)> = BTreeMap::new();
    list::all(
        None,
        |page| upstream.waiting(page),
        |one| one.seq,
        |one| {
            let (_, count, next) = reasons
                .entry(one.reason.code())
                .or_insert((one.reason, 0, None));
            *count += 1;
            *next = match (*next, one.until) {
                (Some(next), Some(until)) => Some(next.min(until)),
                (next, until) => next.or(until),
            };
            Ok::<_, Failure>(())
        },
    )?;
    let lines: Vec<String> = reasons
        .into_values()
        .map(|(reason, count, next)| {
            // What is due already waits for what the whole LRS waits for.
            let until = next
                .filter(|until| *until > now)
                .map(|until| format!(" (the next at {})", list::time(until)));
            format!(
                "{count} {} aside: {}{}",
                if count == 1 { "waits" } else { "wait" },
                advice::aside(reason),
                until.unwrap_or_default()
            )
        })
        .collect();
    Ok(lines.join("\n"))
}
