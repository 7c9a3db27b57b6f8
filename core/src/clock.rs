//! The device's clocks, which tests replace.
//!
//! The wall clock says what time it is, and may be wrong and jump. The steady clock says nothing but
//! how much time has passed since the device was started, and is never set: by it the moment of a
//! recording can be told later, when somebody who knows the time has been asked. `docs/clock.md`
//! says what is done with it.

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod system;

pub use pannier_xapi::Steady;

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. The wall clock may jump in either direction at any moment.
pub trait Clock: Send + Sync {
    /// Unix milliseconds by the device's wall clock.
    fn now_ms(&self) -> i64;

    /// The steady clock; none where there is none that goes on while the device sleeps. Without it
    /// no timestamp is ever corrected.
    fn steady(&self) -> Option<Steady> {
        None
    }

    /// Both.
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
    /// By the steady clock.
    pub steady: Option<Steady>,
}

impl From<i64> for Now {
    /// Of the wall clock alone.
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
