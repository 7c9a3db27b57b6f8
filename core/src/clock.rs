//! The device's clock, which tests replace.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. Asked once a call; may jump in either direction at any moment.
pub trait Clock: Send + Sync {
    /// Unix milliseconds by the device's wall clock.
    fn now_ms(&self) -> i64;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        }
    }
}
