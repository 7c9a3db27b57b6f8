//! Brings a file forward that has gone back in time: what was withdrawn since is taken out again, and places
//! that were given out since are never given out again.

use crate::store::Millis;
use crate::store::StoreError;
use crate::store::UpstreamId;
use crate::store::ledger_file::accounts::{Others, delivered_beyond};
use crate::store::ledger_file::counts::Numbers;
use crate::store::ledger_file::notes::{Noted, Withdrawn};
use crate::store::queue::app_changes::give_up;
use crate::store::queue::done_with::{delete, mark_sent};
use crate::store::queue::end::Tail;
use crate::store::queue::ledger::Counter;
use crate::store::queue::ledger::Moves;
use crate::store::queue::locate::State;
use crate::store::queue::locate::locate;
use crate::store::queue::voidings::{hold_voidings_of, hold_voidings_of_erased};
use crate::store::upstream;
use rusqlite::{Connection, params};

/// Knowledge of what was sent before something was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    AsItSays,
    /// The file is an older one: all may have been sent.
    Perhaps,
}

/// Takes out the statements noted as withdrawn that are still there, but for those that were recorded again since.
pub(crate) fn withdraw(
    tx: &Connection,
    notes: &[Withdrawn],
    sent: Sent,
    now: Millis,
) -> Result<(), StoreError> {
    let mut moves = Moves::of_all(tx)?;
    let standing = Noted::new(notes);
    for note in notes {
        if !standing.stands(note) || !note.is_about_what_is_there(tx)? {
            continue;
        }
        let concerned = moves.iter_mut();
        for moves in concerned.filter(|moves| note.at.is_none_or(|at| at == moves.upstream)) {
            let Some(found) = locate(tx, moves.upstream, note.seq)? else {
                continue;
            };
            match found.state {
                State::Queued { .. } => moves.leave_queue(note.to, found.bytes),
                State::Waiting { .. } => moves.between(Counter::Waiting, note.to),
                State::Held => moves.between(Counter::Held, note.to),
                State::Delivered | State::NotDue => continue,
            }
            match note.to {
                Counter::Delivered => {}
                Counter::Erased => hold_voidings_of_erased(tx, moves, &found, now)?,
                _ => hold_voidings_of(tx, moves, &found, now)?,
            }
            if note.at.is_some() {
                if sent == Sent::Perhaps {
                    mark_sent(tx, moves.upstream, note.seq)?;
                }
                give_up(tx, moves.upstream, note.seq, now)?;
            }
        }
        if note.at.is_none() {
            delete(tx, note.seq)?;
        }
    }
    for moves in moves {
        moves.write(tx)?;
    }
    Ok(())
}

/// Records how many notes this file knows of.
pub(crate) fn know(tx: &Connection, withdrawn: u64) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE ledger SET withdrawn = max(withdrawn, ?1)",
        [withdrawn as i64],
    )?;
    Ok(())
}

/// Gives the file a new identity, which tells it from the copies that there are of it.
pub(crate) fn become_another(tx: &Connection, beside: Option<[u8; 16]>) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE ledger SET queue = randomblob(16), came_from = ifnull(?1, queue)",
        [beside],
    )?;
    Ok(())
}

/// Words for the number of upstream changes that an older file does not know of.
pub(crate) const CHANGED_UPSTREAMS: &str = "changes of where statements go, so that each LRS's address has to be given again; routes are as they were";

/// Counts of what the file did not know of.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    /// Statements recorded, and not in it.
    pub(crate) missing: u64,
    /// Statements delivered, and here to be delivered again.
    came_back: u64,
    /// Statements replaced, or sent under a new id, and here again as they were.
    replaced_again: u64,
    /// Missing statements that were found in the log.
    pub(crate) saved: u64,
    /// Least number of lost statements: those that nobody has any more, or that another upstream does not get.
    pub(crate) lost: u64,
    /// Lost statements that were reported before, and not acknowledged.
    told_before: u64,
    /// True if an earlier report, not acknowledged, says that the number of lost statements is unknown.
    pub(crate) was_uncertain: bool,
    /// Upstreams that it does not know.
    pub(crate) upstreams: u64,
    /// Lost statements that the first upstream has, or never was to get.
    lost_for_others: u64,
    /// Changes of where statements go.
    upstream_changes: u64,
    /// True if another copy was in use since.
    pub(crate) is_another_copy: bool,
}

impl Forward {
    pub(crate) fn is_told(&self) -> bool {
        self.missing
            + self.came_back
            + self.replaced_again
            + self.lost_for_others
            + self.upstreams
            + self.upstream_changes
            + u64::from(self.is_another_copy)
            > 0
    }

    pub(crate) fn words(&self) -> Option<String> {
        if !self.is_told() {
            return None;
        }
        let facts = [
            (self.missing, "recorded last, and not in it"),
            (
                self.came_back,
                "delivered, but not by its account, so that the LRS is asked for them",
            ),
            (
                self.replaced_again,
                "replaced or sent under a new id, and here again as they were: discard them before they are sent, too",
            ),
            (self.told_before, "lost before, and told already"),
            (
                self.lost_for_others,
                "lost for another LRS, though the first has them or was not to get them",
            ),
            (
                self.upstreams,
                "LRSs that were added since, and have to be added again",
            ),
            (self.upstream_changes, CHANGED_UPSTREAMS),
            (
                u64::from(self.is_another_copy),
                "another copy that was in use meanwhile, or pages of it beside a log that was not its own, so that what was \
                 recorded, taken back or erased in that is not known, and each LRS's address has to be given again",
            ),
        ];
        let facts = facts.iter().filter(|(count, _)| *count > 0);
        let facts: Vec<_> = facts
            .map(|(count, fact)| format!("{fact}: {count}"))
            .collect();
        Some(format!(
            "it has gone back in time: it is an older copy, or the end of its write-ahead log is missing or damaged; {}",
            facts.join("; ")
        ))
    }
}

