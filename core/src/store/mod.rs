//! The device's memory: a log of statements in SQLite. No other module touches SQLite.
//!
//! At any moment a statement is in exactly one place for each of the upstreams that it is for:
//!
//! ```text
//! append ─→ queued ─→ delivered (gone, or kept as history)
//!             │ ↑
//!             ↓ │
//!           waiting ─→ held ─→ retried, replaced, discarded
//! ```
//!
//! * *queued*: in the log above the upstream's `delivered_through`, not set aside.
//! * *aside*: out of the way of the others, either *waiting* (comes back by itself) or *held* (waits
//!   for the app).
//! * *delivered*: in the log at or below `delivered_through`, not set aside. Once every upstream is done with
//!   it, it is deleted in bulk, or kept with its `delivered_at` where the app keeps a history.
//!
//! Each change of place is one transaction that also updates the upstream's counters, so the sum over all
//! places always equals the number ever recorded. There is no repair step: at whatever moment the process dies,
//! the file is consistent.
//!
//! [`Db`] is one connection and takes `&mut self`; [`Shared`] lets many threads use it and puts concurrent
//! records into one commit.

mod codes;
mod columns;
mod db;
mod error;
mod file;
mod group_commit;
mod ledger_file;
mod queue;
mod repair;
mod shared;
#[cfg(test)]
mod tests;
mod upstream;

pub use codes::{HoldReason, Problem, WaitKind, WaitReason};
pub use db::Db;
pub use error::{StoreError, Unchanged};
pub(crate) use file::beside;
pub(crate) use file::names;
pub use file::open::{Durability, Opened, Opening};
pub(crate) use file::path::may_be_a_queue;
#[cfg(feature = "internals")]
pub use file::schema::SCHEMA_VERSION;
pub use queue::append::{Appended, Candidate, Meaning, Refused};
pub use queue::aside::{HeldStatement, WaitingAside, WaitingStatement};
pub use queue::departure::{Lease, Unsent};
pub use queue::erase::Erased;
pub use queue::history::HistoryPolicy;
pub use queue::ledger::Ledger;
pub use queue::listing::{ListedStatement, Page};
pub(crate) use queue::next_batch::LONGEST_FUTURE_MS;
pub use queue::next_batch::{ContentsLimits, Limits, NextBatch};
pub use queue::queued_row::Row;
pub use queue::seal::Clocks;
pub(crate) use queue::seal::is_plausible;
pub use queue::settle::{Outcome, Settled, Settlement};
pub use queue::spoilt::Spoilt;
pub use repair::loss::LossReport;
pub use repair::salvage_report::Salvaged;
pub use shared::Shared;
pub use upstream::Upstream;
pub use upstream::learned::{Learned, Trouble, UnderWay, Written};
pub use upstream::lease::{Claim, Holder};
pub use upstream::list::UpstreamId;
pub use upstream::lrs_clock::LrsClock;
pub use upstream::remove::Remainder;
pub use upstream::route::Route;
pub use upstream::waits::Waits;

/// Unix milliseconds.
pub type Millis = i64;
