//! Places in the log of statements that a flipped bit has made others of.
//!
//! No checksum covers the number of a row. But each row also has the sum of the bytes of all statements up to it
//! (`ends_at`): where that sum is one statement's bytes more than another's, that one stands right before it.

use std::collections::{HashMap, HashSet};

use super::pages::Spot;

/// Whole statement, with what its row says of its place.
pub(super) struct Placed {
    pub(super) spot: Spot,
    pub(super) ends_at: i64,
    /// Number of bytes of the statement.
    pub(super) bytes: i64,
}

/// What came of looking at the places.
#[derive(Default)]
pub(crate) struct Places {
    /// Places as they were, by what the rows say.
    pub(crate) mended: HashMap<i64, i64>,
    /// Places that may be other ones.
    pub(crate) in_doubt: HashSet<i64>,
}

/// Mends the places that can only be other ones than their rows say. `last` is the last one that was given out, as far
/// as that is known.
pub(super) fn mend(all: &mut [Placed], last: Option<i64>) -> Places {
    all.sort_by_key(|one| one.ends_at);
    let mut places = Places::default();
    for at in 0..all.len() {
        let says = all[at].spot.seq;
        let neighbours = Neighbours::of(all, at);
        if neighbours.confirm(says) {
            continue;
        }
        let before = at.checked_sub(1).map_or(0, |before| all[before].spot.seq);
        let is_none = says <= 0 || last.is_some_and(|last| says > last);
        let known = neighbours.place(says, is_none);
        if let Some(place) = known.or((says <= 0).then_some(before + 1)) {
            places.mended.insert(says, place);
            all[at].spot.seq = place;
        }
        let next = all.get(at + 1).map_or(i64::MAX, |next| next.spot.seq);
        if known.is_none() && !(before < says && says < next && neighbours.are_none()) {
            places.in_doubt.insert(all[at].spot.seq);
        }
    }
    places
}

/// Places that the statements next to one, and those next to them, leave it.
struct Neighbours {
    before: [Option<i64>; 2],
    after: [Option<i64>; 2],
}

impl Neighbours {
    fn of(all: &[Placed], at: usize) -> Self {
        let after = |at: usize| {
            let next = all.get(at + 1)?;
            (all[at].ends_at + next.bytes == next.ends_at).then_some(at + 1)
        };
        let before = |at: usize| at.checked_sub(1).filter(|first| after(*first).is_some());
        let seq = |at: usize| all[at].spot.seq;
        Self {
            before: [
                before(at).map(|one| seq(one) + 1),
                before(at).and_then(before).map(|two| seq(two) + 2),
            ],
            after: [
                after(at).map(|one| seq(one) - 1),
                after(at).and_then(after).map(|two| seq(two) - 2),
            ],
        }
    }

    fn all(&self) -> impl Iterator<Item = i64> {
        self.before.into_iter().chain(self.after).flatten()
    }

    fn are_none(&self) -> bool {
        self.all().next().is_none()
    }

    fn confirm(&self, place: i64) -> bool {
        self.all().any(|own| own == place)
    }

    /// Returns the place where it is another one than its row says. Where that could be its own, two neighbours have to
    /// agree, and one bit makes the difference: places may be left out.
    fn place(&self, says: i64, is_none: bool) -> Option<i64> {
        if is_none && let Some(place) = self.all().next() {
            return Some(place);
        }
        let pairs = [
            (self.before[0], self.after[0]),
            (self.before[0], self.before[1]),
            (self.after[0], self.after[1]),
        ];
        let agreed = pairs
            .into_iter()
            .find_map(|(one, other)| one.filter(|_| one == other));
        agreed.filter(|place| (place ^ says).count_ones() == 1)
    }
}
