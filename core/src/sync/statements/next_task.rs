//! Chooses what is due next, and makes the request for it.

use uuid::Uuid;

use super::suspects;
use super::task::{AfterLookup, Lookup, Next, Pending, Task};
use super::with_contents::has_contents;
use crate::lrs::{Request, requests};
use crate::statement::XapiVersion;
use crate::store::{
    Db, HoldReason, Limits, Millis, NextBatch, Outcome, Spoilt, StoreError, WaitReason,
};
use crate::sync::event::Event;
use crate::sync::policy;
use crate::sync::session::Session;

impl Session {
    pub(crate) fn take(&mut self, db: &mut Db, now: Millis) -> Result<Next, StoreError> {
        let statements = if self.link.is_cautious() || self.suspects.is_probing() {
            1
        } else {
            self.link.ceiling.statements(&self.link.learned)
        };
        let beside_others = !self.flights.is_empty();
        let refused_first = !beside_others && self.is_turn_of_the_refused(db)?;
        let limits = Limits {
            statements,
            bytes: self.link.ceiling.bytes(&self.link.learned),
            contents: self.link.contents_limits(now),
            speaks_2_0: self.link.version() >= XapiVersion::V2_0_0,
            clocks: self.link.clocks(now),
            after: if beside_others {
                self.flights.last_seq()
            } else if refused_first {
                db.last_seq()?
            } else {
                self.after_suspects(db)?
            },
            beside_others,
        };
        let sharing = self.flights.sharing(self.link.most_in_flight());
        let timeout = requests::timeout(
            statements.saturating_mul(sharing),
            limits.bytes.saturating_mul(sharing),
        );
        let until = now + timeout.as_millis() as Millis + policy::LEASE_MARGIN_MS;
        let taken = db.next_batch(
            self.link.config.upstream,
            self.link.holder,
            &limits,
            now,
            until,
        )?;
        if let NextBatch::Rows { spoilt, .. } = &taken {
            self.tell_held(spoilt);
        }
        match taken {
            NextBatch::LeaseLost => Ok(Next::Busy),
            NextBatch::Rows { rows, .. } if rows.is_empty() && refused_first => Ok(Next::Again),
            NextBatch::Rows { rows, more, .. } if rows.is_empty() => {
                // Nothing is due after the place where it began: what lies before that is left.
                let was_ahead = self.suspects.is_empty() && self.ahead.take().is_some();
                self.link.wary |= was_ahead && self.link.accepted_any;
                Ok(if more || was_ahead {
                    Next::Again
                } else {
                    Next::Nothing
                })
            }
            NextBatch::Rows { rows, .. } => {
                self.link.lease_until = Some(until);
                let batch = rows.into_iter().map(Pending::from).collect();
                Ok(Next::Task(self.first_look(batch)))
            }
        }
    }

    /// Tells whether a statement that the LRS has refused goes before the log, once each time that the session begins, at
    /// random, if it has refused many: one may stop it for long, and most may be at fault.
    fn is_turn_of_the_refused(&mut self, db: &Db) -> Result<bool, StoreError> {
        if std::mem::replace(&mut self.has_begun_to_take, true) || !self.suspects.is_empty() {
            return Ok(false);
        }
        let refuses_many = db.refuses_many(self.link.config.upstream, policy::MANY_REFUSED)?;
        Ok(refuses_many && self.rng.bool())
    }

    /// Returns the place in the log after which to go on. In a long trouble every other session begins further
    /// ahead, because the first few statements may cause the trouble, or near the end, because all that existed
    /// when it began may; and it continues there. But not if the LRS asks to wait, which it asks of everybody.
    fn after_suspects(&mut self, db: &Db) -> Result<i64, StoreError> {
        let last = db.last_seq()?;
        let long = self.link.is_in_long_trouble();
        if !self.suspects.is_empty() {
            return Ok(self.suspects.after(last, &mut self.rng));
        }
        // What follows a statement that is taken is more likely to be taken than what lies in front.
        if let Some(began) = self.ahead {
            return Ok(began);
        }
        if !long || self.rng.bool() {
            return Ok(0);
        }
        let front = db.upstream(self.link.config.upstream)?.delivered_through;
        let began = if self.rng.bool() {
            suspects::near_the_end(front, last, &mut self.rng)
        } else {
            let leaps = self.link.learned.failures / policy::LONG_TROUBLE;
            suspects::leap(front, last, leaps, &mut self.rng)
        };
        Ok(*self.ahead.insert(began))
    }

