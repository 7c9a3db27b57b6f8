//! Salvage of a damaged file: what can be read of it is saved into a new one, and it is kept whole.
//!
//! Which of its statements were delivered may be unreadable too, so all that are found and not marked as delivered are
//! queued again, as ones that may have reached the LRS before; it knows them by their ids.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use super::catch_up::CHANGED_UPSTREAMS;
use super::held_voidings::HeldVoidings;
use super::pages::{Pages, Spot};
use super::salvage_report::Salvaged;
use super::saving::Saving;
use super::saving::take_out;
use super::survey::Survey;
use super::upstream_map::Carried;
use super::{catch_up, loss};
use crate::store::file::kept;
use crate::store::file::settings::PAGE_BYTES;
use crate::store::file::wal::fold_nothing_when_closed;
use crate::store::ledger_file::Account;
use crate::store::ledger_file::accounts::Others;
use crate::store::ledger_file::counts::Numbers;
use crate::store::ledger_file::notes::{Noted, Withdrawn};
use crate::store::ledger_file::reading;
use crate::store::queue::checksum;
use crate::store::queue::conditions::NEEDED;
use crate::store::queue::end::Tail;
use crate::store::{Db, Millis, StoreError, upstream};

/// Saves what can be read of the file at `path` into a new, empty one.
pub(crate) fn rescue(
    new: &mut Db,
    path: &Path,
    damage: &str,
    is_mixed: bool,
    now: Millis,
) -> Result<Salvaged, StoreError> {
    let pages = Pages::of(path)?;
    let survey = Survey::of(&pages);
    let old = open_damaged(path);
    let is_mixed = is_mixed || cuts_off_what_it_does_not_know(&pages, old.as_ref());
    let before = Before::of(old.as_ref(), path, is_mixed, &survey)?;
    let lost_places = before.lost_places(&survey);
    let unreadable = survey.spoilt;
    let mut surveys = vec![(pages, survey)];
    if is_mixed {
        // What the log leaves of the file may be less than what the file has by itself.
        let file = Pages::of_file(path)?;
        let survey = Survey::of(&file);
        surveys.push((file, survey));
    }
    let mut salvaged = Salvaged {
        damage: damage.to_owned(),
        kept_at: None,
        saved: 0,
        unreadable,
        lost: 0,
        uncertain: before.is_unknown || before.is_another_copy,
    };
    new.write(|tx| {
        before.hand_on(tx)?;
        let upstreams = Carried::over(old.as_ref(), tx)?;
        if before.may_be_at_work {
            upstream::wait_for_what_was_sent(tx, now)?;
        }
        if before.upstream_changes > 0 {
            upstream::forget_endpoints(tx, before.upstream_changes)?;
            salvaged.also(format_args!(
                "{CHANGED_UPSTREAMS}: {}",
                before.upstream_changes
            ));
        }
        let voidings = match &old {
            Some(old) => HeldVoidings::of(old, &before.noted),
            None => HeldVoidings::noted(&before.noted),
        };
        let mut saving = Saving::begin(tx)?;
        save_all(&mut saving, &surveys, &before, &upstreams, &voidings)?;
        let saving = saving.end(now)?;
        salvaged.saved = saving.saved();
        salvaged.unreadable += saving.refused;
        salvaged.lost = before
            .undelivered
            .saturating_sub(saving.queued)
            .max(lost_places);
        salvaged.add_lost_elsewhere(before.lost_elsewhere(&upstreams, &saving));
        tell_on(tx, old.as_ref())?;
        Ok(loss::write(tx, now, &salvaged)?)
    })?;
    Ok(salvaged)
}

/// Saves what was found, each statement once, except for what must not come back.
fn save_all(
    saving: &mut Saving<'_>,
    surveys: &[(Pages, Survey)],
    before: &Before,
    upstreams: &Carried,
    voidings: &HeldVoidings,
) -> Result<(), StoreError> {
    let mut ids = HashSet::new();
    for (pages, survey) in surveys {
        for spot in &survey.whole {
            match pages.read(*spot) {
                Some(found) if !ids.insert(found.id) => {}
                Some(found) if before.noted.has(spot.seq, found.id) => {}
                Some(mut found) => {
                    let given_up = before.noted.given_up(spot.seq, found.id);
                    found.not_for = upstreams.not_for(spot.seq, found.not_for | given_up);
                    let voiding = voidings.again(spot.seq, &found, Some(upstreams));
                    saving.save(found, voiding)?;
                }
                // It was there a moment ago: the disk itself fails.
                None => saving.refused += 1,
            }
        }
    }
    Ok(())
}

