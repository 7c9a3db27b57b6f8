//! Where everything ends before one LRS of a character: what can be delivered is, within a bounded
//! number of requests, and nothing that can be is held.

use pannier::XapiVersion;
use pannier::store::{Millis, WaitReason};

use super::World;
use super::deserves::passes_for;
use crate::sim::check::{Snapshot, Whereabouts};
use crate::sim::drain::Drained;
use crate::sim::lrs::character::{About, Echoes, TooLarge};
use crate::sim::model::Known;
use crate::sim::statement::Kind;

/// No exchange takes longer.
const LONGEST_EXCHANGE: Millis = 5 * 60 * 1000;

impl World {
    /// Is it where it ends?
    pub fn belongs(&self, known: &Known, snapshot: &Snapshot) -> bool {
        match snapshot.place(known.recipe.id) {
            Whereabouts::Delivered | Whereabouts::Held(..) => true,
            Whereabouts::Waiting(WaitReason::Version) => !self.servers.lrs.takes_2_0(),
            Whereabouts::Waiting(WaitReason::Future) => {
                known.timestamp > self.now + self.servers.lrs.ahead
            }
            // Its target never gets there.
            Whereabouts::Waiting(WaitReason::Target) => {
                self.model.target(known).is_some_and(|target| {
                    snapshot.place(target.recipe.id) != Whereabouts::Delivered
                        && self.belongs(target, snapshot)
                })
            }
            // What an LRS refuses that never says it is one: it may be somebody else who does. And a connection
            // that breaks under what is too large is nobody's word.
            Whereabouts::Waiting(WaitReason::Suspect) => {
                let lrs = &self.servers.lrs;
                let resets = lrs.character.too_large == TooLarge::Resets;
                let unsaid = matches!(lrs.character.echoes, Echoes::Nothing)
                    || (resets && known.body.len() > lrs.max_bytes);
                unsaid && !matches!(known.recipe.kind, Kind::Good)
            }
            Whereabouts::Queued | Whereabouts::Waiting(_) => false,
        }
    }

    /// The end of a run: exactly once, as recorded, with few requests.
    pub fn judge(&self, drained: Drained) -> Result<(), String> {
        let mut troubled = 0;
        for known in self.model.alive() {
            let id = known.recipe.id;
            // One that an LRS refuses for its clock is as much to find out about as a bad one.
            let refuses_future = self.servers.lrs.character.refuses_future;
            let future = refuses_future && known.timestamp > drained.began + self.servers.lrs.ahead;
            troubled += u64::from(future || known.recipe.kind != Kind::Good);
            let Some(at) = known.delivered_at else {
                continue;
            };
            // The proof may have been under way when the LRS lost its data.
            if self
                .servers
                .lrs
                .lost_at
                .is_some_and(|lost| lost >= at - LONGEST_EXCHANGE)
            {
                continue;
            }
            match self.servers.lrs.stored.get(&id) {
                None => {
                    return Err(format!(
                        "I1: {id} is delivered, and the LRS does not have it"
                    ));
                }
                Some(stored)
                    if stored.sent != known.body && !passes_for(known, &self.servers.lrs) =>
                {
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
        let most = Self::most(drained.undelivered, drained.fresh, troubled);
        if drained.requests > most {
            return Err(format!(
                "{} requests for {} statements after the faults ended; the bound is {most}",
                drained.requests, drained.undelivered
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
