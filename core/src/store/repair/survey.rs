//! Survey of a damaged file: which statements are still there, and which were taken out.
//!
//! What was retracted, erased, or deleted once it was delivered is still found in older versions of its page: in the
//! log, in the file under the log, on pages that are free. So the log is followed from its beginning. What a page had,
//! and neither its next version nor any other page of the same transaction has, was taken out, and stays so: a row
//! moves to another page within one transaction.
//!
//! A frame that is not whole proves nothing, not even of which page it is: its bytes may have changed since, or the
//! power was cut while some of its sectors were written, and the others are an older frame's, which look as good. What
//! it has serves as a copy where there is no better one. Any page may have had another version in its place, so what
//! the next whole version of a page lacks may have moved elsewhere before. That counts as still there, for no statement
//! is given up on a suspicion, unless the rows around it are next to each other on one page later.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::pages::{Pages, Proved, Spot};
use super::places::{self, Placed, Places};
use super::wal_frames::At;
use super::wal_frames::Frame;
use crate::store::ledger_file::counts::Numbers;
use crate::store::queue::body;

/// Result of looking through a damaged file.
pub(crate) struct Survey {
    /// Places of the whole statements in capture order, each once.
    pub(crate) whole: Vec<Spot>,
    /// Number of statements of which no whole copy is left.
    pub(crate) spoilt: u64,
    /// Statements that were taken out, as the log shows.
    pub(crate) gone: HashSet<i64>,
    pub(crate) places: Places,
}

impl Survey {
    pub(crate) fn of(pages: &Pages) -> Self {
        let mut seen = Seen::in_file(pages);
        let mut begin = 0;
        for (at, frame) in pages.frames.iter().enumerate() {
            if frame.pages_after.is_some() {
                seen.commit(begin..at + 1);
                begin = at + 1;
            }
        }
        seen.break_off(begin..pages.frames.len());
        seen.decide();
        seen.read()
    }

    /// Returns the database's own numbers with no later end of the log than is known otherwise, as a flipped bit may have
    /// moved it.
    pub(crate) fn with_known_end(&self, own: Numbers, beside: Option<&Numbers>) -> Numbers {
        let last = self.whole.last().map_or(0, |spot| spot.seq as u64);
        let known = match beside {
            Some(beside) => beside.last_seq.max(last),
            None if self.places.mended.contains_key(&(own.last_seq as i64)) => last,
            None => own.last_seq,
        };
        Numbers {
            last_seq: own.last_seq.min(known),
            ..own
        }
    }
}

/// Version of a page, as a transaction left it.
struct Version {
    /// Place of its bytes; none: it is free.
    at: Option<At>,
    /// Number of frames that had been written when the transaction began.
    since: usize,
}

/// Places where each statement was seen, up to some transaction.
struct Seen<'a> {
    pages: &'a Pages,
    /// Last place of each statement.
    last: BTreeMap<i64, Spot>,
    /// Places before that, oldest first.
    before: HashMap<i64, Vec<Spot>>,
    gone: HashSet<i64>,
    /// Statements no longer on their page, and perhaps on one that is damaged.
    missing: HashSet<i64>,
    /// Last whole version of each page that the log has.
    versions: HashMap<u64, Version>,
    /// Number of frames up to the end of the last transaction with a damaged one: any page may have had another version
    /// among them.
    damaged_until: usize,
    /// Statements seen last in a frame that is not whole.
    glimpsed: HashSet<i64>,
    /// Number of pages.
    size: u64,
}

impl<'a> Seen<'a> {
    fn in_file(pages: &'a Pages) -> Self {
        let mut seen = Self {
            pages,
            last: BTreeMap::new(),
            before: HashMap::new(),
            gone: HashSet::new(),
            missing: HashSet::new(),
            versions: HashMap::new(),
            damaged_until: 0,
            glimpsed: HashSet::new(),
            size: pages.count,
        };
        let free = pages.free_in_file();
        for page in (1..=pages.count).filter(|page| !free.contains(page)) {
            seen.see(page, At::file(page), 0);
        }
        seen
    }

    /// Notes and returns the statements that this version of a page has.
    fn see(&mut self, page: u64, at: At, then: usize) -> Vec<i64> {
        let listed = self.pages.listed(at);
        for &(seq, cell) in &listed {
            let spot = Spot {
                seq,
                page,
                at,
                cell,
                then,
            };
            if let Some(before) = self.last.insert(seq, spot) {
                self.before.entry(seq).or_default().push(before);
            }
            self.gone.remove(&seq);
            self.missing.remove(&seq);
            self.glimpsed.remove(&seq);
        }
        listed.into_iter().map(|(seq, _)| seq).collect()
    }

    /// Returns the statements that this page had before the transaction, and whether that was its version right before.
    fn had(&self, page: u64) -> Vec<(i64, bool)> {
        let in_file = Version {
            at: Some(At::file(page)),
            since: 0,
        };
        let version = self.versions.get(&page).unwrap_or(&in_file);
        let is_latest = version.since >= self.damaged_until;
        let listed = version.at.into_iter().flat_map(|at| self.pages.listed(at));
        listed
            .filter(|(seq, _)| self.last.get(seq).is_some_and(|spot| spot.page == page))
            .map(|(seq, _)| (seq, is_latest))
            .collect()
    }

