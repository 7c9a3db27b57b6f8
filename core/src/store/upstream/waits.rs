//! The waits of an upstream, each kind with its own end.

use serde::Serialize;

use crate::store::{Millis, WaitKind};

/// Ends of the waits, unix milliseconds, by reason. They are independent: what ends one of them ends no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Waits {
    /// End of the backoff after a failure.
    pub backoff: Option<Millis>,
    /// Time that the LRS named.
    pub retry_after: Option<Millis>,
    /// Time until which a request may still be under way at the LRS.
    pub outcome_unknown: Option<Millis>,
    /// End of the wait for the app; then, or as soon as it acts, it is tried again.
    pub app: Option<Millis>,
}

impl Waits {
    /// Tells whether there is no wait.
    pub fn is_empty(&self) -> bool {
        self.last().is_none()
    }

    /// Returns the wait that ends last; of two that end together, the one that fewer things skip.
    pub fn last(&self) -> Option<(Millis, WaitKind)> {
        self.all()
            .into_iter()
            .filter_map(|(kind, until)| Some((until?, kind)))
            .max_by_key(|(until, _)| *until)
    }

    /// Returns the wait to show to people: the last one, or, if that is the backoff, the last that nothing
    /// skips, if there is one, since a sync by hand sends nothing before its end either.
    pub fn first_to_tell(&self) -> Option<(Millis, WaitKind)> {
        let last = self.last()?;
        if last.1 != WaitKind::Backoff {
            return Some(last);
        }
        let firm = Self {
            retry_after: self.retry_after,
            outcome_unknown: self.outcome_unknown,
            ..Self::default()
        };
        firm.last().or(Some(last))
    }

    /// Adds a wait of that kind until at least that time.
    pub fn add(&mut self, kind: WaitKind, until: Millis) {
        let known = self.of(kind);
        *known = Some(known.map_or(until, |known| known.max(until)));
    }

    /// Shifts all waits after the clock was set by this much, so that each ends when it would have ended.
    pub(crate) fn shift(&mut self, by: Millis) {
        for (kind, until) in self.all() {
            *self.of(kind) = until.map(|until| until + by);
        }
    }

    /// Drops the waits that `keep` rejects.
    pub fn retain(&mut self, keep: impl Fn(WaitKind, Millis) -> bool) {
        for (kind, until) in self.all() {
            if until.is_some_and(|until| !keep(kind, until)) {
                *self.of(kind) = None;
            }
        }
    }

    /// Returns all, in the order of what skips them: a sync by hand, the app, nothing.
    fn all(&self) -> [(WaitKind, Option<Millis>); 4] {
        [
            (WaitKind::Backoff, self.backoff),
            (WaitKind::App, self.app),
            (WaitKind::OutcomeUnknown, self.outcome_unknown),
            (WaitKind::RetryAfter, self.retry_after),
        ]
    }

    fn of(&mut self, kind: WaitKind) -> &mut Option<Millis> {
        match kind {
            WaitKind::Backoff => &mut self.backoff,
            WaitKind::RetryAfter => &mut self.retry_after,
            WaitKind::OutcomeUnknown => &mut self.outcome_unknown,
            WaitKind::App => &mut self.app,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_ends_by_itself() {
        let mut waits = Waits::default();
        assert!(waits.is_empty());
        waits.add(WaitKind::Backoff, 50);
        waits.add(WaitKind::OutcomeUnknown, 90);
        waits.add(WaitKind::OutcomeUnknown, 70);
        waits.add(WaitKind::App, 90);
        assert_eq!(waits.last(), Some((90, WaitKind::OutcomeUnknown)));
        waits.add(WaitKind::Backoff, 500);
        assert_eq!(waits.last(), Some((500, WaitKind::Backoff)));
        assert_eq!(
            waits.first_to_tell(),
            Some((90, WaitKind::OutcomeUnknown)),
            "a sync by hand skips the other"
        );
        waits.retain(|kind, _| kind != WaitKind::Backoff);
        waits.add(WaitKind::Backoff, 50);
        waits.retain(|kind, _| kind != WaitKind::OutcomeUnknown);
        assert_eq!(waits.last(), Some((90, WaitKind::App)));
        waits.retain(|_, until| until < 60);
        assert_eq!(waits.last(), Some((50, WaitKind::Backoff)));
    }
}
