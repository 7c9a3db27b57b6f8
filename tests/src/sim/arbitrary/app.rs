//! What the app does all the while.

use pannier::statement::{self, Fill, Prepared, XapiVersion};
use pannier::store::{Appended, HoldReason, Learned, Millis, Refused, Unchanged};
use uuid::Uuid;

use super::device::State;
use super::lrs::Seen;
use super::world::{Login, World, fail};
use crate::sim::check::Place;
use crate::sim::model::{Gone, Known};
use crate::sim::plan::DAY;
use crate::sim::statement::{Kind, Recipe, mbox, prepared};

impl World {
    /// One thing that an app does.
    pub fn app(&mut self) -> Result<(), String> {
        let which = self.rng.usize(..self.processes.len());
        match self.rng.u32(..100) {
            0..45 => {
                let count = match self.rng.u32(..12) {
                    0 => self.rng.u32(10..40),
                    1 if self.plan.in_flight > 1 => self.rng.u32(10..40),
                    _ => self.rng.u32(1..6),
                };
                for _ in 0..count {
                    self.record_any(which)?;
                }
                self.sync_soon(which);
            }
            45..50 => self.record_again(which)?,
            50..56 => self.retract(which)?,
            56..70 => self.act_on_held(which)?,
            70..72 => self.erase(which)?,
            72..88 => self.sync_by_hand(which),
            _ => self.put_right()?,
        }
        self.check()
    }

    /// One call that is one transaction.
    pub fn act_once(&mut self, which: usize) -> Result<(), String> {
        match self.rng.u32(..3) {
            0 => self.record_any(which),
            1 => self.retract(which),
            _ => self.act_on_held(which),
        }
    }

