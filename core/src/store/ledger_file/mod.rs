//! The file beside the queue, `….ledger`, looked at as a whole before it is believed: which numbers and notes
//! of it count, and what shows that it is damaged or missing.
//!
//! Numbers and each note have a checksum of their own, so what is whole counts whatever else is damaged. What
//! must be there is told by the queue itself, which knows from which number on there are notes
//! (`ledger.notes_from`) and how many (`ledger.withdrawn`), and by the numbers beside it, which are written after
//! each commit; where those are damaged, by the later notes. What is not whole beyond that was being written when
//! the power failed: its transaction never was. The file lasts on the disk before the queue says that it is there.

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

/// What the queue itself says.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) numbers: Numbers,
    pub(crate) others: Others,
    /// Which queue it was before; what stands beside it may be of that still.
    pub(crate) came_from: Option<[u8; 16]>,
    /// Notes from this number on must be there; none: no file need be.
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
    /// Tells whether these are of what the queue was before, and are to be written anew.
    fn was(&self, numbers: &Numbers) -> bool {
        numbers.queue != self.numbers.queue && self.came_from == Some(numbers.queue)
    }

    /// Tells whether these are of another copy than this one.
    pub(crate) fn is_of_another_copy(&self, numbers: &Numbers) -> bool {
        let ours = &self.numbers;
        numbers.family == ours.family && numbers.queue != ours.queue && !self.was(numbers)
    }
}

/// What of it counts.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// None where they are not whole, or about another queue.
    pub(crate) numbers: Option<Numbers>,
    /// None where they are not whole, or not beside whole numbers.
    others: Option<Others>,
    /// Those that are whole, the oldest first.
    pub(crate) notes: Vec<(u64, Withdrawn)>,
    /// It is about a queue that was here before, and this one is new.
    pub(crate) is_stale: bool,
    /// None where it is sound.
    pub(crate) damage: Option<Damage>,
}

/// What shows of damage.
#[derive(Debug)]
pub(crate) struct Damage {
    /// What is wrong, each a clause.
    what: Vec<String>,
    /// The queue may be older than what is no longer there.
    pub(crate) is_uncertain: bool,
    /// How many notes there were, at least.
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
            // A new queue, also one whose making was broken off.
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
        // Until the file is known to last, what is behind the numbers may be what lay on the disk before.
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

    /// The notes from this number on.
    pub(crate) fn since(&self, number: u64) -> Vec<Withdrawn> {
        let from = self.notes.partition_point(|(known, _)| *known < number);
        self.notes[from..].iter().map(|(_, note)| *note).collect()
    }

    /// The notes of a transaction that was broken off, where some of its notes are not whole: the numbers that
    /// they should have, if they had been all, and those that they have.
    pub(crate) fn broken_off(&self, account: &Account) -> Option<(u64, &[(u64, Withdrawn)])> {
        let numbered = self.numbers?.withdrawn;
        let first = account.numbers.withdrawn.max(numbered);
        let from = self.notes.partition_point(|(known, _)| *known < first);
        let notes = &self.notes[from..];
        let mut numbers = (first..).zip(notes);
        let has_gaps = numbers.any(|(number, (known, _))| number != *known);
        has_gaps.then_some((first, notes))
    }

    /// The accounts of further upstreams as they were last, as far as that is known.
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

    /// Tells whether what is kept beside it knows of something that the queue does not.
    pub(crate) fn is_ahead_of(&self, account: &Account) -> bool {
        self.is_of_another_copy(account)
            || self.latest(account).are_ahead_of(&account.numbers)
            || self.latest_others(account).are_ahead_of(&account.others)
    }

    /// The numbers of the queue as it was last, as far as that is known: what they no longer say, the notes
    /// say in part.
    pub(crate) fn latest(&self, account: &Account) -> Numbers {
        let ours = account.numbers;
        if let Some(numbers) = self.numbers {
            // Those of the file that this one was before say nothing of it.
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

/// Notes that should be there.
struct Gone {
    /// What they told is in the queue too.
    of_old: Vec<u64>,
    /// The queue may not know of these.
    of_new: Vec<u64>,
    /// So many notes there were, by what is whole.
    end: u64,
}

impl Gone {
    /// `numbered`: so many there were by the numbers beside the queue, where those are whole.
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

    /// How many notes there were, at least.
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

/// The places of notes that are not whole where none of these belongs: each is the number of the first note
/// that may have stood there.
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
