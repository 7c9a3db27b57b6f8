//! What the app does before one LRS of a character.

use pannier::statement::Prepared;
use pannier::store::{Learned, UpstreamId};
use uuid::Uuid;

use super::World;
use crate::sim::model::Gone;
use crate::sim::statement::{Kind, Recipe, prepared};
use crate::sim::world::{Login, fail};

impl World {
    /// One thing that an app does.
    pub fn app(&mut self) -> Result<(), String> {
        let which = self.rng.usize(..self.processes.len());
        match self.rng.u32(..100) {
            0..45 => {
                let count = match self.rng.u32(..12) {
                    0 if !self.plan.large => self.rng.u32(10..60),
                    1 if !self.plan.large && self.plan.in_flight > 1 => self.rng.u32(10..40),
                    _ => self.rng.u32(1..6),
                };
                for _ in 0..count {
                    self.record_any(which)?;
                }
                self.sync_soon(which);
            }
            45..50 => self.record_again(which)?,
            50..56 => self.retract(which)?,
            56..72 => self.act_on_held(which)?,
            72..74 => self.erase(which)?,
            74..88 => self.sync_by_hand(which),
            _ => self.put_right(which)?,
        }
        self.check()
    }

    /// The kind of the next statement.
    pub fn draw_kind(&mut self) -> Kind {
        if self.rng.u32(..1000) >= self.plan.trouble {
            return Kind::Good;
        }
        match self.rng.u32(..10) {
            0 | 1 => Kind::Bad,
            2 => Kind::Poison,
            3 if self.servers.lrs.max_bytes < usize::MAX => Kind::Big,
            4 => Kind::Conflict,
            5 => Kind::There,
            6 => Kind::Modern,
            7 => Kind::Near,
            8 | 9 => Kind::Voiding(self.draw_target()),
            _ => Kind::Good,
        }
    }

    /// The app records a good statement that lies in nobody's future.
    pub fn record_good(&mut self, which: usize) -> Result<(), String> {
        let recipe = Recipe {
            timestamp: Some(self.now + self.servers.lrs.ahead.min(0) - 60_000),
            ..self.recipe(Kind::Good)
        };
        self.record(which, recipe)
    }

    /// The LRS has it, or another one under its id, by somebody else.
    pub fn come_from_elsewhere(&mut self, recipe: &Recipe, ours: &Prepared) {
        let body = match recipe.kind {
            Kind::There => ours.body.clone(),
            Kind::Conflict => {
                let other = Recipe {
                    kind: Kind::Good,
                    n: recipe.n + 1_000_000,
                    ..*recipe
                };
                prepared(&other).body
            }
            Kind::Near => {
                let other = Recipe {
                    timestamp: Some(ours.timestamp_ms - 90_000),
                    ..*recipe
                };
                prepared(&other).body
            }
            _ => return,
        };
        self.servers.lrs.put(recipe.id, body, self.now);
    }

    /// A statement of this kind.
    pub fn recipe(&mut self, kind: Kind) -> Recipe {
        self.made += 1;
        let now = self.device_now();
        let timestamp = match self.rng.u32(..30) {
            // What the LRS has from elsewhere, or with another one, has the timestamp that the app gave.
            _ if matches!(kind, Kind::There | Kind::Near) => Some(now),
            _ if self.plan.calm => None,
            0 => Some(now + self.rng.i64(0..600_000)),
            1 => Some(now - self.rng.i64(0..100_000_000)),
            _ => None,
        };
        let padding = match (kind, self.plan.large) {
            (Kind::Big, _) => self.servers.lrs.max_bytes,
            (_, true) => self.rng.usize(30_000..90_000),
            (_, false) => self.rng.usize(0..400),
        };
        Recipe {
            kind,
            n: self.made,
            id: self.id(),
            learner: self.rng.u8(..3),
            timestamp,
            padding,
            now,
            content: None,
        }
    }

    /// What the LRS never had can be taken back.
    pub fn retract(&mut self, which: usize) -> Result<(), String> {
        let Some(known) = self.draw_known() else {
            return Ok(());
        };
        let (id, body) = (known.recipe.id, known.body.clone());
        let (db, now) = self.db(which);
        if db.retract(id, now).is_ok() {
            self.tell(|_| format!("retract {id}"));
            if self.servers.lrs.ever_had(id, &body) && !self.is_there_from_elsewhere(id) {
                return Err(format!("I3: {id} was retracted, and the LRS has it"));
            }
            self.leave(id, Gone::Retracted);
        }
        Ok(())
    }

    fn is_there_from_elsewhere(&self, id: Uuid) -> bool {
        self.model
            .get(id)
            .is_some_and(|known| known.recipe.kind == Kind::There)
    }

    /// The app learns the right password and the right endpoint, as `set_credentials` and
    /// `set_endpoint` do it.
    pub fn put_right(&mut self, which: usize) -> Result<(), String> {
        self.tell(|_| "the app sets credentials and endpoint".to_owned());
        let base = self.servers.lrs.base.clone();
        let moved = self.servers.base != base;
        let (db, _) = self.db(which);
        if moved && let Err(error) = db.set_endpoint(UpstreamId::MAIN, &base) {
            return self.may_fail(error);
        }
        (self.login, self.servers.base) = (Login::Password(self.servers.lrs.password), base);
        let (db, _) = self.db(which);
        db.relearn(UpstreamId::MAIN, Learned::credentials_are_right)
            .map_err(fail)?;
        if moved {
            self.servers.promises.forget();
        }
        self.unlock();
        for process in &mut self.processes {
            // A session keeps the endpoint that it began with; it is over soon.
            process.plan(self.now);
        }
        Ok(())
    }
}
