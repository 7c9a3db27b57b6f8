//! Several upstreams of one device: each has servers, sessions and a model of its own, and whatever must hold
//! holds for each by itself.
//!
//! The world is about one of them at a time; the others are put aside. What happens to the device happens to
//! all of them.

use std::collections::{BTreeMap, BTreeSet};

use pannier::store::{HistoryPolicy, HoldReason, Millis, Route, UpstreamId};
use uuid::Uuid;

use super::check::{Snapshot, Whereabouts};
use super::model::{Known, Model};
use super::process::State;
use super::statement::{Kind, prepared};
use super::world::{Login, Servers, World, fail};

/// An upstream that the world is not about just now.
#[derive(Debug)]
pub struct Lane<S: Servers> {
    upstream: UpstreamId,
    name: String,
    servers: S,
    login: Login,
    model: Model,
    told: BTreeMap<usize, String>,
    requests: u64,
    only_good: bool,
    /// What each process does for it.
    states: Vec<State<S::Behind>>,
}

/// What is good is about such activities.
const GOOD: &str = "http://example.com/good/";

/// An upstream that the app adds once so many statements were made, with what is on the device by then.
#[derive(Debug)]
pub struct Later<S: Servers> {
    pub after: u64,
    pub servers: S,
    pub login: Login,
    pub base: String,
    pub only_good: bool,
    pub history: HistoryPolicy,
}

impl<S: Servers> World<S> {
    /// One upstream more, before anything is recorded, that gets all or only what is good and what voids.
    pub fn add_upstream(
        &mut self,
        servers: S,
        (login, base): (Login, &str),
        only_good: bool,
    ) -> Result<(), String> {
        let name = self.next_name();
        let (db, _) = self.db(0);
        let upstream = db
            .add_upstream_at(&name, base, &route(only_good))
            .map_err(fail)?;
        self.tally.fault("app: another upstream beside the first");
        self.push_lane((upstream, name), servers, login, only_good);
        Ok(())
    }

    fn next_name(&self) -> String {
        format!("upstream-{}", self.others.len() + 2)
    }

    fn push_lane(
        &mut self,
        (upstream, name): (UpstreamId, String),
        servers: S,
        login: Login,
        only_good: bool,
    ) {
        let idle = |_| State::Idle(Some(self.now));
        self.others.push(Lane {
            upstream,
            name,
            servers,
            login,
            model: Model::default(),
            told: BTreeMap::new(),
            requests: 0,
            only_good,
            states: (0..self.processes.len()).map(idle).collect(),
        });
    }

