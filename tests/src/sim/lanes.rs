//! Several upstreams of one device: each has servers, sessions and a model of its own, and whatever must hold
//! holds for each by itself.
//!
//! The world is about one of them at a time; the others are put aside. What happens to the device happens to
//! all of them.

use std::collections::BTreeMap;

use pannier::store::{Millis, Route, UpstreamId};
use uuid::Uuid;

use super::model::{Known, Model};
use super::process::State;
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

impl<S: Servers> World<S> {
    /// One upstream more, before anything is recorded, that gets all or only what is good and what voids.
    pub fn add_upstream(
        &mut self,
        servers: S,
        (login, base): (Login, &str),
        only_good: bool,
    ) -> Result<(), String> {
        let route = if only_good {
            Route::all().of_activities(["http://example.com/good/"])
        } else {
            Route::all()
        };
        let name = format!("upstream-{}", self.others.len() + 2);
        let (db, _) = self.db(0);
        let upstream = db.add_upstream_at(&name, base, &route).map_err(fail)?;
        self.tally.fault("app: another upstream beside the first");
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
        Ok(())
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
