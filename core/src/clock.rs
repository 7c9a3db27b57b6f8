//! The device's clocks, which tests replace.
//!
//! The wall clock tells the time of day, and may be wrong and jump. The steady clock tells only how much time has
//! passed since the device was started, and is never set: with it the time of a recording can be worked out later, once
//! somebody who knows the time has been asked. `docs/clock.md` says what is done with it.

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod system;

pub use pannier_xapi::Steady;

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. The wall clock may jump in either direction at any moment.
pub trait Clock: Send + Sync {
    /// Returns the device's wall clock, unix milliseconds.
    fn now_ms(&self) -> i64;

    /// Returns the steady clock; `None` where no clock keeps running while the device sleeps. Without it no timestamp
    /// is ever corrected.
    fn steady(&self) -> Option<Steady> {
        None
    }

    /// Returns a reading of both clocks.
    fn now(&self) -> Now {
        Now {
            wall_ms: self.now_ms(),
            steady: self.steady(),
        }
    }
}

/// A reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Unix milliseconds by the wall clock.
    pub wall_ms: i64,
    /// Reading of the steady clock, where there is one.
    pub steady: Option<Steady>,
}

impl From<i64> for Now {
    /// Makes a reading of the wall clock alone.
    fn from(wall_ms: i64) -> Self {
        Self {
            wall_ms,
            steady: None,
        }
    }
}

/// The system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn steady(&self) -> Option<Steady> {
        Some(system::steady())
    }
}
