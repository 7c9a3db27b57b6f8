//! What the app does all the while, against any servers.

use pannier::statement::{self, Content, Fill, Prepared, XapiVersion};
use pannier::store::{Appended, HoldReason, Refused, Unchanged};
use uuid::Uuid;

use super::check::Whereabouts;
use super::model::{Gone, Known};
use super::process::State;
use super::statement::{Kind, Recipe, mbox, prepared};
use super::world::{Servers, World, fail};

impl<S: Servers> World<S> {
    /// One call that is one transaction.
    pub fn act_once(&mut self, which: usize) -> Result<(), String> {
        match self.rng.u32(..3) {
            0 => self.record_any(which),
            1 => S::retract(self, which),
            _ => self.act_on_held(which),
        }
    }

    pub fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid()
    }

    /// The app records a statement of any kind.
    pub fn record_any(&mut self, which: usize) -> Result<(), String> {
        let kind = S::draw_kind(self);
        let recipe = S::recipe(self, kind);
        self.record(which, recipe)
    }

    pub fn record(&mut self, which: usize, recipe: Recipe) -> Result<(), String> {
        let prepared = self.prepare(&recipe);
        let (db, now) = self.db(which);
        match db.append(&[&vec![prepared.clone()]], now).remove(0) {
            Ok(appended) if appended == [Appended::New] => {}
            Err(Refused::Store(error)) => return self.may_fail(error),
            other => return Err(format!("I1: record answered {other:?} to a new statement")),
        }
        self.tally.statements += 1;
        self.for_each_upstream(|world| {
            if world.only_good && !matches!(recipe.kind, Kind::Good | Kind::Voiding(_)) {
                return Ok(());
            }
            S::come_from_elsewhere(world, &recipe, &prepared);
            world.tell(|world| {
                let at = world.model.all.len();
                format!("record {at} {:?} {}", recipe.kind, recipe.id)
            });
            let (now, clock) = (world.now, world.clock);
            world.model.record(recipe, prepared.clone(), now, clock);
            Ok(())
        })
    }

    /// As `record` does it.
    fn prepare(&self, recipe: &Recipe) -> Prepared {
        let mut prepared = prepared(recipe);
        if prepared.timestamp_is_ours {
            prepared.steady = self.clocks().steady;
        }
        prepared
    }

    /// The app starts a sync after recording, as the collector's driver does by itself.
    pub fn sync_soon(&mut self, which: usize) {
        let at = self.now + self.rng.i64(0..30_000);
        self.processes[which].plan(at);
        self.plan_elsewhere(which, at);
    }

    /// The same statement twice, or another one under the same id.
    pub fn record_again(&mut self, which: usize) -> Result<(), String> {
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
        let is_given_up = self
            .known_anywhere(recipe.id)
            .any(|one| matches!(one.gone, Some(Gone::Discarded | Gone::Replaced)));
        let expected = match again.body == original {
            true if is_given_up => Ok(vec![Appended::Again]),
            true => Ok(vec![Appended::Known]),
            false => Err(Refused::OtherContent(recipe.id)),
        };
        let (db, now) = self.db(which);
        match db.append(&[&vec![again]], now).remove(0) {
            outcome if outcome == expected => {}
            Err(Refused::Store(error)) => return self.may_fail(error),
            outcome => return Err(format!("I2: recorded again: {outcome:?}")),
        }
        if expected == Ok(vec![Appended::Again]) {
            self.tally.statements += 1;
            self.take_in_again(recipe.id)?;
        }
        Ok(())
    }

    /// What was given up at some upstream is to be delivered there after all.
    fn take_in_again(&mut self, id: Uuid) -> Result<(), String> {
        let sealed = self.known_anywhere(id).any(|one| one.sent);
        let known = self.known_anywhere(id).find(|one| one.gone.is_none());
        let known = known.map(|one| one.anew(sealed));
        self.for_each_upstream(|world| {
            let is_given_up = world.model.get(id).is_some_and(|one| one.gone.is_some());
            if let (true, Some(known)) = (is_given_up, &known) {
                world.tell(|_| format!("record again {id}"));
                world.model.adopt_again(known.clone());
            }
            Ok(())
        })
    }

    pub fn draw_known(&mut self) -> Option<&Known> {
        let count = self.model.all.len();
        if count == 0 {
            return None;
        }
        let at = self.rng.usize(..count);
        Some(&self.model.all[at]).filter(|known| known.gone.is_none())
    }

    pub fn leave(&mut self, id: Uuid, how: Gone) {
        let recorded = self.model.all.len();
        if let Some(known) = self.model.get_mut(id) {
            known.leave(how, recorded);
        }
    }

    fn try_again(&mut self, id: Uuid) {
        if let Some(known) = self.model.get_mut(id) {
            known.retried = true;
        }
    }

    pub fn act_on_held(&mut self, which: usize) -> Result<(), String> {
        let held: Vec<(Uuid, HoldReason)> = self
            .snapshot()?
            .places
            .iter()
            .filter_map(|(id, (place, _))| match place {
                Whereabouts::Held(reason, _) => Some((*id, *reason)),
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
        let upstream = self.upstream;
        let (db, now) = self.db(which);
        let done = match choice {
            0 => db.retry(upstream, id, now).map(|()| self.try_again(id)),
            1 => db
                .discard(upstream, id, now)
                .map(|()| self.leave(id, Gone::Discarded)),
            2 => self.replace(which, id),
            3 => match db.keep_theirs(upstream, id, now) {
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
        let body = known.body.clone();
        recipe.id = self.id();
        let text = statement::successor(&body, old, recipe.id).expect("what was recorded is JSON");
        let fill = Fill {
            id: recipe.id,
            now_ms: self.device_now(),
        };
        let prepared = statement::prepare(&text, XapiVersion::V2_0_0, &fill);
        let contents: Vec<Content> = recipe
            .content
            .iter()
            .map(|it| Content::bytes(it.octets()))
            .collect();
        let prepared = prepared.expect("what was recorded is valid");
        let prepared = prepared
            .with_contents(&contents)
            .expect("it names the same contents");
        self.put_in_place(which, old, recipe, prepared)
    }

    fn replace(&mut self, which: usize, id: Uuid) -> Result<(), Unchanged> {
        let kind = match self.model.get(id).map(|known| known.recipe.kind) {
            // The other statement stays at the LRS.
            Some(kind @ (Kind::Conflict | Kind::Near)) if self.others.is_empty() => kind,
            _ => Kind::Good,
        };
        // Others are to get the old one under the old id, or it came there in spite of a lost answer.
        let is_there = self.model.get(id).is_some_and(|known| S::has(self, known));
        let may_keep_id = self.others.is_empty() && (kind != Kind::Good || !is_there);
        let keeps_id = may_keep_id && (kind != Kind::Good || self.rng.bool());
        let mut recipe = S::recipe(self, kind);
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
        let upstream = self.upstream;
        let (db, now) = self.db(which);
        db.replace(upstream, id, &prepared, now)?;
        self.leave(id, Gone::Replaced);
        S::replaced(self, id);
        self.tally.statements += 1;
        self.model.record(recipe, prepared, self.now, self.clock);
        Ok(())
    }

    pub fn erase(&mut self, which: usize) -> Result<(), String> {
        if self.full {
            // It erases and then fails to leave no trace: an error after which it is called again.
            return Ok(());
        }
        let learner = self.rng.u8(..3);
        self.tell(|_| format!("erase learner {learner}"));
        let who = statement::model::Ifi::Mbox(mbox(learner));
        let (db, now) = self.db(which);
        db.erase(now, &|body| statement::mentions(body, &who))
            .map_err(fail)?;
        self.for_each_upstream(|world| {
            let recorded = world.model.all.len();
            for known in &mut world.model.all {
                let undelivered = known.gone.is_none() && known.delivered_at.is_none();
                if undelivered && known.recipe.learner == learner {
                    known.leave(Gone::Erased, recorded);
                }
            }
            Ok(())
        })
    }

    pub fn sync_by_hand(&mut self, which: usize) {
        // One session at a time: a sync by hand takes the place of one that only waits.
        if let State::Idle(_) | State::Sleeping(..) = self.processes[which].state {
            self.tell(|world| format!("{}: sync by hand", world.processes[which].name));
            self.start(which, true);
        }
    }

    /// One that was recorded, for a voiding to name; or none that ever was.
    pub fn draw_target(&mut self) -> Uuid {
        match self.model.all.len() {
            0 => self.id(),
            known => {
                let target = self.model.all[self.rng.usize(..known)].recipe.id;
                // Where it is for some only, so is the voiding.
                if self.is_for_all(target) {
                    target
                } else {
                    self.id()
                }
            }
        }
    }
}
