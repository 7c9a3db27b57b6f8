//! The whole of one run: a device, its app, and whatever servers there are, in virtual time.
//!
//! Everything that happens is one step of this loop, chosen by the seed. After each step everything
//! that always holds is checked. The device and its app are the same against any [`Servers`].

use std::collections::BTreeMap;
use std::fmt::Debug;

use pannier::clock::{Now, Steady};
use pannier::lrs::{Authorization, Credentials, Request};
use pannier::statement::Prepared;
use pannier::store::{Db, HoldReason, Holder, Millis, StoreError, UpstreamId};
use pannier::sync::{Ended, SessionConfig, Ticket};
use uuid::Uuid;

use super::START;
use super::check::{Snapshot, check, check_history};
use super::disk::Disk;
use super::drain::Drained;
use super::lanes::{Lane, Later};
use super::lrs;
use super::model::{Known, Model};
use super::process::{Flight, Process, State};
use super::statement::{Kind, Recipe};
use super::tally::Tally;
use super::times::Times;

/// How every password of the app begins; nothing may tell it.
pub const SECRET: &str = "secret-";

/// The same as the header has it: `app:secret`.
pub const SECRET_IN_BASE64: &str = "YXBwOnNlY3JldC";

/// As whom the app knows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// With that password.
    Password(u32),
    /// As nobody.
    Nothing,
    /// By something that no LRS can read.
    Garbled,
}

impl Login {
    /// The header that it makes.
    pub fn header(self) -> Option<String> {
        match self {
            Self::Password(n) => Some(lrs::authorization(n)),
            Self::Garbled => Some(format!("Bearer {SECRET}token")),
            Self::Nothing => None,
        }
    }
}

/// What stands behind the network, and what is demanded of a device before it.
pub trait Servers: Debug + Sized {
    /// What a run against them is made of.
    type Plan: Settings;
    /// What the world knows of a request under way and the device does not.
    type Behind: Debug;

    /// A session's settings as the app has them now.
    fn config(world: &World<Self>, by_hand: bool) -> SessionConfig;
    /// Whether a session may begin, and if so whether it knows that nobody else has one.
    fn alone(world: &World<Self>, which: usize) -> Option<bool>;
    /// A request leaves, if it may: who answers it what, and when.
    fn carry(
        world: &mut World<Self>,
        which: usize,
        flights: &[Flight<Self::Behind>],
        ticket: Ticket,
        request: Request,
    ) -> Result<Flight<Self::Behind>, String>;
    /// The device took notice of what came of this one; the others are still under way.
    fn learn(
        world: &mut World<Self>,
        flight: &Flight<Self::Behind>,
        others: &mut [Flight<Self::Behind>],
    );
    /// The device died while it took notice.
    fn learn_and_die(_: &mut World<Self>, _: &Flight<Self::Behind>) {}
    /// It went to one that is not meant any more.
    fn is_left(world: &World<Self>, flight: &Flight<Self::Behind>) -> bool;
    /// What is under way is given up for an error of the store: nobody on the device knows what comes
    /// of it.
    fn lose_sight(world: &mut World<Self>, flights: &[Flight<Self::Behind>]);
    /// Nobody waits any more for what is under way.
    fn hang_up(_: &mut World<Self>, _: Vec<Flight<Self::Behind>>) {}
    /// When a session is tried again that ended because the app must act.
    fn without_the_app(world: &World<Self>) -> Option<Millis>;
    /// A session ended.
    fn ended(_: &mut World<Self>, _which: usize, _: &Ended) -> Result<(), String> {
        Ok(())
    }

    /// One thing that an app does.
    fn app(world: &mut World<Self>) -> Result<(), String>;
    /// One thing that happens to what is behind the network, or to the way there.
    fn change(world: &mut World<Self>) -> Result<(), String>;
    /// One thing that ends a process, a session or a call.
    fn die(world: &mut World<Self>) -> Result<(), String>;
    /// The device's clock jumps.
    fn jump(world: &mut World<Self>);
    /// One thing that operators do.
    fn operate(world: &mut World<Self>);
    /// All faults end, and everything comes to where it belongs.
    fn settle(world: &mut World<Self>) -> Result<(), String>;

