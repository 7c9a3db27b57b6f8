//! What a session must not do until a time: ask again before the LRS allowed it, send again what may
//! be under way.

use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::store::Millis;
use uuid::Uuid;

use super::session::Flight;

/// How often somebody may knock at a door that the LRS itself has shut.
const HOUR: Millis = 60 * 60 * 1000;

/// No wait is promised to be longer: an LRS that asks for more is wrong.
const LONGEST: Millis = 24 * HOUR;

/// What holds until a true time.
#[derive(Debug, Default)]
pub struct Promises {
    /// No request at all.
    silence: Option<(Millis, String)>,
    /// No POST with one of these.
    apart: Vec<(Vec<Uuid>, Millis, String)>,
    /// No request until then, or until the app has acted: the LRS itself has refused the credentials.
    locked: Option<Millis>,
    /// So many more requests may ask at once whether it was the credentials or one statement.
    questions: u32,
}

impl Promises {
    /// After the session took notice of this outcome.
    /// `knew`: the `Authorization` that the app would send now.
    pub fn learn(&mut self, flight: &Flight, knew: Option<&str>, now: Millis) {
        let timeout = flight.request.timeout.as_millis() as Millis;
        let mut apart = |why: &str| {
            if flight.is_post() {
                self.apart
                    .push((flight.ids.clone(), now + timeout, why.to_owned()));
            }
        };
        match &flight.outcome {
            Err(TransportError::TimedOut) => apart("a time-out"),
            Err(TransportError::Broken(_)) => apart("a broken connection"),
            Err(TransportError::Unreachable(_) | TransportError::Unreadable(_)) => {}
            // The app has acted since it left.
            Ok(answer) if answer.status == 401 && flight.authorization() != knew => {}
            Ok(answer) => self.answered(answer, &flight.request, &flight.ids, now),
        }
    }

    fn answered(&mut self, answer: &Response, request: &Request, ids: &[Uuid], now: Millis) {
        // What the LRS itself answers, and says so, ends what it was at.
        let own = answer.header("X-Experience-API-Version").is_some();
        let asked = retry_after(answer).map(|wait| wait.min(LONGEST));
        match (answer.status, asked) {
            (429 | 503, Some(wait)) => {
                let until = now + wait;
                self.silence = Some((until, format!("{} and Retry-After", answer.status)));
            }
            (502 | 504, None) if request.method == Method::Post && !own => {
                let why = format!("a {}", answer.status);
                let until = now + request.timeout.as_millis() as Millis;
                self.apart.push((ids.to_vec(), until, why));
            }
            (401, _) if own && !request.url.ends_with("/about") => {
                if self.locked.is_none_or(|until| until <= now) {
                    self.questions = crate::sim::QUESTIONS;
                }
                self.locked = Some(now + HOUR);
            }
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
        if self.locked.is_some_and(|until| now < until) {
            self.questions = self.questions.saturating_sub(1);
        }
        if self.locked.is_some_and(|until| now < until) && self.questions == 0 {
            return Some(
                "I5: asked again within an hour after a 401, and the app has not acted".to_owned(),
            );
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
        if self.locked.take().is_none() {
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

/// How long an answer asks to be waited: so many seconds, or until a date, by the clock of whoever says
/// it (RFC 9110, section 10.2.3).
fn retry_after(answer: &Response) -> Option<Millis> {
    let header = |name: &str| {
        let named = |(given, _): &&(String, String)| given == name;
        answer.headers.iter().find(named).map(|(_, value)| value)
    };
    let date = |text: &String| jiff::fmt::rfc2822::parse(text).ok();
    let value = header("Retry-After")?;
    if let Ok(seconds) = value.parse::<Millis>() {
        return Some(seconds * 1000);
    }
    let (until, said) = (date(value)?, date(header("Date")?)?);
    Some(until.timestamp().as_millisecond() - said.timestamp().as_millisecond())
}
