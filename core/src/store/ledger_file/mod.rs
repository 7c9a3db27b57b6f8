//! The `.ledger` file beside the queue, checked as a whole before it is believed: which of its numbers and notes count,
//! and what shows that it is damaged or missing.
//!
//! The numbers and each note have their own checksums, so what is whole counts whatever else is damaged. The database
//! itself says what must be there: from which number on there are notes (`ledger.notes_from`) and how many
//! (`ledger.withdrawn`). So do the numbers beside it, which are written after each commit, or, where those are damaged,
//! the later notes. What is not whole beyond that was being written when the power failed: its transaction never took
//! place. The file is synced before the database says that it is there.

pub(crate) mod accounts;
pub(crate) mod anew;
pub(crate) mod counts;
pub(crate) mod layout;
pub(crate) mod notes;
pub(crate) mod reading;
pub(crate) mod writer;

use std::collections::HashSet;

use rusqlite::Connection;

use self::accounts::Others;
use self::counts::Numbers;
use self::layout::MARK;
use self::notes::{BYTES, MOST, Withdrawn};
use self::reading::{LONGEST, Raw};

/// Account that the database itself gives.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) numbers: Numbers,
    pub(crate) others: Others,
    /// Identity of the queue that it was before; the `.ledger` file may still be of that one.
    pub(crate) came_from: Option<[u8; 16]>,
    /// Number of the first note that must be there; none: no file need be.
    pub(crate) notes_from: Option<u64>,
}

impl Account {
    pub(crate) fn of(conn: &Connection) -> rusqlite::Result<Self> {
        let (came_from, notes_from) =
            conn.query_row("SELECT came_from, notes_from FROM ledger", [], |row| {
                Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?))
            })?;
        Ok(Self {
            numbers: Numbers::of(conn)?,
            others: Others::of(conn)?,
            came_from,
            notes_from: notes_from.map(|from| from as u64),
        })
    }
}

impl Account {
    /// Tells whether these numbers are of what the queue was before, and must be written anew.
    fn was(&self, numbers: &Numbers) -> bool {
        numbers.queue != self.numbers.queue && self.came_from == Some(numbers.queue)
    }

    /// Tells whether these numbers are of another copy than this one.
    pub(crate) fn is_of_another_copy(&self, numbers: &Numbers) -> bool {
        let ours = &self.numbers;
        numbers.family == ours.family && numbers.queue != ours.queue && !self.was(numbers)
    }
}

/// Content of the `.ledger` file that counts.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Numbers; none where they are not whole, or about another queue.
    pub(crate) numbers: Option<Numbers>,
    /// Accounts of further upstreams; none where they are not whole, or not beside whole numbers.
    others: Option<Others>,
    /// Whole notes and their numbers, oldest first.
    pub(crate) notes: Vec<(u64, Withdrawn)>,
    /// True if it is about a queue that was here before, and this one is new.
    pub(crate) is_stale: bool,
    /// Damage of the file; none where it is sound.
    pub(crate) damage: Option<Damage>,
}

/// Damage that shows in the `.ledger` file.
#[derive(Debug)]
pub(crate) struct Damage {
    /// Clauses that say what is wrong.
    what: Vec<String>,
    /// True if the queue may be older than what is no longer there.
    pub(crate) is_uncertain: bool,
    /// Least number of notes that there were.
    pub(crate) notes: u64,
}

impl Damage {
    pub(crate) fn words(&self) -> String {
        let what = self.what.join(", and ");
        let so = if self.is_uncertain {
            ": if the queue is an older copy, what was taken back or erased since may be delivered unless \
             that is done again, what was recorded since may be missing, and addresses may be of LRSs that were given up"
        } else {
            ": nothing in the queue is touched by that"
        };
        format!("of what is kept beside it, in its .ledger, {what}{so}")
    }
}

