//! Errors of a collector's calls.

use uuid::Uuid;

use crate::lrs::{InvalidCredentials, InvalidEndpoint};
use crate::statement::{Invalid, Unmatched};
use crate::store::{self, Refused, StoreError, Unchanged};

/// An error of a [`Collector`](crate::Collector) call. The call changed nothing, and nothing that was recorded before
/// is lost. Exceptions: what a sync delivered before it failed stays delivered, and what may be under way is waited
/// for; [`StoreError::Unplaced`] names what was recorded all the same, [`StoreError::PartlyErased`] what was erased.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The statement is not valid, or the defaults for statements are not ([`Invalid::are_defaults`]). Every fault is
    /// listed.
    #[error("{subject} not valid:\n{0}", subject = .0.subject())]
    Invalid(Invalid),
    /// An attachment without `fileUrl` has no content among those that were given with the statement.
    #[error(
        "{path} of statement {id} has no fileUrl, and no content with its sha2 {sha2} was given: give the content with the statement, or the attachment a fileUrl"
    )]
    ContentMissing {
        /// The statement.
        id: Uuid,
        /// JSON path of the attachment.
        path: String,
        /// Its `sha2`.
        sha2: String,
    },
    /// A content is another than its attachment says.
    #[error(
        "{path} of statement {id} says {said}, and of the content that was given it is {found}: put it right there, or give the right content"
    )]
    ContentMismatch {
        /// The statement.
        id: Uuid,
        /// JSON path of what the attachment says.
        path: String,
        /// What the attachment says.
        said: String,
        /// What it is.
        found: String,
    },
    /// A content was given of which no attachment without `fileUrl` says anything, or twice.
    #[error(
        "a content was given with statement {id} that is that of no attachment of it, or there twice; its sha2 is {sha2}: leave it out, or let an attachment say it"
    )]
    ContentUnused {
        /// The statement.
        id: Uuid,
        /// SHA-256 of the content.
        sha2: String,
    },
    /// Another statement was recorded under this id. A replacement is also refused if this very statement was recorded,
    /// and is held itself, or another LRS has it or is to get it.
    #[error(
        "another statement was recorded under the id {id}, or this one for another LRS: a statement never changes, so give the new one an id of its own"
    )]
    OtherContent {
        /// The id.
        id: Uuid,
    },
    /// The id is nowhere in the queue.
    #[error("no statement {id} is in the queue: it was delivered, removed, or never recorded")]
    Unknown {
        /// The id.
        id: Uuid,
    },
    /// The statement is not held.
    #[error(
        "statement {id} is not held: only held statements can be retried, replaced or discarded"
    )]
    NotHeld {
        /// The id.
        id: Uuid,
    },
    /// The statement is held, but not because the LRS has another one under its id.
    #[error(
        "statement {id} is held, but not in conflict with one of the LRS: retry, replace or discard it"
    )]
    NotInConflict {
        /// The id.
        id: Uuid,
    },
    /// The statement may have reached the LRS.
    #[error(
        "statement {id} may have reached the LRS and cannot be retracted: where it is held, discard it; where it is being sent, call again afterwards, in case it is refused; otherwise void it with a statement of its own (`void`)"
    )]
    MayHaveBeenSent {
        /// The id.
        id: Uuid,
    },
    /// The collector has no endpoint to sync to.
    #[error("no endpoint is set: set the LRS's base URL, such as https://lrs.example/xAPI")]
    NoEndpoint,
    /// The endpoint cannot be used.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// The credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
    /// A setting of the [`Config`](crate::Config) has a value without a meaning.
    #[error("`{setting}` must be {allowed}: set it so, or leave it out for the default")]
    Config {
        /// Name of the setting.
        setting: &'static str,
        /// Description of the values that it may have.
        allowed: &'static str,
    },
    /// The transport could not be set up.
    #[error("HTTP cannot be set up: {0}")]
    Transport(String),
    /// The queue has no upstream of that name.
    #[error(
        "the queue has no upstream {name:?}, or not any more: add it (`add_upstream`), or see which ones it has (`upstreams`)"
    )]
    NoUpstream {
        /// The name.
        name: String,
    },
    /// The queue has an upstream of that name, with another endpoint or another route.
    #[error(
        "the queue has an upstream {name:?} already, with another endpoint or another route: give this one another name, or set the endpoint or the route of that one"
    )]
    OtherUpstream {
        /// The name.
        name: String,
    },
    /// No upstream can be added under that name.
    #[error(
        "{name:?} is no name for another upstream: use a to z, 0 to 9 and -, at most 40 of them and a letter first; main is the one that every queue has"
    )]
    UpstreamName {
        /// The name.
        name: String,
    },
    /// There are statements that the upstream does not have yet.
    #[error(
        "the upstream {name:?} is still to get {left}: deliver first, or remove it and discard what it has not got (`Remainder::Discard`)"
    )]
    UpstreamNotEmpty {
        /// The name.
        name: String,
        /// Number of these statements: queued, waiting and held.
        left: u64,
    },
    /// The first upstream, which every queue has and which gets every statement, cannot be changed like this.
    #[error(
        "the upstream \"main\" stays, and gets every statement: set another endpoint for it, or add another upstream"
    )]
    MainStays,
    /// The device's storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A transport or credentials provider made the call within a sync of the same collector.
    #[error(
        "a sync is asked for from within a sync of the same collector, and would wait for itself: return from the transport or credentials provider first, and sync afterwards"
    )]
    Reentrant,
    /// The app's transport or clock panicked in the middle of a sync, or Pannier did.
    #[error(
        "the sync ended by a panic, which the panic hook has reported: nothing is lost and what was delivered stays delivered; mend what panicked and sync again"
    )]
    Panicked,
    /// The thread that syncs is gone.
    #[error("the collector is closing: open it again")]
    Closing,
}

