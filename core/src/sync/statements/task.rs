//! The tasks of a session, the next one first.

use std::collections::VecDeque;
use std::time::Duration;

use tracing::Span;

use crate::store::Row;
use crate::sync::meaning::{Blame, Verdict};

/// A statement to be sent.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The statement.
    pub row: Row,
    /// Tells whether it was looked up in this session and not found.
    pub looked: bool,
    /// Number of times that it was sent again at once after a refusal that would hold it.
    pub appeals: u32,
}

impl From<Row> for Pending {
    fn from(row: Row) -> Self {
        Self {
            row,
            looked: false,
            appeals: 0,
        }
    }
}

impl Pending {
    /// Tells whether the LRS itself has refused it when it was sent alone, in an earlier session.
    pub(crate) fn was_refused_before(&self) -> bool {
        self.row.aside_since.is_some() && self.row.taken.is_some()
    }

    /// Tells whether it comes straight from the log and was never sent: then it may be sent while others are in
    /// flight.
    pub(crate) fn is_fresh(&self) -> bool {
        self.row.aside_since.is_none() && !self.row.sent_before && !self.looked
    }
}

impl AsRef<[u8]> for Pending {
    fn as_ref(&self) -> &[u8] {
        &self.row.body
    }
}

/// A task that ends in a request.
#[derive(Debug)]
pub(crate) enum Task {
    /// Ask which versions the upstream speaks.
    Negotiate,
    /// Send a batch.
    Post(Vec<Pending>),
    /// Look up statements by their ids.
    Lookup(Lookup),
}

impl Task {
    /// Returns the statements that it sends or asks for, and those that it would send then.
    pub(crate) fn pending(&self) -> Box<dyn Iterator<Item = &Pending> + '_> {
        match self {
            Self::Negotiate => Box::new(std::iter::empty()),
            Self::Post(batch) => Box::new(batch.iter()),
            Self::Lookup(look) => {
                let then = match &look.then {
                    AfterLookup::Send(batch) | AfterLookup::Split { batch, .. } => &batch[..],
                    _ => &[],
                };
                Box::new(look.ask.iter().chain(&look.missing).chain(then))
            }
        }
    }
}

/// Statements to look up one by one, and what to do afterwards.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) ask: VecDeque<Pending>,
    /// Tells whether the first one, which was not found, is asked for as voided: a voided statement is hidden.
    pub(crate) as_voided: bool,
    /// Tells whether the first one, which was not found, is asked for once more to get out of step: see
    /// [`policy::OUT_OF_STEP`](crate::sync::policy::OUT_OF_STEP).
    pub(crate) again: bool,
    /// Tells whether the first one is asked for without its contents: asked for with them, the LRS has shown nothing.
    pub(crate) bare: bool,
    /// Statements asked for and not found.
    pub(crate) missing: Vec<Pending>,
    pub(crate) then: AfterLookup,
}

/// Reason for a look-up, which determines what follows.
#[derive(Debug)]
pub(crate) enum AfterLookup {
    /// Send those not found, followed by these.
    Send(Vec<Pending>),
    /// Check those that the LRS said it has. `vouched`: it said so explicitly as an LRS, which is all the proof
    /// there is if it lets nobody read. `own`: it was the LRS that said so.
    Proves { vouched: bool, own: bool },
    /// Find those that the LRS said it knows (409): `each` of them, or at least one.
    Known { each: bool },
    /// Check first whether the credentials and the version are accepted. Then these are split up to find the
    /// culprit.
    Split {
        batch: Vec<Pending>,
        culprits: Vec<usize>,
        blame: Blame,
    },
    /// Check a statement that the LRS failed on or refused when it was sent alone.
    Blame(Blame),
    /// Check whether the credentials and the version are still accepted: the statement is a suspect, and the
    /// LRS took others before.
    Hold,
}

impl Lookup {
    pub(crate) fn new(ask: impl IntoIterator<Item = Pending>, then: AfterLookup) -> Self {
        Self {
            ask: ask.into_iter().collect(),
            as_voided: false,
            again: false,
            bare: false,
            missing: Vec::new(),
            then,
        }
    }
}

/// Next work from the log and the statements aside.
pub(crate) enum Next {
    Task(Task),
    Nothing,
    /// Ask again: so many had to step aside that the transaction is long enough.
    Again,
    /// Another process syncs.
    Busy,
}

/// A batch whose answer asks for anything but the next batch, while others are under way.
pub(crate) struct Returned {
    pub(crate) batch: Vec<Pending>,
    pub(crate) verdict: Verdict,
    pub(crate) sent: Sent,
    pub(crate) span: Span,
}

/// Facts about a batch that was sent, as far as they matter for what follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Size of the body, bytes.
    pub(crate) bytes: usize,
    /// The request's own time-out: the LRS may be working on it that long after the connection broke.
    pub(crate) timeout: Duration,
}

/// Splits a batch around those that the LRS points at, or in halves; capture order stays.
pub(crate) fn split(mut batch: Vec<Pending>, culprits: &[usize]) -> Vec<Vec<Pending>> {
    let pointed_at = culprits.len() < batch.len() && culprits.iter().any(|at| *at < batch.len());
    if !pointed_at {
        let second = batch.split_off(batch.len().div_ceil(2));
        return vec![batch, second];
    }
    let mut parts: Vec<Vec<Pending>> = Vec::new();
    let mut alone = true;
    for (at, item) in batch.into_iter().enumerate() {
        let culprit = culprits.contains(&at);
        match parts.last_mut() {
            Some(part) if !culprit && !alone => part.push(item),
            _ => parts.push(vec![item]),
        }
        alone = culprit;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Contents;
    use uuid::Uuid;

    fn batch(n: i64) -> Vec<Pending> {
        (0..n)
            .map(|seq| {
                Row {
                    seq,
                    id: Uuid::from_u128(seq as u128),
                    body: Vec::new(),
                    contents: Contents::default(),
                    sent_before: false,
                    ahead: false,
                    needs_2_0: false,
                    timestamp_is_ours: false,
                    happened_at: 0,
                    tries: 0,
                    refusals: 0,
                    bare: 0,
                    status: None,
                    taken: None,
                    refused_at: None,
                    aside_since: None,
                    alone: false,
                }
                .into()
            })
            .collect()
    }

    fn parts(n: i64, culprits: &[usize]) -> Vec<Vec<i64>> {
        split(batch(n), culprits)
            .iter()
            .map(|part| part.iter().map(|item| item.row.seq).collect())
            .collect()
    }

    #[test]
    fn splits_in_halves_or_around_the_culprits() {
        assert_eq!(parts(5, &[]), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(parts(2, &[]), [[0], [1]]);
        assert_eq!(parts(5, &[2]), [vec![0, 1], vec![2], vec![3, 4]]);
        assert_eq!(parts(4, &[0, 3]), [vec![0], vec![1, 2], vec![3]]);
        assert_eq!(parts(3, &[1, 2]), [[0], [1], [2]]);
        // A hint that names all, or none that is there, says nothing.
        assert_eq!(parts(2, &[0, 1]), [[0], [1]]);
        assert_eq!(parts(4, &[9]), [[0, 1], [2, 3]]);
    }
}
