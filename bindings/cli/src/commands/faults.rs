//! Faults as a person is told of them: the first ones, and how many more there are.

use std::fmt::Display;

use super::Failure;

/// Nobody reads more of them, and a file of another kind has millions.
const AT_MOST: u64 = 20;

/// How many have been told, and how many not.
#[derive(Default)]
pub struct Shown {
    told: u64,
    left_out: u64,
    statements: u64,
}

impl Shown {
    /// Tells those of one statement, `FILE:LINE: what`, as far as there is room. It has `more` than are
    /// listed.
    pub fn lines<T: Display>(
        &mut self,
        place: &str,
        faults: &[T],
        more: usize,
        mut say: impl FnMut(String) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut whole = more == 0;
        self.left_out += more as u64;
        for fault in faults {
            if self.told < AT_MOST {
                self.told += 1;
                say(format!("{place}: {fault}"))?;
            } else {
                self.left_out += 1;
                whole = false;
            }
        }
        self.statements += u64::from(!whole);
        Ok(())
    }

    /// What was left out, if anything was.
    pub fn more(&self, what: &str) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!(
                "… and {} more {what} in {} statements (all of them: --json)",
                self.left_out, self.statements
            )
        })
    }
}
