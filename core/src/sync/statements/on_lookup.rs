//! Consequences of looking a statement up at the LRS.

use std::time::Duration;

use super::on_post::blame_of;
use super::task::{AfterLookup, Lookup, Pending, Task, split};
use super::with_contents::{are_all, may_be_for_the_contents};
use crate::lrs::reading::read_get;
use crate::lrs::{Response, Sender, headers};
use crate::statement::{self, Comparison, XapiVersion};
use crate::store::{Db, HoldReason, Millis, Outcome, Problem, Row, StoreError, WaitReason};
use crate::sync::judge;
use crate::sync::meaning::{Blame, Looked, Pause, Stop};
use crate::sync::policy;
use crate::sync::session::Session;

impl Session {
    pub(crate) fn looked(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        (answer, shown): (&Response, Option<Vec<Vec<u8>>>),
        retry_after: Option<Duration>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let Some(item) = look.ask.pop_front() else {
            return Ok(());
        };
        let from = self.link.sender(answer);
        let read = read_get(answer, self.link.asked(), item.row.id);
        let mut found = judge::found(&read, from, retry_after);
        // For a statement that was explicitly refused this says enough, and one that it failed on alone waits anyhow.
        let matters = match &look.then {
            AfterLookup::Split { blame, .. } => blame.reason == HoldReason::ServerError,
            AfterLookup::Blame(_) | AfterLookup::Hold => false,
            AfterLookup::Send(_) | AfterLookup::Proves { .. } | AfterLookup::Known { .. } => true,
        };
        if found == Looked::Missing
            && matters
            && let Some(wait) = self.link.shows_in(answer, now)
        {
            found = Looked::NotYet(wait);
        }
        self.judged(found.word());
        if look.asks_for_contents(&item) && may_be_for_the_contents(&found) {
            return self.ask_without_contents(db, look, item, now);
        }
        if let Looked::Copy(_) | Looked::Missing | Looked::NotYet(_) = found {
            self.link.reads_in = Some(self.link.version_to_read());
        }
        if from.is_lrs() && !matches!(found, Looked::Stop(_) | Looked::Misunderstood) {
            self.link.auth_verified = true;
        }
        if from.is_lrs() && matches!(found, Looked::Copy(_) | Looked::Missing) {
            self.link.discount_request();
            self.link.learned.reads = Some(true);
        }
        if let Looked::Stop(stop) = &found
            && stop.problem == Problem::Credentials
            && from.is_lrs()
            && self.forbids_only_reading(&look.then, &stop.words)
        {
            found = Looked::NotShown { status: 401 };
        }
        if !matches!(found, Looked::Stop(_)) {
            self.link.learned.looks_unanswered = 0;
        }
        match found {
            Looked::Stop(stop) => self.look_stopped(db, look, item, stop, now),
            Looked::Misunderstood => self.misunderstood(db, look, item, now),
            Looked::NotYet(wait) => self.stop_looking(db, look, item, not_yet(wait), now),
            Looked::NotShown { status } => {
                // The LRS itself lets nobody read, or not with these credentials.
                let may_not_read = from == Sender::Lrs && matches!(status, 401 | 403 | 405 | 501);
                // One that has shown others means only this statement.
                let may_not_read =
                    may_not_read && (status != 401 || self.link.learned.reads != Some(true));
                self.not_shown(db, look, item, Some(status), may_not_read, now)
            }
            Looked::Copy(copy) => {
                let by = (from, headers::xapi_version(answer));
                let proves = !look.needs_contents(&item)
                    || shown.is_some_and(|shown| are_all(&item, &shown));
                self.shown(db, look, item, (copy, proves), by, now)
            }
            Looked::Missing => self.missing(db, look, item, now),
        }
    }

    /// Asks again for the statement alone, as asked with its contents the LRS has shown nothing.
    fn ask_without_contents(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        item: Pending,
        now: Millis,
    ) -> Result<(), StoreError> {
        look.bare = true;
        look.ask.push_front(item);
        self.continue_look(db, look, now)
    }