    fn draw_kind(&mut self) -> Kind {
        if self.rng.u32(..1000) >= self.plan.trouble {
            return Kind::Good;
        }
        match self.rng.u32(..8) {
            0 | 1 => Kind::Bad,
            2 => Kind::Poison,
            3 => Kind::Conflict,
            4 => Kind::There,
            5 => Kind::Modern,
            _ => {
                let known = self.model.all.len();
                let target = match known {
                    0 => self.id(),
                    _ => self.model.all[self.rng.usize(..known)].recipe.id,
                };
                Kind::Voiding(target)
            }
        }
    }

    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid()
    }

    /// The app records a statement of any kind.
    pub fn record_any(&mut self, which: usize) -> Result<(), String> {
        let kind = self.draw_kind();
        let recipe = self.recipe(kind);
        self.record(which, recipe)
    }

    /// The app records a good statement.
    pub fn record_good(&mut self, which: usize) -> Result<(), String> {
        let recipe = self.recipe(Kind::Good);
        self.record(which, recipe)
    }

    fn record(&mut self, which: usize, recipe: Recipe) -> Result<(), String> {
        let prepared = self.prepare(&recipe);
        let (db, now) = self.db(which);
        match db.append(&[&vec![prepared.clone()]], now).remove(0) {
            Ok(appended) if appended == [Appended::New] => {}
            Err(Refused::Store(error)) => return self.may_fail(error),
            other => return Err(format!("I1: record answered {other:?} to a new statement")),
        }
        self.tally.statements += 1;
        self.comes_from_elsewhere(&recipe, &prepared);
        self.tell(|world| {
            let at = world.model.all.len();
            format!("record {at} {:?} {}", recipe.kind, recipe.id)
        });
        self.model.record(recipe, prepared, self.now, self.clock);
        Ok(())
    }

    /// The LRS that is meant has it, or another one under its id, by somebody else.
    fn comes_from_elsewhere(&mut self, recipe: &Recipe, ours: &Prepared) {
        let sent = match recipe.kind {
            Kind::There => ours.body.clone(),
            Kind::Conflict => {
                let other = Recipe {
                    kind: Kind::Good,
                    n: recipe.n + 1_000_000,
                    ..*recipe
                };
                prepared(&other).body
            }
            _ => return,
        };
        let seen = Seen {
            id: recipe.id,
            sent,
            kind: String::new(),
            voids: None,
        };
        self.lrss[self.target].store(&seen, self.now, 0, None);
    }

    /// As `record` does it.
    fn prepare(&self, recipe: &Recipe) -> Prepared {
        let mut prepared = prepared(recipe);
        if prepared.timestamp_is_ours {
            prepared.steady = self.clocks().steady;
        }
        prepared
    }

    fn recipe(&mut self, kind: Kind) -> Recipe {
        self.made += 1;
        let now = self.device_now();
        let timestamp = match self.rng.u32(..30) {
            // What the LRS has from elsewhere has the timestamp that the app gave.
            _ if kind == Kind::There => Some(now),
            0 => Some(now + self.rng.i64(0..600_000)),
            1 => Some(now - self.rng.i64(0..100_000_000)),
            2 => Some(now + self.rng.i64(0..40) * DAY),
            _ => None,
        };
        Recipe {
            kind,
            n: self.made,
            id: self.id(),
            learner: self.rng.u8(..3),
            timestamp,
            padding: self.rng.usize(0..400),
            now,
        }
    }

    /// The app starts a sync after recording, as the collector's driver does by itself.
    pub fn sync_soon(&mut self, which: usize) {
        let at = self.now + self.rng.i64(0..30_000);
        self.processes[which].plan(at);
    }

    /// The same statement twice, or another one under the same id.
    fn record_again(&mut self, which: usize) -> Result<(), String> {
        let Some(known) = self.draw_known() else {
            return Ok(());
        };
        let (recipe, body) = (known.recipe, known.body.clone());
        if !self.snapshot()?.places.contains_key(&recipe.id) {
            return Ok(());
        }
        let original = prepared(&recipe).body;
        if original.len() != body.len() {
            // Told anew under another id, and so not made by this recipe.
            return Ok(());
        }
        let same = self.rng.bool();
        let again = prepared(&Recipe {
            n: if same { recipe.n } else { recipe.n + 2_000_000 },
            kind: match recipe.kind {
                Kind::Voiding(_) if !same => Kind::Good,
                kind => kind,
            },
            ..recipe
        });
        let (db, now) = self.db(which);
        let expected = if again.body == original {
            Ok(vec![Appended::Known])
        } else {
            Err(Refused::OtherContent(recipe.id))
        };
        match db.append(&[&vec![again]], now).remove(0) {
            outcome if outcome == expected => Ok(()),
            Err(Refused::Store(error)) => self.may_fail(error),
            outcome => Err(format!("I2: recorded again: {outcome:?}")),
        }
    }

    fn draw_known(&mut self) -> Option<&Known> {
        let count = self.model.all.len();
        if count == 0 {
            return None;
        }
        let at = self.rng.usize(..count);
        Some(&self.model.all[at]).filter(|known| known.gone.is_none())
    }

    /// What never left the device can be taken back, and what may have left it cannot.
    fn retract(&mut self, which: usize) -> Result<(), String> {
        let Some(known) = self.draw_known() else {
            return Ok(());
        };
        let (id, sent, tries) = (known.recipe.id, known.sent, known.times_sent);
        let place = self.snapshot()?.place(id);
        let (db, _) = self.db(which);
        match db.retract(id) {
            Ok(()) => {
                self.tell(|_| format!("retract {id}"));
                if sent {
                    return Err(format!("I3: {id} was retracted, and it may be at an LRS"));
                }
                self.leave(id, Gone::Retracted);
                Ok(())
            }
            Err(Unchanged::Refused(Refused::Store(error))) => self.may_fail(error),
            Err(Unchanged::MayHaveBeenSent)
                if tries == 0
                    && !self.unsure
                    && matches!(place, Place::Queued | Place::Waiting(_)) =>
            {
                Err(format!(
                    "K7: {id} was in no request, and retract says it may have been"
                ))
            }
            Err(_) => Ok(()),
        }
    }

    fn leave(&mut self, id: Uuid, how: Gone) {
        if let Some(known) = self.model.get_mut(id) {
            known.gone = Some(how);
        }
    }

    fn act_on_held(&mut self, which: usize) -> Result<(), String> {
        let held: Vec<(Uuid, HoldReason)> = self
            .snapshot()?
            .places
            .iter()
            .filter_map(|(id, (place, _))| match place {
                Place::Held(reason, _) => Some((*id, *reason)),
                _ => None,
            })
            .collect();
        if held.is_empty() {
            return Ok(());
        }
        let (id, reason) = held[self.rng.usize(..held.len())];
        let choice = self.rng.usize(..5);
        let names = ["retry", "discard", "replace", "keep theirs", "send as new"];
        self.tell(|_| format!("{} {id}", names[choice]));
        let (db, now) = self.db(which);
        let done = match choice {
            0 => db.retry(id, now),
            1 => db.discard(id).map(|()| self.leave(id, Gone::Discarded)),
            2 => self.replace(which, id),
            3 => match db.keep_theirs(id) {
                Err(Unchanged::NotInConflict) if !reason.is_conflict() => Ok(()),
                Ok(()) if !reason.is_conflict() => {
                    return Err(format!("theirs was kept of {id}, which is no conflict"));
                }
                done => done.map(|()| self.leave(id, Gone::Discarded)),
            },
            _ if reason.is_conflict() => self.send_as_new(which, id),
            _ => Ok(()),
        };
        match done {
            Ok(()) => self.sync_soon(which),
            Err(Unchanged::Refused(Refused::Store(error))) => self.may_fail(error)?,
            Err(why) => return Err(format!("the app may act on what is held: {why:?}")),
        }
        Ok(())
    }

    /// Records what ours says under a new id, as `Collector::send_as_new` does it.
    fn send_as_new(&mut self, which: usize, old: Uuid) -> Result<(), Unchanged> {
        let Some(known) = self.model.get(old) else {
            return Err(Unchanged::Unknown);
        };
        let mut recipe = known.recipe;
        if recipe.kind != Kind::Modern {
            recipe.kind = Kind::Good;
        }
        let text = statement::successor(&known.body, old).expect("what was recorded is JSON");
        recipe.id = self.id();
        let fill = Fill {
            id: recipe.id,
            now_ms: self.device_now(),
        };
        let prepared = statement::prepare(&text, XapiVersion::V2_0_0, &fill);
        let prepared = prepared.expect("what was recorded is valid");
        self.put_in_place(which, old, recipe, prepared)
    }

    fn replace(&mut self, which: usize, id: Uuid) -> Result<(), Unchanged> {
        let kind = match self.model.get(id).map(|known| known.recipe.kind) {
            // The other statement stays at the LRS.
            Some(Kind::Conflict) => Kind::Conflict,
            _ => Kind::Good,
        };
        let keeps_id = kind == Kind::Conflict || self.rng.bool();
        let mut recipe = self.recipe(kind);
        if keeps_id {
            recipe.id = id;
        }
        let prepared = self.prepare(&recipe);
        self.put_in_place(which, id, recipe, prepared)
    }

    fn put_in_place(
        &mut self,
        which: usize,
        id: Uuid,
        recipe: Recipe,
        prepared: Prepared,
    ) -> Result<(), Unchanged> {
        let (db, now) = self.db(which);
        db.replace(id, &prepared, now)?;
        self.leave(id, Gone::Replaced);
        self.tally.statements += 1;
        self.model.record(recipe, prepared, self.now, self.clock);
        Ok(())
    }

    fn erase(&mut self, which: usize) -> Result<(), String> {
        if self.full {
            // It erases and then fails to leave no trace: an error after which it is called again.
            return Ok(());
        }
        let learner = self.rng.u8(..3);
        self.tell(|_| format!("erase learner {learner}"));
        let who = statement::model::Ifi::Mbox(mbox(learner));
        let (db, _) = self.db(which);
        db.erase(&|body| statement::mentions(body, &who))
            .map_err(fail)?;
        for known in &mut self.model.all {
            let undelivered = known.gone.is_none() && known.delivered_at.is_none();
            if undelivered && known.recipe.learner == learner {
                known.gone = Some(Gone::Erased);
            }
        }
        Ok(())
    }

    fn sync_by_hand(&mut self, which: usize) {
        // One session at a time: a sync by hand takes the place of one that only waits.
        if let State::Idle(_) | State::Sleeping(..) = self.processes[which].state {
            self.tell(|world| format!("{}: sync by hand", world.processes[which].name));
            self.start(which, true);
        }
    }

    /// The app means another LRS, as `set_endpoint` has it: its password is another one's affair.
    pub fn mean_another(&mut self) -> Result<(), String> {
        let next = self.rng.usize(..self.lrss.len());
        if next == self.target {
            return Ok(());
        }
        let base = self.lrss[next].base.clone();
        let (db, _) = self.db(0);
        if let Err(error) = db.set_endpoint(&base) {
            return self.may_fail(error);
        }
        self.tally.fault("app: another LRS is meant");
        self.tell(|_| format!("the app means LRS {next}"));
        (self.target, self.meant_since) = (next, self.now);
        self.login = Login::Nothing;
        self.patience.forget();
        if self.rng.u32(..3) > 0 {
            self.put_right()?;
        }
        self.wake();
        self.check()
    }

    /// The app sets the right password, as `set_credentials` does it.
    pub fn put_right(&mut self) -> Result<(), String> {
        self.tell(|_| "the app sets the right credentials".to_owned());
        self.login = Login::Password(self.target, self.meant().password);
        let (db, _) = self.db(0);
        if let Err(error) = db.relearn(Learned::credentials_are_right) {
            self.may_fail(error)?;
        }
        self.patience.unlock();
        self.wake();
        Ok(())
    }

    /// What waited for the app need not any more.
    fn wake(&mut self) {
        let now: Millis = self.now;
        for process in &mut self.processes {
            process.plan(now);
        }
    }
}
