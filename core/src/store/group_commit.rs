//! A queue of threads that share one commit.
//!
//! A thread that finds the line empty leads: once the file is free, it commits for all threads in line. Threads
//! that come during that commit wait for the next one, which the first of them leads. So nobody is overtaken,
//! and the slower the disk, the more threads share a commit. A lone caller pays for two uncontended locks.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::lock::lock;
use crate::store::queue::append::Refused;
use crate::store::{Appended, Candidate, StoreError};

pub(crate) type AppendOutcome = Result<Vec<Appended>, Refused>;

/// The line of waiting threads; empty at first.
#[derive(Default)]
pub(crate) struct GroupCommit(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    tickets: Vec<Arc<Ticket>>,
    /// A thread leads, or has been told to lead.
    led: bool,
}

struct Ticket {
    candidate: Candidate,
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// No outcome yet.
    Waits,
    /// No outcome yet, and asleep: waking is a system call even if no thread sleeps, so only these are woken.
    Sleeps,
    Leads,
    Done(AppendOutcome),
}

/// The thread that commits for the others. However it ends, dropping it gives every thread an outcome and lets
/// the next one lead.
pub(crate) struct Leader<'a> {
    group: &'a GroupCommit,
    tickets: Vec<Arc<Ticket>>,
}

impl GroupCommit {
    /// Waits in line until the candidate is committed, by another thread or by `commit`.
    pub(crate) fn join(
        &self,
        candidate: Candidate,
        commit: impl FnOnce(&mut Leader<'_>),
    ) -> AppendOutcome {
        let ticket = Arc::new(Ticket {
            candidate,
            state: Mutex::new(State::Waits),
            changed: Condvar::new(),
        });
        let first = {
            let mut waiting = lock(&self.0);
            waiting.tickets.push(Arc::clone(&ticket));
            !std::mem::replace(&mut waiting.led, true)
        };
        if !first && let Some(outcome) = ticket.wait() {
            return outcome;
        }
        let mut leader = Leader {
            group: self,
            tickets: Vec::new(),
        };
        commit(&mut leader);
        drop(leader);
        ticket.wait().unwrap_or_else(lost)
    }
}

#[cfg(test)]
impl GroupCommit {
    /// Tells whether a thread waits for the file.
    pub(crate) fn has_any(&self) -> bool {
        !lock(&self.0).tickets.is_empty()
    }
}

impl Leader<'_> {
    /// Takes the candidates of all threads now in line. Called once, when the file is free.
    pub(crate) fn batch(&mut self) -> Vec<&Candidate> {
        self.tickets = std::mem::take(&mut lock(&self.group.0).tickets);
        self.tickets
            .iter()
            .map(|ticket| &ticket.candidate)
            .collect()
    }

    /// Gives each thread the outcome of its candidate, in the order of the batch.
    pub(crate) fn finish(&mut self, outcomes: Vec<AppendOutcome>) {
        for (ticket, outcome) in self.tickets.drain(..).zip(outcomes) {
            ticket.state(State::Done(outcome));
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        // Only a panic leaves a thread without an outcome.
        for ticket in self.tickets.drain(..) {
            ticket.state(State::Done(lost()));
        }
        let mut waiting = lock(&self.group.0);
        match waiting.tickets.first() {
            Some(next) => next.state(State::Leads),
            None => waiting.led = false,
        }
    }
}

impl Ticket {
    fn state(&self, state: State) {
        let before = std::mem::replace(&mut *lock(&self.state), state);
        // Notified once unlocked, or the woken thread would block again at once.
        if let State::Sleeps = before {
            self.changed.notify_one();
        }
    }

    /// Waits for the outcome; none if this thread is to lead.
    fn wait(&self) -> Option<AppendOutcome> {
        let mut state = lock(&self.state);
        loop {
            match std::mem::replace(&mut *state, State::Waits) {
                State::Done(outcome) => return Some(outcome),
                State::Leads => return None,
                State::Waits | State::Sleeps => {
                    *state = State::Sleeps;
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn lost() -> AppendOutcome {
    Err(Refused::Store(StoreError::Other(
        "the commit broke off, and nothing of it was written: record again".into(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_during_a_commit_shares_the_next_one() {
        let line = GroupCommit::default();
        let sizes = Mutex::new(Vec::new());
        let commit = |leader: &mut Leader<'_>| {
            let count = leader.batch().len();
            // The first commit lasts until all the others stand in line.
            while lock(&sizes).is_empty() && lock(&line.0).tickets.len() < 7 {
                std::thread::yield_now();
            }
            lock(&sizes).push(count);
            leader.finish(vec![Ok(Vec::new()); count]);
        };
        std::thread::scope(|scope| {
            let first = scope.spawn(|| line.join(Vec::new(), commit));
            while !lock(&line.0).led || !lock(&line.0).tickets.is_empty() {
                std::thread::yield_now();
            }
            for _ in 0..7 {
                scope.spawn(|| assert_eq!(line.join(Vec::new(), commit), Ok(Vec::new())));
            }
            assert_eq!(first.join().unwrap(), Ok(Vec::new()));
        });
        assert_eq!(*lock(&sizes), [1, 7]);
    }

    #[test]
    fn a_leader_that_panics_leaves_nobody_waiting() {
        let line = GroupCommit::default();
        let outcome = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    line.join(Vec::new(), |leader| {
                        assert!(leader.batch().is_empty(), "breaks off");
                    })
                })
                .join()
        });
        assert!(outcome.is_err());
        let after = line.join(Vec::new(), |leader| {
            let count = leader.batch().len();
            leader.finish(vec![Ok(Vec::new()); count]);
        });
        assert_eq!(after, Ok(Vec::new()));
    }
}