    /// The kind of statement that the app records next.
    fn draw_kind(world: &mut World<Self>) -> Kind;
    /// A statement of this kind.
    fn recipe(world: &mut World<Self>, kind: Kind) -> Recipe;
    /// The LRS has it, or another one under its id, by somebody else.
    fn come_from_elsewhere(world: &mut World<Self>, recipe: &Recipe, ours: &Prepared);
    /// The app takes a statement back.
    fn retract(world: &mut World<Self>, which: usize) -> Result<(), String>;
    /// The app put another statement in the place of this one.
    fn replaced(_: &mut World<Self>, _: Uuid) {}
    /// The app acted, or somebody syncs by hand.
    fn unlock(world: &mut World<Self>);

    /// The LRS that is meant has, or had, what left the queue as delivered.
    fn has(world: &World<Self>, known: &Known) -> bool;
    /// May it be held for this reason?
    fn deserves(world: &World<Self>, known: &Known, reason: HoldReason) -> bool;

    /// After the faults have ended: nothing is under way that must end first.
    fn is_at_rest(world: &World<Self>) -> bool;
    /// Whoever plans something until then is waited for before the app records one more, which is due
    /// at `fresh_at`.
    fn soon(world: &World<Self>, fresh_at: Millis) -> Millis;
    /// The app records one more.
    fn refresh(world: &mut World<Self>) -> Result<(), String>;
    /// It is where it ends.
    fn belongs(world: &World<Self>, known: &Known, snapshot: &Snapshot) -> bool;
    /// For the one that is not: what should be.
    fn why_not_there(_: &World<Self>, _: &Known, _: &Snapshot) -> String {
        String::new()
    }
    /// All are where they end: it must not have cost too much, and be as it was recorded.
    fn judge(world: &World<Self>, drained: Drained) -> Result<(), String>;
}

/// What the device's part of a run is made of.
pub trait Settings: Debug {
    /// Things that happen before all faults end.
    fn steps(&self) -> u32;
    /// Processes with the same file.
    fn processes(&self) -> usize;
    /// The device's clock minus the true time, at first.
    fn clock(&self) -> Millis;
    /// The device has a steady clock.
    fn steady(&self) -> bool;
    /// How likely a step, of a thousand, is the app, a change, a death, a jump of the clock, an
    /// operator, and the disk.
    fn chances(&self) -> [u32; 6];
}

/// A run under way.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; together they are no state"
)]
pub struct World<S: Servers> {
    /// What it is made of.
    pub plan: S::Plan,
    /// All chance.
    pub rng: fastrand::Rng,
    /// True time, unix milliseconds.
    pub now: Millis,
    /// The device's clock minus the true time.
    pub clock: Millis,
    /// Every clock there was.
    pub times: Times,
    /// When the device's clock jumped; true time.
    pub jumps: Vec<Millis>,
    /// What stands behind the network, and what is demanded of the device.
    pub servers: S,
    /// As whom the app knows itself.
    pub login: Login,
    /// The device's start, true time, and its name.
    pub started: (Millis, i64),
    /// The disk is full.
    pub full: bool,
    /// The file.
    pub disk: Disk,
    /// Those who have it open.
    pub processes: Vec<Process<S::Behind>>,
    /// What must be true.
    pub model: Model,
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
    /// The upstream that the world is about now, and its name.
    pub upstream: UpstreamId,
    /// The same.
    pub name: String,
    /// Requests to it.
    pub requests: u64,
    /// It gets only what is good, and what voids.
    pub only_good: bool,
    /// The others.
    pub others: Vec<Lane<S>>,
    /// One more, that the app adds later.
    pub later: Option<Later<S>>,
}

