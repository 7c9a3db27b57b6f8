//! A file that has gone back in time: an older copy was put in its place, or the end of its write-ahead log is missing
//! or damaged. It is sound, and knows of less than its `.ledger` file.
//!
//! What was withdrawn since is taken out again. What can be read in the log is saved. What was delivered since and is
//! still here is delivered once more, marked as perhaps sent: the LRS knows it by its id. Places in the log that were
//! given out since are never given out again; each counts where its statement is now, and where that is lost it no
//! longer counts.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::catch_up::Forward;
use super::catch_up::become_another;
use super::catch_up::go_forward;
use super::catch_up::know;
use super::catch_up::{Sent, withdraw};
use super::held_voidings::HeldVoidings;
use super::loss;
use super::pages::Pages;
use super::salvage_report::Salvaged;
use super::saving::{Saving, take_out};
use super::survey::Survey;
use crate::store::file::kept;
use crate::store::file::names;
use crate::store::ledger_file::accounts::Others;
use crate::store::ledger_file::anew;
use crate::store::ledger_file::counts::Numbers;
use crate::store::ledger_file::notes::{Noted, Withdrawn};
use crate::store::ledger_file::reading::Raw;
use crate::store::ledger_file::{Account, Beside};
use crate::store::queue::ledger::Counter;
use crate::store::{Db, Millis, StoreError, upstream};

impl Db {
    /// Compares the file with its `.ledger` file, and brings it forward where it has gone back in time. Damage of the
    /// `.ledger` file is reported, and a sound one is made.
    ///
    /// A mixed file, whose log was not left beside it, may have pages of another copy.
    pub(crate) fn compare_numbers(
        &mut self,
        is_mixed: bool,
        now: Millis,
    ) -> Result<Option<Salvaged>, StoreError> {
        // In this order: whatever another process has written to the `.ledger` file is in the database by then, except
        // for what it is about to withdraw.
        let raw = Raw::of(&self.path)?;
        let account = Account::of(&self.conn)?;
        let beside = Beside::judge(&raw, &account);
        let ours = account.numbers;
        let is_behind = beside.is_ahead_of(&account) || !beside.since(ours.withdrawn).is_empty();
        if beside.latest(&account).has_sent_more_than(&ours) {
            self.write(|tx| Ok(upstream::wait_for_what_was_sent(tx, now)?))?;
        }
        let salvaged = if is_behind || is_mixed || beside.damage.is_some() {
            let told = self.bring_forward(is_mixed, now)?;
            self.mend_beside()?;
            told
        } else {
            None
        };
        if beside.is_stale
            && let Err(error) = anew::write_anew(&self.path, &account, &[])
        {
            tracing::debug!(%error, "what is kept beside the queue's file could not be written anew");
        }
        self.keep_numbers_anew()?;
        if account.notes_from.is_none()
            && let Err(error) = self.expect_beside()
        {
            // The next opening tries again.
            tracing::debug!(%error, "what is kept beside the queue's file may be lost");
        }
        Ok(salvaged)
    }

    /// Requires the `.ledger` file from now on.
    fn expect_beside(&mut self) -> Result<(), StoreError> {
        let Some(keeper) = &mut self.keeper else {
            return Ok(());
        };
        keeper
            .make_lasting()
            .map_err(|error| StoreError::Other(error.to_string()))?;
        self.write(|tx| {
            tx.execute(
                "UPDATE ledger SET notes_from = withdrawn WHERE notes_from IS NULL",
                [],
            )?;
            Ok(())
        })
    }

    /// Takes out what was noted and is still here: whoever took it out died right before the commit, or the file is an
    /// older one. Then makes up for whatever else the `.ledger` file tells.
    fn bring_forward(
        &mut self,
        is_mixed: bool,
        now: Millis,
    ) -> Result<Option<Salvaged>, StoreError> {
        let path = self.path.clone();
        let (told, names_somebody) = self.write(|tx| {
            // Others may be writing just now: once this transaction has begun, nobody is.
            let account = Account::of(tx)?;
            let beside = Beside::judge(&Raw::of(&path)?, &account);
            let notes = beside.since(account.numbers.withdrawn);
            let is_another = is_mixed || beside.is_of_another_copy(&account);
            let mut is_uncertain = beside.is_uncertain() || is_another;
            if let Some(notes) = beside.broken_off(&account) {
                anew::close_up(&path, &account.numbers.family, notes)
                    .map_err(|error| StoreError::Other(error.to_string()))?;
            }
            if is_another {
                upstream::wait_for_what_was_sent(tx, now)?;
            }
            let mut forward = if is_uncertain || beside.is_ahead_of(&account) {
                let latest = (beside.latest(&account), beside.latest_others(&account));
                go_forward_with_log(tx, &path, latest, &notes, now)?
            } else {
                withdraw(tx, &notes, Sent::AsItSays, now)?;
                know(tx, account.numbers.withdrawn + notes.len() as u64)?;
                Forward::default()
            };
            if is_another {
                upstream::forget_endpoints(tx, 0)?;
                forward.is_another_copy = true;
            }
            // What was recorded since is not for upstreams that are no longer known.
            is_uncertain |= forward.upstreams > 0 || forward.was_uncertain;
            let words: Vec<String> = forward.words().into_iter().chain(beside.words()).collect();
            if words.is_empty() {
                return Ok((None, name_somebody(&notes)));
            }
            let words = words.join("; ");
            if !forward.is_told() && is_kept(tx, &path, &words)? {
                // The `.ledger` file could not be written anew last time.
                return Ok((None, name_somebody(&notes)));
            }
            let salvaged = Salvaged {
                damage: words,
                kept_at: keep_aside(&path, forward.is_told(), beside.damage.is_some(), now)?,
                saved: forward.saved,
                unreadable: 0,
                lost: forward.lost,
                uncertain: is_uncertain,
            };
            if salvaged.kept_at.is_none() && loss::is_told(tx, &salvaged)? {
                // What keeps it from being copied is still there.
                return Ok((None, name_somebody(&notes)));
            }
            loss::write(tx, now, &salvaged)?;
            if forward.is_told() || is_uncertain {
                become_another(tx, beside.numbers.map(|it| it.queue))?;
            }
            Ok((Some(salvaged), name_somebody(&notes)))
        })?;
        self.leave_no_trace(names_somebody);
        Ok(told)
    }