/// Tells whether the log cannot be the file's own; see [`Db::has_the_log_of_another`]. Where nothing can be read of what
/// the database knows, whatever it would cut off counts.
fn cuts_off_what_it_does_not_know(pages: &Pages, old: Option<&Connection>) -> bool {
    let last = old.and_then(|old| Tail::read(old).ok());
    let last = last.map_or(0, |tail| tail.seq);
    let cut_to = pages.cut_to().filter(|cut_to| *cut_to < pages.count);
    cut_to.is_some_and(|cut_to| pages.has_statement_after(cut_to, last))
}

/// Keeps the reports of earlier losses that nobody has acknowledged yet.
fn tell_on(tx: &Connection, old: Option<&Connection>) -> rusqlite::Result<()> {
    let before = old.and_then(|old| loss::of(old).ok()).unwrap_or_default();
    for (noticed_at, before) in before {
        loss::write(tx, noticed_at, &before)?;
    }
    Ok(())
}

/// Knowledge of a damaged file besides its statements.
#[derive(Debug, Default)]
struct Before {
    /// Number of undelivered statements it should have: by its own ledger, or by the `.ledger` file if that is more. 0
    /// where neither says anything any more.
    undelivered: u64,
    /// The same for each further upstream.
    elsewhere: BTreeMap<u64, u64>,
    /// True if neither says anything.
    is_unknown: bool,
    family: Option<[u8; 16]>,
    /// Notes of what must not come back, and the number of notes ever made.
    noted: Noted,
    notes: u64,
    /// Last place in the log that was given out.
    last_seq: u64,
    /// Places given out beyond whatever was delivered, by the `.ledger` file, and how many of them at most are no loss
    /// though nothing is in them.
    places: Range<u64>,
    settled: u64,
    /// Identity of the queue, by the `.ledger` file, or else by its own ledger.
    queue: Option<[u8; 16]>,
    /// True if another copy was in use last.
    is_another_copy: bool,
    /// True if, by either of them, something was sent of which it is not known whether it was delivered.
    may_be_at_work: bool,
    /// Number of changes to where statements go that the file does not know of: it is an older copy.
    upstream_changes: u64,
    /// Number of the first note that there must be.
    notes_from: Option<i64>,
}

/// Returns what each further upstream had still to get, by the account that knows of most, less what notes tell of.
fn undelivered_elsewhere<'a>(
    accounts: impl Iterator<Item = &'a Others>,
    noted: u64,
) -> BTreeMap<u64, u64> {
    let mut elsewhere = BTreeMap::new();
    for (upstream, undelivered) in accounts.flat_map(Others::undelivered) {
        let known: &mut u64 = elsewhere.entry(upstream).or_default();
        *known = (*known).max(undelivered.saturating_sub(noted));
    }
    elsewhere
}

/// Returns the number of notes that there were, by the database and by what is beside it.
fn notes_ever_made(
    own: Option<Numbers>,
    beside: Option<Numbers>,
    whole: &[(u64, Withdrawn)],
) -> u64 {
    // Each place is noted once for each upstream at most: more is damage.
    let own = own.filter(|own| own.withdrawn <= own.last_seq.saturating_mul(32));
    let numbered = whole.last().map_or(0, |(number, _)| number + 1);
    let both = own.into_iter().chain(beside);
    both.map(|numbers| numbers.withdrawn)
        .fold(numbered, u64::max)
}

