//! Pannier: an offline-first xAPI statement collector.
//!
//! [`Collector`] records learning statements in a local SQLite file and delivers them to a Learning
//! Record Store (LRS) when there is a network. What `record` accepted is never lost, never sent as
//! something else, never counted twice, and never stuck behind somebody else's mistake.
//!
//! The public API is here: the collector, what it takes and what it returns. The store and the sync below it are
//! private, except to this repository's own tests (the feature `internals`).
//!
//! Dependencies point down only: `collector → sync → {store, lrs} → statement`, and `collector → transport → lrs`.

pub mod clock;
pub mod collector;
mod error;
mod lock;
#[cfg(not(feature = "internals"))]
mod store;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod store;
#[cfg(not(feature = "internals"))]
mod sync;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod sync;
pub mod transport;

pub use collector::{
    AsStatement, Check, Collector, Config, Conflict, CredentialsProvider, EventStream, Examined,
    Finding, KeptContent, NewUpstream, Probe, Recorded, Recorder, Status, SyncPolicy, Upstream,
    UpstreamInfo, WithContents,
};
pub use error::Error;
pub use event::Event;
pub use lrs::Credentials;
#[cfg(feature = "count-steps")]
#[doc(hidden)]
pub use pannier_xapi::steps;
pub use pannier_xapi::{lrs, statement};
pub use statement::{Content, Statement, StatementDefaults, XapiVersion};
pub use store::{
    Durability, Erased, HeldStatement, HistoryPolicy, HoldReason, Ledger, ListedStatement,
    LossReport, Meaning, Millis, Page, Problem, Refused, Remainder, Route, Salvaged, StoreError,
    Trouble, Unchanged, WaitKind, WaitReason, WaitingAside, WaitingStatement,
};
pub use sync::event;
pub use sync::{Ended, SyncReport, UpstreamReport};
pub use uuid::Uuid;

/// The README's Rust example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