    /// Handles a copy that the LRS has under this id; `proves` tells whether it shows all contents, too, or need not.
    fn shown(
        &mut self,
        db: &mut Db,
        look: Lookup,
        item: Pending,
        (copy, proves): (Vec<u8>, bool),
        (from, version): (Sender, Option<XapiVersion>),
        now: Millis,
    ) -> Result<(), StoreError> {
        match statement::compare(&item.row.body, &copy) {
            comparison if is_ours(&item.row, &comparison) => {
                self.link.learn_to_know(from);
                // It answers 409 to an identical statement: from now on look up before sending again.
                self.link.learned.refuses_known |= matches!(look.then, AfterLookup::Known { .. });
                if !proves {
                    let outcome = self.shown_without_contents(&item, now);
                    return self.found(db, look, item, outcome, now);
                }
                self.found(db, look, item, Outcome::Delivered, now)
            }
            Comparison::Different(_)
                if version.is_some_and(|version| version < XapiVersion::V2_0_0)
                    && statement::is_shown_in_1_0_3(&item.row.body, &copy) =>
            {
                let outcome = Outcome::Waiting {
                    reason: WaitReason::Version,
                    due: Some(now + policy::VERSION_IN_DOUBT_LASTS_MS),
                    status: None,
                    words: "a node of it that speaks an older version cannot show all of this"
                        .to_owned(),
                    taken: None,
                };
                self.found(db, look, item, outcome, now)
            }
            Comparison::Different(_) if from.is_lrs() => {
                let outcome = Outcome::Held {
                    reason: HoldReason::Conflict,
                    status: matches!(look.then, AfterLookup::Known { .. }).then_some(409),
                    words: "the LRS has another statement under this id".to_owned(),
                    theirs: Some(copy),
                };
                self.found(db, look, item, outcome, now)
            }
            // No statement, or a stranger's: nothing is known of ours.
            _ => self.not_shown(db, look, item, Some(200), false, now),
        }
    }

    /// Handles that the LRS, as it says, has nothing under this id.
    fn missing(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        mut item: Pending,
        now: Millis,
    ) -> Result<(), StoreError> {
        let is_claimed = matches!(
            look.then,
            AfterLookup::Known { .. } | AfterLookup::Proves { .. }
        );
        if !look.as_voided && is_claimed {
            // A voided statement is found by another parameter.
            look.as_voided = true;
            look.ask.push_front(item);
            return self.continue_look(db, look, now);
        }
        (look.as_voided, look.bare) = (false, false);
        if item.looked && is_claimed {
            return self.vanished(db, look, item, now);
        }
        // Once, right before it is sent.
        let is_resent = look.ask.is_empty() && matches!(look.then, AfterLookup::Send(_));
        if is_resent && !look.again && self.may_be_in_step() {
            look.again = true;
            look.ask.push_front(item);
            return self.continue_look(db, look, now);
        }
        look.again = false;
        if let AfterLookup::Proves { .. } = look.then
            && !look.ask.is_empty()
            && !self.link.is_cautious()
        {
            // It has not kept the first, and says nothing about the others.
            return self.stop_looking(db, look, item, not_kept(), now);
        }
        if let AfterLookup::Split { blame, .. } = &look.then {
            self.undoes_failures |= blame.reason == HoldReason::ServerError;
        }
        item.looked = true;
        self.not_there.insert(item.row.seq);
        look.missing.push(item);
        self.continue_look(db, look, now)
    }

    /// Tells whether sending has failed repeatedly while look-ups were answered, as happens if each goes to a
    /// node of its own. An overloaded LRS is asked no more than necessary.
    fn may_be_in_step(&self) -> bool {
        let learned = &self.link.learned;
        let problem = learned.trouble.as_ref().map(|trouble| trouble.problem);
        learned.failures >= policy::OUT_OF_STEP
            && matches!(
                problem,
                Some(Problem::Broken | Problem::TimedOut | Problem::NotAnLrs)
            )
    }

