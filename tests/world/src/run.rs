//! Runs scenarios, many at once, and counts.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use crate::pending::PENDING;
use crate::scenarios::Scenario;

thread_local! {
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    pending: usize,
    skipped: usize,
}

/// What a scenario panics with where this machine cannot run it.
struct CannotRun(&'static str);

/// Ends a scenario that this machine cannot run. It counts as skipped.
pub fn cannot_run(why: &'static str) -> ! {
    std::panic::panic_any(CannotRun(why))
}

/// Runs all of them. A pending one is not counted as passed; it fails the run if it passes, and so does
/// a pending one that is not there, so that the list says what does not hold and nothing else.
pub fn all(wanted: Vec<Scenario>, jobs: usize) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        SAID.with_borrow_mut(|said| *said = info.to_string());
    }));
    // The slow ones first, so that the quick ones fill the gaps.
    let mut queue = wanted;
    queue.sort_by_key(|scenario| scenario.slow);
    let tally = Tally {
        failed: unknown_pending(),
        ..Tally::default()
    };
    let (queue, tally) = (Mutex::new(queue), Mutex::new(tally));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("scenarios panic elsewhere").pop();
                    let Some(scenario) = next else { return };
                    one(&scenario, &tally);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("scenarios panic elsewhere");
    for name in &tally.failed {
        println!("failed: {name}");
    }
    let (passed, failed) = (tally.passed, tally.failed.len());
    let (pending, skipped) = (tally.pending, tally.skipped);
    println!("{passed} passed, {failed} failed, {pending} pending, {skipped} skipped");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The pending names that no scenario has.
fn unknown_pending() -> Vec<String> {
    let all = crate::scenarios::all();
    let pending = PENDING.iter().flat_map(|(_, names)| names.iter());
    pending
        .filter(|name| !all.iter().any(|scenario| scenario.name == **name))
        .map(|name| format!("{name}: it is pending, and there is no such scenario"))
        .collect()
}

fn one(scenario: &Scenario, tally: &Mutex<Tally>) {
    let begun = Instant::now();
    let result = catch_unwind(scenario.run);
    let took = begun.elapsed().as_secs_f64();
    let said = SAID.with_borrow_mut(std::mem::take);
    let pending = PENDING
        .iter()
        .find(|(_, names)| names.contains(&scenario.name));
    let mut tally = tally.lock().expect("scenarios panic elsewhere");
    if let Err(payload) = &result
        && let Some(CannotRun(why)) = payload.downcast_ref()
    {
        tally.skipped += 1;
        println!("skipped: {}: {why}", scenario.name);
        return;
    }
    match (result.is_ok(), pending) {
        (true, None) => {
            tally.passed += 1;
            println!("ok {took:.1} s: {}", scenario.name);
        }
        (false, None) => {
            tally.failed.push(scenario.name.to_owned());
            println!("FAILED after {took:.1} s: {}: {said}", scenario.name);
        }
        (false, Some((why, _))) => {
            tally.pending += 1;
            println!(
                "pending after {took:.1} s: {} ({why}): {said}",
                scenario.name
            );
        }
        (true, Some(_)) => {
            let words = format!("{}: it passes, so take it off the list", scenario.name);
            println!("FAILED after {took:.1} s: {words}");
            tally.failed.push(words);
        }
    }
}
