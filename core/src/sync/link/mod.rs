//! Knowledge of one LRS, the credentials for it, and the lease on it. It knows no task and no statement: code
//! that sends something to the LRS asks here what it can bear, which version it speaks, how far it is trusted
//! and whether it is to be left alone.
//!
//! All of it is read from the database when a session begins, written there with each settlement
//! ([`Learned`]), and forgotten in memory when the session ends.

mod contents;
mod limits;
mod lrs_clock;
mod trouble;
mod unauthorized;
mod version;
mod waits;

pub(super) use limits::Ceiling;
pub(super) use unauthorized::Unauthorized;
pub(crate) use waits::cut_off_until;
pub(super) use waits::{failed_until, is_quick, took};

use super::policy;
use super::report::SessionConfig;
use crate::clock::Steady;
use crate::lrs::reading::{AskedAs, sender};
use crate::lrs::{Authorization, Response, Sender};
use crate::statement::XapiVersion;
use crate::store::{Holder, Learned, Lease, LrsClock, Millis};

/// The link to one LRS; see the module.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Link {
    pub(super) config: SessionConfig,
    /// The app's bounds for one request.
    pub(super) ceiling: Ceiling,
    /// Former credentials, which answers may still refer to.
    pub(super) former: Vec<Authorization>,
    /// Facts that outlive the session.
    pub(super) learned: Learned,

    /// Holder of the lease.
    pub(super) holder: Holder,
    /// Tells whether, as the operating system says, nobody else syncs this queue.
    pub(super) alone: bool,
    /// Generation of the endpoint that it delivers to; none before the session has begun.
    pub(super) generation: Option<i64>,
    /// End of our lease; none before the session begins, and while it waits.
    pub(super) lease_until: Option<Millis>,

    /// Last reading of the steady clock.
    pub(super) steady: Option<Steady>,
    /// The LRS's clock minus ours, measured in this session: an older measurement may precede a jump of our
    /// clock.
    pub(super) skew: Option<Millis>,
    /// The LRS's clock by its last answer; believed once another answer agrees.
    pub(super) unconfirmed_clock: Option<LrsClock>,

    /// Tells whether credentials and version have been accepted since the last trouble.
    pub(super) auth_verified: bool,
    /// Tells whether the LRS has taken a statement in this session.
    pub(super) accepted_any: bool,
    /// Tells whether something was taken after a long trouble, and the session goes on to where the trouble may
    /// have come from: statements still go one at a time, until the next one is taken.
    pub(super) wary: bool,
    /// A 401 of the LRS itself that is not explained yet.
    pub(super) unauthorized: Option<Unauthorized>,

    /// Versions that the LRS says it speaks, if none is ours.
    pub(super) speaks_others: Option<String>,
    /// Tells whether the other version has been tried since the last trouble.
    pub(super) tried_other_version: bool,
    /// Tells whether the other version was not understood either.
    pub(super) understands_neither: bool,
    /// Version spoken before the other one was tried, if statements were taken in it.
    pub(super) proven_version: Option<XapiVersion>,
    /// Version that its last refusal names, if it was asked in another one.
    pub(super) names_other: Option<XapiVersion>,
    /// Version in which statements are sent in the place of the one that is known, until it takes something in it.
    pub(super) tries: Option<XapiVersion>,
    /// Tells whether another was tried in this session because of a refusal.
    pub(super) tried_to_write_in_other: bool,
    /// Tells whether it says that it speaks both of our versions.
    pub(super) lists_both: bool,
    /// Version in which its last answer to a look-up was understood.
    pub(super) reads_in: Option<XapiVersion>,
    /// Tells whether the LRS may have changed its version, by its answer to the last request.
    pub(super) version_in_doubt: bool,
    /// Tells whether it was asked for its versions again because of such an answer.
    pub(super) asked_again: bool,
    /// Tells whether statements wait for another version, or did when this session last began.
    pub(super) another_is_awaited: bool,
}

impl Link {
    /// Creates a link that knows nothing yet.
    pub(super) fn new(config: SessionConfig, holder: Holder) -> Self {
        let ceiling = Ceiling {
            statements: config.max_statements.max(1),
            bytes: config.max_bytes.max(1),
        };
        Self {
            config,
            ceiling,
            former: Vec::new(),
            learned: Learned::default(),
            holder,
            alone: false,
            generation: None,
            lease_until: None,
            steady: None,
            skew: None,
            unconfirmed_clock: None,
            auth_verified: false,
            accepted_any: false,
            wary: false,
            unauthorized: None,
            speaks_others: None,
            tried_other_version: false,
            understands_neither: false,
            proven_version: None,
            names_other: None,
            tries: None,
            tried_to_write_in_other: false,
            lists_both: false,
            reads_in: None,
            version_in_doubt: false,
            asked_again: false,
            another_is_awaited: false,
        }
    }

    /// Sets other credentials. Refusals of the former ones no longer count.
    pub(super) fn authorize(&mut self, authorization: Option<&Authorization>) {
        let former = std::mem::replace(&mut self.config.authorization, authorization.cloned());
        // Answers to the former ones may still come.
        self.former.extend(former);
        let outlived = self.former.len().saturating_sub(policy::FORMER_CREDENTIALS);
        self.former.drain(..outlived);
        self.doubt_upstream();
        self.unauthorized = None;
        self.learned.credentials_are_right();
    }

    pub fn lease(&self) -> Lease {
        Lease {
            holder: self.holder,
            generation: self.generation.unwrap_or_default(),
        }
    }

    /// Returns the most requests that may be under way at once.
    pub fn most_in_flight(&self) -> u32 {
        let allowed = self
            .config
            .requests_in_flight
            .clamp(1, policy::MOST_IN_FLIGHT);
        self.learned
            .max_in_flight
            .map_or(allowed, |bears| bears.clamp(1, allowed))
    }

    /// Returns the endpoint and the credentials in use, with the former ones.
    pub fn asked(&self) -> AskedAs<'_> {
        let asked: AskedAs = (&self.config.endpoint, self.config.authorization.as_ref()).into();
        asked.after(&self.former)
    }

    /// Returns who gave this answer. An LRS that has given its version header so far always gives it, and one
    /// that has taken statements without it never does.
    pub fn sender(&self, answer: &Response) -> Sender {
        match (sender(answer), self.learned.signs) {
            (Sender::Perhaps, Some(true)) => Sender::Stranger,
            (Sender::Perhaps, Some(false)) => Sender::Likely,
            (from, _) => from,
        }
    }

    /// Learns whether the LRS gives its version header, from an answer that is proven to be its own.
    pub fn learn_to_know(&mut self, from: Sender) {
        match from {
            Sender::Lrs => self.learned.signs = Some(true),
            Sender::Perhaps => self.learned.signs = Some(false),
            Sender::Likely | Sender::Stranger => {}
        }
    }

    /// Resets the trust in the upstream: what it took before says nothing about the time after a failure.
    pub fn doubt_upstream(&mut self) {
        self.auth_verified = false;
        self.tried_other_version = false;
        self.understands_neither = false;
        self.ends_trying();
        self.reads_in = None;
        self.accepted_any = false;
        self.wary = false;
    }
}
