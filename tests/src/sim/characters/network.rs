//! The way from the device to the LRS and back, for one exchange.

use pannier::lrs::{Request, Response, TransportError};
use pannier::store::Millis;
use uuid::Uuid;

use super::weather::Weather;
use crate::sim::lrs::{self, End, Lrs};

/// What happens to one exchange on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// No connection.
    Unreachable,
    /// Broken before anything arrived.
    ResetBefore,
    /// Broken when half of the body had arrived.
    ResetDuring,
    /// Broken when all of it had arrived; the LRS goes on.
    ResetAfter,
    /// The LRS is killed while it is at it, and started again.
    LrsDies,
    /// The answer never comes.
    AnswerLost,
    /// The answer breaks off.
    AnswerCut,
    /// A proxy sends it once more, and gives the second answer.
    DeliveredTwice,
    /// It is minutes under way.
    Slow,
}

impl Fault {
    const BAD: &'static [Self] = &[
        Self::Unreachable,
        Self::ResetBefore,
        Self::ResetDuring,
        Self::ResetAfter,
        Self::LrsDies,
        Self::AnswerLost,
        Self::AnswerCut,
        Self::DeliveredTwice,
        Self::Slow,
    ];

    /// Draws one of those that there are.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        Self::BAD[rng.usize(..Self::BAD.len())]
    }

    /// Its name among the faults.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "network: none",
            Self::Unreachable => "network: no connection",
            Self::ResetBefore => "network: reset before the body",
            Self::ResetDuring => "network: reset within the body",
            Self::ResetAfter => "network: reset after the body",
            Self::LrsDies => "lrs: killed within a batch",
            Self::AnswerLost => "network: answer lost",
            Self::AnswerCut => "network: answer cut",
            Self::DeliveredTwice => "network: delivered twice",
            Self::Slow => "network: minutes of latency",
        }
    }
}

/// What the device sees of an exchange, and when.
#[derive(Debug)]
pub struct Exchange {
    /// What it sees.
    pub outcome: Result<Response, TransportError>,
    /// When; true time.
    pub at: Millis,
    /// Statements that the LRS got while it was still at an earlier request with them.
    pub overlapping: Vec<Uuid>,
}

/// Carries a request that leaves now.
pub fn exchange(
    lrs: &mut Lrs,
    weather: Weather,
    fault: Fault,
    request: &Request,
    now: Millis,
    rng: &mut fastrand::Rng,
) -> Exchange {
    let latency = rng.i64(5..200);
    let timeout = request.timeout.as_millis() as Millis;
    if let Some((outcome, at)) = unserved(weather, fault, request, (now, latency), rng) {
        return Exchange {
            outcome,
            at,
            overlapping: Vec::new(),
        };
    }
    let delay = match fault {
        Fault::Slow => rng.i64(latency..4_000),
        _ => latency,
    };
    let arrives = now + delay;
    hinder(lrs, weather, fault, timeout, rng);
    let served = lrs.answer(request, arrives);
    let end = std::mem::replace(&mut lrs.end, End::Whole);
    let (mut done, mut outcome) = (arrives + served.took, served.outcome);
    if fault == Fault::DeliveredTwice {
        let again = lrs.answer(request, done + 1);
        done += 1 + again.took;
        outcome = again.outcome;
    }
    let back = done
        + match fault {
            Fault::Slow => rng.i64(30_000..300_000),
            _ => latency,
        };
    let (outcome, at) = match (fault, weather) {
        (Fault::AnswerLost, _) | (_, Weather::Hangs) => {
            (Err(TransportError::TimedOut), now + timeout)
        }
        (Fault::ResetAfter, _) => match end {
            End::HungUp(after) => (broken("reset"), done.min(arrives + after)),
            End::Whole | End::Dies => (broken("reset"), done),
        },
        (Fault::LrsDies, _) => (broken("reset"), rng.i64(arrives..=done)),
        (Fault::AnswerCut, _) => (cut(outcome, rng), back),
        (_, Weather::Trickles) => {
            let bytes = outcome.as_ref().map_or(0, |answer| 300 + answer.body.len());
            (outcome, back + 1000 * bytes as Millis)
        }
        (_, Weather::Gateway502) => (Ok(lrs::answer(502, "Bad Gateway")), arrives),
        (_, Weather::Gateway504) => (Ok(lrs::answer(504, "Gateway Time-out")), arrives),
        _ => (outcome, back),
    };
    let (outcome, at) = if at > now + timeout {
        (Err(TransportError::TimedOut), now + timeout)
    } else {
        (outcome, at)
    };
    Exchange {
        outcome,
        at,
        overlapping: served.overlapping,
    }
}

/// What the device sees, and when, of a request that does not reach the LRS.
fn unserved(
    weather: Weather,
    fault: Fault,
    request: &Request,
    (now, latency): (Millis, Millis),
    rng: &mut fastrand::Rng,
) -> Option<(Result<Response, TransportError>, Millis)> {
    let soon = now + latency;
    if weather == Weather::Offline || fault == Fault::Unreachable {
        let failure = TransportError::Unreachable("no route".to_owned());
        return Some((Err(failure), soon));
    }
    if let Some(answer) = weather.answers(request) {
        return Some((Ok(answer), soon));
    }
    match fault {
        Fault::ResetBefore => return Some((broken("reset"), soon)),
        // An LRS stores nothing of half a body.
        Fault::ResetDuring => return Some((broken("reset while writing"), soon)),
        _ => {}
    }
    if weather == Weather::Hangs && rng.bool() {
        let timeout = request.timeout.as_millis() as Millis;
        return Some((Err(TransportError::TimedOut), now + timeout));
    }
    None
}

fn broken(why: &str) -> Result<Response, TransportError> {
    Err(TransportError::Broken(why.to_owned()))
}

/// How slow the LRS is at this request, and how its work ends.
fn hinder(lrs: &mut Lrs, weather: Weather, fault: Fault, timeout: Millis, rng: &mut fastrand::Rng) {
    // An LRS that hangs may go on for long after the device has given up, but nobody can wait for ever:
    // with all that a proxy brings it, until the device has waited as long again.
    let deliveries = 1 + Millis::from(fault == Fault::DeliveredTwice);
    lrs.slower = match weather {
        Weather::Hangs => rng.i64(0..timeout * 3 / 2) / deliveries,
        _ => 0,
    };
    lrs.end = match (fault, weather) {
        (Fault::LrsDies, _) => End::Dies,
        // A connection that ends shows within moments; the LRS may be at it for a little longer.
        (Fault::ResetAfter, _) => End::HungUp(rng.i64(0..2_000)),
        (_, Weather::Hangs) => End::HungUp(timeout),
        _ => End::Whole,
    };
}

/// A connection that ends early is a failure where the length was announced; otherwise half of the
/// body comes as if it were all.
fn cut(
    outcome: Result<Response, TransportError>,
    rng: &mut fastrand::Rng,
) -> Result<Response, TransportError> {
    let mut answer = outcome?;
    if rng.bool() {
        return Err(TransportError::Broken("the answer breaks off".to_owned()));
    }
    let keep = answer.body.len() / 2;
    answer.body.truncate(keep);
    Ok(answer)
}
