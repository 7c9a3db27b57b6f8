//! Whose clock was how wrong when: what a timestamp of Pannier's own making may be corrected to.

use pannier::store::Millis;

use super::DAY;

/// When Pannier made a timestamp.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// True time.
    pub at: Millis,
    /// The device's clock minus the true time.
    pub offset: Millis,
    /// Which start of the device it was in.
    pub boot: i64,
}

/// Every clock there was.
#[derive(Debug, Default)]
pub struct Times {
    device: Vec<(Millis, i64, Millis)>,
    lrs: Vec<Millis>,
}

/// How well two clocks can be held against each other: a `Date` counts seconds, and an answer is under
/// way for some of them.
const MEASURED_TO: Millis = 12_000;

impl Times {
    /// The device's clock is off by so much from now on.
    pub fn device(&mut self, now: Millis, boot: i64, offset: Millis) {
        self.device.push((now, boot, offset));
    }

    /// An LRS's clock is off by so much.
    pub fn lrs(&mut self, offset: Millis) {
        self.lrs.push(offset);
    }

    /// May a timestamp that was made then be corrected to this? Only by the device's own jump within the
    /// same start, or where the device's clock said an impossible time: one before this product was made, or one that
    /// no device of today will see.
    pub fn allow(&self, made: &Made, right: Millis) -> bool {
        let is = |offset: Millis| (right - made.at - offset).abs() <= MEASURED_TO;
        let jumped = self
            .device
            .iter()
            .any(|&(at, boot, offset)| boot == made.boot && at >= made.at && is(offset));
        let possible = super::START - 30 * DAY..=super::START + 23 * 365 * DAY;
        let impossible = !possible.contains(&(made.at + made.offset));
        jumped || (impossible && self.lrs.iter().any(|&offset| is(offset)))
    }
}