    /// Reports statements that are held because they are damaged.
    fn tell_held(&mut self, spoilt: &[Spoilt]) {
        self.held += spoilt.len() as u64;
        self.events.extend(spoilt.iter().map(|one| Event::Held {
            id: one.id,
            reason: HoldReason::Damaged,
            words: one.words.to_owned(),
            upstream: self.link.config.name.clone(),
        }));
    }

    /// Checks a batch a last time before it leaves, wherever it comes from. What the app has erased in the
    /// meantime, or this version of the standard cannot express, does not go; what another upstream got in the
    /// meantime goes as it went there.
    pub(crate) fn may_leave(
        &mut self,
        db: &mut Db,
        batch: Vec<Pending>,
        now: Millis,
    ) -> Result<Vec<Pending>, StoreError> {
        let mut leaving = Vec::with_capacity(batch.len());
        let mut waiting = Vec::new();
        for mut item in batch {
            if item.row.needs_2_0 && self.link.version() < XapiVersion::V2_0_0 {
                let outcome = Outcome::Waiting {
                    reason: WaitReason::Version,
                    due: None,
                    status: None,
                    words: String::new(),
                    taken: None,
                };
                waiting.push((item, outcome));
            } else if db.look_again(&mut item.row)? {
                leaving.push(item);
            }
        }
        if !waiting.is_empty() {
            self.settle(db, waiting, now)?;
        }
        Ok(leaving)
    }

    /// Chooses the first task for a batch: statements that the LRS may have are looked up before they are
    /// sent again.
    fn first_look(&mut self, batch: Vec<Pending>) -> Task {
        let may_have_come = batch.iter().any(|item| item.row.sent_before);
        let has_contents = has_contents(&batch);
        if may_have_come && !has_contents && self.link.leaves_out_look() {
            // The bytes are identical, so an LRS that has them may get them again.
            return Task::Post(batch);
        }
        // Contents are worth a question each.
        if self.link.learned.refuses_known || has_contents {
            // One that asks to wait would be asked ten questions with each try.
            let may_be_there =
                |item: &Pending| item.row.sent_before && !self.not_there.contains(&item.row.seq);
            let (mut ask, mut rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(may_be_there);
            if ask.is_empty() {
                return Task::Post(rest);
            }
            if ask.len() > policy::LOOKED_UP_FIRST {
                // The others stay queued: an LRS that counts requests would never let this come to an end.
                ask.truncate(policy::LOOKED_UP_FIRST);
                rest.clear();
            }
            return Task::Lookup(Lookup::new(ask, AfterLookup::Send(rest)));
        }
        let mut batch = batch.into_iter();
        match batch.next() {
            Some(first) if first.row.sent_before => {
                Task::Lookup(Lookup::new([first], AfterLookup::Send(batch.collect())))
            }
            first => Task::Post(first.into_iter().chain(batch).collect()),
        }
    }

    /// Makes the request for a task.
    pub(crate) fn request(&self, task: &Task) -> Request {
        let (endpoint, authorization) = (
            &self.link.config.endpoint,
            self.link.config.authorization.as_ref(),
        );
        match task {
            Task::Negotiate => requests::about(endpoint, authorization),
            Task::Post(batch) => {
                let mut request = self.post(batch);
                let sharing = self.flights.sharing(self.link.most_in_flight());
                if sharing > 1 {
                    let bytes = request.body_len() as usize;
                    request.timeout = requests::timeout(batch.len() * sharing, bytes * sharing);
                }
                request
            }
            Task::Lookup(look) => {
                let front = look.ask.front();
                let (id, bytes) =
                    front.map_or((Uuid::nil(), 0), |item| (item.row.id, item.row.body.len()));
                let ask = if look.as_voided {
                    requests::get_voided
                } else {
                    requests::get
                };
                let request = ask(endpoint, authorization, self.link.version_to_read(), id);
                match front.filter(|item| look.asks_for_contents(item)) {
                    Some(item) => requests::expecting(
                        requests::with_contents(request),
                        bytes + item.row.contents.len(),
                    ),
                    None => requests::expecting(request, bytes),
                }
            }
        }
    }

    fn post(&self, batch: &[Pending]) -> Request {
        let (endpoint, authorization, version) = (
            &self.link.config.endpoint,
            self.link.config.authorization.as_ref(),
            self.link.version(),
        );
        if let Some(first) = batch.first()
            && has_contents(batch)
        {
            let parts = batch.iter().flat_map(|item| item.row.contents.parts());
            let contents = (first.row.id, parts);
            return requests::post_with_contents(endpoint, authorization, version, batch, contents)
                .expect("what no header can say is refused when it is recorded");
        }
        requests::post(endpoint, authorization, version, batch)
    }
}
