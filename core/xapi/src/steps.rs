//! Counts steps of work, so that a test can hold it to the length of what was read without a clock.
//!
//! A step is about a byte looked at. They are counted in the core's own tests and with the feature
//! `count-steps`; elsewhere nothing is left of it.
#![allow(
    clippy::inline_always,
    reason = "nothing may be left of a step where none is counted"
)]

#[cfg(any(test, feature = "count-steps"))]
std::thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Returns how many steps the work took on this thread.
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