impl<S: Servers> World<S> {
    /// A run that has not begun.
    pub fn new(
        plan: S::Plan,
        mut rng: fastrand::Rng,
        (disk, trace): (Disk, bool),
        servers: S,
        (login, base): (Login, &str),
    ) -> Result<Self, String> {
        let (boot, clock) = (1, plan.clock());
        let mut times = Times::default();
        times.device(START, boot, clock);
        let mut processes = Vec::new();
        for at in 0..plan.processes() {
            let mut db = disk.open(START + clock)?;
            db.set_endpoint(UpstreamId::MAIN, base).map_err(fail)?;
            processes.push(Process {
                name: char::from(b'A' + at as u8),
                holder: Holder(rng.u128(..).to_be_bytes()),
                db,
                state: State::Idle(Some(START)),
            });
        }
        let mut world = Self {
            rng,
            now: START,
            clock,
            times,
            jumps: Vec::new(),
            servers,
            login,
            started: (START - 3_600_000, boot),
            full: false,
            disk,
            processes,
            model: Model::default(),
            tally: Tally {
                seeds: 1,
                ..Tally::default()
            },
            trace: trace.then(Vec::new),
            told: BTreeMap::new(),
            doomed: false,
            unsure: false,
            made: 0,
            upstream: UpstreamId::MAIN,
            name: "main".to_owned(),
            requests: 0,
            only_good: false,
            others: Vec::new(),
            later: None,
            plan,
        };
        world.tell(|world| format!("{:#?}", world.plan));
        Ok(world)
    }

    /// All of it.
    pub fn run(&mut self) -> Result<(), String> {
        for _ in 0..self.plan.steps() {
            self.step()?;
        }
        S::settle(self)
    }

    /// One step of a run: by chance something goes wrong, the app acts, or what is planned happens.
    fn step(&mut self) -> Result<(), String> {
        self.tally.steps += 1;
        self.turn_to_any();
        let mut chance = self.rng.u32(..1000);
        let mut is = |likely: u32| {
            let hit = chance < likely;
            chance = if hit { u32::MAX } else { chance - likely };
            hit
        };
        let [app, outside, death, jump, operator, disk] = self.plan.chances();
        if is(app) {
            S::app(self)
        } else if is(outside) {
            S::change(self)
        } else if is(death) {
            S::die(self)
        } else if is(jump) {
            S::jump(self);
            Ok(())
        } else if is(operator) {
            S::operate(self);
            Ok(())
        } else if is(disk) {
            self.fill_disk(!self.full)
        } else {
            self.advance()
        }
    }

    /// The device's clock.
    pub fn device_now(&self) -> Millis {
        self.now + self.clock
    }

    /// When the device's clock last jumped; true time.
    pub fn jumped_at(&self) -> Option<Millis> {
        self.jumps.last().copied()
    }

    /// What the device's clocks say.
    pub fn clocks(&self) -> Now {
        let (at, boot) = self.started;
        Now {
            wall_ms: self.device_now(),
            steady: self.plan.steady().then_some(Steady {
                ms: self.now - at,
                boot,
            }),
        }
    }

    /// As whom the app knows itself.
    pub fn authorization(&self) -> Option<Authorization> {
        let credentials = match self.login {
            Login::Password(n) => Credentials::Basic {
                user: "app".to_owned(),
                password: format!("{SECRET}{n}"),
            },
            Login::Garbled => Credentials::Bearer(format!("{SECRET}token")),
            Login::Nothing => return None,
        };
        credentials.authorization().ok()
    }

    /// One line of the trace.
    pub fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!(
                "{:>12.3} s  {}",
                (self.now - START) as f64 / 1000.0,
                line(self)
            );
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    /// Everything that always holds.
    pub fn check(&mut self) -> Result<(), String> {
        self.for_each_upstream(Self::check_this)?;
        check_history(self)
    }

    fn check_this(&mut self) -> Result<(), String> {
        self.tally.checks += 1;
        let snapshot = self.snapshot()?;
        if self.trace.is_some() {
            self.tell_moves(&snapshot);
        }
        let checked = check(&snapshot, self);
        checked.map_err(|wrong| match self.upstream {
            UpstreamId::MAIN => wrong,
            upstream => format!("upstream {upstream}: {wrong}"),
        })
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
        Snapshot::read(&self.processes[0].db, self.upstream).map_err(fail)
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
