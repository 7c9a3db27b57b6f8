//! Pannier for Kotlin and Swift.
//!
//! The types that cross the language border and their conversion; no decision is made here. Calls are blocking: the
//! Kotlin and Swift layers above put `suspend` and `async` on top, on threads of their own. Their sources are made
//! from this crate by `bindings/generate`.
//!
//! - The names are those of the crate `pannier`, with few exceptions: the layers above have a `Collector`, an
//!   `Upstream` and a `Recorder` of their own, hence [`BlockingCollector`], [`BlockingUpstream`],
//!   [`BlockingRecorder`].
//! - Counts are signed, since Java has no unsigned numbers; a fault's index, an attachment's length and the numbers
//!   of faults and differences beyond those listed are unsigned. Times are the platforms' own instants and
//!   durations.
//! - Types that hold credentials or statements show neither when printed.
//! - A panic becomes an exception of the calling language.

mod collector;
mod config;
mod conflict;
mod contents;
mod credentials;
mod errors;
mod events;
mod foreign;
mod ids;
mod listings;
mod log;
mod probe;
mod recorder;
mod statement;
mod status;
mod time;
mod transport;
mod upstream;
mod upstreams;
mod url;

pub use collector::BlockingCollector;
pub use config::{Config, Durability, HistoryPolicy, SyncPolicy, XapiVersion};
pub use conflict::{Conflict, Difference};
pub use contents::{KeptContent, attachment_of};
pub use credentials::{Credentials, CredentialsError, CredentialsProvider};
pub use errors::{Fault, PannierError, Warnings};
pub use events::{Event, EventListener, ListenerError, Subscription};
pub use ids::Uuid;
pub use listings::{
    Erased, HeldStatement, HoldReason, ListedStatement, WaitReason, WaitingStatement,
};
pub use log::{LogEntry, LogLevel, PannierLogger, set_logger};
pub use probe::{Check, Examined, Finding, Probe};
pub use recorder::{BlockingRecorder, Recorded};
pub use statement::*;
pub use status::{Ended, LossReport, Problem, Status, SyncReport, Trouble, WaitKind, WaitingAside};
pub use time::{TimeSpan, Timestamp};
pub use transport::{
    Body, BodyPiece, Header, Method, Request, Response, Transport, TransportError,
};
pub use upstream::BlockingUpstream;
pub use upstreams::{NewUpstream, Remainder, Route, UpstreamInfo, UpstreamReport};
pub use url::Url;

uniffi::setup_scaffolding!("pannier");
