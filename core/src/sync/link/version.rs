//! The version of the standard spoken with the LRS.

use super::Link;
use crate::lrs::{Response, headers};
use crate::statement::XapiVersion;
use crate::store::{Millis, Problem};
use crate::sync::policy;

impl Link {
    /// Returns the version in which statements are sent.
    pub fn version(&self) -> XapiVersion {
        let known = self.tries.or(self.learned.version);
        known.unwrap_or(XapiVersion::V1_0_3)
    }

    /// Returns the version in which they are looked up: one of several nodes may be read in another version than it is
    /// written in.
    pub fn version_to_read(&self) -> XapiVersion {
        self.reads_in.unwrap_or(self.version())
    }

    pub fn version_is_stale(&self, now: Millis) -> bool {
        self.config.version.is_none()
            && self
                .learned
                .version_at
                .is_none_or(|at| at > now || now - at > self.version_lasts())
    }

    pub fn version_lasts(&self) -> Millis {
        let trouble = self.learned.trouble.as_ref();
        let refuses = trouble.is_some_and(|trouble| trouble.problem == Problem::RefusesEverything);
        if self.another_is_awaited || refuses {
            policy::VERSION_IN_DOUBT_LASTS_MS
        } else {
            policy::VERSION_LASTS_MS
        }
    }

    /// Speaks the version that the LRS says it speaks; none if it says nothing: then what was known of it stays.
    pub fn hears_of(&mut self, speaks: Option<XapiVersion>, now: Millis) {
        self.learned.version = speaks.or(self.learned.version);
        self.learned.version_at = Some(now);
        self.tries = None;
    }

    /// Notes that the LRS has taken statements in the version in which they were sent.
    pub fn takes_this_version(&mut self) {
        let this = Some(self.version());
        self.learned.takes = this;
        self.learned.version = this;
        self.tries = None;
    }

    /// Notes that the LRS speaks another version than when it last took statements, and than it was asked in: it may
    /// have been replaced, or brought up to date. If it refuses something then, it is asked once in a session which
    /// versions it takes.
    pub fn doubt_version(&mut self, answer: &Response) {
        let names = headers::xapi_version(answer).filter(|it| *it != self.version());
        self.names_other = names.filter(|_| self.config.version.is_none());
        self.version_in_doubt = !self.asked_again
            && self.learned.speaks.is_some()
            && self
                .names_other
                .is_some_and(|it| Some(it) != self.learned.speaks);
    }

    /// Keeps to the version that is tried, as it has shown something that was sent in it.
    pub fn keeps_to_what_it_tries(&mut self) {
        self.learned.version = self.tries.take().or(self.learned.version);
    }

    /// Tries no other version any more. Where it is read in the one that a refusal has led to, and it is not known yet
    /// whether it takes something in it, the next session finds out.
    pub fn ends_trying(&mut self) {
        if self.tried_to_write_in_other && self.tries.is_some() && self.tries == self.reads_in {
            self.keeps_to_what_it_tries();
        }
        self.tries = None;
    }

    /// Speaks the other version, once in a session, if the LRS may know that. Speaks the former again if it takes nothing
    /// in the other either. False if there is none to change to.
    pub fn try_the_other_version(&mut self) -> bool {
        if self.tries.take().is_some() || self.tried_to_write_in_other {
            return false;
        }
        self.tries = self.other_that_it_may_know();
        self.tried_to_write_in_other = self.tries.is_some();
        self.tries.is_some()
    }

    /// Begins in the other version now and then while an LRS answers everything with some refusal or failure, has never
    /// taken anything in this one, and may know the other. It costs no request: what would be sent anyway is sent so.
    /// A 401 and a 413 say themselves what they are about.
    pub fn take_turns(&mut self) {
        let trouble = self.learned.trouble.as_ref();
        let status = trouble.and_then(|trouble| trouble.status);
        let is_turn = self.learned.failures % policy::TURNS == policy::TURN_OF_THE_OTHER;
        self.tries = None;
        if is_turn
            && status.is_some_and(|status| !matches!(status, 401 | 413))
            && self.learned.takes != Some(self.version())
        {
            self.tries = self.other_that_it_may_know();
        }
    }

    /// Returns the other version if the LRS took something in that before or is read in it; or if it never took anything
    /// in this one and may know the other, as one does that says it speaks the newer one, or nothing at all.
    fn other_that_it_may_know(&self) -> Option<XapiVersion> {
        let other = self.version().other();
        let may_be_it = match self.learned.takes {
            Some(takes) => takes == other || self.reads_in == Some(other),
            None => {
                other < self.version()
                    || self.learned.version.is_none()
                    || self.names_other.is_some()
                    || self.lists_both
                    // A look-up alone may have led to this one.
                    || self.tried_other_version
            }
        };
        Some(other).filter(|_| may_be_it && self.config.version.is_none())
    }

    /// Lets the other version be tried once more if neither was understood: this answer of the LRS itself says
    /// that it speaks another version than it was asked in.
    pub fn hear_its_version(&mut self, answer: &Response) {
        let speaks = headers::xapi_version(answer);
        if self.understands_neither
            && self.config.version.is_none()
            && speaks.is_some_and(|speaks| speaks != self.version())
        {
            self.tried_other_version = false;
            self.understands_neither = false;
            self.auth_verified = false;
        }
    }
}
