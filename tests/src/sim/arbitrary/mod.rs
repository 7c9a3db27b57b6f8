//! Arbitrary servers: what a server does, says and shows is drawn from a grammar, for each request anew,
//! or for good, and who answers is drawn as well.
//!
//! The truth is the world's: what is stored where and since when, what is at work when, where each secret
//! went, who refused what and when. `docs/simulation.md` says what a server may do and what a device may
//! rely on. No expectation here comes from a constant of the product: a request carries its own time-out.

mod app;
mod chance;
mod copies;
mod device;
mod exchange;
mod gate;
mod habit;
mod lrs;
mod obey;
mod patience;
mod plan;
mod served;
mod settle;
mod truth;
mod wild;

use pannier::lrs::{Endpoint, Request};
use pannier::statement::Prepared;
use pannier::store::{HoldReason, Millis};
use pannier::sync::{SessionConfig, Ticket};

use super::START;
use super::check::Snapshot;
use super::disk::Disk;
use super::drain::Drained;
use super::lanes::Later;
use super::model::Known;
use super::process;
use super::session::LONGEST_SLEEP;
use super::statement::{Kind, Recipe};
use super::world::{self, Login, Servers, Settings};

use exchange::Behind;
use gate::Gate;
use habit::{Habit, OnContents, ShowsContents};
use lrs::Lrs;
use patience::Patience;
use plan::Plan;

/// A run before arbitrary LRSs.
pub type World = world::World<Arbitrary>;

/// A request under way.
type Flight = process::Flight<Behind>;

/// The LRSs, and what stands before them.
#[derive(Debug)]
pub struct Arbitrary {
    /// The LRSs.
    lrss: Vec<Lrs>,
    /// What stands before each.
    gates: Vec<Option<Gate>>,
    /// Which one the app means.
    target: usize,
    /// Since when; true time.
    meant_since: Millis,
    /// What the LRS that is meant may expect.
    patience: Patience,
}

/// A run that has not begun.
pub fn draw(seed: u64, disk: Disk, trace: bool) -> Result<World, String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let plan = Plan::draw(&mut rng);
    let lrss = plan.lrss;
    let (servers, login, base) = draw_servers(0, lrss, &mut rng);
    let mut world = World::new(plan, rng, (disk, trace), servers, (login, &base))?;
    // By a chance of their own, so that the runs with one upstream are what they were.
    let mut more = fastrand::Rng::with_seed(seed ^ MORE_UPSTREAMS);
    if more.u32(..4) == 0 {
        for number in 1..more.usize(2..=MOST_UPSTREAMS) {
            let (servers, login, base) = draw_servers(number * 10, lrss, &mut more);
            let only_good = more.bool();
            world.add_upstream(servers, (login, &base), only_good)?;
        }
    }
    if more.u32(..4) == 0 {
        let (servers, login, base) = draw_servers(LATER * 10, lrss, &mut more);
        world.later = Some(Later {
            after: more.u64(3..60),
            servers,
            login,
            base,
            only_good: more.bool(),
            history: world.plan.history,
        });
    }
    let mut contents = fastrand::Rng::with_seed(seed ^ CONTENTS);
    if contents.u32(..3) == 0 {
        world.plan.contents = true;
        world.for_each_upstream(|world| {
            draw_contents(&mut world.servers, &mut contents);
            Ok(())
        })?;
        if let Some(later) = &mut world.later {
            draw_contents(&mut later.servers, &mut contents);
        }
    }
    world.for_each_upstream(|world| {
        introduce(world);
        Ok(())
    })?;
    Ok(world)
}

/// What tells the chance of further upstreams from all other chance of a seed.
const MORE_UPSTREAMS: u64 = 0x7570_7374_7265_616d;

/// What tells the chance of contents of attachments from all other chance of a seed.
const CONTENTS: u64 = 0x636f_6e74_656e_7473;

/// What these LRSs do with contents.
fn draw_contents(servers: &mut Arbitrary, rng: &mut fastrand::Rng) {
    for lrs in &mut servers.lrss {
        lrs.habit.contents = OnContents::draw(rng);
        lrs.habit.shows_contents = ShowsContents::draw(rng);
    }
}

/// Most upstreams with which a run begins.
const MOST_UPSTREAMS: usize = 3;

/// Number of the one that is added later.
const LATER: usize = MOST_UPSTREAMS;

