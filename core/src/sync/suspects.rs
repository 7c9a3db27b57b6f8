//! Statements that the LRS failed on when they were alone.
//!
//! Whether it is the statement or the LRS can be told in one way only: the LRS takes another one
//! afterwards. Until then suspects are known to the session alone and stay queued, so an outage, a
//! broken deployment or a misled proxy never moves a statement to held. The session goes on behind
//! them: the next few, then ever further ahead, so that a run of bad statements ends no sync.

use std::time::Duration;

use super::backoff;
use super::judge::Blame;
use super::session::Session;
use super::work::{Item, Look, Task, Then};
use crate::store::{Db, FUTURE_TOLERANCE_MS, HoldReason, Millis, Outcome, StoreError, WaitReason};

/// So many in a row make the upstream as suspect as the statements.
const STRIKES: usize = 3;

/// After so many tries on its own a statement that the LRS answers 5xx to is held.
const SERVER_ERROR_TRIES: u32 = 6;

/// And one that it says it has, and answers 5xx to a look-up of: that it takes others says nothing of
/// its look-ups.
const UNSEEN_TRIES: u32 = 2;

/// The suspects since the upstream last took something.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    list: Vec<(Item, Blame)>,
    /// The upstream fails on look-ups too: it is probably down, and is not asked much more.
    ill: bool,
    /// The last one when the upstream was last asked whether it still takes us for who we are.
    verified: Option<i64>,
}

impl Suspects {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// They may have been refused for the version or the credentials that they were sent with. What it
    /// failed on stays: it may be at that still.
    pub(super) fn acquit_refused(&mut self) {
        self.list
            .retain(|(_, blame)| blame.reason == HoldReason::ServerError);
    }

    /// The LRS has it after all, or something else under its id.
    pub(super) fn forget(&mut self, seq: i64) {
        self.list.retain(|(item, _)| item.row.seq != seq);
    }

    pub(super) fn upstream_is_ill(&mut self) {
        self.ill = true;
    }

    /// Looking for one statement that the LRS takes: no batches.
    pub(super) fn is_probing(&self) -> bool {
        self.list.len() >= STRIKES
    }

    /// Where in the log to go on: behind the suspects, and by leaps towards its end once there are
    /// too many. The leaps differ each time, so that what one run passes over another one meets.
    pub(super) fn after(&self, last_seq: i64, rng: &mut fastrand::Rng) -> i64 {
        let in_log = self
            .list
            .iter()
            .filter(|(item, _)| item.row.aside_since.is_none());
        let last = in_log.map(|(item, _)| item.row.seq).max().unwrap_or(0);
        if !self.is_probing() {
            return last;
        }
        let leaps = (self.list.len() - STRIKES + 1).min(16) as u32;
        let farthest = 4_i64.pow(leaps).min((last_seq - last) / 2);
        last + rng.i64(0..=farthest.max(0))
    }
}

impl Session {
    /// The LRS failed on each of these alone.
    pub(super) fn blame_all(
        &mut self,
        db: &mut Db,
        items: Vec<Item>,
        blame: &Blame,
        now: Millis,
    ) -> Result<(), StoreError> {
        let under_way =
            blame.reason == HoldReason::ServerError && self.under_way(now) > Duration::ZERO;
        for item in items {
            // What is under way is not early: its time may come at once, by a better measure of the
            // LRS's clock.
            if !under_way && let Some(due) = self.future(&item, now) {
                // Our clock jumped since it was taken: it is early, not bad.
                let outcome = Outcome::Waiting {
                    reason: WaitReason::Future,
                    due,
                    status: blame.status,
                    words: blame.words.clone(),
                };
                self.settle(db, vec![(item, outcome)], now)?;
                continue;
            }
            // One that is aside already would be due again at once.
            if item.row.aside_since.is_some() {
                let outcome = self.later(&item, blame, now);
                self.settle(db, vec![(item.clone(), outcome)], now)?;
            }
            self.suspects.list.push((item, blame.clone()));
        }
        if self.suspects.is_probing() {
            // The rest of the batch stays queued until the upstream has shown that it is well.
            self.forget_tasks();
            if self.suspects.ill {
                return self.conclude_suspects(db, now).map(drop);
            }
        }
        Ok(())
    }

    /// The upstream took another statement: what becomes of the suspects.
    pub(super) fn convict(&mut self, now: Millis) -> Vec<(Item, Outcome)> {
        let list = std::mem::take(&mut self.suspects).list;
        list.into_iter()
            .map(|(item, blame)| {
                let enough = match (blame.reason, blame.status) {
                    (HoldReason::ServerError, _) => SERVER_ERROR_TRIES,
                    (HoldReason::ConflictUnseen, Some(500..)) => UNSEEN_TRIES,
                    _ => 0,
                };
                let outcome = if item.row.tries < enough {
                    self.later(&item, &blame, now)
                } else {
                    blame.held()
                };
                (item, outcome)
            })
            .collect()
    }

    /// Nothing else is due. True: there is something to do again.
    pub(super) fn conclude_suspects(
        &mut self,
        db: &mut Db,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let Some((last_item, last)) = self.suspects.list.last().cloned() else {
            return Ok(false);
        };
        if self.accepted && !self.suspects.is_probing() {
            // It took the statements before them. Does it understand us still? One LRS answers 400 to a
            // password that has changed meanwhile, and only a look-up tells.
            let seq = last_item.row.seq;
            if self.suspects.verified != Some(seq) {
                self.suspects.verified = Some(seq);
                self.tasks
                    .push_front(Task::Look(Look::new([last_item], Then::Convict)));
                return Ok(true);
            }
            let settled = self.convict(now);
            self.settle(db, settled, now)?;
            return Ok(true);
        }
        if self
            .suspects
            .list
            .iter()
            .all(|(item, _)| item.row.aside_since.is_some())
        {
            // They wait for their own times, and no other need wait for them.
            let settled = std::mem::take(&mut self.suspects)
                .list
                .into_iter()
                .filter(|(item, blame)| self.is_proved(item, blame))
                .map(|(item, blame)| (item, blame.held()))
                .collect();
            self.settle(db, settled, now)?;
            return Ok(true);
        }
        self.stop(db, last.stop(), now)?;
        Ok(true)
    }

    /// It failed often enough, and the upstream took others between the last two times.
    fn is_proved(&self, item: &Item, blame: &Blame) -> bool {
        let enough = match blame.reason {
            HoldReason::ServerError => SERVER_ERROR_TRIES,
            _ => 2,
        };
        item.row.tries >= enough && self.learned.last_success > item.row.aside_since
    }

    /// When its time comes, if it lies in the LRS's future.
    fn future(&self, item: &Item, now: Millis) -> Option<Millis> {
        let skew = self.skew?;
        let happened_at = item.row.happened_at;
        (happened_at > now + skew + FUTURE_TOLERANCE_MS).then_some(happened_at - skew)
    }

    fn later(&mut self, item: &Item, blame: &Blame, now: Millis) -> Outcome {
        let wait = backoff::delay(item.row.tries + 4, &mut self.rng).max(self.under_way(now));
        Outcome::Waiting {
            reason: WaitReason::Suspect,
            due: now + wait.as_millis() as Millis,
            status: blame.status,
            words: blame.words.clone(),
        }
    }
}
