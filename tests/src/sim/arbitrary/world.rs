//! The whole of one run: a device, its app, a network, and servers that may do anything.

use std::collections::BTreeMap;

use pannier::clock::{Now, Steady};
use pannier::lrs::{Authorization, Credentials, Method, Request};
use pannier::store::{Db, Millis, StoreError};
use uuid::Uuid;

use super::device::Process;
use super::gate::Gate;
use super::lrs::Lrs;
use super::patience::Patience;
use super::plan::Plan;
use crate::sim::check::Snapshot;
use crate::sim::disk::Disk;
use crate::sim::lrs::{authorization, header};
use crate::sim::model::Model;
use crate::sim::statement::Kind;
use crate::sim::tally::Tally;
use crate::sim::times::Times;
use crate::sim::world::SECRET;

/// As whom the app knows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// With this password, which belongs to this LRS.
    Password(usize, u32),
    /// As nobody.
    Nothing,
    /// By something that no LRS can read.
    Garbled,
}

/// A run under way.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each tells something of its own"
)]
pub struct World {
    /// What it is made of.
    pub plan: Plan,
    /// All chance.
    pub rng: fastrand::Rng,
    /// True time, unix milliseconds.
    pub now: Millis,
    /// The device's clock minus the true time.
    pub clock: Millis,
    /// Every clock there was.
    pub times: Times,
    /// When the device's clock last jumped; true time.
    pub jumped_at: Option<Millis>,
    /// The LRSs.
    pub lrss: Vec<Lrs>,
    /// What stands before each.
    pub gates: Vec<Option<Gate>>,
    /// Which one the app means.
    pub target: usize,
    /// Since when; true time.
    pub meant_since: Millis,
    /// As whom the app knows itself.
    pub login: Login,
    /// The device's start, true time, and its name.
    pub started: (Millis, i64),
    /// The disk is full.
    pub full: bool,
    /// The file.
    pub disk: Disk,
    /// Those who have it open.
    pub processes: Vec<Process>,
    /// What must be true.
    pub model: Model,
    /// What the LRS that is meant may expect.
    pub patience: Patience,
    /// What happened, in numbers.
    pub tally: Tally,
    /// What happened, in words, if anybody asked.
    pub trace: Option<Vec<String>>,
    /// What the trace last said of a statement.
    pub told: BTreeMap<usize, String>,
    /// The next step of a session ends in a kill.
    pub doomed: bool,
    /// A kill or a full disk broke off what the store was at: what it had begun is known to nobody.
    pub unsure: bool,
    /// How many statements of this run were made.
    pub made: u64,
    /// The servers have settled down.
    pub settled: bool,
}

impl World {
    /// The device's clock.
    pub fn device_now(&self) -> Millis {
        self.now + self.clock
    }

    /// What the device's clocks say.
    pub fn clocks(&self) -> Now {
        let (at, boot) = self.started;
        Now {
            wall_ms: self.device_now(),
            steady: self.plan.steady.then_some(Steady {
                ms: self.now - at,
                boot,
            }),
        }
    }

    /// The LRS that the app means.
    pub fn meant(&self) -> &Lrs {
        &self.lrss[self.target]
    }

    /// One line of the trace.
    pub fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!(
                "{:>12.3} s  {}",
                (self.now - crate::sim::START) as f64 / 1000.0,
                line(self)
            );
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    /// One step of a run: by chance something goes wrong, the app acts, or what is planned happens.
    pub fn step(&mut self) -> Result<(), String> {
        self.tally.steps += 1;
        let mut chance = self.rng.u32(..1000);
        let mut is = |likely: u32| {
            let hit = chance < likely;
            chance = if hit { u32::MAX } else { chance - likely };
            hit
        };
        let plan = &self.plan;
        let (app, switches, kills, jumps, operators, disk) = (
            plan.app,
            plan.switches,
            plan.kills,
            plan.jumps,
            plan.operators,
            plan.disk,
        );
        if is(app) {
            self.app()
        } else if is(switches) {
            self.mean_another()
        } else if is(kills) {
            self.die()
        } else if is(jumps) {
            self.jump();
            Ok(())
        } else if is(operators) {
            self.operate();
            Ok(())
        } else if is(disk) {
            self.fill_disk(!self.full)
        } else {
            self.advance()
        }
    }

    fn jump(&mut self) {
        self.clock = super::plan::draw_clock(&mut self.rng);
        self.jumped_at = Some(self.now);
        self.times.device(self.now, self.started.1, self.clock);
        self.patience.forget();
        self.tally.fault("device: the clock jumps");
        self.tell(|world| format!("the clock is off by {} ms now", world.clock));
    }