impl Error {
    /// Tells whether the same call may succeed later though the app does nothing about it: another process lets go of
    /// the file, somebody makes room on the disk or unlocks the device, a damaged file is put right by the next call. For
    /// everything else the app has to do or say something else first. False for [`StoreError::Unplaced`], though later
    /// calls put the file back: what was recorded is recorded.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => is_transient(error),
            // Syncs of other threads, or automatic ones, deliver what it is still to get.
            Self::UpstreamNotEmpty { .. } => true,
            Self::Invalid(_)
            | Self::ContentMissing { .. }
            | Self::ContentMismatch { .. }
            | Self::ContentUnused { .. }
            | Self::OtherContent { .. }
            | Self::Unknown { .. }
            | Self::NotHeld { .. }
            | Self::NotInConflict { .. }
            | Self::MayHaveBeenSent { .. }
            | Self::NoEndpoint
            | Self::Endpoint(_)
            | Self::Credentials(_)
            | Self::Config { .. }
            | Self::Transport(_)
            | Self::NoUpstream { .. }
            | Self::OtherUpstream { .. }
            | Self::UpstreamName { .. }
            | Self::MainStays
            | Self::Reentrant
            | Self::Panicked
            | Self::Closing => false,
        }
    }

    pub(crate) fn unmatched(id: Uuid, unmatched: Unmatched) -> Self {
        match unmatched {
            Unmatched::Invalid(invalid) => Self::Invalid(invalid),
            Unmatched::Missing { path, sha2 } => Self::ContentMissing { id, path, sha2 },
            Unmatched::Mismatch { path, said, found } => Self::ContentMismatch {
                id,
                path,
                said,
                found,
            },
            Unmatched::Unused { sha2 } => Self::ContentUnused { id, sha2 },
        }
    }

    pub(crate) fn refused(refused: Refused) -> Self {
        match refused {
            Refused::OtherContent(id) => Self::OtherContent { id },
            Refused::Store(error) => error.into(),
        }
    }

    pub(crate) fn unchanged(id: Uuid, unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::Unknown => Self::Unknown { id },
            Unchanged::NotHeld => Self::NotHeld { id },
            Unchanged::NotInConflict => Self::NotInConflict { id },
            Unchanged::MayHaveBeenSent => Self::MayHaveBeenSent { id },
            Unchanged::Refused(refused) => Self::refused(refused),
        }
    }
}