impl Beside {
    pub(crate) fn judge(raw: &Raw, account: &Account) -> Self {
        let none: &[u8] = &[];
        let is_expected = account.notes_from.is_some();
        let mut what = Vec::new();
        let bytes = match raw {
            Raw::Missing if is_expected => {
                what.push("the whole file is missing".to_owned());
                none
            }
            Raw::Missing => none,
            Raw::Bytes(bytes) => bytes,
        };
        let is_blank = bytes.iter().all(|byte| *byte == 0);
        if what.is_empty() && is_blank && !is_expected {
            // A new queue, or one whose making was interrupted.
            return Self::default();
        }
        let found = Numbers::read(bytes);
        let numbers = found.filter(|numbers| numbers.family == account.numbers.family);
        if found.is_some() && numbers.is_none() {
            if !is_expected {
                return Self {
                    is_stale: true,
                    ..Self::default()
                };
            }
            what.push("all is about another queue".to_owned());
        }
        // Before the file is known to be synced, what is behind the numbers may be older content of the disk.
        let nothing_yet = (!is_expected).then(Others::default);
        let others = numbers.and_then(|_| Others::read(bytes).or(nothing_yet));
        let notes = notes::whole(bytes, &account.numbers.family);
        if what.is_empty() {
            let nothing = numbers.is_none() && notes.is_empty() && !bytes.starts_with(&MARK);
            let damaged = match () {
                () if is_blank => Some("everything is wiped out"),
                () if nothing => Some("nothing is what was written there"),
                () if numbers.is_none() => Some("the numbers are damaged"),
                () if others.is_none() => Some("the numbers of further LRSs are damaged"),
                () => None,
            };
            what.extend(damaged.map(str::to_owned));
        }
        let numbered = numbers.map(|numbers| numbers.withdrawn);
        let gone = Gone::of(bytes, account, &notes, numbered);
        if numbers.is_some() && bytes.len() as u64 > LONGEST {
            what.push("the end is none of it".to_owned());
        }
        what.extend(gone.words());
        let damage = (!what.is_empty()).then(|| Damage {
            what,
            is_uncertain: others.is_none() || !gone.of_new.is_empty(),
            notes: gone.count(),
        });
        Self {
            numbers,
            others,
            notes,
            is_stale: false,
            damage,
        }
    }

    /// Tells whether the queue may be older than what is no longer there.
    pub(crate) fn is_uncertain(&self) -> bool {
        let mut damage = self.damage.iter();
        damage.any(|damage| damage.is_uncertain)
    }

    /// Returns what is wrong.
    pub(crate) fn words(&self) -> Option<String> {
        self.damage.as_ref().map(Damage::words)
    }

    /// Returns the notes from this number on.
    pub(crate) fn since(&self, number: u64) -> Vec<Withdrawn> {
        let from = self.notes.partition_point(|(known, _)| *known < number);
        self.notes[from..].iter().map(|(_, note)| *note).collect()
    }

    /// Returns the notes of an interrupted transaction of which some are not whole: the number that the first would
    /// have if these were all, and the notes with the numbers that they have.
    pub(crate) fn broken_off(&self, account: &Account) -> Option<(u64, &[(u64, Withdrawn)])> {
        let numbered = self.numbers?.withdrawn;
        let first = account.numbers.withdrawn.max(numbered);
        let from = self.notes.partition_point(|(known, _)| *known < first);
        let notes = &self.notes[from..];
        let mut numbers = (first..).zip(notes);
        let has_gaps = numbers.any(|(number, (known, _))| number != *known);
        has_gaps.then_some((first, notes))
    }

    /// Returns the last known accounts of further upstreams.
    pub(crate) fn latest_others(&self, account: &Account) -> Others {
        let others = self.others.as_ref();
        let others = others.filter(|_| self.numbers.is_some_and(|it| !account.was(&it)));
        others.unwrap_or(&account.others).clone()
    }

