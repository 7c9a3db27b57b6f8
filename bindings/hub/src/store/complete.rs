//! How far the statements are complete: what `X-Experience-API-Consistent-Through` says (1.0.3
//! Communication 2.1.3; 2.0.0 4.1.6.1).
//!
//! It stands on every answer, also on that to a stranger, so it is known without the database and its
//! lock. It always holds that nothing is stored with an earlier instant than was told. All instants are Unix
//! microseconds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::now;

/// What was told, and what is being stored.
pub struct Complete(Mutex<Told>);

struct Told {
    through: i64,
    /// The first instant of what is being stored just now.
    storing: Option<i64>,
}

impl Complete {
    /// Up to now.
    pub fn new() -> Self {
        Self(Mutex::new(Told {
            through: now(),
            storing: None,
        }))
    }

    /// Everything stored before this instant can be read from now on.
    pub fn through(&self) -> i64 {
        let mut told = self.lock();
        let through = told.storing.map_or(now(), |first| first.min(now()));
        told.through = told.through.max(through);
        told.through
    }

    /// The instant of the first new statement, when `last` is that of the last one that is stored. Until the
    /// result is dropped, nothing from there on is called complete. One at a time.
    pub fn begin(&self, last: Option<i64>) -> Storing<'_> {
        let mut told = self.lock();
        // Strictly increasing, also when the clock goes back, and never before what was called complete.
        let first = now().max(last.unwrap_or_default() + 1).max(told.through);
        told.storing = Some(first);
        Storing {
            first,
            complete: self,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        // Two numbers are in order after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Statements that are being stored.
pub struct Storing<'a> {
    /// The instant of the first.
    pub first: i64,
    complete: &'a Complete,
}

impl Drop for Storing<'_> {
    fn drop(&mut self) {
        self.complete.lock().storing = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_stored_is_not_called_complete() {
        let complete = Complete::new();
        let told = complete.through();
        let storing = complete.begin(Some(told - 5));
        assert!(storing.first >= told);
        // However late it is meanwhile.
        while now() <= storing.first {}
        assert_eq!(complete.through(), storing.first);
        let first = storing.first;
        drop(storing);
        assert!(complete.through() > first);
        assert_eq!(complete.begin(Some(i64::MAX - 1)).first, i64::MAX);
    }
}
