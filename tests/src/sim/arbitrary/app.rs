//! What the app does before arbitrary LRSs.

use pannier::statement::Prepared;
use pannier::store::{Learned, Millis, Refused, Unchanged};

use super::lrs::{Lrs, Seen};
use super::{World, introduce};
use crate::sim::DAY;
use crate::sim::check::Whereabouts;
use crate::sim::model::Gone;
use crate::sim::statement::{Contained, Kind, Recipe, prepared};
use crate::sim::world::Login;

impl World {
    /// One thing that an app does.
    pub fn app(&mut self) -> Result<(), String> {
        let which = self.rng.usize(..self.processes.len());
        if self.later.is_some() {
            let about = self.upstream;
            if self.add_later(which)? {
                introduce(self);
            }
            self.turn_to(about);
        }
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

    /// The kind of the next statement.
    pub fn draw_kind(&mut self) -> Kind {
        if self.rng.u32(..1000) >= self.plan.trouble {
            return Kind::Good;
        }
        match self.rng.u32(..8) {
            0 | 1 => Kind::Bad,
            2 => Kind::Poison,
            3 => Kind::Conflict,
            4 => Kind::There,
            5 => Kind::Modern,
            _ => Kind::Voiding(self.draw_target()),
        }
    }

    /// The app records a good statement.
    pub fn record_good(&mut self, which: usize) -> Result<(), String> {
        let recipe = self.recipe(Kind::Good);
        self.record(which, recipe)
    }

    /// The LRS that is meant has it, or another one under its id, by somebody else.
    pub fn come_from_elsewhere(&mut self, recipe: &Recipe, ours: &Prepared) {
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
            // Somebody who knows of no contents brought it to an LRS that takes it without.
            contents: match recipe.kind {
                Kind::There if recipe.n.is_multiple_of(3) => Vec::new(),
                _ => recipe.content.iter().map(|it| it.octets()).collect(),
            },
        };
        self.servers.lrss[self.servers.target].store(&seen, self.now, 0, None);
    }

    /// A statement of this kind.
    pub fn recipe(&mut self, kind: Kind) -> Recipe {
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
        let id = self.id();
        let chance = id.as_u128();
        let content = (self.plan.contents && chance.is_multiple_of(3)).then(|| Contained {
            seed: chance as u64,
            length: [0, 1, 60, 3_000, 20_000][(chance >> 64) as usize % 5],
        });
        Recipe {
            kind,
            n: self.made,
            id,
            learner: self.rng.u8(..3),
            timestamp,
            padding: self.rng.usize(0..400),
            now,
            content,
        }
    }

    /// What never left the device can be taken back, and of what has left it only what no LRS has, or comes to have by a
    /// request that is at work.
    pub fn retract(&mut self, which: usize) -> Result<(), String> {
        let Some(known) = self.draw_known() else {
            return Ok(());
        };
        let id = known.recipe.id;
        // It is taken back from all upstreams, or from none.
        let tries: u32 = self.known_anywhere(id).map(|known| known.times_sent).sum();
        let place = self.snapshot()?.place(id);
        let (db, now) = self.db(which);
        match db.retract(id, now) {
            Ok(()) => {
                self.tell(|_| format!("retract {id}"));
                self.for_each_upstream(|world| {
                    let lrss = &world.servers.lrss;
                    let is_there = world.model.get(id).is_some_and(|known| {
                        let has = |lrs: &Lrs| lrs.has_exactly(id, &known.body, Millis::MAX);
                        known.recipe.kind != Kind::There && lrss.iter().any(has)
                    });
                    if is_there {
                        return Err(format!("I3: {id} was retracted, and an LRS has it"));
                    }
                    // Where the app has given it up before, it stays so.
                    if world
                        .model
                        .get(id)
                        .is_some_and(|known| known.gone.is_none())
                    {
                        world.leave(id, Gone::Retracted);
                    }
                    Ok(())
                })
            }
            Err(Unchanged::Refused(Refused::Store(error))) => self.may_fail(error),
            Err(Unchanged::MayHaveBeenSent)
                if tries == 0
                    && !self.unsure
                    && matches!(place, Whereabouts::Queued | Whereabouts::Waiting(_)) =>
            {
                Err(format!(
                    "K7: {id} was in no request, and retract says it may have been"
                ))
            }
            Err(_) => Ok(()),
        }
    }

    /// The app means another LRS, as `set_endpoint` has it: its password is another one's affair.
    pub fn mean_another(&mut self) -> Result<(), String> {
        let next = self.rng.usize(..self.servers.lrss.len());
        if next == self.servers.target {
            return Ok(());
        }
        let base = self.servers.lrss[next].base.clone();
        let upstream = self.upstream;
        let (db, _) = self.db(0);
        if let Err(error) = db.set_endpoint(upstream, &base) {
            return self.may_fail(error);
        }
        self.tally.fault("app: another LRS is meant");
        self.tell(|_| format!("the app means LRS {next}"));
        (self.servers.target, self.servers.meant_since) = (next, self.now);
        self.login = Login::Nothing;
        // What is known of one LRS is forgotten with it.
        self.servers.lrss[next].signed = false;
        self.servers.patience.forget();
        if self.rng.u32(..3) > 0 {
            self.put_right()?;
        }
        self.wake();
        self.check()
    }

    /// The app sets the right password, as `set_credentials` does it.
    pub fn put_right(&mut self) -> Result<(), String> {
        self.tell(|_| "the app sets the right credentials".to_owned());
        self.login = Login::Password(self.meant().password);
        let upstream = self.upstream;
        let (db, _) = self.db(0);
        if let Err(error) = db.relearn(upstream, Learned::credentials_are_right) {
            self.may_fail(error)?;
        }
        self.servers.patience.unlock();
        self.wake();
        Ok(())
    }

    /// What waited for the app need not any more.
    fn wake(&mut self) {
        for process in &mut self.processes {
            process.plan(self.now);
        }
    }
}
