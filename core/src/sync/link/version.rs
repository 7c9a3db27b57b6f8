//! The version of the standard spoken with the LRS.

use super::Link;
use crate::lrs::{Response, headers};
use crate::statement::XapiVersion;
use crate::store::Millis;
use crate::sync::policy;

impl Link {
    pub fn version(&self) -> XapiVersion {
        self.learned.version.unwrap_or(XapiVersion::V1_0_3)
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
        if self.another_is_awaited {
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

    /// Speaks the version that its refusal names, once in a session, if it never took anything in this one; or that before
    /// again if it takes nothing in the named one either. False if there is none to change to.
    pub fn try_the_named_version(&mut self) -> bool {
        if let Some(before) = self.spoke_before.take() {
            self.learned.version = Some(before);
            return false;
        }
        let may_try = !self.tried_the_named && self.learned.takes != Some(self.version());
        let Some(names) = self.names_other.filter(|_| may_try) else {
            return false;
        };
        self.tried_the_named = true;
        self.spoke_before = Some(self.version());
        self.learned.version = Some(names);
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
