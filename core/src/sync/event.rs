//! What happens, for the app to hear of.

use serde::Serialize;
use uuid::Uuid;

use crate::store::{HoldReason, Millis, Salvaged, Trouble, WaitKind};
use crate::sync::report::SyncReport;

/// Something that happened, told after it is safely in the database. Debug and JSON show ids,
/// counts and the LRS's words, never a statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Statements were taken in.
    Recorded {
        /// Their ids.
        ids: Vec<Uuid>,
    },
    /// An LRS proved that it has these.
    Delivered {
        /// Their ids.
        ids: Vec<Uuid>,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A statement was set aside until the app acts.
    Held {
        /// Its id.
        id: Uuid,
        /// Why.
        reason: HoldReason,
        /// The LRS's own words.
        words: String,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A sync got on.
    Progress {
        /// Delivered by this sync so far.
        delivered: u64,
        /// Still in the queue.
        remaining: u64,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// Nothing is sent until then.
    WaitingUntil {
        /// Unix milliseconds by the device's clock.
        until: Millis,
        /// Who asked for it.
        why: WaitKind,
        /// What is the matter.
        trouble: Option<Trouble>,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// Nothing is sent until the app has acted: new credentials, another endpoint.
    NeedsApp {
        /// What is the matter.
        trouble: Trouble,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A sync ended.
    Synced {
        /// What it did.
        report: SyncReport,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// A sync failed: the device's storage did, or the app's own code. An automatic one tries again.
    SyncFailed {
        /// What happened, and what to do about it.
        error: String,
        /// At which upstream.
        #[serde(skip_serializing_if = "is_main")]
        upstream: String,
    },
    /// The file was damaged; what could be read of it was saved into a new one.
    Salvaged {
        /// What became of it.
        salvaged: Salvaged,
    },
    /// The app listened too slowly and missed this many events; `status` tells what is true now.
    Missed {
        /// How many.
        count: u64,
    },
}

/// Where there is no other one, nobody need be told.
fn is_main(upstream: &str) -> bool {
    upstream == "main"
}