    /// Tells whether another copy of this file was in use last: one that went on when this one did, too.
    pub(crate) fn is_of_another_copy(&self, account: &Account) -> bool {
        self.numbers
            .is_some_and(|it| account.is_of_another_copy(&it))
    }

    /// Tells whether the `.ledger` file knows of something that the database does not.
    pub(crate) fn is_ahead_of(&self, account: &Account) -> bool {
        self.is_of_another_copy(account)
            || self.latest(account).are_ahead_of(&account.numbers)
            || self.latest_others(account).are_ahead_of(&account.others)
    }

    /// Returns the last known numbers of the queue. Where those in the file are damaged, the notes stand in for part of
    /// them.
    pub(crate) fn latest(&self, account: &Account) -> Numbers {
        let ours = account.numbers;
        if let Some(numbers) = self.numbers {
            // Numbers of the queue that this one was before say nothing of it.
            return if account.was(&numbers) { ours } else { numbers };
        }
        let unheard = self
            .notes
            .iter()
            .filter(|(number, _)| *number >= ours.withdrawn);
        let (mut last_seq, mut withdrawn) = (ours.last_seq, ours.withdrawn);
        for (number, note) in unheard {
            last_seq = last_seq.max(note.seq as u64);
            withdrawn = number + 1;
        }
        Numbers {
            last_seq,
            withdrawn,
            ..ours
        }
    }
}

/// Numbers of notes that should be there and are not.
struct Gone {
    /// Notes whose content is in the database too.
    of_old: Vec<u64>,
    /// Notes that the database may not know of.
    of_new: Vec<u64>,
    /// Number of notes that there were, by what is whole.
    end: u64,
}

impl Gone {
    /// Finds the missing notes. `numbered`: the number of notes by the numbers beside them, where those are whole.
    fn of(
        bytes: &[u8],
        account: &Account,
        notes: &[(u64, Withdrawn)],
        numbered: Option<u64>,
    ) -> Self {
        let known = account.numbers.withdrawn;
        let last = notes.last().map_or(0, |(number, _)| number + 1);
        let end = known.max(numbered.unwrap_or(last));
        let oldest = end.saturating_sub(MOST);
        let from = account.notes_from.unwrap_or(known).max(oldest);
        let there: HashSet<u64> = notes.iter().map(|(number, _)| *number).collect();
        let missing = (from..end).filter(|number| !there.contains(number));
        let broken = match numbered {
            Some(_) => Vec::new(),
            None => broken(bytes, &account.numbers.family, from..end),
        };
        let (of_old, of_new) = missing.chain(broken).partition(|number| *number < known);
        Self {
            of_old,
            of_new,
            end,
        }
    }

    /// Returns the least number of notes that there were.
    fn count(&self) -> u64 {
        let numbers = self.of_new.iter();
        numbers.fold(self.end, |end, number| end.max(number + 1))
    }

    fn words(&self) -> Option<String> {
        match self.of_old.len() + self.of_new.len() {
            0 => None,
            1 => Some("1 note of what was taken back or erased is gone".to_owned()),
            count => Some(format!(
                "{count} notes of what was taken back or erased are gone"
            )),
        }
    }
}

/// Returns the places of broken notes, except where one of the notes `known` belongs: each is the number of the first
/// note that may have stood there.
fn broken(file: &[u8], family: &[u8; 16], known: std::ops::Range<u64>) -> Vec<u64> {
    let places: HashSet<u64> = known.map(|number| number % MOST).collect();
    let (slots, rest) = notes::slots(file);
    let is_blank = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    let is_broken = |slot: &[u8; BYTES]| !is_blank(slot) && Withdrawn::read(slot, family).is_none();
    let all = slots.iter().map(is_broken).chain([!is_blank(rest)]);
    let broken = (0..).zip(all).filter(|(_, is_broken)| *is_broken);
    broken
        .map(|(place, _)| place)
        .filter(|place| !places.contains(place))
        .collect()
}
