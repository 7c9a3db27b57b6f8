//! What holds for every server, held against the whole database after every step.

use pannier::store::{HoldReason, Millis};
use uuid::Uuid;

use super::device::Flight;
use super::lrs::{Lrs, Refused};
use super::world::World;
use crate::sim::check::{Place, Snapshot, counted};
use crate::sim::model::Known;
use crate::sim::world::{SECRET, SECRET_IN_BASE64};

/// Two refusals are apart when so much time lies between them: whoever goes by in between is not at the
/// door twice.
const APART: Millis = 5_000;

impl World {
    /// The device took notice of what came of this.
    pub fn learn(&mut self, flight: &Flight) {
        let (left, at) = (flight.left, self.now);
        let lrs = &mut self.lrss[flight.to];
        let slow = at - left > 1_000;
        match &flight.exchange.outcome {
            Ok(_) if flight.exchange.own => lrs.quick = Some(lrs.quick.unwrap_or(true) && !slow),
            Ok(_) | Err(pannier::lrs::Failure::Unreachable(_)) => {}
            Err(_) => lrs.quick = Some(false),
        }
        if let Some((id, sent)) = &flight.exchange.shown {
            if self.model.get(*id).is_some_and(|known| known.body == *sent) {
                lrs.taken.push((*id, at));
            } else {
                lrs.differs.push(*id);
            }
        }
        let Ok(answer) = &flight.exchange.outcome else {
            return;
        };
        let good = matches!(answer.status, 200 | 204);
        for id in &flight.ids {
            let refused = flight.exchange.named.contains(id) || (flight.ids.len() == 1 && !good);
            if refused {
                lrs.refused
                    .entry(*id)
                    .or_default()
                    .push(Refused { left, at });
            } else if good && lrs.has(*id, at).is_some() {
                lrs.taken.push((*id, at));
            } else if good && flight.ids.len() == 1 {
                // A page under a 200 or an object that says nothing of it: a refusal by whoever said it.
                lrs.refused
                    .entry(*id)
                    .or_default()
                    .push(Refused { left, at });
            }
        }
        let looked = flight.request.url.contains('?') && flight.exchange.own;
        let takes = flight.ids.iter().any(|id| lrs.taken.contains(&(*id, at)));
        if takes || (looked && !matches!(answer.status, 401 | 403)) {
            // Nobody takes anything of somebody whom it does not know, nor lets him look: the 401 before
            // was a statement's.
            self.patience.unlock();
        }
        // A jump makes every wait void; another LRS or other credentials may be meant by now.
        if self.jumped_at.is_some_and(|jump| jump >= left) || flight.to != self.target {
            return;
        }
        if let Some(wait) = flight.exchange.wait {
            self.patience.asked(at + wait, answer.status);
        }
        if answer.status == 401
            && flight.exchange.own
            && !flight.request.url.ends_with("/about")
            && flight.authorization() == self.knows_itself_as().as_deref()
        {
            self.patience.refused(at);
        }
    }
}

/// Every statement is where it may be, with its bytes, and is counted there.
pub fn check(snapshot: &Snapshot, world: &mut World) -> Result<(), String> {
    let mut counts = std::collections::BTreeMap::from([
        ("queued", 0),
        ("waiting", 0),
        ("held", 0),
        ("delivered", 0),
    ]);
    for at in 0..world.model.all.len() {
        let id = world.model.all[at].recipe.id;
        let is_latest = world.model.place(id) == Some(at);
        if let Some(gone) = world.model.all[at].gone {
            if is_latest && snapshot.places.contains_key(&id) {
                return Err(format!("I3: {id} is there though it is {gone:?}"));
            }
            continue;
        }
        let place = snapshot.place(id);
        if let Some((_, body)) = snapshot.places.get(&id)
            && !world.model.takes(at, body.as_bytes(), &world.times)
        {
            return Err(format!("I2: the bytes of {id} have changed"));
        }
        let count = match place {
            Place::Queued => "queued",
            Place::Waiting(_) => "waiting",
            Place::Held(..) => "held",
            Place::Delivered => "delivered",
        };
        *counts.entry(count).or_default() += 1;
        let known = &world.model.all[at];
        match &place {
            Place::Delivered if known.delivered_at.is_none() => {
                let lrs = world.meant();
                if !lrs.has_exactly(id, &known.body, world.now) {
                    return Err(format!(
                        "I1: {id} ({}) counts as delivered, and the LRS does not have it",
                        known.recipe.kind.word()
                    ));
                }
                world.model.all[at].delivered_at = Some(world.now);
            }
            Place::Delivered => {}
            _ if known.delivered_at.is_some() => {
                return Err(format!("I3: {id} was delivered and is {place:?} again"));
            }
            Place::Held(_, words) if words.contains(SECRET) || words.contains(SECRET_IN_BASE64) => {
                return Err(format!("I11: the words about {id} tell the password"));
            }
            Place::Held(reason, words) => {
                let deserved = world.lrss.iter().any(|lrs| deserves(known, *reason, lrs));
                if !deserved {
                    return Err(format!(
                        "K2: {id} ({}) is held as {reason} ({words}) without two refusals, apart, with others taken in between",
                        known.recipe.kind.word()
                    ));
                }
            }
            _ => {}
        }
    }
    counted(snapshot, &world.model, &counts)?;
    let delivered = |id: &Uuid| {
        let known = world.model.get(*id);
        known.is_some_and(|known| known.delivered_at.is_some())
    };
    if !snapshot.history.iter().all(delivered) {
        return Err("I3: the history has what was not delivered".to_owned());
    }
    Ok(())
}

/// May it be held for this reason, by what this LRS or whoever answered in its place said?
fn deserves(known: &Known, reason: HoldReason, lrs: &Lrs) -> bool {
    let id = known.recipe.id;
    if reason == HoldReason::Conflict {
        return lrs.differs.contains(&id);
    }
    let refused = lrs.refused.get(&id).map_or(&[][..], Vec::as_slice);
    let twice = |first: &Refused, second: &Refused| {
        let between =
            |(other, at): &(Uuid, Millis)| *other != id && first.left < *at && *at <= second.at;
        second.at - first.at >= APART && lrs.taken.iter().any(between)
    };
    (0..refused.len()).any(|at| {
        refused[at..]
            .iter()
            .any(|second| twice(&refused[at], second))
    })
}
