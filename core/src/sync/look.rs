//! What follows from looking a statement up at the LRS.

use std::time::Duration;

use super::judge::{self, Blame, Looked, Pause, Stop};
use super::session::Session;
use super::work::{Item, Look, Task, Then, split};
use crate::lrs::Answer;
use crate::lrs::reading::read_get;
use crate::statement::{self, Comparison, XapiVersion};
use crate::store::{Db, HoldReason, Millis, Outcome, Problem, StoreError};

impl Session {
    pub(super) fn looked(
        &mut self,
        db: &mut Db,
        mut look: Look,
        answer: &Answer,
        retry_after: Option<Duration>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let Some(mut item) = look.ask.pop_front() else {
            return Ok(());
        };
        let found = judge::found(
            &read_get(answer, &self.config.endpoint, item.row.id),
            retry_after,
        );
        self.judged(found.word());
        if !matches!(found, Looked::Stop(_) | Looked::Misunderstood) {
            self.checked = true;
        }
        match found {
            Looked::Stop(stop) if stop.problem == Problem::ServerError && self.is_cautious() => {
                return self.not_shown(db, look, item, stop, now);
            }
            Looked::Stop(stop) => return self.stop(db, stop, now),
            Looked::Misunderstood => return self.misunderstood(db, look, item, now),
            Looked::Copy(copy) => {
                look.as_voided = false;
                let outcome = match statement::compare(&item.row.body, &copy) {
                    Comparison::Same => {
                        // 409 to what it has, unchanged: from now on look before sending again.
                        self.learned.refuses_known |= matches!(look.then, Then::Known);
                        Outcome::Delivered
                    }
                    Comparison::Different(_) | Comparison::Unreadable => Outcome::Held {
                        reason: HoldReason::Conflict,
                        status: Some(409),
                        words: "the LRS has another statement under this id".to_owned(),
                        theirs: Some(copy),
                    },
                };
                return self.found(db, look, item, outcome, now);
            }
            // A voided statement hides behind another parameter.
            Looked::Missing
                if !look.as_voided && matches!(look.then, Then::Known | Then::Proves(_)) =>
            {
                look.as_voided = true;
                look.ask.push_front(item);
            }
            Looked::Missing => {
                look.as_voided = false;
                if let (true, Then::Known | Then::Proves(_)) = (item.looked, &look.then) {
                    return self.vanished(db, look, item, None, now);
                }
                if let Then::Proves(rest) = &look.then
                    && !rest.is_empty()
                {
                    return self.stop(db, not_kept(), now);
                }
                item.looked = true;
                look.missing.push(item);
            }
            Looked::Forbidden => return self.forbidden(db, look, item, now),
        }
        self.continue_look(db, look, now)
    }

    /// The LRS has something under this id.
    fn found(
        &mut self,
        db: &mut Db,
        mut look: Look,
        item: Item,
        outcome: Outcome,
        now: Millis,
    ) -> Result<(), StoreError> {
        let same = outcome == Outcome::Delivered;
        let mut settled = vec![(item, outcome)];
        match &mut look.then {
            Then::Proves(rest) if same => {
                settled.extend(
                    std::mem::take(rest)
                        .into_iter()
                        .map(|item| (item, Outcome::Delivered)),
                );
                self.accepted(db, settled, now)?;
            }
            // It said that it has all of them, and has something else: ask for each.
            Then::Proves(rest) => {
                look.ask.extend(std::mem::take(rest));
                self.settle(db, settled, now)?;
            }
            Then::Split {
                batch, culprits, ..
            } => {
                // The one asked for, the first, is settled: the others are sent again.
                batch.remove(0);
                *culprits = culprits.iter().filter_map(|at| at.checked_sub(1)).collect();
                self.settle(db, settled, now)?;
            }
            Then::Send(_) | Then::Known | Then::Blame(_) => self.settle(db, settled, now)?,
            Then::Convict => {
                self.suspects.forget(settled[0].0.row.seq);
                self.settle(db, settled, now)?;
            }
        }
        self.continue_look(db, look, now)
    }

    /// Asks for the next one, or does what the looking was for.
    fn continue_look(&mut self, db: &mut Db, look: Look, now: Millis) -> Result<(), StoreError> {
        if !look.ask.is_empty() {
            self.tasks.push_front(Task::Look(look));
            return Ok(());
        }
        let mut send = look.missing;
        match look.then {
            Then::Send(rest) => {
                send.extend(rest);
                send.sort_unstable_by_key(|item| item.row.seq);
                if !send.is_empty() {
                    self.tasks.push_front(Task::Post(send));
                }
            }
            // Sent again one by one: one of them may be what the LRS stumbles over.
            Then::Known | Then::Proves(_) => {
                self.post_in_parts(send.into_iter().map(|item| vec![item]).collect());
            }
            Then::Split {
                batch, culprits, ..
            } => match batch.len() {
                0 | 1 => self.post_in_parts(vec![batch]),
                _ => self.post_in_parts(split(batch, &culprits)),
            },
            Then::Blame(blame) => return self.blame_all(db, send, &blame, now),
            // It is among the suspects still.
            Then::Convict => {}
        }
        Ok(())
    }

