//! What a run came to.

use pannier::store::Millis;
use serde::Serialize;

use super::light::least_requests;
use super::{Overload, Scenario};

/// What a run came to. Times are seconds since the network came back.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    /// Devices that delivered everything.
    pub delivered: u32,
    /// When the last of them had.
    pub all_after: f64,
    /// When half of them had.
    pub half_after: f64,
    /// When 95 in a hundred had.
    pub most_after: f64,
    /// When all could have been delivered at the earliest.
    pub best: f64,
    /// `all_after` divided by `best`.
    pub times_best: f64,
    /// Requests that reached the LRS.
    pub requests: u64,
    /// The least that there must be.
    pub least_requests: u64,
    /// Those that it had no room for.
    pub refused: u64,
    /// Requests in the second with most of them, divided by what the LRS takes in a second.
    pub peak: f64,
    /// The same after the first minute.
    pub later_peak: f64,
    /// Share of the time until all was delivered in which the LRS worked.
    pub busy: f64,
    /// Every request, and every device that has delivered everything: which device, and when
    /// (milliseconds). Kept of small fleets only.
    #[serde(skip)]
    pub trail: Vec<(u32, Millis)>,
    #[serde(skip)]
    rate: f64,
    #[serde(skip)]
    is_small: bool,
    #[serde(skip)]
    by_second: Vec<u32>,
    #[serde(skip)]
    ends: Vec<Millis>,
    #[serde(skip)]
    worked: u64,
}

impl Figures {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let least = u64::from(scenario.devices) * u64::from(least_requests(scenario));
        Self {
            least_requests: least,
            best: least as f64 / scenario.rate + scenario.latency as f64 / 1000.0,
            rate: scenario.rate,
            is_small: scenario.devices <= 1_000,
            ..Self::default()
        }
    }

    fn note(&mut self, which: u32, at: Millis) {
        if self.is_small {
            self.trail.push((which, at));
        }
    }

    pub(super) fn arrives(&mut self, which: u32, at: Millis) {
        self.note(which, at);
        self.requests += 1;
        let second = (at / 1000) as usize;
        if self.by_second.len() <= second {
            self.by_second.resize(second + 1, 0);
        }
        self.by_second[second] += 1;
    }

    pub(super) fn refused(&mut self) {
        self.refused += 1;
    }

    pub(super) fn served(&mut self) {
        self.worked += 1;
    }

    pub(super) fn delivered(&mut self, which: u32, at: Millis) {
        self.note(which, at);
        self.ends.push(at);
    }

    /// Sums up.
    pub(super) fn finish(mut self) -> Self {
        self.ends.sort_unstable();
        let after = |share: f64| -> f64 {
            let last = self.ends.len().saturating_sub(1);
            let at = (last as f64 * share).round() as usize;
            self.ends.get(at).map_or(f64::NAN, |ms| *ms as f64 / 1000.0)
        };
        let peak = |from: usize| -> f64 {
            let most = self.by_second.iter().skip(from).max();
            f64::from(*most.unwrap_or(&0)) / self.rate
        };
        self.delivered = self.ends.len() as u32;
        (self.half_after, self.most_after, self.all_after) = (after(0.5), after(0.95), after(1.0));
        self.times_best = self.all_after / self.best;
        (self.peak, self.later_peak) = (peak(0), peak(60));
        self.busy = self.worked as f64 / self.rate / self.all_after;
        self
    }
}

impl Overload {
    /// As the table and the command line have it.
    pub fn name(self) -> String {
        match self {
            Self::Refuses => "503".to_owned(),
            Self::RetryAfter(seconds) => format!("503, Retry-After {seconds}"),
            Self::Queues => "waits in line".to_owned(),
        }
    }
}
