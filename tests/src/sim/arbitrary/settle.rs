//! The servers settle down: each does from now on what it does for good. Everything that the LRS that is
//! meant would take is delivered, and everything that it refuses is held or waits, within a number of
//! requests.

use pannier::store::Millis;

use super::device::Process;
use super::habit::{About, Habit, Known as Has, Says};
use super::world::{Login, World};
use crate::sim::check::{Place, Snapshot};
use crate::sim::model::Known;
use crate::sim::statement::Kind;
use crate::sim::world::{SECRET, SECRET_IN_BASE64};

/// How often one more statement is recorded: a bad one is held only after the LRS has taken others.
const ROUNDS: u64 = 60;

/// The time between the first two of them; it grows.
const FIRST_PAUSE: Millis = 5 * 60 * 1000;

/// Things that may happen until then.
const MOST_STEPS: u32 = 5_000;

/// Where a statement ends at an LRS that does what it does for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It is delivered.
    Delivered,
    /// It is held, or waits with its reason.
    Aside,
    /// Nobody can say: the LRS may take it and never says or shows so.
    Open,
}

impl World {
    /// All faults end.
    pub fn settle(&mut self) -> Result<(), String> {
        self.tell(|_| "all settle down".to_owned());
        self.settled = true;
        self.fill_disk(false)?;
        let plan = &mut self.plan;
        (plan.network, plan.gates, plan.wild) = (0, 0, 0);
        self.gates.fill(None);
        if self.login != Login::Password(self.target, self.meant().password) {
            self.put_right()?;
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<(), String> {
        let undelivered = self.snapshot()?.places.len() as u64;
        let before = self.tally.requests;
        let (mut rounds, mut fresh_at, mut pause) = (0, self.now, FIRST_PAUSE);
        for _ in 0..MOST_STEPS {
            if self.processes.iter().all(|one| one.flights().is_empty()) {
                if self.stuck()?.is_none() {
                    return self.ended(undelivered + rounds, self.tally.requests - before);
                }
                if self.nothing_is_planned_before(fresh_at) {
                    self.now = self.now.max(fresh_at);
                }
                if self.now >= fresh_at {
                    if rounds == ROUNDS {
                        break;
                    }
                    rounds += 1;
                    fresh_at = self.now + pause;
                    pause += pause / 4;
                    self.record_good(0)?;
                    let now = self.now;
                    self.processes[0].plan(now);
                }
            }
            self.tally.steps += 1;
            self.advance()?;
        }
        let stuck = self.stuck()?;
        Err(format!(
            "K2: stuck, {} requests and {rounds} more statements after the servers settled down: {}; {:?}",
            self.tally.requests - before,
            stuck.unwrap_or_default(),
            self.meant().habit
        ))
    }

    fn nothing_is_planned_before(&self, then: Millis) -> bool {
        let planned = |process: &Process| process.next_at().is_some_and(|at| at <= then);
        !self.processes.iter().any(planned)
    }

    /// What is not where it ends.
    fn stuck(&self) -> Result<Option<String>, String> {
        let snapshot = self.snapshot()?;
        let stuck = self
            .model
            .alive()
            .find(|known| !self.is_there(known, &snapshot));
        Ok(stuck.map(|known| {
            format!(
                "{} ({}) is {:?} and should be {:?}",
                known.recipe.id,
                known.recipe.kind.word(),
                snapshot.place(known.recipe.id),
                self.end(known, &snapshot)
            )
        }))
    }

    fn is_there(&self, known: &Known, snapshot: &Snapshot) -> bool {
        match (snapshot.place(known.recipe.id), self.end(known, snapshot)) {
            // Some are held since the server did what it liked.
            (Place::Delivered | Place::Held(..), _) | (_, End::Open) => true,
            (Place::Waiting(_), end) => end == End::Aside,
            (Place::Queued, _) => false,
        }
    }

    fn end(&self, known: &Known, snapshot: &Snapshot) -> End {
        let (lrs, id) = (self.meant(), known.recipe.id);
        let habit = &lrs.habit;
        let has = lrs.has(id, self.now).is_some();
        if !habit.proves_new() && !habit.shows() {
            // It never tells that it takes anything: then nothing tells what it refuses from what it takes.
            return End::Open;
        }
        if lrs.has_another(id, &known.body, self.now) {
            return End::Aside;
        }
        match known.recipe.kind {
            Kind::Bad | Kind::Poison if has => End::Open,
            Kind::Bad | Kind::Poison => End::Aside,
            Kind::Modern if !habit.says_2_0() => End::Open,
            Kind::Voiding(target) => match self.model.get(target) {
                Some(target)
                    if target.gone.is_none()
                        && target.delivered_at.is_none()
                        && (matches!(snapshot.place(target.recipe.id), Place::Held(..))
                            || self.end(target, snapshot) != End::Delivered) =>
                {
                    End::Open
                }
                _ => taken(habit, has),
            },
            _ => taken(habit, has),
        }
    }

    /// The end of a run: with few requests, and no secret left behind.
    fn ended(&mut self, statements: u64, requests: u64) -> Result<(), String> {
        let snapshot = self.snapshot()?;
        if [SECRET, SECRET_IN_BASE64]
            .iter()
            .any(|it| self.disk.has(it.as_bytes()))
        {
            return Err("I11: the password stands in the file".to_owned());
        }
        let mut troubled = 0;
        for known in self.model.alive() {
            let place = snapshot.place(known.recipe.id);
            *self
                .tally
                .ends
                .entry(match &place {
                    Place::Delivered => "delivered",
                    Place::Held(reason, _) => reason.code(),
                    Place::Waiting(reason) => reason.code(),
                    Place::Queued => "queued",
                })
                .or_default() += 1;
            troubled += u64::from(known.recipe.kind != Kind::Good);
        }
        let most = most(&self.meant().habit, statements, troubled);
        if requests > most {
            return Err(format!(
                "B16: {requests} requests for {statements} statements after the servers settled down; the bound is {most}; {:?}",
                self.meant().habit
            ));
        }
        Ok(())
    }
}

/// What becomes of a good statement.
fn taken(habit: &Habit, has: bool) -> End {
    let known = habit.proves_known() || habit.shows();
    let new = habit.proves_new() || habit.shows();
    // It says that it knows it and shows it only later, without a word about that: as if it were hidden.
    let hides = matches!(habit.known, Has::Refused(..)) && habit.lag > 0 && !habit.tells_lag;
    let sure = if has || habit.keeps_prefix {
        known && !hides
    } else {
        new && !hides
    };
    if sure { End::Delivered } else { End::Open }
}

/// The most requests that a fixed behaviour may cost: to find out what the LRS is and what it takes;
/// for each statement, to send it with others, alone, and to look it up, and to do so again where the LRS
/// neither names nor shows what it has, or shows it only later; and for each that has something about it, to tell that it is that
/// one, and to try it again.
fn most(habit: &Habit, statements: u64, troubled: u64) -> u64 {
    let odd_about = u64::from(habit.about != About::Lists);
    // It is asked for what it shows later.
    let late = habit.lag > 0 && (habit.says == Says::Nothing || habit.known != Has::AsNew);
    let silent = habit.known != Has::AsNew && !habit.shows();
    let each = match habit.single_only {
        _ if late => 16,
        None if !silent => 4,
        _ => 8,
    };
    60 + 10 * odd_about + each * statements + 30 * troubled
}
