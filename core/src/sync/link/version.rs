//! Which version of the standard is spoken with the LRS.

use super::Link;
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
}
