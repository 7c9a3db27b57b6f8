//! What always holds, held against the whole database after every step.

use std::collections::BTreeMap;

use pannier::store::{Db, HoldReason, Ledger, Page, StoreError, UpstreamId, WaitReason};
use uuid::Uuid;

use super::model::{Gone, Known, Model};
use super::world::{SECRET, SECRET_IN_BASE64, Servers, World};

/// Where a statement is by the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// In the queue.
    Queued,
    /// Aside, coming back by itself.
    Waiting(WaitReason),
    /// Aside, for the app.
    Held(HoldReason, String),
    /// At the LRS.
    Delivered,
}

/// Everything the database says.
#[derive(Debug)]
pub struct Snapshot {
    /// Where what is not delivered is, and its bytes.
    pub places: BTreeMap<Uuid, (Whereabouts, String)>,
    /// What is kept as history.
    pub history: Vec<Uuid>,
    /// The counters.
    pub ledger: Ledger,
}

impl Snapshot {
    /// Reads all of it.
    pub fn read(db: &Db, upstream: UpstreamId) -> Result<Self, StoreError> {
        const ALL: Page = Page {
            after: 0,
            limit: i64::MAX as usize,
        };
        let mut places = BTreeMap::new();
        for one in db.queued(upstream, ALL)? {
            places.insert(one.id, (Whereabouts::Queued, one.statement));
        }
        for one in db.waiting(upstream, ALL)? {
            places.insert(one.id, (Whereabouts::Waiting(one.reason), one.statement));
        }
        for one in db.held(upstream, ALL)? {
            places.insert(
                one.id,
                (Whereabouts::Held(one.reason, one.words), one.statement),
            );
        }
        Ok(Self {
            places,
            history: db.history(ALL)?.iter().map(|one| one.id).collect(),
            ledger: db.ledger(upstream)?,
        })
    }

    /// Where a statement is that the app has not removed.
    pub fn place(&self, id: Uuid) -> Whereabouts {
        self.places
            .get(&id)
            .map_or(Whereabouts::Delivered, |(place, _)| place.clone())
    }
}

/// I1, I2, I3 and I5: every statement is where it may be, with its bytes, and is counted there.
pub fn check<S: Servers>(snapshot: &Snapshot, world: &mut World<S>) -> Result<(), String> {
    let mut counts = BTreeMap::from([("queued", 0), ("waiting", 0), ("held", 0), ("delivered", 0)]);
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
        *counts
            .entry(match place {
                Whereabouts::Queued => "queued",
                Whereabouts::Waiting(_) => "waiting",
                Whereabouts::Held(..) => "held",
                Whereabouts::Delivered => "delivered",
            })
            .or_default() += 1;
        let known = &world.model.all[at];
        match &place {
            Whereabouts::Delivered if known.delivered_at.is_none() => {
                if !S::has(world, known) {
                    return Err(format!(
                        "I1: {id} ({}) counts as delivered, and the LRS does not have it",
                        known.recipe.kind.word()
                    ));
                }
                world.model.all[at].delivered_at = Some(world.now);
            }
            Whereabouts::Delivered => {}
            _ if known.delivered_at.is_some() => {
                return Err(format!("I3: {id} was delivered and is {place:?} again"));
            }
            Whereabouts::Held(_, words)
                if words.contains(SECRET) || words.contains(SECRET_IN_BASE64) =>
            {
                return Err(format!("I11: the words about {id} tell the password"));
            }
            Whereabouts::Held(HoldReason::TargetGivenUp, _) if world.model.has_no_target(known) => {
            }
            Whereabouts::Held(reason, words) if !S::deserves(world, known, *reason) => {
                return Err(format!(
                    "I5: {id} ({}) is held as {reason} ({words}), and does not deserve it",
                    known.recipe.kind.word()
                ));
            }
            _ => {}
        }
    }
    counted(snapshot, &world.model, &counts)
}

/// I3: the history has what some upstream has, and no other one is to get any more.
pub fn check_history<S: Servers>(world: &World<S>) -> Result<(), String> {
    for id in world.snapshot()?.history {
        let is_there = |known: &Known| known.gone.is_none() && known.delivered_at.is_some();
        let is_due = |known: &Known| known.gone.is_none() && known.delivered_at.is_none();
        if !world.known_anywhere(id).any(is_there) || world.known_anywhere(id).any(is_due) {
            return Err("I3: the history has what was not delivered".to_owned());
        }
    }
    Ok(())
}

fn counted(snapshot: &Snapshot, model: &Model, counts: &BTreeMap<&str, u64>) -> Result<(), String> {
    let ledger = &snapshot.ledger;
    let queued_bytes: usize = snapshot
        .places
        .iter()
        .filter(|(_, (place, _))| *place == Whereabouts::Queued)
        .map(|(id, (_, body))| body.len() + model.get(*id).map_or(0, |known| known.contents))
        .sum();
    for (what, counted, there) in [
        ("recorded", ledger.recorded, model.all.len() as u64),
        ("queued", ledger.queued, counts["queued"]),
        ("waiting", ledger.waiting, counts["waiting"]),
        ("held", ledger.held, counts["held"]),
        ("delivered", ledger.delivered, counts["delivered"]),
        ("retracted", ledger.retracted, model.gone(Gone::Retracted)),
        ("discarded", ledger.discarded, model.gone(Gone::Discarded)),
        ("replaced", ledger.replaced, model.gone(Gone::Replaced)),
        ("erased", ledger.erased, model.gone(Gone::Erased)),
        ("queued bytes", ledger.queued_bytes, queued_bytes as u64),
    ] {
        if counted != there {
            return Err(format!("I3: {what}: {counted} counted, {there} there"));
        }
    }
    Ok(())
}
