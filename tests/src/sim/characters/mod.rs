//! The characters: one LRS that does what a real one was seen to do, behind a network and its weather.

mod app;
mod chaos;
mod deserves;
mod drain;
mod network;
mod plan;
mod promises;
mod session;
mod weather;

use pannier::lrs::{Endpoint, Request};
use pannier::statement::Prepared;
use pannier::store::{HoldReason, Millis, Problem};
use pannier::sync::{Ended, SessionConfig, Ticket};
use uuid::Uuid;

use super::check::Snapshot;
use super::disk::Disk;
use super::drain::Drained;
use super::lrs::Lrs;
use super::model::Known;
use super::process::Process;
use super::statement::{Kind, Recipe};
use super::world::{self, Login, Servers, Settings};

use plan::Plan;
use promises::Promises;
use session::{Behind, Flight};
use weather::Weather;

/// A run before one LRS of a character.
pub type World = world::World<Characters>;

/// The LRS, and what stands before it.
#[derive(Debug)]
pub struct Characters {
    /// The LRS.
    lrs: Lrs,
    /// What stands before it.
    weather: Weather,
    /// Which base URL the app knows.
    base: String,
    /// What must not be done for a while.
    promises: Promises,
}

/// A run that has not begun.
pub fn draw(seed: u64, disk: Disk, trace: bool) -> Result<World, String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let plan = Plan::draw(&mut rng);
    let mut lrs = Lrs::new(plan.character);
    lrs.max_bytes = plan.lrs_max_bytes;
    lrs.forbids_voiding = plan.forbids_voiding;
    lrs.bears = plan.lrs_bears;
    let (character, ahead, base) = (plan.character.name, plan.lrs_ahead, lrs.base.clone());
    let servers = Characters {
        lrs,
        weather: Weather::Fine,
        base: base.clone(),
        promises: Promises::default(),
    };
    let login = Login::Password(0);
    let mut world = World::new(plan, rng, (disk, trace), servers, (login, &base))?;
    world.tally.characters.insert(character, 1);
    world.times.lrs(0);
    world.set_lrs_clock(ahead);
    Ok(world)
}

impl Settings for Plan {
    fn steps(&self) -> u32 {
        self.steps
    }

    fn processes(&self) -> usize {
        self.processes
    }

    fn clock(&self) -> Millis {
        self.clock
    }

    fn steady(&self) -> bool {
        self.steady
    }

    fn chances(&self) -> [u32; 6] {
        [
            self.app,
            self.weather,
            self.kills,
            self.jumps,
            self.operators,
            self.disk,
        ]
    }
}

impl Servers for Characters {
    type Plan = Plan;
    type Behind = Behind;

    fn config(world: &World, by_hand: bool) -> SessionConfig {
        SessionConfig {
            upstream: world.upstream,
            name: world.name.clone(),
            endpoint: Endpoint::parse(&world.servers.base).expect("an endpoint of our own"),
            authorization: world.authorization(),
            version: world.plan.version,
            max_statements: world.plan.max_statements,
            max_bytes: world.plan.max_bytes,
            requests_in_flight: world.plan.in_flight,
            write_only: false,
            trust_lrs_clock: false,
            history: world.plan.history,
            by_hand,
        }
    }

    /// What the operating system's lock tells. Two processes have none here: who had it would keep the
    /// other from beginning, also while it sleeps, and then the lease would never be put to the test. In
    /// the arbitrary world they have one or not.
    fn alone(world: &World, _: usize) -> Option<bool> {
        Some(world.processes.len() == 1)
    }

    fn carry(
        world: &mut World,
        which: usize,
        flights: &[Flight],
        ticket: Ticket,
        request: Request,
    ) -> Result<Flight, String> {
        world.carry(which, flights, ticket, request)
    }

    fn learn(world: &mut World, flight: &Flight, others: &mut [Flight]) {
        world.learn(flight, others);
    }

    fn is_left(world: &World, flight: &Flight) -> bool {
        !world.is_meant(flight)
    }

    fn lose_sight(world: &mut World, flights: &[Flight]) {
        let ids = flights.iter().flat_map(|one| &one.ids);
        world.model.excused.extend(ids);
    }

    fn without_the_app(_: &World) -> Option<Millis> {
        None
    }

    fn ended(world: &mut World, which: usize, ended: &Ended) -> Result<(), String> {
        match ended {
            Ended::NeedsApp { trouble }
                if trouble.problem == Problem::Credentials && world.plan.provider =>
            {
                world.put_right(which)
            }
            _ => Ok(()),
        }
    }

    fn app(world: &mut World) -> Result<(), String> {
        world.app()
    }

    fn change(world: &mut World) -> Result<(), String> {
        world.change_weather();
        Ok(())
    }

    fn die(world: &mut World) -> Result<(), String> {
        world.die()
    }

    fn jump(world: &mut World) {
        world.jump();
    }

    fn operate(world: &mut World) {
        world.operate();
    }

    fn settle(world: &mut World) -> Result<(), String> {
        world.heal()?;
        world.drain()
    }

    fn draw_kind(world: &mut World) -> Kind {
        world.draw_kind()
    }

    fn recipe(world: &mut World, kind: Kind) -> Recipe {
        world.recipe(kind)
    }

    fn come_from_elsewhere(world: &mut World, recipe: &Recipe, ours: &Prepared) {
        world.come_from_elsewhere(recipe, ours);
    }

    fn retract(world: &mut World, which: usize) -> Result<(), String> {
        world.retract(which)
    }

    fn replaced(world: &mut World, id: Uuid) {
        world.servers.promises.replaced(id);
    }

    fn unlock(world: &mut World) {
        world.unlock();
    }

    fn has(world: &World, known: &Known) -> bool {
        let lrs = &world.servers.lrs;
        lrs.ever_had(known.recipe.id, &known.body) || deserves::passes_for(known, lrs)
    }

    fn deserves(world: &World, known: &Known, reason: HoldReason) -> bool {
        deserves::deserves(known, reason, &world.servers.lrs, &world.model)
    }

    fn is_at_rest(world: &World) -> bool {
        world.processes.iter().all(Process::is_idle)
    }

    fn soon(world: &World, _: Millis) -> Millis {
        world.now + 30 * 60 * 1000
    }

    fn refresh(world: &mut World) -> Result<(), String> {
        world.put_right(0)?;
        world.record_good(0)
    }

    fn belongs(world: &World, known: &Known, snapshot: &Snapshot) -> bool {
        world.belongs(known, snapshot)
    }

    fn judge(world: &World, drained: Drained) -> Result<(), String> {
        world.judge(drained)
    }
}
