//! The servers settle down: each does from now on what it does for good. Everything that the LRS that is
//! meant would take is delivered, and everything that it refuses is held or waits, within a number of
//! requests.

use super::World;
use super::habit::{About, Habit, Known as Has, Looks, OnContents, Says, ShowsContents};
use crate::sim::check::{Snapshot, Whereabouts};
use crate::sim::drain::Drained;
use crate::sim::model::Known;
use crate::sim::statement::{Contained, Kind};
use crate::sim::world::Login;

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
        self.fill_disk(false)?;
        let plan = &mut self.plan;
        (plan.network, plan.gates, plan.wild) = (0, 0, 0);
        self.for_each_upstream(|world| {
            world.servers.gates.fill(None);
            if world.login != Login::Password(world.meant().password) {
                world.put_right()?;
            }
            Ok(())
        })?;
        self.drain()
    }

    /// For one that is not where it ends.
    pub fn why_not_there(&self, known: &Known, snapshot: &Snapshot) -> String {
        format!(
            "should be {:?}; {:?}",
            self.end(known, snapshot),
            self.meant().habit
        )
    }

    /// Is it where it ends?
    pub fn is_there(&self, known: &Known, snapshot: &Snapshot) -> bool {
        match (snapshot.place(known.recipe.id), self.end(known, snapshot)) {
            // Some are held since the server did what it liked.
            (Whereabouts::Delivered | Whereabouts::Held(..), _) | (_, End::Open) => true,
            (Whereabouts::Waiting(_), end) => end == End::Aside,
            (Whereabouts::Queued, _) => false,
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
            // It fails on what it has, in no name, and answers no question: that is what an outage looks like.
            let fails = matches!(habit.known, Has::Refused(500.., _)) && !habit.marked;
            return if fails && !habit.shows() {
                End::Open
            } else {
                End::Aside
            };
        }
        if let Some(content) = known.recipe.content
            && let Some(end) = self.end_with_contents(known, content)
        {
            return end;
        }
        match known.recipe.kind {
            Kind::Bad | Kind::Poison if has => End::Open,
            Kind::Bad | Kind::Poison => End::Aside,
            Kind::Modern if !habit.says_2_0() => End::Open,
            Kind::Voiding(target) => match self.model.get(target) {
                Some(target)
                    if target.gone.is_none()
                        && target.delivered_at.is_none()
                        && (matches!(snapshot.place(target.recipe.id), Whereabouts::Held(..))
                            || self.end(target, snapshot) != End::Delivered) =>
                {
                    End::Open
                }
                _ => taken(habit, has),
            },
            _ => taken(habit, has),
        }
    }

    /// Where one ends for the content of its attachment, if that decides.
    fn end_with_contents(&self, known: &Known, content: Contained) -> Option<End> {
        let (lrs, id) = (self.meant(), known.recipe.id);
        let habit = &lrs.habit;
        let is_aside = match habit.contents {
            OnContents::Refuses(_) => true,
            OnContents::HangsFrom(from) => content.length >= from,
            OnContents::Takes => false,
        };
        let is_bare = lrs.has(id, self.now).is_some() && !lrs.has_content(id, content, self.now);
        if is_aside || is_bare {
            return Some(End::Aside);
        }
        // It may be there, and nothing shows that its content is.
        let shows = habit.shows() && habit.shows_contents == ShowsContents::All;
        (!shows && (known.sent || known.recipe.kind != Kind::Good)).then_some(End::Aside)
    }

    /// The end of a run: with few requests.
    pub fn judge(&self, drained: Drained) -> Result<(), String> {
        let (requests, statements) = (drained.requests, drained.undelivered + drained.fresh);
        let troubled =
            |known: &&Known| known.recipe.kind != Kind::Good || known.recipe.content.is_some();
        let troubled = self.model.alive().filter(troubled).count() as u64;
        let hidden = self.meant().hidden_since(drained.began);
        let most = most(&self.meant().habit, statements, troubled) + LATE * hidden;
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

/// The most requests for a statement that is shown only later, or that nothing tells of: it is tried again as long as
/// anything is left to do.
const LATE: u64 = 16;

/// The most requests for a statement where the LRS fails on what it has as it does on what it cannot take, and no
/// question is ever answered: each is tried as often as one that is at fault, and all that were there when that
/// began lie in front of what it takes.
const BLIND: u64 = 40;

/// The most requests for a statement that has something about it where it takes days until all is where it belongs: an LRS
/// that bears some contents and no others is tried with one a day in the end, and whatever else is refused is asked of it
/// meanwhile.
const FOR_DAYS: u64 = 100;

/// The most requests that a fixed behaviour may cost: to find out what the LRS is and what it takes;
/// for each statement, to send it with others, alone, and to look it up, and to do so again and again where the
/// LRS neither names nor shows what it has, or what it takes, or shows it only later; and for each that has something about it, to tell that it is that
/// one, and to try it again.
fn most(habit: &Habit, statements: u64, troubled: u64) -> u64 {
    let odd_about = u64::from(habit.about != About::Lists);
    // It is asked for what it shows later.
    let late = habit.lag > 0 && (habit.says == Says::Nothing || habit.known != Has::AsNew);
    let silent = habit.known != Has::AsNew && !habit.shows();
    // It only says that it stored it, or had it, which anybody can say where it named or showed what it stored before.
    let says_only = matches!(habit.says, Says::Nothing | Says::NewIds) && !habit.shows();
    // What it has looks like what it fails on, and no question tells them apart.
    let fails = silent && matches!(habit.known, Has::Refused(500.., _));
    let each = match habit.single_only {
        _ if fails && matches!(habit.looks, Looks::Silent { .. }) => BLIND,
        _ if late || silent || says_only => LATE,
        None => 4,
        _ => 8,
    };
    let turns = match habit.contents {
        OnContents::Takes => 30,
        OnContents::Refuses(_) | OnContents::HangsFrom(_) => FOR_DAYS,
    };
    60 + 10 * odd_about + each * statements + turns * troubled
}
