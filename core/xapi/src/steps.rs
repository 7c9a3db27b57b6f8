//! Counts steps of work, so that a test can compare the work with the length of the input without a clock.
//!
//! A step is roughly one byte examined. Steps are counted in this crate's own tests and with the feature `count-steps`;
//! elsewhere nothing is left of the counting.
#![allow(
    clippy::inline_always,
    reason = "nothing may be left of a step where none is counted"
)]

#[cfg(any(test, feature = "count-steps"))]
std::thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Does the work, and returns its result and the number of steps it took on this thread.
#[cfg(any(test, feature = "count-steps"))]
pub fn during<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = STEPS.get();
    let done = work();
    (done, STEPS.get() - before)
}

/// Counts some steps.
#[inline(always)]
pub(crate) fn add(steps: usize) {
    #[cfg(any(test, feature = "count-steps"))]
    STEPS.set(STEPS.get() + steps as u64);
    #[cfg(not(any(test, feature = "count-steps")))]
    let _ = steps;
}