    /// Follows one transaction.
    fn commit(&mut self, frames: std::ops::Range<usize>) {
        let (since, then) = (frames.start, frames.end);
        let frames: &[Frame] = &self.pages.frames[frames];
        let (whole, damaged): (Vec<&Frame>, Vec<&Frame>) =
            frames.iter().partition(|frame| frame.whole);
        let last = frames.last().filter(|frame| frame.whole);
        let size = last.and_then(|frame| frame.pages_after);
        let mut had = Vec::new();
        for frame in &whole {
            had.extend(self.had(frame.page));
            let at = Some(frame.at);
            self.versions.insert(frame.page, Version { at, since });
        }
        let freed = whole
            .iter()
            .filter_map(|frame| self.pages.freed_by(frame.page, frame.at));
        let cut = size.map_or(0..0, |size| size + 1..self.size + 1);
        for free in freed.flatten().chain(cut) {
            had.extend(self.had(free));
            self.versions.insert(free, Version { at: None, since });
        }
        self.size = size.unwrap_or(self.size);
        let mut has = HashSet::new();
        for frame in &whole {
            // It may have been freed after it was written to.
            if self.versions[&frame.page].at.is_some() {
                has.extend(self.see(frame.page, frame.at, then));
            }
        }
        for (seq, was_there) in had {
            if has.contains(&seq) {
                continue;
            }
            if was_there && damaged.is_empty() {
                self.take_out(seq);
            } else {
                self.missing.insert(seq);
            }
        }
        for frame in damaged {
            self.damaged_until = then;
            self.glimpse(frame, then);
        }
    }

    /// Notes what a frame has that proves nothing.
    fn glimpse(&mut self, frame: &Frame, then: usize) {
        if frame.page == 0 {
            // It is of an earlier turn of the log: its content is in the file since, or was taken out.
            return;
        }
        for (seq, cell) in self.pages.listed(frame.at) {
            let given_out = self.pages.last_given_out.is_none_or(|last| seq <= last);
            if given_out && !self.gone.contains(&seq) {
                let spot = Spot {
                    seq,
                    page: frame.page,
                    at: frame.at,
                    cell,
                    then,
                };
                match self.last.entry(seq) {
                    Entry::Vacant(none) => {
                        none.insert(spot);
                        self.glimpsed.insert(seq);
                    }
                    // In case that one cannot be read.
                    Entry::Occupied(_) => self.before.entry(seq).or_default().push(spot),
                }
            }
        }
    }

    fn take_out(&mut self, seq: i64) {
        self.last.remove(&seq);
        self.before.remove(&seq);
        self.gone.insert(seq);
    }

    /// Notes frames of no commit: the last one of the transaction is lost, or it was undone. In the latter case nothing
    /// of it was given out.
    fn break_off(&mut self, frames: std::ops::Range<usize>) {
        let (pages, then) = (self.pages, frames.end);
        for frame in &pages.frames[frames] {
            self.glimpse(frame, then);
        }
    }

    /// Takes out the missing statements that would be between two that are next to each other on a page as it was
    /// later.
    fn decide(&mut self) {
        let mut gone = Vec::new();
        let mut before: Option<&Spot> = None;
        let mut between: Vec<&Spot> = Vec::new();
        // In one pass along the log: thousands in a row may be missing.
        for (seq, spot) in &self.last {
            if self.missing.contains(seq) {
                between.push(spot);
            } else if !self.glimpsed.contains(seq) {
                let waiting = between.drain(..);
                if let Some(before) = before.filter(|before| before.at == spot.at) {
                    let is_older = |one: &&Spot| before.then > one.then;
                    gone.extend(waiting.filter(is_older).map(|one| one.seq));
                }
                before = Some(spot);
            }
        }
        for seq in gone {
            self.take_out(seq);
        }
    }

    fn read(mut self) -> Survey {
        let mut ids = HashSet::new();
        let mut whole = Vec::new();
        let mut spoilt = 0;
        let last = std::mem::take(&mut self.last);
        // Newest first: of those under one id, the newest counts.
        for (seq, last) in last.into_iter().rev() {
            let before = self.before.remove(&seq).unwrap_or_default();
            let spots = std::iter::once(last).chain(before.into_iter().rev());
            let mut is_read = false;
            for spot in spots {
                // Two that are there under one place are two statements.
                if is_read && !self.is_current(&spot) {
                    continue;
                }
                let Some(Proved { found, ends_at }) = self.pages.read_row(spot) else {
                    continue;
                };
                is_read = true;
                if ids.insert(found.id) {
                    whole.push(Placed {
                        spot,
                        ends_at: ends_at.unwrap_or(0),
                        bytes: body::length(&found.body, &found.contents),
                    });
                }
            }
            spoilt += u64::from(!is_read);
        }
        let places = places::mend(&mut whole, self.pages.last_given_out);
        let mut whole: Vec<Spot> = whole.into_iter().map(|placed| placed.spot).collect();
        whole.sort_by_key(|spot| spot.seq);
        Survey {
            whole,
            spoilt,
            gone: self.gone,
            places,
        }
    }

    /// Tells whether it is in its page as that was last.
    fn is_current(&self, spot: &Spot) -> bool {
        let in_file = Some(At::file(spot.page));
        let version = self.versions.get(&spot.page);
        version.map_or(in_file, |version| version.at) == Some(spot.at)
    }
}
