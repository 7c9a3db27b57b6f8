//! Decides what to do next, over [`store`](crate::store) and [`lrs`](crate::lrs).
//!
//! [`Session`] is a state machine without sockets, sleep or a clock of its own. Its driver asks
//! [`Session::next`] for the next [`Step`], performs the request with any
//! [`Transport`](crate::transport::Transport), and hands the outcome to [`Session::answered`].
//!
//! # One step
//!
//! 1. `next` (`run`) ends or waits where a wait is not over, obeys an unexplained 401, and then takes the next
//!    task: one that an earlier answer left, or a batch from the log (`statements::next_task`).
//! 2. Before a batch leaves, a transaction writes down that it does, and until when it may be at work at the
//!    LRS. After a kill the next session reads that (`Session::begin`).
//! 3. `answered` measures the answer, says who gave it ([`Sender`](crate::lrs::Sender)), and
//!    lets [`judge`] say what it means. What follows is in `statements::on_post`, `statements::on_lookup` and `effects`, and is in the
//!    database when `answered` returns.
//!
//! What is known of the LRS is one thing (`link`: lease, credentials, version, clock, limits, trust, waits),
//! what is done with statements another (everything else here). `link` knows no task.
//!
//! Tasks live in memory alone. A session that stops, for whatever reason, forgets them: each begins anew from
//! what the database says. So every arrow below may be cut at any moment.
//!
//! # Task and answer
//!
//! | task | answer | next |
//! |---|---|---|
//! | `Negotiate` (`GET /about`) | versions | the highest common one is spoken for a day |
//! | | none, or an odd one | the header's or the last version is spoken; statements are sent all the same |
//! | | asks for time, or nobody answers | wait; from the third time on statements are sent after it all the same |
//! | `Post` | names of all | delivered |
//! | | names of some | these are delivered; `Lookup` for the others, which are sent again if missing |
//! | | 204, or a 2xx that names none | `Lookup`: each must be shown; the LRS's own word is enough where nobody may read |
//! | | partial success | the named are delivered, the refused are suspects, `Lookup` for the rest |
//! | | 409 | `Lookup`: the same there is delivered, another is held as a conflict, none is a suspect |
//! | | 413 | fewer bytes: halves; one alone is a suspect |
//! | | 400, 401, 403, 404, 5xx of the LRS itself | halves, or around the place it names; one alone is looked up, then a suspect |
//! | | a page, a redirect, no LRS | stop and wait; one alone is a suspect once the session is cautious |
//! | | 429, 503, or doubt whether it has ended | stop and wait; nothing is sent before it can have ended |
//! | | no answer | the same; `Unreachable` proves that nothing left |
//! | `Lookup` (`GET ?statementId=`) | a copy | the same: delivered; another one, by the LRS itself: held as a conflict |
//! | | none | asked once more as voided; then as the task says (send, split, suspect) |
//! | | 400 | the other version is tried once; then its answers to statements must do |
//! | | 401 by the LRS | credentials, unless they may write and not read: what it says to statements tells (`link::door`) |
//! | | 403, 405, 501, unreadable | not shown: what it says to statements must do |
//! | | nobody answers | stop; from the third time on every other look-up is left out (`statements::next_task`) |
//!
//! # Trust
//!
//! How far the LRS is trusted is asked in this order, and each failure of the LRS as a whole
//! (`doubt_upstream`) begins anew:
//!
//! - *unchecked*: nothing is known since the last trouble. Its refusal of a batch may mean the version or the
//!   credentials; one look-up comes first.
//! - *checked*: it has answered a look-up, or taken a statement. A refusal is looked for among the statements.
//! - *accepted*: it has taken a statement in this session. Suspects step aside, and one that it refused
//!   before, apart, with others taken in between, is held (`statements::refused_alone`).
//! - *cautious*: it has failed [twice](policy). One statement at a time, each looked up first; after a long trouble
//!   also the one after the first that it takes (*wary*).
//! - *ill*: it fails on look-ups too. After a few suspects the session ends.
//!
//! # What always holds
//!
//! - Delivered is only what the LRS named, showed, or vouched for itself.
//! - A statement that may be at work is not sent again before that can have ended.
//! - Held is only what the LRS itself refused twice, apart, with others taken in between; or a conflict that
//!   it showed.
//! - No answer of anybody else, and no trouble of the LRS, is a statement's fault.
//! - Requests in flight beside each other are fresh from the log and share no statement (`statements::in_flight`).
//!
//! `tests` shows the lines above one by one; the simulation shows what always holds.

pub mod backoff;
mod effects;
pub mod event;
pub mod judge;
mod link;
pub mod meaning;
mod on_response;
pub mod policy;
mod report;
mod run;
mod session;
mod statements;
mod trace;

#[cfg(test)]
mod tests;

pub(crate) use link::cut_off_until;
#[cfg(feature = "internals")]
pub use policy::MOST_IN_FLIGHT;
pub use report::{Ended, SessionConfig, Step, SyncReport, UpstreamReport};
pub use session::Session;
pub use statements::in_flight::Ticket;
