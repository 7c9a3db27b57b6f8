//! What is due next, and the request that does it.

use uuid::Uuid;

use super::policy;
use super::session::Session;
use super::suspects;
use super::work::{Item, Look, Task, Then};
use crate::event::Event;
use crate::lrs::{Request, requests};
use crate::statement::XapiVersion;
use crate::store::{
    Db, HoldReason, Limits, Millis, Outcome, Problem, Spoilt, StoreError, Taken, WaitReason,
};

/// Work that the log and the statements aside have for the next request.
pub(super) enum Due {
    Task(Task),
    Nothing,
    /// Ask again: so many had to step aside that the transaction has been long enough.
    Again,
    /// Another process syncs.
    Busy,
}

impl Session {
    pub(super) fn version_is_stale(&self, now: Millis) -> bool {
        self.config.version.is_none()
            && (self.learned.version.is_none()
                || self
                    .learned
                    .version_at
                    .is_none_or(|at| at > now || now - at > self.version_lasts()))
    }

    pub(super) fn version_lasts(&self) -> Millis {
        if self.another_is_awaited {
            policy::VERSION_IN_DOUBT_LASTS_MS
        } else {
            policy::VERSION_LASTS_MS
        }
    }

    pub(super) fn version(&self) -> XapiVersion {
        self.learned.version.unwrap_or(XapiVersion::V1_0_3)
    }

    /// Tells whether to send one statement at a time and to look each up first. Something was reached and
    /// took nothing, again and again: it may be the statement in front.
    pub(super) fn is_cautious(&self) -> bool {
        let from = match self
            .learned
            .trouble
            .as_ref()
            .map(|trouble| &trouble.problem)
        {
            None | Some(Problem::Unreachable) => return false,
            Some(Problem::Busy) => policy::BUSY_BEFORE_SINGLES,
            Some(_) => policy::CAUTIOUS_FROM,
        };
        self.learned.failures >= from
    }

