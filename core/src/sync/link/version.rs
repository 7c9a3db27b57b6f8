//! The version of the standard spoken with the LRS.

use super::Link;
use crate::lrs::{Response, headers};
use crate::statement::XapiVersion;
use crate::store::{Millis, Problem};
use crate::sync::policy;

impl Link {
    /// Returns the version in which statements are sent.
    pub fn version(&self) -> XapiVersion {
        self.learned.version.unwrap_or(XapiVersion::V1_0_3)
    }

    /// Returns the version in which they are looked up: one of several nodes may be read in another version than it is
    /// written in.
    pub fn version_to_read(&self) -> XapiVersion {
        self.reads_in.unwrap_or(self.version())
    }

    pub fn version_is_stale(&self, now: Millis) -> bool {
        self.config.version.is_none()
            && (self.learned.version.is_none()
                || self
                    .learned
                    .version_at
                    .is_none_or(|at| at > now || now - at > self.version_lasts()))
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

    pub fn says_nothing_of_itself(&mut self, speaks: Option<XapiVersion>, now: Millis) {
        let version = speaks.or(self.learned.version);
        self.learned.version = Some(version.unwrap_or(XapiVersion::V1_0_3));
        self.learned.version_at = Some(now);
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

    /// Speaks the other version, once in a session, if the LRS took something in that before or is read in it; or if it
    /// never took anything in this one and may know the other. Speaks the former again if it takes
    /// nothing in the other either. False if there is none to change to.
    pub fn try_the_other_version(&mut self) -> bool {
        if let Some(before) = self.spoke_before.take() {
            self.learned.version = Some(before);
            return false;
        }
        let (this, other) = (self.version(), self.version().other());
        let may_be_it = match self.learned.takes {
            Some(takes) => takes == other || self.reads_in == Some(other),
            // A look-up alone may have led to this one.
            None => self.names_other.is_some() || self.lists_both || self.tried_other_version,
        };
        if self.tried_to_write_in_other || !may_be_it || self.config.version.is_some() {
            return false;
        }
        self.tried_to_write_in_other = true;
        self.spoke_before = Some(this);
        self.learned.version = Some(other);
        true
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
