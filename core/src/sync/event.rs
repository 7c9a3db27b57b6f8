//! Events for the app.

use serde::Serialize;
use uuid::Uuid;

use crate::store::{HoldReason, Millis, Salvaged, Trouble, WaitKind};
use crate::sync::report::SyncReport;

/// An event, reported once it is safely in the database. Debug and JSON show ids, counts and the LRS's words,
/// never a statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Statements were taken in.
    Recorded {
        /// Ids of the statements.
        ids: Vec<Uuid>,
    },
    /// An LRS has proved that it has these statements.
    Delivered {
        /// Ids of the statements.
        ids: Vec<Uuid>,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A statement was set aside until the app acts.
    Held {
        /// Id of the statement.
        id: Uuid,
        /// Reason for holding it.
        reason: HoldReason,
        /// The LRS's message.
        words: String,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A sync has made progress.
    Progress {
        /// Number of statements delivered by this sync so far.
        delivered: u64,
        /// Number of statements still in the queue.
        remaining: u64,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// Wait during which nothing is sent.
    WaitingUntil {
        /// End of the wait, unix milliseconds by the device's clock.
        until: Millis,
        /// Kind of the wait.
        why: WaitKind,
        /// Trouble behind the wait, if any.
        trouble: Option<Trouble>,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// Need for the app to act, with new credentials or another endpoint; nothing is sent until then.
    NeedsApp {
        /// Trouble that the app has to end.
        trouble: Trouble,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A sync ended.
    Synced {
        /// Result of the sync.
        report: SyncReport,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A sync failed because of the device's storage or the app's own code. An automatic sync tries again.
    SyncFailed {
        /// Message that says what happened and what to do about it.
        error: String,
        /// Name of the upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// The file was damaged; what could be read of it was saved in a new one.
    Salvaged {
        /// Report of what was saved and lost.
        salvaged: Salvaged,
    },
    /// The app listened too slowly and missed events; `status` tells the current state.
    Missed {
        /// Number of events missed.
        count: u64,
    },
}

/// Tells whether an upstream is the first one, which JSON leaves out.
fn is_main(upstream: &str) -> bool {
    upstream == "main"
}
