//! What always holds, held against the whole database after every step.

use std::collections::BTreeMap;

use pannier::store::{Db, HoldReason, Ledger, Millis, Page, StoreError, WaitReason};
use uuid::Uuid;

use super::lrs::Lrs;
use super::lrs::character::{Invalid, Poison, TooLarge, Voiding};
use super::model::{Gone, Known, Model};
use super::statement::Kind;
use super::times::Times;
use super::world::SECRET;

/// Where a statement is by the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
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
    pub places: BTreeMap<Uuid, (Place, String)>,
    /// What is kept as history.
    pub history: Vec<Uuid>,
    /// The counters.
    pub ledger: Ledger,
}

impl Snapshot {
    /// Reads all of it.
    pub fn read(db: &Db) -> Result<Self, StoreError> {
        const ALL: Page = Page {
            after: 0,
            limit: i64::MAX as usize,
        };
        let mut places = BTreeMap::new();
        for one in db.queued(ALL)? {
            places.insert(one.id, (Place::Queued, one.statement));
        }
        for one in db.waiting(ALL)? {
            places.insert(one.id, (Place::Waiting(one.reason), one.statement));
        }
        for one in db.held(ALL)? {
            places.insert(one.id, (Place::Held(one.reason, one.words), one.statement));
        }
        Ok(Self {
            places,
            history: db.history(ALL)?.iter().map(|one| one.id).collect(),
            ledger: db.ledger()?,
        })
    }

    /// Where a statement is that the app has not removed.
    pub fn place(&self, id: Uuid) -> Place {
        self.places
            .get(&id)
            .map_or(Place::Delivered, |(place, _)| place.clone())
    }
}

/// I2, I3 and I5: every statement is where it may be, with its bytes, and is counted there.
pub fn check(
    snapshot: &Snapshot,
    model: &mut Model,
    lrs: &Lrs,
    times: &Times,
    now: Millis,
) -> Result<(), String> {
    let mut counts = BTreeMap::from([("queued", 0), ("waiting", 0), ("held", 0), ("delivered", 0)]);
    for at in 0..model.all.len() {
        let id = model.all[at].recipe.id;
        let is_latest = model.place(id) == Some(at);
        if let Some(gone) = model.all[at].gone {
            if is_latest && snapshot.places.contains_key(&id) {
                return Err(format!("I3: {id} is there though it is {gone:?}"));
            }
            continue;
        }
        let place = snapshot.place(id);
        if let Some((_, body)) = snapshot.places.get(&id)
            && !model.takes(at, body.as_bytes(), times)
        {
            return Err(format!("I2: the bytes of {id} have changed"));
        }
        let known = &model.all[at];
        *counts
            .entry(match place {
                Place::Queued => "queued",
                Place::Waiting(_) => "waiting",
                Place::Held(..) => "held",
                Place::Delivered => "delivered",
            })
            .or_default() += 1;
        match &place {
            Place::Delivered if known.delivered_at.is_none() => {
                if !lrs.ever_had(id, &known.body) && !passes_for(known, lrs) {
                    return Err(format!(
                        "I1: {id} ({}) left the queue, and the LRS never had it",
                        known.recipe.kind.word()
                    ));
                }
                model.all[at].delivered_at = Some(now);
            }
            Place::Delivered => {}
            _ if known.delivered_at.is_some() => {
                return Err(format!("I3: {id} was delivered and is {place:?} again"));
            }
            Place::Held(_, words) if words.contains(SECRET) => {
                return Err(format!("I11: the words about {id} tell the password"));
            }
            Place::Held(reason, words) if !deserves(known, *reason, lrs, model) => {
                return Err(format!(
                    "I5: {id} ({}) is held as {reason} ({words}), and nothing is wrong with it",
                    known.recipe.kind.word()
                ));
            }
            _ => {}
        }
    }
    counted(snapshot, model, &counts)?;
    let delivered = |id: &Uuid| {
        model
            .get(*id)
            .is_some_and(|known| known.delivered_at.is_some())
    };
    if !snapshot.history.iter().all(delivered) {
        return Err("I3: the history has what was not delivered".to_owned());
    }
    Ok(())
}

pub fn counted(
    snapshot: &Snapshot,
    model: &Model,
    counts: &BTreeMap<&str, u64>,
) -> Result<(), String> {
    let ledger = &snapshot.ledger;
    let queued_bytes: usize = snapshot
        .places
        .values()
        .filter(|(place, _)| *place == Place::Queued)
        .map(|(_, body)| body.len())
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

/// The LRS has another statement under its id, and lets ours pass for it without a word.
pub fn passes_for(known: &Known, lrs: &Lrs) -> bool {
    known.recipe.kind == Kind::Near && lrs.character.drops_changes
}

/// May this LRS have it held for this reason?
pub fn deserves(known: &Known, reason: HoldReason, lrs: &Lrs, model: &Model) -> bool {
    let character = &lrs.character;
    let too_large = known.body.len() > lrs.max_bytes;
    let id = known.recipe.id;
    // An LRS that has it twice cannot show it any more.
    if model.excused.contains(&id) || lrs.stored.get(&id).is_some_and(|one| one.copies > 1) {
        return true;
    }
    match reason {
        HoldReason::Refused => {
            (known.recipe.kind == Kind::Bad && character.invalid != Invalid::Swallows)
                || (too_large && character.too_large == TooLarge::Says400)
                || (character.voiding == Voiding::Once
                    && matches!(known.recipe.kind, Kind::Voiding(target)
                        if lrs.voided.contains(&target) || lrs.lost_voided.contains(&target)))
        }
        HoldReason::Forbidden => {
            lrs.forbids_voiding && matches!(known.recipe.kind, Kind::Voiding(_))
        }
        HoldReason::Conflict | HoldReason::ConflictUnseen => {
            matches!(known.recipe.kind, Kind::Conflict | Kind::Near)
                // It keeps less of it than was sent.
                || (character.rewrites.drops_unknown && known.recipe.kind == Kind::Modern)
        }
        HoldReason::TooLarge => too_large && character.too_large == TooLarge::Says413,
        HoldReason::ServerError => {
            (known.recipe.kind == Kind::Poison && character.poison != Poison::Takes)
                || (too_large && character.too_large == TooLarge::Resets)
        }
        // The simulated disk spoils nothing.
        HoldReason::Damaged => false,
    }
}
