//! The LRS's clock in terms of the device's steady clock; the device's wall clock is not needed for it.

use serde::Serialize;

use crate::clock::Steady;
use crate::store::Millis;

/// Error below which a timestamp is not corrected: a `Date` header counts whole seconds, an answer is under way
/// for some time, and two clocks set by the network may well be seconds apart.
pub(crate) const CORRECTED_FROM_MS: Millis = 60_000;

/// Longest duration of a request whose answer is used to measure: a slower one tells too little of when it was
/// dated.
const MEASURED_WITHIN_MS: Millis = 10_000;

/// The LRS's clock during one boot of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LrsClock {
    /// Id of the boot.
    pub boot: i64,
    /// The LRS's time when the steady clock was at 0, unix milliseconds.
    pub at_zero_ms: Millis,
    /// Steady time from which this holds. Before that, one of the clocks was off: the LRS's was corrected, or
    /// the steady one stood still.
    pub from_ms: Millis,
}

impl LrsClock {
    /// Measures it by an answer's `Date`; `known` is the previous measurement. None if this answer tells
    /// nothing.
    pub fn measured(
        known: Option<Self>,
        date: Millis,
        asked: Steady,
        answered: Steady,
    ) -> Option<Self> {
        let took = answered.ms - asked.ms;
        if asked.boot != answered.boot || !(0..=MEASURED_WITHIN_MS).contains(&took) {
            return None;
        }
        let at_zero_ms = date - answered.ms;
        let from_ms = match known.filter(|known| known.boot == answered.boot) {
            None => Millis::MIN,
            Some(known) if (known.at_zero_ms - at_zero_ms).abs() <= CORRECTED_FROM_MS => {
                known.from_ms
            }
            Some(_) => answered.ms,
        };
        Some(Self {
            boot: answered.boot,
            at_zero_ms,
            from_ms,
        })
    }

    /// Tells whether both agree, as far as a `Date` can tell.
    pub fn agrees(self, other: Self) -> bool {
        self.boot == other.boot && (self.at_zero_ms - other.at_zero_ms).abs() <= CORRECTED_FROM_MS
    }

    /// Returns the LRS's time at that moment, if known.
    pub fn at(self, then: Steady) -> Option<Millis> {
        (then.boot == self.boot && then.ms >= self.from_ms).then_some(then.ms + self.at_zero_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Millis = 1_800_000_000_000;

    fn steady(boot: i64, ms: i64) -> Steady {
        Steady { ms, boot }
    }

    #[test]
    fn it_is_measured_by_a_quick_answer_in_one_boot() {
        let measure = |asked, answered| LrsClock::measured(None, AT, asked, answered);
        let clock = measure(steady(1, 5_000), steady(1, 5_100)).unwrap();
        assert_eq!(clock.at(steady(1, 0)), Some(AT - 5_100));
        assert_eq!(clock.at(steady(2, 0)), None);
        assert_eq!(measure(steady(1, 5_000), steady(2, 5_100)), None);
        assert_eq!(measure(steady(1, 5_000), steady(1, 4_999)), None);
        assert_eq!(measure(steady(1, 5_000), steady(1, 15_001)), None);
    }

    #[test]
    fn one_that_jumps_is_believed_for_what_comes_later_only() {
        let (asked, later) = (steady(1, 5_000), steady(1, 9_000));
        let first = LrsClock::measured(None, AT, asked, asked).unwrap();
        let again = LrsClock::measured(Some(first), AT + 4_700, later, later).unwrap();
        assert_eq!(again.at(steady(1, 0)), Some(AT - 4_300));
        let jumped = LrsClock::measured(Some(again), AT + 64_701, later, later).unwrap();
        assert_eq!(jumped.at(steady(1, 8_999)), None);
        assert_eq!(jumped.at(later), Some(AT + 64_701));
    }
}
