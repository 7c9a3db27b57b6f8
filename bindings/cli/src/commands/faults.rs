//! Faults as a person sees them: the first ones, and the number of the others.

use std::fmt::Display;

/// Most faults to show: nobody reads more, and a file of another kind has millions.
const AT_MOST: u64 = 20;

/// Counts of the faults that were shown and of those that were not.
pub struct Shown {
    /// Tells whether all are shown, however many there are.
    all: bool,
    told: u64,
    left_out: u64,
    statements: u64,
}

impl Shown {
    /// Starts with none; the first ones will be shown, or `all`.
    pub fn new(all: bool) -> Self {
        Self {
            all,
            told: 0,
            left_out: 0,
            statements: 0,
        }
    }

    /// Shows those of one statement, `FILE:LINE: what`, as far as there is room. It has `more` than are listed.
    pub fn lines<T: Display>(
        &mut self,
        place: &str,
        faults: &[T],
        more: usize,
        mut say: impl FnMut(String),
    ) {
        let mut whole = more == 0;
        self.left_out += more as u64;
        for fault in faults {
            if self.room() {
                self.told += 1;
                say(format!("{place}: {fault}"));
            } else {
                self.left_out += 1;
                whole = false;
            }
        }
        self.statements += u64::from(!whole);
    }

    /// Shows all those of one statement in one line of JSON, if there is room.
    pub fn together(&mut self, faults: usize, say: impl FnOnce()) {
        if self.room() {
            self.told += 1;
            say();
        } else {
            self.left_out += faults as u64;
            self.statements += 1;
        }
    }

    fn room(&self) -> bool {
        self.all || self.told < AT_MOST
    }

    /// Says what was left out, if anything was.
    pub fn more(&self, what: &str) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!(
                "… and {} more {what} in {} statements (all of them: --all-faults)",
                self.left_out, self.statements
            )
        })
    }
}