    /// Handles a look-up that nobody answered.
    pub(crate) fn look_failed(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        match look.ask.pop_front() {
            Some(item) if look.asks_for_contents(&item) && stop.problem != Problem::Unreachable => {
                self.ask_without_contents(db, look, item, now)
            }
            Some(item) => self.look_stopped(db, look, item, stop, now),
            None => self.stop(db, stop, Duration::ZERO, now),
        }
    }

    /// Handles a look-up that came to nothing, for a reason that may be the upstream's. If it recurs, perhaps
    /// only look-ups fail: then the answers to statements must suffice.
    fn look_stopped(
        &mut self,
        db: &mut Db,
        look: Lookup,
        item: Pending,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        let says_nothing = stop.pause == Pause::Backoff
            && !matches!(stop.problem, Problem::Unreachable | Problem::Credentials);
        if look.again && says_nothing {
            // It was not there a moment ago.
            return self.missing(db, look, item, now);
        }
        if matches!(stop.problem, Problem::Unreachable | Problem::Credentials) {
            return self.stop_looking(db, look, item, stop, now);
        }
        self.link.learned.looks_unanswered += 1;
        // It takes statements but no longer answers look-ups: that is no outage.
        let is_alone =
            self.link.accepted_any && self.link.learned.looks_unanswered > policy::UNANSWERED;
        if (self.link.is_cautious() || is_alone)
            && matches!(stop.pause, Pause::Backoff | Pause::Long)
        {
            if matches!(&look.then, AfterLookup::Blame(blame) if blame.reason == HoldReason::ServerError)
            {
                // It has failed on the statement, too.
                self.suspects.upstream_is_ill();
            }
            return self.not_shown(db, look, item, stop.status, false, now);
        }
        if let AfterLookup::Known { each: true } = look.then
            && !self.link.answers_looks()
        {
            // It is known to the LRS, which never shows it: it steps aside, so that others get their turn.
            let blame = Blame {
                // It is not refused.
                stranger: true,
                ..blame_of(&stop)
            };
            let outcome = self.later(&item, &blame, now);
            self.settle(db, vec![(item, outcome)], now)?;
            return self.stop(db, stop, Duration::ZERO, now);
        }
        self.stop_looking(db, look, item, stop, now)
    }

    /// Stops while this one, and perhaps others, are looked up.
    fn stop_looking(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        item: Pending,
        stop: Stop,
        now: Millis,
    ) -> Result<(), StoreError> {
        look.ask.push_front(item);
        self.tasks.push_front(Task::Lookup(look));
        self.stop(db, stop, Duration::ZERO, now)
    }

    /// Tells whether the LRS's own 401 to a look-up may concern only reading, or only this id. Credentials that
    /// may write but not read are common: sending tells. But not if it has just refused a statement, since one
    /// real LRS says 400 to a client that it does not know.
    fn forbids_only_reading(&mut self, then: &AfterLookup, words: &str) -> bool {
        match then {
            AfterLookup::Split { blame, .. } | AfterLookup::Blame(blame) if blame.is_401() => false,
            AfterLookup::Split { blame, .. } | AfterLookup::Blame(blame)
                if matches!(blame.status, Some(400..=499)) =>
            {
                if self.link.learned.reads == Some(false) {
                    self.link.note_401(words);
                }
                self.link.learned.reads == Some(false)
            }
            // It would be held because a password has changed.
            AfterLookup::Hold => self.link.learned.reads != Some(true),
            _ => {
                if self.link.learned.reads != Some(false) {
                    // Nothing was taken with these credentials yet, or others were shown: perhaps it means this
                    // id. Its answers to statements must show it soon.
                    self.link.note_401(words);
                }
                true
            }
        }
    }