impl Before {
    fn of(
        old: Option<&Connection>,
        path: &Path,
        is_mixed: bool,
        survey: &Survey,
    ) -> Result<Self, StoreError> {
        let beside = reading::numbers(path)?;
        let own = old.and_then(|old| Numbers::of(old).ok());
        let own = own.map(|own| survey.with_known_end(own, beside.as_ref()));
        // The one with a checksum of its own first.
        let family = match beside.or(own) {
            Some(numbers) => Some(numbers.family),
            None => reading::family_of(path)?,
        };
        let all = match &family {
            Some(family) => reading::notes(path, family)?,
            None => Vec::new(),
        };
        // Notes that the numbers do not know of.
        let unheard = |numbers: &Numbers| {
            let notes = all.iter().map(|(number, _)| number);
            notes.filter(|number| **number >= numbers.withdrawn).count() as u64
        };
        let undelivered = |numbers: Option<Numbers>| {
            numbers.map_or(0, |numbers| {
                numbers.undelivered().saturating_sub(unheard(&numbers))
            })
        };
        let unheard_of_any = beside.or(own).map_or(0, |numbers| unheard(&numbers));
        let others = [
            old.and_then(|old| Others::of(old).ok()),
            reading::others(path)?,
        ];
        let elsewhere = undelivered_elsewhere(others.iter().flatten(), unheard_of_any);
        let notes = notes_ever_made(own, beside, &all);
        let account = old.and_then(|old| Account::of(old).ok());
        let is_another_copy = is_mixed
            || account
                .zip(beside)
                .is_some_and(|(own, beside)| own.is_of_another_copy(&beside));
        let places = beside.map_or(0..0, |beside| beside.delivered_to..beside.last_seq);
        let noted_there = all.iter().map(|(_, note)| note.seq as u64);
        let noted_there: HashSet<u64> = noted_there.filter(|seq| *seq > places.start).collect();
        let elsewhere_or_replaced = beside.map_or(0, |it| it.skipped + it.replaced);
        let changes = beside.map_or(0, |it| it.upstream_changes);
        let unknown_changes = own.map_or(0, |own| changes.saturating_sub(own.upstream_changes));
        Ok(Self {
            queue: beside.or(own).map(|numbers| numbers.queue),
            is_another_copy,
            may_be_at_work: [own, beside].iter().flatten().any(Numbers::may_be_at_work),
            upstream_changes: unknown_changes.max(u64::from(is_another_copy)),
            undelivered: undelivered(own).max(undelivered(beside)),
            elsewhere,
            is_unknown: own.is_none() && beside.is_none(),
            family,
            settled: noted_there.len() as u64 + elsewhere_or_replaced,
            places,
            noted: Noted::new(all.iter().map(|(_, note)| note)),
            notes,
            last_seq: all
                .iter()
                .map(|(_, note)| note.seq as u64)
                .fold(beside.map_or(0, |beside| beside.last_seq), u64::max),
            notes_from: old.map_or(Some(0), |old| {
                let notes_from =
                    old.query_row("SELECT notes_from FROM ledger", [], |row| row.get(0));
                notes_from.unwrap_or(Some(0))
            }),
        })
    }

    /// Returns the least number of lost statements: places beyond whatever was delivered, in which nothing was found.
    /// What was delivered, and is found as well, makes up for none of them.
    fn lost_places(&self, survey: &Survey) -> u64 {
        let is_there = |spot: &&Spot| {
            spot.seq as u64 > self.places.start || survey.places.in_doubt.contains(&spot.seq)
        };
        let there = survey.whole.iter().filter(is_there).count() as u64;
        let places = self.places.end.saturating_sub(self.places.start);
        places.saturating_sub(there + self.settled)
    }

    /// Returns how many further upstreams are no longer known, and how many statements one of them has to do without.
    fn lost_elsewhere(&self, upstreams: &Carried, saving: &Saving<'_>) -> (u64, u64) {
        let (mut forgotten, mut lost) = (0, 0);
        for (there, undelivered) in &self.elsewhere {
            let here = upstreams.here(*there);
            forgotten += u64::from(here.is_none());
            let saved = here.map_or(0, |here| saving.queued_for(here));
            lost = lost.max(undelivered.saturating_sub(saved));
        }
        (forgotten, lost)
    }

    /// Makes the new file go on where this one ends: its notes hold, and no place is given out again.
    fn hand_on(&self, tx: &Connection) -> rusqlite::Result<()> {
        let Some(family) = self.family else {
            return Ok(());
        };
        tx.execute(
            "UPDATE ledger SET family = ?1, withdrawn = ?2, last_seq = ?3, purged_through = ?3, notes_from = ?4,
                came_from = ?5",
            params![family, self.notes as i64, self.last_seq as i64, self.notes_from, self.queue],
        )?;
        tx.execute(
            "UPDATE upstream SET begins_after = ?1, delivered_through = ?1, sent_through = ?1",
            [self.last_seq as i64],
        )?;
        Ok(())
    }
}