    fn operate(&mut self) {
        let target = self.target;
        match self.rng.u32(..3) {
            0 => {
                self.lrss[target].password += 1;
                self.tally.fault("lrs: another password");
                self.tell(|_| "the LRS has another password".to_owned());
            }
            1 => {
                let ahead = super::plan::draw_clock(&mut self.rng);
                self.lrss[target].ahead = ahead;
                self.times.lrs(ahead);
                self.tally.fault("lrs: its clock is set");
                self.tell(|_| format!("the LRS's clock is off by {ahead} ms"));
            }
            _ => {
                self.login = [Login::Nothing, Login::Garbled][self.rng.usize(..2)];
                self.patience.unlock();
                self.tell(|world| format!("the app logs in as {:?}", world.login));
            }
        }
    }

    /// As whom the app knows itself.
    pub fn authorization(&self) -> Option<Authorization> {
        let credentials = match self.login {
            Login::Password(_, n) => Credentials::Basic {
                user: "app".to_owned(),
                password: format!("{SECRET}{n}"),
            },
            Login::Garbled => Credentials::Bearer(format!("{SECRET}token")),
            Login::Nothing => return None,
        };
        credentials.authorization().ok()
    }

    /// The header of it.
    pub fn knows_itself_as(&self) -> Option<String> {
        match self.login {
            Login::Password(_, n) => Some(authorization(n)),
            Login::Garbled => Some(format!("Bearer {SECRET}token")),
            Login::Nothing => None,
        }
    }

    /// Which LRS this request goes to, if nothing of it is what must never leave; and the statements in it.
    pub fn may_leave(&mut self, request: &Request) -> Result<(usize, Vec<Uuid>), String> {
        let goes_to = |lrs: &Lrs| request.url.starts_with(&format!("{}/", lrs.base));
        let to = self.lrss.iter().position(goes_to);
        let to =
            to.ok_or_else(|| format!("K6: sent to nobody that was ever meant: {}", request.url))?;
        let secret = header(request, "Authorization");
        // The passwords of an LRS begin with its number.
        let belongs_to = |at: &usize| {
            let first = *at as u32 * 1000;
            (first..=self.lrss[*at].password).any(|n| secret == Some(&*authorization(n)))
        };
        if let Some(owner) = (0..self.lrss.len()).find(belongs_to)
            && owner != to
        {
            return Err(format!(
                "I11: the secret of LRS {owner} was sent to LRS {to}"
            ));
        }
        let ids = crate::sim::order::posted(request, &mut self.model, &self.times)?;
        if to != self.target && request.method == Method::Post {
            return Err(format!(
                "K6: statements were sent to LRS {to} while LRS {} is meant",
                self.target
            ));
        }
        let modern = |id: &&Uuid| {
            self.model
                .get(**id)
                .is_some_and(|known| known.recipe.kind == Kind::Modern)
        };
        if header(request, super::served::MARK) != Some("2.0.0")
            && let Some(id) = ids.iter().find(modern)
        {
            return Err(format!(
                "A4: {id} needs 2.0.0 and was sent under another version"
            ));
        }
        if to == self.target
            && let Some(broken) = self.patience.broken_by(request, self.now)
        {
            return Err(broken);
        }
        Ok((to, ids))
    }

    /// Everything that always holds.
    pub fn check(&mut self) -> Result<(), String> {
        self.tally.checks += 1;
        let snapshot = self.snapshot()?;
        if self.trace.is_some() {
            self.tell_moves(&snapshot);
        }
        super::truth::check(&snapshot, self)
    }

    /// For the trace: what changed its place.
    fn tell_moves(&mut self, snapshot: &Snapshot) {
        for at in 0..self.model.all.len() {
            let known = &self.model.all[at];
            let place = match known.gone {
                Some(gone) => format!("{gone:?}"),
                None => format!("{:?}", snapshot.place(known.recipe.id)),
            };
            if self.told.get(&at).is_none_or(|told| *told != place) {
                let kind = known.recipe.kind.word();
                self.tell(|_| format!("    {at} ({kind}) is {place}"));
                self.told.insert(at, place);
            }
        }
    }

    /// What the database says.
    pub fn snapshot(&self) -> Result<Snapshot, String> {
        Snapshot::read(&self.processes[0].db).map_err(fail)
    }

    /// A process's connection, and the device's clock.
    pub fn db(&mut self, which: usize) -> (&mut Db, Millis) {
        let now = self.device_now();
        (&mut self.processes[which].db, now)
    }

    /// A full disk is an error of that call, and changes nothing.
    #[allow(clippy::needless_pass_by_value, reason = "for map_err")]
    pub fn may_fail(&mut self, error: StoreError) -> Result<(), String> {
        if !self.full || error != StoreError::DiskFull {
            return Err(fail(error));
        }
        self.tally.fault("device: a call fails for the full disk");
        self.tell(|_| "fails: the disk is full".to_owned());
        Ok(())
    }
}

/// No call on a healthy disk may fail.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn fail(error: StoreError) -> String {
    format!("the store failed: {error}")
}
