//! How far are the statements complete? The value of `X-Experience-API-Consistent-Through` (1.0.3 Communication
//! 2.1.3; 2.0.0 4.1.6.1).
//!
//! It is on every answer of the Statement Resource, even one to a stranger, so it is known without the database and
//! its lock. Nothing is ever stored with an earlier instant than was promised. All instants are Unix microseconds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::now;

/// The instant promised so far, and what is being stored.
pub struct Complete(Mutex<Told>);

struct Told {
    through: i64,
    /// First instant of what is being stored now.
    storing: Option<i64>,
}

impl Complete {
    /// Starts with everything complete up to now.
    pub fn new() -> Self {
        Self(Mutex::new(Told {
            through: now(),
            storing: None,
        }))
    }

    /// Returns an instant: everything stored before it can be read from now on.
    pub fn through(&self) -> i64 {
        let mut told = self.lock();
        let through = told.storing.map_or(now(), |first| first.min(now()));
        told.through = told.through.max(through);
        told.through
    }

    /// Returns the instant of the first new statement, when `last` is that of the last stored one. Until the result
    /// is dropped, nothing from there on counts as complete. One call at a time.
    pub fn begin(&self, last: Option<i64>) -> Storing<'_> {
        let mut told = self.lock();
        // Strictly increasing, even when the clock goes back, and never before what was promised as complete.
        let first = now().max(last.unwrap_or_default() + 1).max(told.through);
        told.storing = Some(first);
        Storing {
            first,
            complete: self,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        // The two numbers are valid after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Statements that are being stored.
pub struct Storing<'a> {
    /// Instant of the first.
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
