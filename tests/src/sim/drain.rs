//! When the faults have ended everything that can be delivered is, within a bounded number of
//! requests, and nothing that can be is held.

use pannier::XapiVersion;
use pannier::store::{Millis, WaitReason};

use super::check::{Place, Snapshot, passes_for};
use super::lrs::character::About;
use super::lrs::character::Echoes;
use super::model::Known;
use super::process::{Process, State};
use super::statement::Kind;
use super::world::{SECRET, SECRET_IN_BASE64, World};

/// How often a few more statements are recorded: a bad one is held only after the LRS has taken
/// others.
const ROUNDS: u64 = 60;

/// The time between the first two of them; it grows.
const FIRST_PAUSE: Millis = 5 * 60 * 1000;

/// No exchange takes longer.
const LONGEST_EXCHANGE: Millis = 5 * 60 * 1000;

/// Things that may happen until then.
const MOST_STEPS: u32 = 5_000;

impl World {
    /// Syncs until everything is where it belongs.
    pub fn drain(&mut self) -> Result<(), String> {
        let undelivered = self.snapshot()?.places.len() as u64;
        let (before, began) = (self.tally.requests, self.now);
        let (mut rounds, mut fresh_at, mut pause) = (0, self.now, FIRST_PAUSE);
        for _ in 0..MOST_STEPS {
            if self.processes.iter().all(Process::is_idle) {
                if self.is_done()? {
                    return self.ended(began, undelivered, rounds, self.tally.requests - before);
                }
                if self.nothing_is_planned() {
                    self.now = self.now.max(fresh_at);
                }
                if self.now >= fresh_at {
                    if rounds == ROUNDS {
                        break;
                    }
                    rounds += 1;
                    fresh_at = self.now + pause;
                    pause += pause / 4;
                    self.put_right(0)?;
                    self.record_good(0)?;
                    if let State::Idle(at) = &mut self.processes[0].state {
                        *at = Some(self.now);
                    }
                }
            }
            self.tally.steps += 1;
            self.advance()?;
        }
        let snapshot = self.snapshot()?;
        let stuck = self
            .model
            .alive()
            .find(|known| !self.belongs(known, &snapshot));
        Err(format!(
            "not delivered, {} requests after the faults have ended: {:?}",
            self.tally.requests - before,
            stuck.map(|known| (known.recipe.kind, snapshot.place(known.recipe.id)))
        ))
    }

    fn nothing_is_planned(&self) -> bool {
        let soon = self.now + 30 * 60 * 1000;
        let planned = |process: &Process| process.next_at().is_some_and(|at| at <= soon);
        !self.processes.iter().any(planned)
    }

    fn is_done(&self) -> Result<bool, String> {
        let snapshot = self.snapshot()?;
        Ok(self
            .model
            .alive()
            .all(|known| self.belongs(known, &snapshot)))
    }

    /// Is it where it ends?
    fn belongs(&self, known: &Known, snapshot: &Snapshot) -> bool {
        match snapshot.place(known.recipe.id) {
            Place::Delivered | Place::Held(..) => true,
            Place::Waiting(WaitReason::Version) => !self.lrs.takes_2_0(),
            Place::Waiting(WaitReason::Future) => known.timestamp > self.now + self.lrs.ahead,
            // Its target never gets there.
            Place::Waiting(WaitReason::Target) => self.model.target(known).is_some_and(|target| {
                snapshot.place(target.recipe.id) != Place::Delivered
                    && self.belongs(target, snapshot)
            }),
            // What an LRS refuses that never says it is one: it may be somebody else who does.
            Place::Waiting(WaitReason::Suspect) => {
                matches!(self.lrs.character.echoes, Echoes::Nothing)
                    && !matches!(known.recipe.kind, Kind::Good)
            }
            Place::Queued | Place::Waiting(_) => false,
        }
    }

    /// The end of a run: exactly once, as recorded, with few requests.
    fn ended(
        &mut self,
        began: Millis,
        undelivered: u64,
        fresh: u64,
        requests: u64,
    ) -> Result<(), String> {
        let snapshot = self.snapshot()?;
        if [SECRET, SECRET_IN_BASE64]
            .iter()
            .any(|it| self.disk.has(it.as_bytes()))
        {
            return Err("I11: the password stands in the file".to_owned());
        }
        let mut troubled = 0;
        for known in self.model.alive() {
            let id = known.recipe.id;
            let place = snapshot.place(id);
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
            // One that an LRS refuses for its clock is as much to find out about as a bad one.
            let refuses_future = self.lrs.character.refuses_future;
            let future = refuses_future && known.timestamp > began + self.lrs.ahead;
            troubled += u64::from(future || known.recipe.kind != Kind::Good);
            let Some(at) = known.delivered_at else {
                continue;
            };
            // The proof may have been under way when the LRS lost its data.
            if self
                .lrs
                .lost_at
                .is_some_and(|lost| lost >= at - LONGEST_EXCHANGE)
            {
                continue;
            }
            match self.lrs.stored.get(&id) {
                None => {
                    return Err(format!(
                        "I1: {id} is delivered, and the LRS does not have it"
                    ));
                }
                Some(stored) if stored.sent != known.body && !passes_for(known, &self.lrs) => {
                    return Err(format!("I2: the LRS has {id} with other bytes"));
                }
                Some(stored) if stored.copies > 1 && !self.model.excused.contains(&id) => {
                    return Err(format!("the LRS has {id} {} times", stored.copies));
                }
                Some(_) => {}
            }
        }
        if self.plan.calm {
            self.least()?;
        }
        let most = Self::most(undelivered, fresh, troubled);
        if requests > most {
            return Err(format!(
                "{requests} requests for {undelivered} statements after the faults ended; the bound is {most}"
            ));
        }
        Ok(())
    }

    /// The stated bound of requests after the faults have ended: some for each statement, to find out
    /// that it is there or at fault, and some to find out what the LRS is.
    fn most(undelivered: u64, fresh: u64, troubled: u64) -> u64 {
        // What is refused is tried twice at least, and an LRS that failed on several gets one at a time.
        40 + 9 * (undelivered + fresh) + 40 * troubled
    }

    /// Nothing went wrong, and everything is good: each statement travels once, and nothing is looked
    /// up. What LRSs there is more to find out about is left out.
    fn least(&self) -> Result<(), String> {
        let character = &self.plan.character;
        let must_be_found_out = character.single_only
            || character.writes_once
            || character.a_minute.is_some()
            || (character.about != About::Lists && character.versions == [XapiVersion::V2_0_0]);
        let more = |known: &&Known| known.times_sent > 1;
        match self.model.alive().find(more) {
            Some(known) if !must_be_found_out => Err(format!(
                "{} was sent {} times though nothing went wrong",
                known.recipe.id, known.times_sent
            )),
            _ if self.tally.looks > 0 && !must_be_found_out => {
                Err("statements were looked up though nothing went wrong".to_owned())
            }
            _ => Ok(()),
        }
    }
}