    /// Tells whether the LRS asks for time, as it does of everybody. One that says so only to questions about
    /// itself is not busy, whatever it says to statements.
    pub(super) fn is_busy(&self) -> bool {
        let trouble = self.learned.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.problem == Problem::Busy)
            && self.learned.about_unanswered < policy::UNANSWERED
    }

    pub(super) fn take(&mut self, db: &mut Db, now: Millis) -> Result<Due, StoreError> {
        let statements = if self.is_cautious() || self.suspects.is_probing() {
            1
        } else {
            self.ceiling.statements(&self.learned)
        };
        let beside_others = !self.flights.is_empty();
        let limits = Limits {
            statements,
            bytes: self.ceiling.bytes(&self.learned),
            speaks_2_0: self.version() >= XapiVersion::V2_0_0,
            clocks: self.clocks(now),
            after: if beside_others {
                self.flights.last_seq()
            } else {
                self.after_suspects(db)?
            },
            beside_others,
        };
        let sharing = self.flights.sharing(self.most_in_flight());
        let timeout = requests::timeout(
            statements.saturating_mul(sharing),
            limits.bytes.saturating_mul(sharing),
        );
        let until = now + timeout.as_millis() as Millis + policy::LEASE_MARGIN_MS;
        let taken = db.take(self.config.upstream, self.holder, &limits, now, until)?;
        if let Taken::Rows { spoilt, .. } = &taken {
            self.tell_held(spoilt);
        }
        match taken {
            Taken::LeaseLost => Ok(Due::Busy),
            Taken::Rows { rows, more, .. } if rows.is_empty() => {
                Ok(if more { Due::Again } else { Due::Nothing })
            }
            Taken::Rows { rows, .. } => {
                self.lease_until = Some(until);
                let batch = rows.into_iter().map(Item::from).collect();
                Ok(Due::Task(self.first_look(batch)))
            }
        }
    }

    /// Returns where in the log to go on. In a long trouble every other session begins farther ahead, because
    /// the few statements in front may cause it; but not where the LRS asks for time, as it does of
    /// everybody.
    fn after_suspects(&mut self, db: &Db) -> Result<i64, StoreError> {
        let last = db.last_seq()?;
        let long =
            self.is_cautious() && !self.is_busy() && self.learned.failures >= policy::LONG_TROUBLE;
        if !long || !self.suspects.is_empty() || self.rng.bool() {
            return Ok(self.suspects.after(last, &mut self.rng));
        }
        let front = db.upstream(self.config.upstream)?.delivered_through;
        let leaps = self.learned.failures / policy::LONG_TROUBLE;
        Ok(suspects::leap(front, last, leaps, &mut self.rng))
    }

    /// Reports statements that the device has spoilt and that are held for it.
    fn tell_held(&mut self, spoilt: &[Spoilt]) {
        self.held += spoilt.len() as u64;
        self.events.extend(spoilt.iter().map(|one| Event::Held {
            id: one.id,
            reason: HoldReason::Damaged,
            words: one.words.to_owned(),
        }));
    }

    /// The last look at a batch before it leaves, wherever it comes from: what the app has erased
    /// meanwhile, and what this version of the standard cannot say, does not go.
    pub(super) fn may_leave(
        &mut self,
        db: &mut Db,
        batch: Vec<Item>,
        now: Millis,
    ) -> Result<Vec<Item>, StoreError> {
        let mut leaving = Vec::with_capacity(batch.len());
        let mut waiting = Vec::new();
        for item in batch {
            if item.row.needs_2_0 && self.version() < XapiVersion::V2_0_0 {
                let outcome = Outcome::Waiting {
                    reason: WaitReason::Version,
                    due: None,
                    status: None,
                    words: String::new(),
                    taken: None,
                };
                waiting.push((item, outcome));
            } else if db.has(item.row.seq)? {
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
    fn first_look(&mut self, batch: Vec<Item>) -> Task {
        let may_have_come = batch.iter().any(|item| item.row.sent_before);
        if may_have_come && leave_out(&mut self.learned.looks_unanswered) {
            // The bytes are the same: whoever has it may have it again.
            return Task::Post(batch);
        }
        if self.learned.refuses_known {
            // One that asks for time would be asked ten questions with each try.
            let may_be_there =
                |item: &Item| item.row.sent_before && !self.not_there.contains(&item.row.seq);
            let (mut ask, mut rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(may_be_there);
            if ask.is_empty() {
                return Task::Post(rest);
            }
            if ask.len() > policy::LOOKED_UP_FIRST {
                // The others stay queued: an LRS that counts requests would never let it come to an end.
                ask.truncate(policy::LOOKED_UP_FIRST);
                rest.clear();
            }
            return Task::Look(Look::new(ask, Then::Send(rest)));
        }
        let mut batch = batch.into_iter();
        match batch.next() {
            Some(first) if first.row.sent_before => {
                Task::Look(Look::new([first], Then::Send(batch.collect())))
            }
            first => Task::Post(first.into_iter().chain(batch).collect()),
        }
    }

    /// The request that does a task.
    pub(super) fn request(&self, task: &Task) -> Request {
        let (endpoint, authorization) = (&self.config.endpoint, self.config.authorization.as_ref());
        match task {
            Task::Negotiate => requests::about(endpoint, authorization),
            Task::Post(batch) => {
                let mut request = requests::post(endpoint, authorization, self.version(), batch);
                let sharing = self.flights.sharing(self.most_in_flight());
                if sharing > 1 {
                    let bytes = request.body.as_ref().map_or(0, Vec::len);
                    request.timeout = requests::timeout(batch.len() * sharing, bytes * sharing);
                }
                request
            }
            Task::Look(look) => {
                let (id, bytes) = look
                    .ask
                    .front()
                    .map_or((Uuid::nil(), 0), |item| (item.row.id, item.row.body.len()));
                let ask = if look.as_voided {
                    requests::get_voided
                } else {
                    requests::get
                };
                let request = ask(endpoint, authorization, self.version(), id);
                requests::expecting(request, bytes)
            }
        }
    }
}

/// Tells whether to leave this question out, and counts it. After several unanswered ones of its kind every
/// other one is left out.
pub(super) fn leave_out(unanswered: &mut u32) -> bool {
    let out = *unanswered >= policy::UNANSWERED;
    *unanswered -= u32::from(out);
    out
}