    /// 400 to a look-up: the version header may be what it does not understand.
    fn misunderstood(
        &mut self,
        db: &mut Db,
        mut look: Look,
        item: Item,
        now: Millis,
    ) -> Result<(), StoreError> {
        if self.config.version.is_none() {
            self.learned.version = Some(match self.learned.version {
                Some(XapiVersion::V2_0_0) => XapiVersion::V1_0_3,
                _ => XapiVersion::V2_0_0,
            });
        }
        let tried_both = self.flipped || self.config.version.is_some();
        self.flipped = true;
        self.suspects.acquit_refused();
        if !tried_both {
            look.ask.push_front(item);
            // With the version put right, what was refused for it may go through.
            if let Then::Split { batch, .. } = look.then {
                self.tasks.push_front(Task::Post(batch));
            } else if let Then::Blame(Blame {
                status: Some(400..500),
                ..
            }) = look.then
            {
                self.tasks.push_front(Task::Post(look.ask.into()));
            } else {
                self.tasks.push_front(Task::Look(look));
            }
            return Ok(());
        }
        match look.then {
            // It understands neither; go on and let its answers to statements tell.
            Then::Split { .. } | Then::Blame(_) | Then::Convict => {
                self.checked = true;
                look.missing.push(item);
                self.continue_look(db, look, now)
            }
            _ => {
                let words = "it does not understand a look-up by statementId".to_owned();
                let stop = Stop {
                    problem: Problem::Unexpected,
                    status: Some(400),
                    words,
                    pause: Pause::Backoff,
                };
                self.stop(db, stop, now)
            }
        }
    }

    /// It fails on this look-up again and again. One LRS does for ever where it has a statement twice,
    /// so what it says to sending must do.
    fn not_shown(
        &mut self,
        db: &mut Db,
        mut look: Look,
        mut item: Item,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        look.as_voided = false;
        match &look.then {
            Then::Known => self.vanished(db, look, item, stop.status, now),
            Then::Send(_) | Then::Blame(_) => {
                if let Then::Blame(_) = look.then {
                    self.suspects.upstream_is_ill();
                }
                item.looked = true;
                look.missing.push(item);
                self.continue_look(db, look, now)
            }
            Then::Split { .. } | Then::Proves(_) | Then::Convict => self.stop(db, stop, now),
        }
    }

    /// We may write but not read.
    fn forbidden(
        &mut self,
        db: &mut Db,
        mut look: Look,
        mut item: Item,
        now: Millis,
    ) -> Result<(), StoreError> {
        look.as_voided = false;
        match &mut look.then {
            Then::Send(_) | Then::Split { .. } | Then::Blame(_) | Then::Convict => {
                item.looked = true;
                look.missing.push(item);
                self.continue_look(db, look, now)
            }
            // No captive portal answers 204 to a POST and 403 to a GET; an LRS without the right to
            // read does, and nothing better will be had from it.
            Then::Proves(rest) => {
                let all = std::iter::once(item)
                    .chain(std::mem::take(rest))
                    .map(|item| (item, Outcome::Delivered));
                let settled = all.collect();
                self.accepted(db, settled, now)?;
                self.continue_look(db, look, now)
            }
            Then::Known => self.vanished(db, look, item, None, now),
        }
    }

    /// It says that it has the statement, and shows nothing under its id, even when asked again; or it
    /// `failed` to.
    fn vanished(
        &mut self,
        db: &mut Db,
        look: Look,
        item: Item,
        failed: Option<u16>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let blame = match look.then {
            Then::Known => Blame {
                reason: HoldReason::ConflictUnseen,
                status: failed.or(Some(409)),
                words: "the LRS says that it has this id, but does not show its statement"
                    .to_owned(),
            },
            _ => Blame {
                reason: HoldReason::ServerError,
                status: None,
                words: "the LRS says that it stored the statement, but does not have it".to_owned(),
            },
        };
        self.blame_all(db, vec![item], &blame, now)?;
        self.continue_look(db, look, now)
    }
}

fn not_kept() -> Stop {
    Stop {
        problem: Problem::NotAnLrs,
        status: Some(204),
        words: "it says that it stored statements, and does not have them".to_owned(),
        pause: Pause::Backoff,
    }
}