    /// The app adds the upstream that it was to add later, if it is time. From then on the world is about that one.
    pub fn add_later(&mut self, which: usize) -> Result<bool, String> {
        self.turn_to(UpstreamId::MAIN);
        let (has_all, made) = (self.has_all(), self.made);
        let Some(later) = self.later.take_if(|one| has_all && made >= one.after) else {
            return Ok(false);
        };
        let (db, now) = self.db(which);
        // What nobody needs any more is deleted at some time or other: here right before.
        let kept = match later.history {
            HistoryPolicy::None => HistoryPolicy::Forever,
            kept => kept,
        };
        loop {
            match db.purge(kept, now) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return self.may_fail(error).map(|()| false),
            }
        }
        let backlog = self.backlog(which, &later)?;
        let (name, only_good) = (self.next_name(), later.only_good);
        let (db, now) = self.db(which);
        let added =
            db.add_upstream_with_backlog(&name, &later.base, &route(only_good), later.history, now);
        let upstream = match added {
            Ok(upstream) => upstream,
            Err(error) => return self.may_fail(error).map(|()| false),
        };
        self.tally
            .fault("app: another upstream, with what is on the device");
        self.tell(|_| format!("{name} is added, with {} statements", backlog.len()));
        self.push_lane((upstream, name), later.servers, later.login, only_good);
        self.turn_to(upstream);
        for known in backlog {
            let recipe = known.recipe;
            S::come_from_elsewhere(self, &recipe, &prepared(&recipe));
            self.model.adopt(known);
        }
        Ok(true)
    }

    /// Whether the first upstream is to get all that the others are.
    fn has_all(&self) -> bool {
        let mut others = self.others.iter().flat_map(|lane| &lane.model.all);
        others.all(|known| self.model.get(known.recipe.id).is_some())
    }

    /// What an upstream is to get that is added now: what another one is still to get, and the history, by its route;
    /// a voiding where its target goes; nothing that the app has given up anywhere.
    fn backlog(&self, which: usize, later: &Later<S>) -> Result<Vec<Known>, String> {
        let db = &self.processes[which].db;
        let mut given_up = BTreeSet::new();
        for upstream in self.upstreams() {
            let places = Snapshot::read(db, upstream).map_err(fail)?.places;
            given_up.extend(places.iter().filter_map(|(id, (place, _))| {
                let is_held = matches!(place, Whereabouts::Held(HoldReason::TargetGivenUp, _));
                is_held.then_some(*id)
            }));
        }
        let history: BTreeSet<Uuid> = match later.history {
            HistoryPolicy::None => BTreeSet::new(),
            _ => self.snapshot()?.history.into_iter().collect(),
        };
        let mut goes = BTreeSet::new();
        let mut backlog = Vec::new();
        for known in &self.model.all {
            let id = known.recipe.id;
            let is_due = |one: &Known| one.gone.is_none() && one.delivered_at.is_none();
            let is_given_up = known.gone.is_some()
                || given_up.contains(&id)
                || self.known_anywhere(id).any(|one| one.gone.is_some());
            if is_given_up || !(self.known_anywhere(id).any(is_due) || history.contains(&id)) {
                continue;
            }
            let is_for_it = match known.recipe.kind {
                Kind::Voiding(target) => {
                    !db.is_intact(target).map_err(|error| error.to_string())?
                        || goes.contains(&target)
                }
                // What is sent again under a new id is of the kind of a good one, and about what it was about.
                _ => !later.only_good || known.is_about(GOOD),
            };
            if is_for_it {
                goes.insert(id);
                // What has left once leaves as it is.
                let sealed = self.known_anywhere(id).any(|one| one.sent);
                backlog.push(known.anew(sealed));
            }
        }
        Ok(backlog)
    }

    /// From now on the world is about that one of the others, which changes places with this one.
    fn switch(&mut self, at: usize) {
        let lane = &mut self.others[at];
        std::mem::swap(&mut self.upstream, &mut lane.upstream);
        std::mem::swap(&mut self.name, &mut lane.name);
        std::mem::swap(&mut self.servers, &mut lane.servers);
        std::mem::swap(&mut self.login, &mut lane.login);
        std::mem::swap(&mut self.model, &mut lane.model);
        std::mem::swap(&mut self.told, &mut lane.told);
        std::mem::swap(&mut self.requests, &mut lane.requests);
        std::mem::swap(&mut self.only_good, &mut lane.only_good);
        for (process, state) in self.processes.iter_mut().zip(&mut lane.states) {
            std::mem::swap(&mut process.state, state);
        }
    }

    /// By chance another one.
    pub fn turn_to_any(&mut self) {
        if !self.others.is_empty() {
            let at = self.rng.usize(..=self.others.len());
            if let Some(at) = at.checked_sub(1) {
                self.switch(at);
            }
        }
    }

    /// That one.
    pub fn turn_to(&mut self, upstream: UpstreamId) {
        let mut lanes = self.others.iter();
        if let Some(at) = lanes.position(|lane| lane.upstream == upstream) {
            self.switch(at);
        }
    }

    /// All of them.
    pub fn upstreams(&self) -> Vec<UpstreamId> {
        let others = self.others.iter().map(|lane| lane.upstream);
        std::iter::once(self.upstream).chain(others).collect()
    }

    /// For this one, and then for each of the others.
    pub fn for_each_upstream(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        work(self)?;
        for at in 0..self.others.len() {
            self.switch(at);
            let done = work(self);
            self.switch(at);
            done?;
        }
        Ok(())
    }

    /// When something happens next at any of the others, and at which.
    pub fn next_elsewhere(&self) -> Option<(Millis, UpstreamId)> {
        let next = |lane: &Lane<S>| lane.states.iter().filter_map(State::next_at).min();
        let others = self.others.iter();
        others
            .filter_map(|lane| Some((next(lane)?, lane.upstream)))
            .min_by_key(|(at, _)| *at)
    }

    /// What stands behind the network for the others.
    pub fn servers_elsewhere(&mut self) -> impl Iterator<Item = &mut S> {
        self.others.iter_mut().map(|lane| &mut lane.servers)
    }

    /// What is known of a statement, at whichever of them it is to be delivered.
    pub fn known_anywhere(&self, id: Uuid) -> impl Iterator<Item = &Known> {
        let others = self.others.iter().map(|lane| &lane.model);
        let models = std::iter::once(&self.model).chain(others);
        models.filter_map(move |model| model.get(id))
    }

    /// Whether it is for all of them.
    pub fn is_for_all(&self, id: Uuid) -> bool {
        self.known_anywhere(id).count() == 1 + self.others.len()
    }

    /// The models, this one's first.
    pub fn models(&self) -> Vec<Model> {
        let others = self.others.iter().map(|lane| lane.model.clone());
        std::iter::once(self.model.clone()).chain(others).collect()
    }

    /// As they were.
    pub fn restore(&mut self, models: Vec<Model>) {
        let mut models = models.into_iter();
        if let Some(model) = models.next() {
            self.model = model;
        }
        for (lane, model) in self.others.iter_mut().zip(models) {
            lane.model = model;
        }
    }

    /// A process syncs to the others at that time, too; where it had a session that one is gone.
    pub fn begin_elsewhere(&mut self, which: usize, at: Millis) {
        for lane in &mut self.others {
            lane.states[which] = State::Idle(Some(at));
        }
    }

    /// The same, where it has none.
    pub fn plan_elsewhere(&mut self, which: usize, at: Millis) {
        for lane in &mut self.others {
            lane.states[which].plan(at);
        }
    }
}

fn route(only_good: bool) -> Route {
    if only_good {
        Route::all().of_activities([GOOD])
    } else {
        Route::all()
    }
}
