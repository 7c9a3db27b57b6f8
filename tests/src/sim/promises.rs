//! What a session must not do until a time: ask again before the LRS allowed it, send again what may
//! be under way.

use std::time::Duration;

use pannier::lrs::{Answer, Failure, Method, Request, headers};
use pannier::store::Millis;
use uuid::Uuid;

use super::process::Flight;

/// A gateway or a broken connection may leave the LRS at work for so long.
const UNDER_WAY: Millis = 5_000;

/// No wait is promised to be longer: an LRS that asks for more is wrong.
const LONGEST: Duration = Duration::from_hours(24);

/// What holds until a true time.
#[derive(Debug, Default)]
pub struct Promises {
    /// No request at all.
    silence: Option<(Millis, String)>,
    /// No POST with one of these.
    apart: Vec<(Vec<Uuid>, Millis, String)>,
    /// No request until the app has acted: the credentials are wrong.
    locked: bool,
}

impl Promises {
    /// After the session took notice of this outcome.
    /// `knew`: the `Authorization` that the app would send now.
    pub fn learn(&mut self, flight: &Flight, knew: Option<&str>, device_now: Millis, now: Millis) {
        let mut apart = |wait: Millis, why: &str| {
            if flight.is_post() {
                self.apart
                    .push((flight.ids.clone(), now + wait, why.to_owned()));
            }
        };
        match &flight.outcome {
            Err(Failure::TimedOut) => {
                apart(flight.request.timeout.as_millis() as Millis, "a time-out");
            }
            Err(Failure::Broken(_)) => apart(UNDER_WAY, "a broken connection"),
            Err(Failure::Unreachable(_)) => {}
            // The app has acted since it left.
            Ok(answer) if answer.status == 401 && flight.authorization() != knew => {}
            Ok(answer) => self.answered(answer, &flight.request, &flight.ids, device_now, now),
        }
    }

    fn answered(
        &mut self,
        answer: &Answer,
        request: &Request,
        ids: &[Uuid],
        device_now: Millis,
        now: Millis,
    ) {
        let asked = headers::retry_after(answer, device_now).map(|wait| wait.min(LONGEST));
        match (answer.status, asked) {
            (429 | 503, Some(wait)) => {
                let until = now + wait.as_millis() as Millis;
                self.silence = Some((until, format!("{} and Retry-After", answer.status)));
            }
            (500 | 502 | 504, None) if request.method == Method::Post => {
                let why = format!("a {}", answer.status);
                self.apart.push((ids.to_vec(), now + UNDER_WAY, why));
            }
            (401, _) if !request.url.ends_with("/about") => self.locked = true,
            _ => {}
        }
    }

    /// What this request breaks, if anything.
    pub fn broken_by(&mut self, request: &Request, ids: &[Uuid], now: Millis) -> Option<String> {
        if let Some((until, why)) = &self.silence
            && now < *until
        {
            return Some(format!(
                "I10: asked again {} ms too early after {why}",
                until - now
            ));
        }
        if self.locked {
            return Some("I5: asked again after a 401 before the app acted".to_owned());
        }
        self.apart.retain(|(_, until, _)| now < *until);
        let meets =
            |apart: &&(Vec<Uuid>, Millis, String)| apart.0.iter().any(|id| ids.contains(id));
        let (_, until, why) = self
            .apart
            .iter()
            .find(meets)
            .filter(|_| request.method == Method::Post)?;
        Some(format!(
            "I6: sent again {} ms too early after {why}",
            until - now
        ))
    }

    /// The app acted, or somebody syncs by hand. What may still be under way then: nobody puts
    /// credentials right within seconds, but here somebody does.
    pub fn unlock(&mut self) -> Vec<Uuid> {
        if !std::mem::take(&mut self.locked) {
            return Vec::new();
        }
        self.drain()
    }

    fn drain(&mut self) -> Vec<Uuid> {
        self.apart.drain(..).flat_map(|(ids, ..)| ids).collect()
    }

    /// The app has put another statement under this id.
    pub fn replaced(&mut self, id: Uuid) {
        for (ids, ..) in &mut self.apart {
            ids.retain(|known| *known != id);
        }
    }

    /// The clock jumped, or another LRS is meant: nothing can be expected of times before.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