    /// Settles a statement after the LRS has shown something under its id.
    fn found(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        item: Pending,
        outcome: Outcome,
        now: Millis,
    ) -> Result<(), StoreError> {
        (look.as_voided, look.again, look.bare) = (false, false, false);
        let same = outcome == Outcome::Delivered;
        let (seq, is_new) = (item.row.seq, item.looked || !item.row.sent_before);
        let settled = vec![(item, outcome)];
        if let AfterLookup::Proves { .. } = look.then
            && same
        {
            self.link.keeps_to_what_it_tries();
        }
        match &mut look.then {
            // It was sent just now, whatever the answer, and was not there before. If a 401 is not explained,
            // it may have come there from elsewhere.
            AfterLookup::Proves { .. } | AfterLookup::Blame(_)
                if same && is_new && self.link.unauthorized.is_none() =>
            {
                self.accepted(db, settled, now)?;
            }
            AfterLookup::Split { batch, blame, .. } if blame.reason == HoldReason::ServerError => {
                // It keeps what it fails on: the others may be there too.
                batch.remove(0);
                let others = std::mem::take(batch);
                look = Lookup::new(others, AfterLookup::Send(Vec::new()));
                self.link.accepted_any |= same;
                self.settle(db, settled, now)?;
            }
            AfterLookup::Split {
                batch, culprits, ..
            } => {
                // The one asked for, the first, is settled: the others are sent again.
                batch.remove(0);
                *culprits = culprits.iter().filter_map(|at| at.checked_sub(1)).collect();
                self.settle(db, settled, now)?;
            }
            AfterLookup::Proves { .. }
            | AfterLookup::Send(_)
            | AfterLookup::Known { .. }
            | AfterLookup::Blame(_) => {
                // It has taken others than those that it refuses.
                self.link.accepted_any |= same;
                self.settle(db, settled, now)?;
            }
            AfterLookup::Hold => {
                self.suspects.forget(seq);
                self.settle(db, settled, now)?;
            }
        }
        self.continue_look(db, look, now)
    }

    /// Asks for the next one, or does what the look-up was for.
    fn continue_look(&mut self, db: &mut Db, look: Lookup, now: Millis) -> Result<(), StoreError> {
        if !look.ask.is_empty() {
            self.tasks.push_front(Task::Lookup(look));
            return Ok(());
        }
        let mut send = look.missing;
        match look.then {
            AfterLookup::Send(rest) => {
                send.extend(rest);
                send.sort_unstable_by_key(|item| item.row.seq);
                if !send.is_empty() {
                    self.tasks.push_front(Task::Post(send));
                }
            }
            AfterLookup::Known { .. } | AfterLookup::Proves { .. }
                if !send.is_empty() && self.under_way(now) > Duration::ZERO =>
            {
                return self.stop(db, not_kept(), Duration::ZERO, now);
            }
            // Sent again one by one: one of them may be what the LRS fails on.
            AfterLookup::Known { .. } | AfterLookup::Proves { .. } => {
                self.post_in_parts(send.into_iter().map(|item| vec![item]).collect());
            }
            AfterLookup::Split {
                batch, culprits, ..
            } => match batch.len() {
                0 | 1 => self.post_in_parts(vec![batch]),
                _ => self.post_in_parts(split(batch, &culprits)),
            },
            AfterLookup::Blame(blame) => return self.blame_all(db, send, &blame, now),
            // It is still among the suspects.
            AfterLookup::Hold => {}
        }
        Ok(())
    }

    /// Handles a 400 to a look-up: the version header may be what it does not understand.
    fn misunderstood(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        item: Pending,
        now: Millis,
    ) -> Result<(), StoreError> {
        let set_by_the_app = self.link.config.version.is_some();
        let tried_both =
            std::mem::replace(&mut self.link.tried_other_version, true) || set_by_the_app;
        if tried_both {
            // It understands neither: its answers to statements must tell.
            self.link.auth_verified = true;
            self.link.reads_in = None;
            if let Some(proven) = self.link.proven_version.take() {
                self.link.learned.version = Some(proven);
            }
            self.not_shown(db, look, item, Some(400), false, now)?;
            let first_time = !std::mem::replace(&mut self.link.understands_neither, true);
            if first_time
                && !set_by_the_app
                && self.link.tries.is_none()
                && self.link.learned.waits.is_empty()
                && !self.link.leaves_out_about()
            {
                // Not with the version that happened to be tried last, if it says which ones it speaks.
                self.tasks.push_front(Task::Negotiate);
            }
            return Ok(());
        }
        if self.is_understood_in_writing(&look.then) {
            self.link.reads_in = Some(self.link.version_to_read().other());
            look.ask.push_front(item);
            self.tasks.push_front(Task::Lookup(look));
            return Ok(());
        }
        // Statements taken since the version was found out were taken in it; but not if nothing was taken for
        // long.
        let proven = self.link.learned.last_success > self.link.learned.version_at
            && self.link.learned.failures < policy::LONG_TROUBLE;
        self.link.proven_version = self.link.learned.version.filter(|_| proven);
        self.link.learned.version = Some(self.link.version().other());
        self.suspects.clear_refused();
        look.ask.push_front(item);
        // With the right version, what was refused because of it may go through.
        if let AfterLookup::Split { batch, .. } = look.then {
            self.tasks.push_front(Task::Post(batch));
        } else if let AfterLookup::Blame(Blame {
            status: Some(400..500),
            stranger: false,
            ..
        }) = look.then
        {
            self.tasks.push_front(Task::Post(look.ask.into()));
        } else {
            self.tasks.push_front(Task::Lookup(look));
        }
        Ok(())
    }