/// So many LRSs, numbered from there on, and as whom the app knows itself at the first.
fn draw_servers(first: usize, lrss: usize, rng: &mut fastrand::Rng) -> (Arbitrary, Login, String) {
    let lrss: Vec<Lrs> = (first..first + lrss)
        .map(|number| {
            let ahead = plan::draw_clock(rng);
            Lrs::new(number, Habit::draw(rng), ahead)
        })
        .collect();
    let (login, base) = (Login::Password(lrss[0].password), lrss[0].base.clone());
    let servers = Arbitrary {
        gates: vec![None; lrss.len()],
        lrss,
        target: 0,
        meant_since: START,
        patience: Patience::default(),
    };
    (servers, login, base)
}

/// For the trace, and for what a timestamp may have been put right to.
fn introduce(world: &mut World) {
    for at in 0..world.servers.lrss.len() {
        world.times.lrs(world.servers.lrss[at].ahead);
        world.tell(|world| {
            let lrs = &world.servers.lrss[at];
            format!(
                "LRS {at}, its clock off by {} ms: {:#?}",
                lrs.ahead, lrs.habit
            )
        });
    }
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
            self.switches,
            self.kills,
            self.jumps,
            self.operators,
            self.disk,
        ]
    }
}

impl Servers for Arbitrary {
    type Plan = Plan;
    type Behind = Behind;

    fn config(world: &World, by_hand: bool) -> SessionConfig {
        SessionConfig {
            upstream: world.upstream,
            name: world.name.clone(),
            endpoint: Endpoint::parse(&world.meant().base).expect("an endpoint of our own"),
            authorization: world.authorization(),
            version: None,
            max_statements: world.plan.max_statements,
            max_bytes: world.plan.max_bytes,
            requests_in_flight: world.plan.in_flight,
            write_only: false,
            trust_lrs_clock: false,
            history: world.plan.history,
            by_hand,
        }
    }

    /// With a lock nobody begins beside another, and without one nobody knows of another.
    fn alone(world: &World, which: usize) -> Option<bool> {
        let mut others = world.processes.iter().enumerate();
        let free = others.all(|(at, other)| at == which || other.is_idle());
        (free || !world.plan.lock).then_some(world.plan.lock)
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

    fn learn(world: &mut World, flight: &Flight, _: &mut [Flight]) {
        world.learn(flight);
    }

    /// It may have come to nothing: to the LRS it is as if the device had gone before.
    fn learn_and_die(world: &mut World, flight: &Flight) {
        let to = flight.behind.to;
        let signed = world.servers.lrss[to].signed;
        let patience = std::mem::take(&mut world.servers.patience);
        world.learn(flight);
        world.servers.patience = patience;
        world.servers.lrss[to].signed &= signed;
    }

    fn is_left(world: &World, flight: &Flight) -> bool {
        flight.left <= world.servers.meant_since
    }

    /// What is under way comes to its end before anybody goes on.
    fn lose_sight(world: &mut World, flights: &[Flight]) {
        let lands = flights.iter().map(|flight| flight.lands).max();
        world.now = world.now.max(lands.unwrap_or(world.now));
    }

    fn hang_up(world: &mut World, flights: Vec<Flight>) {
        world.hang_up_on(flights);
    }

    /// Nobody may act: it is tried again, but seldom.
    fn without_the_app(world: &World) -> Option<Millis> {
        Some(world.device_now() + LONGEST_SLEEP)
    }

    fn app(world: &mut World) -> Result<(), String> {
        world.app()
    }

    fn change(world: &mut World) -> Result<(), String> {
        world.mean_another()
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
        world.settle()
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

    fn unlock(world: &mut World) {
        world.servers.patience.unlock();
    }

    fn has(world: &World, known: &Known) -> bool {
        world
            .meant()
            .has_exactly(known.recipe.id, &known.body, world.now)
            && known.recipe.content.is_none_or(|content| {
                world
                    .meant()
                    .has_content(known.recipe.id, content, world.now)
            })
    }

    fn deserves(world: &World, known: &Known, reason: HoldReason) -> bool {
        let mut lrss = world.servers.lrss.iter();
        let set = if world.plan.steady {
            &[][..]
        } else {
            &world.jumps[..]
        };
        lrss.any(|lrs| truth::deserves(known, reason, lrs, set))
    }

    fn is_at_rest(world: &World) -> bool {
        world.processes.iter().all(|one| one.flights().is_empty())
    }

    fn soon(_: &World, fresh_at: Millis) -> Millis {
        fresh_at
    }

    fn refresh(world: &mut World) -> Result<(), String> {
        world.record_good(0)
    }

    fn belongs(world: &World, known: &Known, snapshot: &Snapshot) -> bool {
        world.is_there(known, snapshot)
    }

    fn why_not_there(world: &World, known: &Known, snapshot: &Snapshot) -> String {
        world.why_not_there(known, snapshot)
    }

    fn judge(world: &World, drained: Drained) -> Result<(), String> {
        world.judge(drained)
    }
}