/// Takes over what is not delivered from a file that another one has replaced.
pub(crate) fn take_over(new: &mut Db, old: &Db, now: Millis) -> Result<(), StoreError> {
    let seqs: Vec<i64> = old
        .conn
        .prepare(&format!(
            "SELECT seq FROM statement s WHERE {NEEDED} ORDER BY seq"
        ))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let kept_at = kept::kept_name(&new.path, now);
    let beside = Numbers::of(&old.conn)?;
    let path = new.path.clone();
    new.write(|tx| {
        let ours = Numbers::of(tx)?;
        if beside.family == ours.family {
            // An older copy: what only the replaced file has is taken over, and its places there no longer count.
            let notes = reading::notes_since(&path, &ours.family, ours.withdrawn)?;
            catch_up::withdraw(tx, &notes, catch_up::Sent::Perhaps, now)?;
            if (notes.len() as u64) < beside.withdrawn.saturating_sub(ours.withdrawn) {
                // Not all notes are whole, and the file that was open shows what it no longer had.
                take_out(tx, &in_first_alone(tx, &old.conn)?, now)?;
            }
            let saved = seqs.iter().filter(|seq| **seq as u64 > ours.last_seq);
            let others = Others::of(&old.conn)?;
            let saved: Vec<i64> = saved.copied().collect();
            if beside.may_be_at_work() {
                upstream::wait_for_what_was_sent(tx, now)?;
            }
            catch_up::go_forward(tx, &beside, &others, &notes, &saved)?;
            // What stands beside it counts by the file that was open, which is whole here: nothing is lost with that.
            let was = reading::head(&path).map_or(beside.queue, |numbers| numbers.queue);
            catch_up::become_another(tx, Some(was))?;
        }
        let upstreams = Carried::over(Some(&old.conn), tx)?;
        let noted = Noted::default();
        let voidings = HeldVoidings::of(&old.conn, &noted);
        let mut saving = Saving::begin(tx)?;
        for seq in seqs {
            match checksum::read(&old.conn, seq)? {
                Some(mut found) => {
                    found.not_for = upstreams.not_due(&old.conn, tx, seq)?;
                    let voiding = voidings.again(seq, &found, Some(&upstreams));
                    saving.save(found, voiding)?;
                }
                None => saving.refused += 1,
            }
        }
        let saving = saving.end(now)?;
        if saving.refused == 0 {
            return Ok(());
        }
        // Their ids belong to others here, or they are spoilt: the file that had them is kept.
        old.copy_to(&kept_at)?;
        let salvaged = Salvaged {
            damage: "another file took its place, and not all of it could be taken over".to_owned(),
            kept_at: Some(kept_at.clone()),
            saved: saving.queued,
            unreadable: saving.refused,
            lost: saving.refused,
            uncertain: false,
        };
        Ok(loss::write(tx, now, &salvaged)?)
    })
}

/// Returns the places in which the first has a statement, and the other none.
fn in_first_alone(first: &Connection, other: &Connection) -> rusqlite::Result<HashSet<i64>> {
    let places = |conn: &Connection| -> rusqlite::Result<HashSet<i64>> {
        conn.prepare("SELECT seq FROM statement")?
            .query_map([], |row| row.get(0))?
            .collect()
    };
    Ok(&places(first)? - &places(other)?)
}

/// Opens the file with SQLite, for what lies in a few places of its own. None where SQLite would make another file of
/// it.
fn open_damaged(path: &Path) -> Option<Connection> {
    if !path
        .metadata()
        .is_ok_and(|file| file.len() >= u64::from(PAGE_BYTES))
    {
        return None;
    }
    // Not read-only: a write-ahead log beside the file has to be read too.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let old = Connection::open_with_flags(path, flags).ok()?;
    // It is kept as it is: nothing is folded into it when it is closed.
    fold_nothing_when_closed(&old).ok()?;
    // With this, SQLite also reads a file that is shorter than its header says.
    old.execute_batch("PRAGMA writable_schema = ON").ok()?;
    Some(old)
}
