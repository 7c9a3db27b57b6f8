//! An LRS in memory, failures and a clock, for the tests of apps that record with Pannier: no socket, no waiting.
//!
//! ```
//! use std::sync::Arc;
//! use pannier::{Collector, Config};
//! use pannier_testing::{Failure, MemoryLrs, TestClock};
//!
//! let folder = tempfile::tempdir()?;
//! let (lrs, clock) = (MemoryLrs::new(), TestClock::default());
//! let mut config = Config::new(MemoryLrs::ENDPOINT, None);
//! config.transport = Some(Arc::new(lrs.clone()));
//! config.clock = Arc::new(clock.clone());
//! let collector = Collector::open(folder.path().join("queue.db"), config)?;
//! let recorded = collector.record(r#"{
//!     "actor": { "mbox": "mailto:ada@example.com" },
//!     "verb": { "id": "http://adlnet.gov/expapi/verbs/completed" },
//!     "object": { "id": "https://example.com/lessons/1" }
//! }"#)?;
//!
//! // The LRS stores it, and its answer is lost on the way.
//! lrs.fail_next(Failure::LostAnswer);
//! assert_eq!(collector.sync()?.delivered, 0);
//! clock.advance_until(|| {
//!     collector.sync().is_ok_and(|report| report.delivered == 1)
//! });
//! assert_eq!((lrs.len(), lrs.times_stored(recorded.id)), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod failure;
mod lrs;
mod store;

pub use clock::TestClock;
pub use failure::Failure;
pub use lrs::MemoryLrs;