    /// Tells whether the LRS has understood a statement in the version in which it does not understand this look-up, or is
    /// to tell whether it does.
    fn is_understood_in_writing(&self, then: &AfterLookup) -> bool {
        match then {
            AfterLookup::Known { .. } | AfterLookup::Proves { .. } => true,
            AfterLookup::Send(_) => {
                let version = self.link.version();
                self.link.tries.is_some() || self.link.learned.takes == Some(version)
            }
            AfterLookup::Split { .. } | AfterLookup::Blame(_) | AfterLookup::Hold => false,
        }
    }

    /// Continues without knowing whether the LRS has the statement: no right to read, a failure of its own, or
    /// no such look-up. Its answers to statements must suffice.
    fn not_shown(
        &mut self,
        db: &mut Db,
        mut look: Lookup,
        mut item: Pending,
        status: Option<u16>,
        may_not_read: bool,
        now: Millis,
    ) -> Result<(), StoreError> {
        (look.as_voided, look.again, look.bare) = (false, false, false);
        match &look.then {
            // The credentials, or one of these? Only another statement that is taken tells.
            AfterLookup::Split { blame, .. } if blame.is_401() => {
                self.link.auth_verified = false;
                self.one_and_the_others(look);
                Ok(())
            }
            AfterLookup::Blame(blame) if blame.is_401() => {
                self.link.auth_verified = false;
                item.looked = true;
                look.missing.push(item);
                self.continue_look(db, look, now)
            }
            AfterLookup::Send(_)
            | AfterLookup::Split { .. }
            | AfterLookup::Blame(_)
            | AfterLookup::Hold => {
                item.looked = true;
                // A minute later it will not say so either.
                self.not_there.insert(item.row.seq);
                look.missing.push(item);
                self.continue_look(db, look, now)
            }
            AfterLookup::Proves { vouched, own }
                if self.counts_unread(&item, *vouched && may_not_read, *own) =>
            {
                // From now on this is what to expect of it.
                self.link.learned.names = false;
                self.link.learned.reads = Some(false);
                self.link.keeps_to_what_it_tries();
                let settled = vec![(item, Outcome::Delivered)];
                self.accepted(db, settled, now)?;
                self.continue_look(db, look, now)
            }
            AfterLookup::Proves { .. } if !look.ask.is_empty() && !self.link.is_cautious() => {
                self.stop_looking(db, look, item, unproved(status), now)
            }
            AfterLookup::Proves { own, .. } => {
                let blame = not_proved_alone(status, *own);
                self.blame_all(db, vec![item], &blame, now)?;
                self.continue_look(db, look, now)
            }
            // The 409 need not have been about this one: sent alone, it tells.
            AfterLookup::Known { each: false } => {
                item.looked = true;
                look.missing.push(item);
                self.continue_look(db, look, now)
            }
            AfterLookup::Known { each: true } => self.vanished(db, look, item, now),
        }
    }

