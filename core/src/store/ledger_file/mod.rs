//! The file beside the queue, `….ledger`, looked at as a whole before it is believed: which numbers and notes
//! of it count, and what shows that it is damaged or missing.
//!
//! Numbers and each note have a checksum of their own, so what is whole counts whatever else is damaged. What
//! must be there is told by the queue itself, which knows from which number on there are notes
//! (`ledger.notes_from`) and how many (`ledger.withdrawn`), and by the numbers beside it, which are written after
//! each commit; where those are damaged, by the later notes. What is not whole beyond that was being written when
//! the power failed: its transaction never was. The file lasts on the disk before the queue says that it is there.

pub(crate) mod accounts;
pub(crate) mod counts;
pub(crate) mod notes;
pub(crate) mod writer;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use rusqlite::Connection;

use self::accounts::Others;
use self::counts::{HEADER, MARK, NUMBERS_END, Numbers};
use self::notes::{BYTES, MOST, Withdrawn};
use crate::store::StoreError;
use crate::store::file::beside;
use crate::store::file::replace::LEDGER_SUFFIX;
use crate::store::file::replace::{is_absent, sync_folder, unusable, with_suffix};

/// The longest that it is.
const LONGEST: u64 = HEADER + MOST * BYTES as u64;

/// What stands there.
pub(crate) enum Raw {
    Missing,
    /// No more than one byte beyond the longest.
    Bytes(Vec<u8>),
}

impl Raw {
    /// Reads it. What keeps us from that is an error, and says nothing of what stands there.
    pub(crate) fn of(queue: &Path) -> Result<Self, StoreError> {
        let path = with_suffix(queue, LEDGER_SUFFIX);
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(Self::Bytes(bytes)),
            Err(error) if is_absent(&path, &error) => Ok(Self::Missing),
            Err(error) => Err(unusable(queue, &path, &error)),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Missing => &[],
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Refuses a queue beside which stands one that is not ours to read and to write: what was taken in then could
/// be lost and nobody would be told. It is neither made nor changed.
pub(crate) fn must_be_usable(queue: &Path) -> Result<(), StoreError> {
    let path = with_suffix(queue, LEDGER_SUFFIX);
    match File::options().read(true).write(true).open(&path) {
        Err(error) if !is_absent(&path, &error) => Err(unusable(queue, &path, &error)),
        _ => Ok(()),
    }
}

/// Returns the numbers that stand beside the queue; none where nothing whole does.
pub(crate) fn numbers(queue: &Path) -> Result<Option<Numbers>, StoreError> {
    Ok(Numbers::read(Raw::of(queue)?.bytes()))
}

/// Returns the same, without a look at the rest of the file; none, too, where it cannot be read.
pub(crate) fn head(queue: &Path) -> Option<Numbers> {
    let mut head = Vec::new();
    let file = File::open(with_suffix(queue, LEDGER_SUFFIX)).ok()?;
    file.take(NUMBERS_END as u64).read_to_end(&mut head).ok()?;
    Numbers::read(&head)
}

/// Returns the accounts of further upstreams that stand beside the queue; none where they are not whole.
pub(crate) fn others(queue: &Path) -> Result<Option<Others>, StoreError> {
    Ok(match Raw::of(queue)? {
        Raw::Missing => None,
        Raw::Bytes(bytes) => Others::read(&bytes),
    })
}

/// Tells whether a file stands beside the queue that Pannier made, in whatever state it is.
pub(crate) fn was_ours(queue: &Path) -> Result<bool, StoreError> {
    Ok(Raw::of(queue)?.bytes().starts_with(&MARK))
}

/// Tells whether these are the bytes of a file that Pannier made, however early it was torn.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK) || MARK.starts_with(bytes)
}

/// The family that a damaged file is about, where its notes prove it.
pub(crate) fn family_of(queue: &Path) -> Result<Option<[u8; 16]>, StoreError> {
    let raw = Raw::of(queue)?;
    let bytes = raw.bytes();
    let family = bytes.get(24..40).and_then(|family| family.try_into().ok());
    Ok(family.filter(|family| !notes::whole(bytes, family).is_empty()))
}

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

/// Writes a sound one with what is whole. In its place, where there is one: others may have it open.
pub(crate) fn write_anew(
    queue: &Path,
    account: &Account,
    notes: &[(u64, Withdrawn)],
) -> io::Result<()> {
    let path = with_suffix(queue, LEDGER_SUFFIX);
    let open = || beside::open(queue, &path);
    let mut file = open().or_else(|_| fs::remove_file(&path).and_then(|()| open()))?;
    file.set_len(0)?;
    file.write_all(&account.numbers.bytes())?;
    if !account.others.is_empty() {
        file.seek(SeekFrom::Start(NUMBERS_END as u64))?;
        file.write_all(&account.others.bytes())?;
    }
    for (number, note) in notes {
        notes::write(
            &mut file,
            &account.numbers.family,
            *number,
            std::slice::from_ref(note),
        )?;
    }
    file.sync_all()?;
    sync_folder(&path)
}

/// Moves the notes of a transaction that was broken off together, so that none seems to be gone.
pub(crate) fn close_up(
    queue: &Path,
    family: &[u8; 16],
    (first, notes): (u64, &[(u64, Withdrawn)]),
) -> io::Result<()> {
    let mut file = beside::open(queue, &with_suffix(queue, LEDGER_SUFFIX))?;
    let together: Vec<Withdrawn> = notes.iter().map(|(_, note)| *note).collect();
    notes::write(&mut file, family, first, &together)?;
    let end = notes.last().map_or(first, |(number, _)| number + 1);
    notes::wipe(&mut file, first + notes.len() as u64..end)?;
    file.sync_data()
}

/// The notes of these files from this number on, the oldest first. What is not whole is not there.
pub(crate) fn notes_since(
    path: &Path,
    family: &[u8; 16],
    first: u64,
) -> Result<Vec<Withdrawn>, StoreError> {
    let all = notes(path, family)?.into_iter();
    let new = all.filter(|(number, _)| *number >= first);
    Ok(new.map(|(_, note)| note).collect())
}

/// All of them with their numbers.
pub(crate) fn notes(path: &Path, family: &[u8; 16]) -> Result<Vec<(u64, Withdrawn)>, StoreError> {
    Ok(notes::whole(Raw::of(path)?.bytes(), family))
}
