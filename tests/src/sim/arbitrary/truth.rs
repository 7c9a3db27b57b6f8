//! What an LRS was seen to do with each statement, and what it may therefore have held.

use pannier::lrs::{Response, TransportError};
use pannier::store::{HoldReason, Millis};
use uuid::Uuid;

use super::lrs::{Lrs, Refused};
use super::{Flight, World};
use crate::sim::model::Known;
use crate::sim::statement::Contained;

/// Two refusals are apart when so much time lies between them: whoever goes by in between is not at the
/// door twice.
const APART: Millis = 5_000;

impl World {
    /// The device took notice of what came of this.
    pub fn learn(&mut self, flight: &Flight) {
        let (left, at) = (flight.left, self.now);
        let lrs = &mut self.servers.lrss[flight.behind.to];
        let slow = at - left > 1_000;
        // Whoever stands before an LRS redirects, or asks to log in to a proxy or a network (RFC 9110, 15.5.8;
        // RFC 6585, 6): its header on these shows nothing.
        let not_its_own = |answer: &Response| matches!(answer.status, 300..=399 | 407 | 511);
        lrs.signed |= flight.behind.own && !flight.outcome.as_ref().is_ok_and(not_its_own);
        match &flight.outcome {
            Ok(_) if flight.behind.own => lrs.quick = Some(lrs.quick.unwrap_or(true) && !slow),
            Ok(_) | Err(TransportError::Unreachable(_)) => {}
            // A connection that breaks at once says nothing of its speed.
            Err(_) if slow => lrs.quick = Some(false),
            Err(_) => {}
        }
        self.learn_what_is_shown(flight);
        let lrs = &mut self.servers.lrss[flight.behind.to];
        let Ok(answer) = &flight.outcome else {
            return;
        };
        let good = matches!(answer.status, 200 | 204);
        let whose = flight.behind.own || is_json(answer);
        for id in &flight.ids {
            let is_alone = flight.ids.len() == 1 && !good && !names(answer, *id);
            let refused = flight.behind.named.contains(id) || is_alone;
            if refused && !whose {
                // A page or a sentence of somebody who does not say that he is the LRS.
            } else if refused {
                lrs.refused
                    .entry(*id)
                    .or_default()
                    .push(Refused { left, at });
            } else if (good || names(answer, *id)) && lrs.has(*id, at).is_some() {
                lrs.taken.push((*id, at));
            } else if good && whose && flight.ids.len() == 1 {
                // An object that says nothing of it: a refusal by whoever said it.
                lrs.refused
                    .entry(*id)
                    .or_default()
                    .push(Refused { left, at });
            }
        }
        // No stranger has the statement that was asked for.
        let asked = flight.request.url.split_once("tatementId=");
        let asked = asked.and_then(|(_, id)| id.get(..36)?.parse().ok());
        let looked = asked.is_some_and(|id| flight.behind.own || names(answer, id));
        let takes = flight.ids.iter().any(|id| lrs.taken.contains(&(*id, at)));
        if takes && !flight.behind.own {
            // It has taken something in no name: its own end cannot be told by the name any more.
            lrs.signed = false;
        }
        if takes {
            // Nobody takes anything of somebody whom it does not know: the 401 before was a statement's.
            self.servers.patience.unlock();
        } else if looked && matches!(answer.status, 200 | 404) {
            // It lets us look, perhaps as it lets anybody: that is no knocking, and no proof either.
            self.servers.patience.let_look();
        }
        self.learn_to_wait(flight);
    }

    /// What it shows is there, with its content or without, or is another's.
    fn learn_what_is_shown(&mut self, flight: &Flight) {
        let (left, at) = (flight.left, self.now);
        let lrs = &mut self.servers.lrss[flight.behind.to];
        if let Some((id, sent)) = &flight.behind.shown {
            let known = self.model.get(*id);
            let content = known.and_then(|known| known.recipe.content);
            let comes = |its: Contained| flight.behind.contents.contains(&its.octets());
            if content.is_some_and(|its| !comes(its)) {
                lrs.bare.entry(*id).or_default().push(Refused { left, at });
            }
            if known.is_some_and(|known| known.body == *sent) {
                if content.is_none_or(comes) {
                    lrs.taken.push((*id, at));
                }
            } else {
                lrs.differs.push(*id);
            }
        }
    }

    /// How long the answer has the device wait, and whether it refuses its credentials.
    fn learn_to_wait(&mut self, flight: &Flight) {
        let (left, at) = (flight.left, self.now);
        let Ok(answer) = &flight.outcome else {
            return;
        };
        // A jump makes every wait void; another LRS or other credentials may be meant by now.
        if self.jumped_at().is_some_and(|jump| jump >= left)
            || flight.behind.to != self.servers.target
        {
            return;
        }
        if let Some(wait) = flight.behind.wait {
            // Whoever does not say that he is the LRS may be gone in an hour.
            let wait = if flight.behind.own {
                wait
            } else {
                wait.min(60 * 60 * 1000)
            };
            self.servers.patience.asked(at + wait, answer.status);
        }
        if answer.status == 401
            && flight.behind.own
            && !flight.request.url.ends_with("/about")
            && flight.authorization() == self.login.header().as_deref()
        {
            self.servers.patience.refused(at);
        }
    }
}

/// It says by another status, too, that it has taken this one.
fn names(answer: &Response, id: Uuid) -> bool {
    let text = String::from_utf8_lossy(&answer.body).to_lowercase();
    matches!(answer.status, 200..=299) && text.contains(&id.to_string())
}

/// An LRS that never says that it is one is known by this only.
pub fn is_json(answer: &Response) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    let value = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    matches!(
        value,
        Ok(serde_json::Value::Object(_) | serde_json::Value::Array(_))
    )
}

/// May it be held for this reason, by what this LRS or whoever answered in its place said?
/// `set`: when the clock was set, of a device that has no other one.
pub fn deserves(known: &Known, reason: HoldReason, lrs: &Lrs, set: &[Millis]) -> bool {
    let id = known.recipe.id;
    if reason == HoldReason::TargetGivenUp {
        // Of that the LRS says nothing.
        return false;
    }
    if reason == HoldReason::Conflict {
        return lrs.differs.contains(&id);
    }
    let is_bare = reason == HoldReason::ContentMissing;
    let against = if is_bare { &lrs.bare } else { &lrs.refused };
    let refused = against.get(&id).map_or(&[][..], Vec::as_slice);
    let twice = |first: &Refused, second: &Refused| {
        // What it takes of those without contents says nothing of those that have some.
        let is_alike =
            |other: &Uuid| known.recipe.content.is_none() || lrs.contained.contains(other);
        let between = |(other, at): &(Uuid, Millis)| {
            *other != id && is_alike(other) && first.left < *at && *at <= second.at
        };
        let set_between = set
            .iter()
            .any(|set| first.left <= *set && *set <= second.at);
        let apart = set_between || second.at - first.at >= APART;
        apart && (is_bare || lrs.taken.iter().any(between))
    };
    (0..refused.len()).any(|at| {
        refused[at..]
            .iter()
            .any(|second| twice(&refused[at], second))
    })
}