    /// Tells whether a statement counts as stored that the LRS does not show: the LRS itself says that it has
    /// stored it, and it (`vouched`) or the app says that nobody may read. One that fails on the look-up, or
    /// does not understand it, says nothing. An LRS that never gives its version header cannot be told from
    /// something in front of it.
    fn counts_unread(&self, item: &Pending, vouched: bool, own: bool) -> bool {
        let learned = &self.link.learned;
        // One that usually names or shows what it stores, and suddenly only says so, may be something else. An
        // LRS that names only what is new to it says so each time.
        let as_usual = !learned.names && learned.reads != Some(true)
            || item.row.tries >= policy::SAID_UNLIKE_USUAL
            || learned.failures >= policy::FAILURES_UNLIKE_USUAL;
        let signs = learned.signs == Some(true);
        vouched && as_usual || self.link.config.write_only && (own || !signs)
    }

    /// Sends the first of a batch alone, and then the others.
    fn one_and_the_others(&mut self, look: Lookup) {
        let AfterLookup::Split {
            mut batch,
            culprits,
            ..
        } = look.then
        else {
            return;
        };
        let others = batch.split_off(1);
        let culprits: Vec<_> = culprits.iter().filter_map(|at| at.checked_sub(1)).collect();
        let mut parts = vec![batch];
        parts.extend(split(others, &culprits));
        self.post_in_parts(parts);
    }

    /// Blames a statement that the LRS says it has but does not show, even when asked again.
    fn vanished(
        &mut self,
        db: &mut Db,
        look: Lookup,
        item: Pending,
        now: Millis,
    ) -> Result<(), StoreError> {
        // If it is said to be stored but never shown, nobody has refused it, unless the LRS itself said
        // something other than that.
        let stranger = match look.then {
            AfterLookup::Proves { vouched, own } => vouched || !own,
            _ => false,
        };
        let (reason, problem, status, words) = match look.then {
            AfterLookup::Known { .. } => (
                HoldReason::ConflictUnseen,
                Problem::RefusesEverything,
                Some(409),
                "the LRS says that it has this id, but does not show its statement",
            ),
            _ => (
                HoldReason::ServerError,
                Problem::ServerError,
                None,
                "the LRS says that it stored the statement, but does not have it",
            ),
        };
        let blame = Blame {
            reason,
            problem,
            status,
            words: words.to_owned(),
            stranger,
            retry_after: None,
        };
        self.blame_all(db, vec![item], &blame, now)?;
        self.continue_look(db, look, now)
    }
}

/// Tells whether the LRS's copy is of this statement. A timestamp that Pannier made may have been corrected
/// differently in a copy of the queue, and been delivered from there: it is the same experience all the same.
fn is_ours(row: &Row, comparison: &Comparison) -> bool {
    match comparison {
        Comparison::Same => true,
        Comparison::Different(differences) => row.timestamp_is_ours && differences.only_timestamp(),
        Comparison::Unreadable => false,
    }
}

fn not_kept() -> Stop {
    Stop {
        problem: Problem::Unexpected,
        status: None,
        words: "it says that it stored statements, and does not have them".to_owned(),
        pause: Pause::Backoff,
        doubt: false,
    }
}

fn unproved(status: Option<u16>) -> Stop {
    Stop {
        problem: Problem::Unexpected,
        status,
        words: "it says that it stored statements, but neither names nor shows them; if these credentials \
                may only write, say so in the configuration"
            .to_owned(),
        pause: Pause::Backoff,
        doubt: false,
    }
}

/// Returns the blame for a statement that was sent alone and of which nobody shows that it is stored. If the LRS itself
/// says so (`own`), it is one all the same.
fn not_proved_alone(status: Option<u16>, own: bool) -> Blame {
    let stop = unproved(status);
    Blame {
        reason: HoldReason::Refused,
        problem: if own { stop.problem } else { Problem::NotAnLrs },
        status,
        words: stop.words,
        stranger: true,
        retry_after: None,
    }
}

fn not_yet(wait: Duration) -> Stop {
    Stop {
        problem: Problem::Busy,
        status: None,
        words: "it shows what it stored only later, and not yet what was sent last".to_owned(),
        pause: Pause::UntilShown(wait),
        doubt: false,
    }
}
