//! A clock that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pannier::clock::{Clock, Steady};

/// Unix milliseconds: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;

/// A step of [`TestClock::advance_until`].
const STEP: Duration = Duration::from_secs(10);

/// Steps of it: more than a day.
const MOST_STEPS: u32 = 10_000;

/// A clock that stands still until a test moves it. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Both>);

#[derive(Debug)]
struct Both {
    wall_ms: AtomicI64,
    steady_ms: AtomicI64,
    boot: AtomicI64,
}

impl Default for TestClock {
    /// At the first moment of 2026, UTC.
    fn default() -> Self {
        Self::at(START)
    }
}

impl TestClock {
    /// At that moment, Unix milliseconds.
    #[must_use]
    pub fn at(unix_ms: i64) -> Self {
        Self(Arc::new(Both {
            wall_ms: unix_ms.into(),
            steady_ms: 1_000.into(),
            boot: 1.into(),
        }))
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.wall_ms.fetch_add(by, Ordering::SeqCst);
        self.0.steady_ms.fetch_add(by, Ordering::SeqCst);
    }

    /// Time passes in steps of ten seconds until this is so, which is asked before each.
    ///
    /// # Panics
    ///
    /// When it is not so after more than a day.
    pub fn advance_until(&self, mut is_so: impl FnMut() -> bool) {
        for _ in 0..MOST_STEPS {
            if is_so() {
                return;
            }
            self.advance(STEP);
        }
        panic!("it is not so after more than a day");
    }

    /// Somebody sets the wall clock, Unix milliseconds. No time passes by that.
    pub fn set(&self, unix_ms: i64) {
        self.0.wall_ms.store(unix_ms, Ordering::SeqCst);
    }

    /// The device is started anew: the steady clock begins at nothing.
    pub fn reboot(&self) {
        self.0.boot.fetch_add(1, Ordering::SeqCst);
        self.0.steady_ms.store(0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.wall_ms.load(Ordering::SeqCst)
    }

    fn steady(&self) -> Option<Steady> {
        Some(Steady {
            ms: self.0.steady_ms.load(Ordering::SeqCst),
            boot: self.0.boot.load(Ordering::SeqCst),
        })
    }
}
