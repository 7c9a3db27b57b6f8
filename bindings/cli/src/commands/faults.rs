//! Faults as a person is told of them: the first ones, and how many more there are.

use std::fmt::Display;

/// Nobody reads more of them, and a file of another kind has millions.
const AT_MOST: u64 = 20;

/// How many have been told, and how many not.
pub struct Shown {
    /// Whether all are told, as many as they are.
    all: bool,
    told: u64,
    left_out: u64,
    statements: u64,
}

impl Shown {
    /// None yet, of which the first ones will be told, or `all`.
    pub fn new(all: bool) -> Self {
        Self {
            all,
            told: 0,
            left_out: 0,
            statements: 0,
        }
    }

    /// Tells those of one statement, `FILE:LINE: what`, as far as there is room. It has `more` than are
    /// listed.
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

    /// The same where those of one statement stand in one line of JSON.
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

    /// What was left out, if anything was.
    pub fn more(&self, what: &str) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!(
                "… and {} more {what} in {} statements (all of them: --all-faults)",
                self.left_out, self.statements
            )
        })
    }
}
