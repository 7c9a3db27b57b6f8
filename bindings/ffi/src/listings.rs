//! Statements in lists, and the result of an erasure. Printing a statement shows its id and no content.

use std::fmt;

use pannier::Page;

use crate::Uuid;
use crate::status::mirror;
use crate::time::Timestamp;

mirror! {
    /// Reason why a statement is set aside for now. It returns to the queue by itself.
    WaitReason of pannier::WaitReason {
        /// Its timestamp is in the future by the LRS's clock; one such statement can make a whole batch fail.
        Future,
        /// It uses features that only xAPI 2.0.0 has, and the upstream speaks 1.0.3.
        Version,
        /// It voids a statement that is not delivered yet.
        Target,
        /// The LRS failed on it alone, and has not yet shown that it accepts others.
        Suspect,
        /// The app asked for another try.
        Retry,
        /// It has contents of attachments, which the LRS does not take, as far as is known. `retry` asks at once.
        NoAttachments,
    }
}

mirror! {
    /// Reason why a statement is held. It waits for the app to retry, replace or discard it.
    HoldReason of pannier::HoldReason {
        /// The LRS refuses it as invalid (400, 422) while it accepts others.
        Refused,
        /// The LRS forbids it (403) while it accepts others.
        Forbidden,
        /// The LRS has another statement under the same id.
        Conflict,
        /// The LRS says it knows the id (409) but does not show its copy.
        ConflictUnseen,
        /// It is too large for the LRS even alone.
        TooLarge,
        /// The LRS fails on it again and again (5xx) while it accepts others.
        ServerError,
        /// The LRS has it, and does not show the contents of its attachments. They stay on the device.
        ContentMissing,
        /// Its bytes on the device are no longer those that were recorded. It was not sent in that state.
        Damaged,
        /// It voids a statement that the app has given up. The LRS never gets that statement from here, and if it
        /// has one under that id, it is somebody else's. `retry` voids it all the same.
        TargetGivenUp,
    }
}

/// A statement in the queue or in the history.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct ListedStatement {
    /// Its place in capture order; the next page begins after it.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Time of recording, by the device's clock.
    pub recorded_at: Timestamp,
    /// Time of delivery, for history.
    pub delivered_at: Option<Timestamp>,
    /// Its JSON, as it is sent.
    pub statement: String,
    /// Number of bytes that the contents of its attachments take on the device; 0 where it has none.
    pub content_bytes: i64,
}

impl From<pannier::ListedStatement> for ListedStatement {
    fn from(listed: pannier::ListedStatement) -> Self {
        Self {
            seq: listed.seq,
            id: listed.id,
            recorded_at: Timestamp(listed.recorded_at),
            delivered_at: listed.delivered_at.map(Timestamp),
            statement: listed.statement,
            content_bytes: listed.content_bytes as i64,
        }
    }
}

/// A statement that is set aside for now and returns to the queue by itself.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct WaitingStatement {
    /// Its place in capture order; the next page begins after it.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Time of recording, by the device's clock.
    pub recorded_at: Timestamp,
    /// Reason for the wait.
    pub reason: WaitReason,
    /// Start of the wait.
    pub since: Timestamp,
    /// End of the wait, where it is known.
    pub until: Option<Timestamp>,
    /// The LRS's message about it, if there was one.
    pub words: Option<String>,
    /// Its JSON, as it is sent.
    pub statement: String,
    /// Number of bytes that the contents of its attachments take on the device; 0 where it has none.
    pub content_bytes: i64,
}

impl From<pannier::WaitingStatement> for WaitingStatement {
    fn from(aside: pannier::WaitingStatement) -> Self {
        Self {
            seq: aside.seq,
            id: aside.id,
            recorded_at: Timestamp(aside.recorded_at),
            reason: aside.reason.into(),
            since: Timestamp(aside.since),
            until: aside.until.map(Timestamp),
            words: aside.words,
            statement: aside.statement,
            content_bytes: aside.content_bytes as i64,
        }
    }
}