    /// Makes a sound `.ledger` file of what is whole, once its damage is recorded: a kill in between reports it twice.
    fn mend_beside(&mut self) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.write(|tx| {
            let account = Account::of(tx)?;
            let beside = Beside::judge(&Raw::of(&path)?, &account);
            let Some(damage) = &beside.damage else {
                return Ok(());
            };
            know(tx, damage.notes)?;
            match anew::write_anew(&path, &Account::of(tx)?, &beside.notes) {
                Ok(()) => drop(tx.execute("UPDATE ledger SET notes_from = withdrawn", [])?),
                Err(error) => {
                    tracing::warn!(%error, "what is kept beside the queue's file is damaged, and could not be written anew");
                }
            }
            Ok(())
        })
    }

    /// Overwrites what was erased and had come back.
    fn leave_no_trace(&mut self, names_somebody: bool) {
        if names_somebody && let Err(error) = self.expunge() {
            tracing::warn!(%error, "what had been erased could not be overwritten in the queue's file");
        }
    }
}

/// Keeps copies of what is written anew: the log of a file that has gone back, and a damaged `.ledger` file. Returns
/// where the first of them is; none where nothing is kept.
fn keep_aside(
    path: &Path,
    has_gone_back: bool,
    is_beside_damaged: bool,
    now: Millis,
) -> Result<Option<PathBuf>, StoreError> {
    let kept_at = kept::kept_name(path, now);
    let beside = is_beside_damaged
        .then(|| kept::keep_beside(path, &kept_at))
        .flatten();
    if has_gone_back && let Some(log) = kept::keep_log(path, &kept_at)? {
        return Ok(Some(log));
    }
    Ok(beside)
}

/// Tells whether the last loss, not acknowledged, is this one, and had the same `.ledger` file.
fn is_kept(tx: &Connection, path: &Path, words: &str) -> rusqlite::Result<bool> {
    let Some((_, last)) = loss::of(tx)?.pop() else {
        return Ok(false);
    };
    let beside = |path: &Path| std::fs::read(names::with_suffix(path, names::LEDGER_SUFFIX)).ok();
    let there = beside(path);
    let mut kept = last.kept().into_iter();
    Ok(last.damage == words
        && there.is_some()
        && kept.any(|kept| std::fs::read(kept).ok() == there))
}

fn name_somebody(notes: &[Withdrawn]) -> bool {
    let mut notes = notes.iter();
    notes.any(|note| matches!(note.to, Counter::Erased | Counter::Delivered))
}

/// Brings an older file forward, with what its write-ahead log has beyond its damage.
fn go_forward_with_log(
    tx: &Connection,
    path: &Path,
    (latest, others): (Numbers, Others),
    notes: &[Withdrawn],
    now: Millis,
) -> Result<Forward, StoreError> {
    let pages = Pages::of(path)?;
    let survey = Survey::of(&pages);
    let last = Numbers::of(tx)?.last_seq as i64;
    // Which of the statements have left since is not known.
    tx.execute(
        "UPDATE upstream SET sent_through = max(sent_through, ?1)",
        [last],
    )?;
    tx.execute("UPDATE aside SET sent = 1", [])?;
    withdraw(tx, notes, Sent::Perhaps, now)?;
    take_out(tx, &survey.gone, now)?;
    let stay_out = Noted::new(notes);
    let mut found = Vec::new();
    for spot in survey.whole.into_iter().filter(|spot| spot.seq > last) {
        if let Some(mut one) = pages.read(spot)
            && !stay_out.has(spot.seq, one.id)
        {
            one.not_for |= stay_out.given_up(spot.seq, one.id);
            found.push((spot.seq, one));
        }
    }
    let saved: Vec<i64> = found.iter().map(|(seq, _)| *seq).collect();
    let beyond = saved.iter().map(|seq| *seq as u64).max().unwrap_or(0);
    let latest = Numbers {
        last_seq: latest.last_seq.max(beyond),
        ..latest
    };
    let mut forward = go_forward(tx, &latest, &others, notes, &saved)?;
    let mut saving = Saving::begin(tx)?;
    let voidings = HeldVoidings::noted(&stay_out);
    for (seq, one) in found {
        let voiding = voidings.again(seq, &one, None);
        saving.save(one, voiding)?;
    }
    forward.saved = saving.end(now)?.saved();
    Ok(forward)
}