/// Continues the log behind the places that were given out since. In the first upstream's account `accounted` of them
/// count, in those of others none.
fn pass_over(tx: &Connection, (last, end): (u64, u64), accounted: u64) -> Result<(), StoreError> {
    Tail::remember(tx)?;
    tx.execute(
        "UPDATE upstream SET excluded = excluded + iif(id = ?1, ?2, ?3)",
        params![
            UpstreamId::MAIN,
            (end - last - accounted) as i64,
            (end - last) as i64
        ],
    )?;
    tx.execute("UPDATE ledger SET last_seq = ?1", [end as i64])?;
    Ok(())
}

/// Places beyond the end of an older file.
struct Beyond<'a> {
    last: u64,
    end: u64,
    /// Notes of what the first upstream was done with, each place once.
    withdrawn: Vec<&'a Withdrawn>,
    saved: &'a [i64],
}

impl<'a> Beyond<'a> {
    fn new((last, end): (u64, u64), notes: &'a [Withdrawn], saved: &'a [i64]) -> Self {
        let is_main = |at| at == UpstreamId::MAIN;
        let mut withdrawn: Vec<&Withdrawn> = notes
            .iter()
            .filter(|note| note.at.is_none_or(is_main) && !note.undoes())
            .filter(|note| (last + 1..=end).contains(&(note.seq as u64)))
            .collect();
        withdrawn.sort_unstable_by_key(|note| note.seq);
        withdrawn.dedup_by_key(|note| note.seq);
        Self {
            last,
            end,
            withdrawn,
            saved,
        }
    }

    /// Returns the number of places, up to `through`, of which it is not known what became of the statement.
    fn unknown(&self, through: u64) -> u64 {
        let through = through.min(self.end);
        let withdrawn = self.withdrawn.iter().map(|note| note.seq);
        let known = withdrawn.chain(self.saved.iter().copied());
        let known = known.filter(|seq| *seq as u64 <= through).count() as u64;
        through.saturating_sub(self.last).saturating_sub(known)
    }
}

/// Counts what the file does not know of, once all that was withdrawn is out of it: the places that were given out
/// since, except for those that are about to be saved. The numbers in the `.ledger` file are the first upstream's
/// account; in those of others none of these places counts.
pub(crate) fn go_forward(
    tx: &Connection,
    beside: &Numbers,
    others: &Others,
    notes: &[Withdrawn],
    saved: &[i64],
) -> Result<Forward, StoreError> {
    let ours = Numbers::of(tx)?;
    let (last, end) = (ours.last_seq, beside.last_seq.max(ours.last_seq));
    let missed = others.missing(&Others::of(tx)?, (last, end), notes, saved);
    let beyond = Beyond::new((last, end), notes, saved);
    let mut moves = Moves::of(UpstreamId::MAIN);
    for note in &beyond.withdrawn {
        moves.fill(note.to, 1);
    }
    let was_delivered = |note: &&&Withdrawn| note.to == Counter::Delivered;
    let delivered_again = beyond.withdrawn.iter().filter(was_delivered).count() as u64;
    let gap = |beside: u64, ours: u64| beside.saturating_sub(ours);
    let delivered_since = gap(beside.delivered, ours.delivered + delivered_again);
    let skipped = gap(beside.skipped, ours.skipped);
    let delivered = delivered_beyond(
        beyond.unknown(beside.delivered_to),
        skipped,
        delivered_since,
        ours.undelivered(),
    );
    let sent = beyond.unknown(beside.sent_to.max(beside.delivered_to)) - delivered;
    let replaced_since = gap(beside.replaced, ours.replaced);
    let replaced = replaced_since.min(sent);
    moves.fill(Counter::Delivered, delivered);
    moves.fill(Counter::Replaced, replaced);
    moves.write(tx)?;
    let accounted = beyond.withdrawn.len() as u64 + delivered + replaced;
    pass_over(tx, (last, end), accounted)?;
    know(
        tx,
        beside.withdrawn.max(ours.withdrawn + notes.len() as u64),
    )?;
    let upstream_changes = gap(beside.upstream_changes, ours.upstream_changes);
    if upstream_changes > 0 {
        upstream::forget_endpoints(tx, beside.upstream_changes)?;
    }
    let rest = beyond.unknown(end) - delivered - replaced;
    // Notes that are no longer kept, or not whole.
    let unnoted = gap(beside.withdrawn, ours.withdrawn + notes.len() as u64);
    let lost_for_all = rest.saturating_sub(skipped + unnoted);
    let lost_for_others = missed.statements.saturating_sub(lost_for_all + unnoted);
    let told_before = gap(beside.lost, ours.lost);
    Ok(Forward {
        missing: end - last,
        came_back: delivered_since - delivered,
        replaced_again: replaced_since - replaced,
        saved: 0,
        lost: lost_for_all + lost_for_others + told_before,
        told_before,
        was_uncertain: beside.uncertain > ours.uncertain,
        upstreams: missed.upstreams,
        lost_for_others,
        upstream_changes,
        is_another_copy: false,
    })
}