/// A statement that is held until the app retries, replaces or discards it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct HeldStatement {
    /// Its place in capture order; the next page begins after it.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Time of recording, by the device's clock.
    pub recorded_at: Timestamp,
    /// Reason for holding it.
    pub reason: HoldReason,
    /// Time since which it is held.
    pub since: Timestamp,
    /// The HTTP status of the refusal.
    pub status: Option<i32>,
    /// The LRS's own words.
    pub words: String,
    /// Its JSON, as it is sent.
    pub statement: String,
    /// Number of bytes that the contents of its attachments take on the device; 0 where it has none.
    pub content_bytes: i64,
    /// The statement that the LRS has under this id, for a conflict.
    pub theirs: Option<String>,
}

impl From<pannier::HeldStatement> for HeldStatement {
    fn from(held: pannier::HeldStatement) -> Self {
        Self {
            seq: held.seq,
            id: held.id,
            recorded_at: Timestamp(held.recorded_at),
            reason: held.reason.into(),
            since: Timestamp(held.since),
            status: held.status.map(Into::into),
            words: held.words,
            statement: held.statement,
            content_bytes: held.content_bytes as i64,
            theirs: held.theirs,
        }
    }
}

macro_rules! print_without_content {
    ($($kind:ty),*) => { $(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let size = self.statement.len();
                write!(f, "{}({} {} {size} bytes)", stringify!($kind), self.seq, self.id)
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )* };
}

print_without_content!(ListedStatement, WaitingStatement, HeldStatement);

/// Result of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Erased {
    /// Statements that were not delivered and now never will be.
    pub undelivered: i64,
    /// Those among them that may have reached the LRS all the same: ask for erasure there too.
    pub maybe_sent: i64,
    /// Delivered statements that were kept as history. The LRS has them: ask for erasure there too.
    pub history: i64,
}

impl From<pannier::Erased> for Erased {
    fn from(erased: pannier::Erased) -> Self {
        Self {
            undelivered: erased.undelivered as i64,
            maybe_sent: erased.maybe_sent as i64,
            history: erased.history as i64,
        }
    }
}

/// Converts each into its type in this crate.
pub(crate) fn all<A, B: From<A>>(some: Vec<A>) -> Vec<B> {
    some.into_iter().map(Into::into).collect()
}

/// Returns a page; a negative limit lists nothing.
pub(crate) fn page(after: i64, limit: i32) -> Page {
    Page {
        after,
        limit: most(limit),
    }
}

pub(crate) fn most(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_statement_crosses_whole_and_shows_no_content() {
        let id = Uuid::nil();
        let crossed = HeldStatement::from(pannier::HeldStatement {
            seq: 7,
            id,
            recorded_at: 900,
            reason: pannier::HoldReason::Conflict,
            since: 1_000,
            status: Some(409),
            words: "s3cret words".to_owned(),
            statement: "s3cret".to_owned(),
            content_bytes: 0,
            theirs: Some("s3cret too".to_owned()),
        });
        assert_eq!(
            (crossed.seq, crossed.id, crossed.reason, crossed.status),
            (7, id, HoldReason::Conflict, Some(409))
        );
        assert_eq!(
            (crossed.recorded_at, crossed.since, crossed.words.as_str()),
            (Timestamp(900), Timestamp(1_000), "s3cret words")
        );
        assert_eq!(
            (crossed.statement.as_str(), crossed.theirs.as_deref()),
            ("s3cret", Some("s3cret too"))
        );
        assert!(!format!("{crossed} {crossed:?}").contains("s3cret"));
    }

    #[test]
    fn a_negative_limit_lists_nothing() {
        assert_eq!(page(3, -1).limit, 0);
        assert_eq!(
            page(3, 20),
            Page {
                after: 3,
                limit: 20
            }
        );
    }
}
