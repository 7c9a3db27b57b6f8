//! What an upstream waits for, each kind with an end of its own.

use serde::Serialize;

use crate::store::{Millis, WaitKind};

/// Until when nothing is sent, unix milliseconds, by who asked for it. They are independent: what ends
/// one of them ends no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Waits {
    /// Our own patience after a failure.
    pub backoff: Option<Millis>,
    /// The LRS named the time.
    pub retry_after: Option<Millis>,
    /// A request may still be under way at the LRS.
    pub outcome_unknown: Option<Millis>,
    /// The app is asked to act; then, or when it acts, the next try.
    pub app: Option<Millis>,
}

impl Waits {
    /// Nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.last().is_none()
    }

    /// The one that ends last; of two that end together the one that is skipped by less.
    pub fn last(&self) -> Option<(Millis, WaitKind)> {
        self.all()
            .into_iter()
            .filter_map(|(kind, until)| Some((until?, kind)))
            .max_by_key(|(until, _)| *until)
    }

    /// The one to tell people of: the last one, but instead of our own patience what nothing skips, if there
    /// is any, since until then a sync by hand sends nothing either.
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

    /// Waits at least until then for that.
    pub fn add(&mut self, kind: WaitKind, until: Millis) {
        let known = self.of(kind);
        *known = Some(known.map_or(until, |known| known.max(until)));
    }

    /// The clock was set by so much, and what is waited for ends when it would have ended.
    pub(crate) fn shift(&mut self, by: Millis) {
        for (kind, until) in self.all() {
            *self.of(kind) = until.map(|until| until + by);
        }
    }

    /// Drops those that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(WaitKind, Millis) -> bool) {
        for (kind, until) in self.all() {
            if until.is_some_and(|until| !keep(kind, until)) {
                *self.of(kind) = None;
            }
        }
    }

    /// In the order of what skips them: a sync by hand, the app, nothing.
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