fn is_transient(error: &StoreError) -> bool {
    match error {
        // Others use the disk and the file, too.
        StoreError::DiskFull
        | StoreError::Busy
        // A disk that is mounted anew, a device that is unlocked, files that others close.
        | StoreError::ReadOnly(_)
        | StoreError::Other(_)
        // The next call goes on with what is whole, or with what is left.
        | StoreError::Damaged(_)
        | StoreError::PartlyErased { .. }
        | StoreError::UpstreamNotEmpty { .. } => true,
        StoreError::CannotOpen { path, .. } => store::may_be_a_queue(path),
        StoreError::Newer { .. }
        | StoreError::Missing(_)
        | StoreError::Foreign(_)
        | StoreError::Unplaced { .. }
        | StoreError::TooManyUpstreams
        | StoreError::NoUpstream
        | StoreError::MainStays
        | StoreError::Paused => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn what_others_can_end_or_the_next_call_puts_right_is_transient() {
        let text = || "x".to_owned();
        let partly = StoreError::PartlyErased {
            erased: Box::default(),
            reason: text(),
        };
        let cannot_open = StoreError::CannotOpen {
            path: "/q".into(),
            reason: text(),
        };
        let not_empty = Error::UpstreamNotEmpty {
            name: text(),
            left: 3,
        };
        let of_the_store = [
            StoreError::DiskFull,
            StoreError::Busy,
            StoreError::ReadOnly(text()),
            cannot_open,
            StoreError::Other(text()),
            StoreError::Damaged(text()),
            partly,
            StoreError::UpstreamNotEmpty { left: 3 },
        ];
        for error in of_the_store.map(Error::from).into_iter().chain([not_empty]) {
            assert!(error.is_transient(), "{error:?}");
        }
    }

    #[test]
    fn a_path_that_names_no_file_never_does() {
        let folder = tempfile::tempdir().unwrap();
        let is_transient = |path: &str| {
            let refused = crate::Collector::open(path, crate::Config::default());
            refused.expect_err(path).is_transient()
        };
        let within = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let long = within(&"q".repeat(600));
        let many = within(&"folder/".repeat(90)) + "queue.db";
        let beside = [
            ".ledger", ".open", ".reserve", ".sync", "-wal", "-shm", "-journal",
        ];
        let beside = beside.map(|suffix| within(&format!("queue.db{suffix}")));
        let others = [within(""), within("."), within(".."), long, many];
        let plain = ["", ":memory:", "/", "file:x.db", "queue/"].map(str::to_owned);
        for path in plain.iter().chain(&beside).chain(&others) {
            assert!(!is_transient(path), "{path}");
        }
        let not_yet = folder.path().join("not yet there/queue.db");
        assert!(is_transient(&not_yet.to_string_lossy()));
    }

    #[test]
    fn what_needs_the_app_is_not_transient() {
        let (id, text) = (Uuid::nil(), || "x".to_owned());
        let credentials = crate::Credentials::Bearer("two words".to_owned());
        let checked = crate::statement::check(b"{}", crate::XapiVersion::V2_0_0);
        let newer = StoreError::Newer {
            path: "/q".into(),
            found: 9,
            known: 1,
        };
        let unplaced = StoreError::Unplaced {
            ids: vec![id],
            reason: text(),
        };
        let of_the_store = [
            newer,
            StoreError::Missing("/q".into()),
            StoreError::Foreign("/q".into()),
            unplaced,
            StoreError::TooManyUpstreams,
            StoreError::NoUpstream,
            StoreError::MainStays,
            StoreError::Paused,
        ];
        let others = [
            Error::Invalid(checked.unwrap_err()),
            Error::ContentMissing {
                id,
                path: text(),
                sha2: text(),
            },
            Error::ContentMismatch {
                id,
                path: text(),
                said: text(),
                found: text(),
            },
            Error::ContentUnused { id, sha2: text() },
            Error::OtherContent { id },
            Error::Unknown { id },
            Error::NotHeld { id },
            Error::NotInConflict { id },
            Error::MayHaveBeenSent { id },
            Error::NoEndpoint,
            crate::lrs::Endpoint::parse("x").unwrap_err().into(),
            credentials.authorization().unwrap_err().into(),
            Error::Config {
                setting: "Config::max_bytes",
                allowed: "at least 1",
            },
            Error::Transport(text()),
            Error::NoUpstream { name: text() },
            Error::OtherUpstream { name: text() },
            Error::UpstreamName { name: text() },
            Error::MainStays,
            Error::Reentrant,
            Error::Panicked,
            Error::Closing,
        ];
        for error in of_the_store.map(Error::from).into_iter().chain(others) {
            assert!(!error.is_transient(), "{error:?}");
        }
    }
}
