//! What the device remembers: a log of statements in SQLite, and nothing else touches SQLite.
//!
//! A statement is in exactly one place at any moment, for each of the upstreams that it is for:
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
//! Each change of place is one transaction that also moves the upstream's counters, so the sum
//! over all places is always the number ever recorded. There is no repair step: whatever moment the
//! process dies at, the file says the truth.
//!
//! [`Db`] is one connection and takes `&mut self`; [`Shared`] lets many threads use it and commits
//! concurrent records together.

mod act;
mod append;
mod aside;
mod back;
#[cfg(test)]
mod back_in_time;
mod backfill;
#[cfg(test)]
mod backfilled;
mod balance;
mod beside;
#[cfg(test)]
mod beside_damaged;
mod body;
mod carried;
mod catch_up;
mod codes;
mod db;
mod departure;
mod done;
mod due_row;
mod erase;
mod error;
#[cfg(test)]
mod first_format;
mod forward;
mod frames;
mod history;
mod ids;
mod intact;
mod keeper;
mod learned;
mod lease;
mod ledger;
mod line;
mod listing;
mod locate;
mod log;
mod log_length;
mod looked;
mod loss;
#[cfg(test)]
mod lost_elsewhere;
mod lrs_clock;
#[cfg(test)]
mod many_aside;
mod nature;
mod numbers;
mod one_name;
mod open;
mod others;
mod pages;
mod place;
mod remove;
mod reserve;
mod route;
mod row;
mod salvage;
mod salvaged;
mod saving;
mod schema;
mod seal;
mod settings;
mod settle;
mod shared;
mod spoilt;
mod states;
mod survey;
mod tail;
mod take;
#[cfg(test)]
mod taken_out;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod torn;
mod traits;
#[cfg(test)]
mod two_upstreams;
mod upstream;
mod upstreams;
mod waits;
mod withdrawn;

pub use append::{Appended, Candidate, Content, Refused};
pub use aside::{Aside, HeldStatement, WaitingAside};
pub use codes::{HoldReason, Problem, WaitKind, WaitReason};
pub use db::Db;
pub use departure::{Lease, Unsent};
pub use due_row::Row;
pub use erase::Erased;
pub use error::{StoreError, Unchanged};
pub use history::HistoryPolicy;
pub use learned::{Learned, Trouble, UnderWay, Written};
pub use lease::{Claim, Holder};
pub use ledger::Ledger;
pub use listing::{Listed, Page};
pub use loss::LossReport;
pub use lrs_clock::LrsClock;
pub use open::{Durability, Opened, Opening};
pub use remove::Remainder;
pub use route::Route;
pub use salvaged::Salvaged;
#[cfg(feature = "internals")]
pub use schema::SCHEMA_VERSION;
pub use seal::Clocks;
pub(crate) use seal::is_plausible;
pub use settle::{Outcome, Settled, Settlement};
pub use shared::Shared;
pub use spoilt::Spoilt;
pub(crate) use take::LONGEST_FUTURE_MS;
pub use take::{Limits, Taken};
pub use upstream::Upstream;
pub use upstreams::UpstreamId;
pub use waits::Waits;

/// Unix milliseconds.
pub type Millis = i64;
