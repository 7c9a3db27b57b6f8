//! Decides what to do next, over [`store`](crate::store) and [`lrs`](crate::lrs).
//!
//! [`Session`] is a state machine without sockets, sleep or a clock of its own. Its driver asks
//! [`Session::next`] for the next [`Step`], performs the request with any
//! [`Transport`](crate::transport::Transport), and hands the outcome to [`Session::answered`].
//!
//! # One step
//!
//! 1. `next` (`run`) ends, or waits if a wait is not over, obeys an unexplained 401, and then takes the next
//!    task: one that an earlier answer left, or a batch from the log (`statements::next_task`).
//! 2. Before a batch leaves, a transaction records that it does, and how long it may be at work at the
//!    LRS. After a kill the next session reads that (`Session::begin`).
//! 3. `answered` measures the answer, determines who gave it ([`Sender`](crate::lrs::Sender)), and lets
//!    [`judge`] decide what it means. What follows is in `statements::on_post`, `statements::on_lookup` and
//!    `effects`, and is in the database when `answered` returns.
//!
//! Knowledge of the LRS (lease, credentials, version, clock, limits, trust, waits) is in `link`, which knows no
//! task. Work on statements is everything else here.
//!
//! Tasks live in memory only. A session that stops, for whatever reason, forgets them, and the next one begins
//! anew from the database. So every arrow below may be cut at any moment.
//!
//! # Task and answer
//!
//! | task | answer | next |
//! |---|---|---|
//! | `Negotiate` (`GET /about`) | versions | the highest common one is spoken for a day |
//! | | none, or an odd one | the version of the header, or the last one, is spoken; statements are sent all the same |
//! | | asks to wait, or nobody answers | wait; from the third time on, statements are sent afterwards all the same |
//! | `Post` | names of all | delivered |
//! | | names of some | these are delivered; `Lookup` for the others, which are sent again if missing |
//! | | 204, or a 2xx that names none | `Lookup`: each must be shown; the LRS's own word is enough if nobody may read |
//! | | partial success | the named are delivered, the refused are suspects, `Lookup` for the rest |
//! | | 409 | `Lookup`: an identical copy is delivered, another is held as a conflict, none makes a suspect |
//! | | 413 | fewer bytes: halves; one alone is a suspect |
//! | | 400, 401, 403, 404, 5xx of the LRS itself | halves, or around the place named; one: looked up, then a suspect; a 4xx or 501 to all, in a version in which it took nothing: the other one is tried once |
//! | | a batch's first 5xx of the LRS itself | `Lookup` for the first: if it is there, for the others too |
//! | | a page, a redirect, no LRS | stop and wait; one alone is a suspect once the session is cautious |
//! | | 429, 503, or doubt whether it has ended | stop and wait; nothing is sent until it must have ended |
//! | | no answer | the same; `Unreachable` proves that nothing left |
//! | | any of these but names, to statements with contents | these step aside, and others go on: `statements::with_contents` |
//! | `Lookup` (`GET ?statementId=`) | a copy | identical, and with the contents that are ours: delivered; another, from the LRS itself: held as a conflict |
//! | | none | asked for once more as voided; then as the task says (send, split, suspect) |
//! | | 400 | the other version is tried once, for look-ups alone where it has understood statements in this one; then its answers to statements must suffice |
//! | | 401 by the LRS | credentials, unless write-only: its answers to statements tell (`link::unauthorized`) |
//! | | 403, 405, 501, unreadable | not shown: its answers to statements must suffice |
//! | | nobody answers | stop; from the third time on every other look-up is left out (`statements::next_task`) |
//!
//! # Trust
//!
//! The LRS passes through these levels of trust, and each failure of the LRS as a whole (`doubt_upstream`)
//! begins anew:
//!
//! - *unchecked*: nothing is known since the last trouble. If it refuses a batch, the version or the
//!   credentials may be the cause; one look-up comes first.
//! - *checked*: it has answered a look-up or taken a statement. The cause of a refusal is searched for among
//!   the statements.
//! - *accepted*: it has taken a statement in this session. Suspects step aside, and one that it has refused
//!   before, some time apart and with others taken in between, is held (`statements::refused_alone`).
//! - *cautious*: it has failed [twice](policy). Statements go one at a time, each looked up first; after a long
//!   trouble that includes the one after the first that it takes (*wary*).
//! - *ill*: it fails on look-ups too. After a few suspects the session ends.
//!
//! # What always holds
//!
//! - A statement counts as delivered only if the LRS named it, showed it or itself vouched for it.
//! - A statement that may be at work is not sent again until that must have ended.
//! - A statement is held only if the LRS itself refused it twice, some time apart and with others taken in
//!   between, or showed a conflict.
//! - An answer from anybody else, or a trouble of the LRS, is never blamed on a statement.
//! - Concurrent requests in flight are fresh from the log and share no statement (`statements::in_flight`).
//!
//! `tests` shows these lines one by one; the simulation checks what always holds.

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
