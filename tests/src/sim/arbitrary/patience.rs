//! What an LRS may expect of the device: that it waits as long as it is asked to, and that it obeys a 401.

use pannier::lrs::Request;
use pannier::store::Millis;

/// How often somebody may knock at a door that the LRS itself has shut.
const HOUR: Millis = 60 * 60 * 1000;

/// What holds until a true time.
#[derive(Debug, Default)]
pub struct Patience {
    silence: Option<(Millis, String)>,
    locked: Option<Millis>,
    /// So many more requests may ask at once whether it was the credentials or one statement.
    questions: u32,
}

impl Patience {
    /// The device was asked to wait.
    pub fn asked(&mut self, until: Millis, status: u16) {
        if self
            .silence
            .as_ref()
            .is_none_or(|(known, _)| *known < until)
        {
            self.silence = Some((until, format!("{status} and Retry-After")));
        }
    }

    /// The LRS itself has refused the credentials.
    pub fn refused(&mut self, now: Millis) {
        if self.locked.is_none_or(|until| until <= now) {
            self.questions = crate::sim::QUESTIONS;
        }
        self.locked = Some(now + HOUR);
    }

    /// What this request breaks, if anything.
    pub fn broken_by(&mut self, request: &Request, now: Millis) -> Option<String> {
        if let Some((until, why)) = &self.silence
            && now < *until
        {
            return Some(format!(
                "I10: asked again {} ms too early after {why}",
                until - now
            ));
        }
        if let Some(until) = self.locked
            && now < until
            && !request.url.ends_with("/about")
        {
            if self.questions > 0 {
                self.questions -= 1;
                return None;
            }
            return Some(format!(
                "I10: tried again {} ms too early after the LRS itself had refused the credentials",
                until - now
            ));
        }
        None
    }

    /// It has answered a look-up: that one is not counted.
    pub fn let_look(&mut self) {
        self.questions += 1;
    }

    /// The app has acted, or somebody syncs by hand.
    pub fn unlock(&mut self) {
        self.locked = None;
    }

    /// Another LRS is meant, the clock jumped, or nobody on the device knows any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
