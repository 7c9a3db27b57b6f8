//! Readings of a clock that nobody sets, taken when a timestamp is made.

/// A reading of the steady clock. Two can be compared if they are from the same boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steady {
    /// Milliseconds since some moment before the reading, the time asleep included.
    pub ms: i64,
    /// Identifier of that moment: a number made at random each time the device is started.
    pub boot: i64,
}
