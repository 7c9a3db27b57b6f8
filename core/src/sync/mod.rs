//! What to do next: decisions over [`store`](crate::store) and [`lrs`](crate::lrs).
//!
//! [`Session`] is a state machine without sockets, sleeping or a clock of its own. Whoever drives it
//! asks [`Session::next`] what to do, performs the requests with any
//! [`Transport`](crate::transport::Transport), and tells [`Session::answered`] what came of each.
//! [`judge`] says what an answer means, in one table; [`backoff`] says how long to wait.

mod answered;
pub mod backoff;
mod door;
mod due;
mod flights;
pub mod judge;
mod limits;
mod look;
mod outcome;
pub mod policy;
mod posted;
mod quiet;
mod report;
mod session;
mod suspects;
mod time;
mod trace;
mod waits;
mod work;

#[cfg(test)]
mod judge_table;
#[cfg(test)]
mod tests;

pub use flights::Ticket;
pub use policy::MOST_IN_FLIGHT;
pub use report::{Ended, SessionConfig, Step, SyncReport};
pub use session::Session;
pub(crate) use waits::cut_off_until;
