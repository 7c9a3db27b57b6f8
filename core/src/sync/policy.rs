//! Every number that a sync goes by: what it is for, and since when it has this value.
//!
//! A number is here and nowhere else, so that whoever wonders about one finds its neighbours. Time-outs
//! depend on what is sent and stand with the requests ([`requests`](crate::lrs::requests)). No test takes
//! an expectation from here: a test that did could not see that a number is wrong.

use std::time::Duration;

use crate::store::{HoldReason, Millis};

// How much at once.

/// Fewest bytes that a batch is cut down to: less than any LRS or gateway was seen to refuse. 2026-11-23.
pub(super) const LEAST_BYTES: u32 = 16 * 1024;

/// Bytes from which on a body that is refused, or whose connection breaks, may have been too large: half a
/// default batch, and a quarter of the smallest limit that a gateway was seen to have (1 MiB). 2026-11-23.
pub(super) const BIG_BODY: usize = 256 * 1024;

/// Requests that an LRS must take before more statements at once are tried where it failed on them.
/// Twice as many after each further failure. 2026-11-28.
pub(super) const REQUESTS_BEFORE_RETRY: u32 = 50;

/// Most requests before larger batches are tried again, so that an LRS that was mended gets them the same
/// day. 2026-11-28.
pub(super) const MOST_REQUESTS_BEFORE_RETRY: u32 = 1_600;

/// Most requests in flight: four fill a connection with a round trip of 200 ms, and more would take the LRS
/// from others (`docs/performance.md`). 2026-11-25.
pub const MOST_IN_FLIGHT: u32 = 4;

/// Whole batches in a row after which the learned limit of requests in flight is raised by one: an LRS that
/// failed under two at once fails again once in sixteen, and not each time. 2026-11-25.
pub(super) const WHOLE_BATCHES_PER_FLIGHT: u32 = 16;

/// Former credentials whose answers may still come: one for each request in flight. 2026-11-28.
pub(super) const FORMER_CREDENTIALS: usize = MOST_IN_FLIGHT as usize;

/// Delivered rows after which a sync deletes them; a transaction for each batch would cost a commit
/// more. 2026-11-23.
pub(super) const PURGE_FROM: i64 = 1_000;

// Waiting.

/// Shortest wait: even full jitter must not mean at once. 2026-11-23.
pub(super) const SHORTEST_BACKOFF: Duration = Duration::from_millis(250);

/// Longest wait that Pannier chooses itself. A device that was away for a day is late by a quarter of an hour
/// at most. 2026-11-23.
pub const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// Longest first wait after a failure of the LRS as a whole; `docs/fleet.md` measures it. 2026-11-25.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// Factor by which each wait is longer than the one before. 2026-11-25.
pub(super) const BACKOFF_FACTOR: f32 = 2.0;

/// Failures in a row after which a statement that is not found is asked for once more before it is sent again,
/// whatever becomes of that request. Where requests go to two nodes in turn and one of them is broken, a look-up
/// and a batch after each failure would come to the same nodes again and again. 2026-11-29.
pub(super) const OUT_OF_STEP: u32 = 2;

/// Longest first wait before one refused statement is tried again while others are taken: each try costs
/// three requests, perhaps for good. 2026-11-28.
pub(super) const FIRST_SUSPICION: Duration = Duration::from_secs(16);

/// Longest such wait: what is blocked is tried once an hour. 2026-11-28.
pub(super) const LONGEST_SUSPICION: Duration = Duration::from_hours(1);

/// Longest `Retry-After` that is obeyed; a longer one is a mistake or an attack. 2026-11-23.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Wait for the app to act. Then it is tried again all the same: a password that was locked by mistake may
/// have been put right at the LRS. 2026-11-28.
pub const WITHOUT_THE_APP: Duration = Duration::from_hours(1);

/// Longest wait before the first request after the network is back. 2026-11-23.
pub const NETWORK_BACK_WITHIN: Duration = Duration::from_secs(30);

/// Shortest range of that wait, for a network that was away for a moment only. 2026-11-25.
pub(super) const NETWORK_BACK_AT_LEAST: Duration = Duration::from_secs(2);

/// Time by which a lease outlasts the requests that it protects: the answer has to be written down yet.
/// 2026-11-23.
pub(super) const LEASE_MARGIN_MS: Millis = 15_000;

// What may still be under way.

/// Slowest answer of an LRS that counts as quick. 2026-11-28.
pub(super) const QUICK_MS: Millis = 1_000;

/// Time after a kill that a quick LRS is left alone, unless the request's own time-out is shorter: fifteen
/// times its slowest answer. 2026-11-28.
pub(super) const QUICK_IS_AT_WORK_MS: Millis = 15_000;

// Trouble of the LRS as a whole.

/// Failures in a row after which statements go one at a time, each looked up first: it may be the statement
/// in front. 2026-11-23.
pub(super) const CAUTIOUS_FROM: u32 = 2;

/// The same for an LRS that asks for time. It asks a whole fleet at once, and singles would be a storm.
/// 2026-11-28.
pub(super) const BUSY_BEFORE_SINGLES: u32 = 3 * CAUTIOUS_FROM;

/// Failures in a row that make a long trouble: every other session then begins farther ahead in the log.
/// 2026-11-28.
pub(super) const LONG_TROUBLE: u32 = 6;

// Questions.

/// Most statements that are looked up before any of a batch is sent. An LRS that counts requests would
/// otherwise never let it come to an end. 2026-11-25.
pub(super) const LOOKED_UP_FIRST: usize = 10;

/// Unanswered questions of one kind in a row after which every other one is left out: perhaps it is this kind
/// alone that is not answered, and statements are taken. 2026-11-28.
pub(super) const UNANSWERED: u32 = 3;

/// Waits for an LRS that says it shows only what it stored until some time ago
/// (`X-Experience-API-Consistent-Through`, 1.0.3 Communication 2.1.3). After that, what it shows counts.
/// 2026-11-28.
pub(super) const WAITS_FOR_CONSISTENCY: u32 = 3;

/// Largest difference of that header and `Date` at which they say the same: one of them counts whole seconds.
/// 2026-11-28.
pub(super) const CONSISTENT_WITHIN_MS: Millis = 1_500;

/// Time that a negotiated version is trusted: LRSs are upgraded. 2026-11-23.
pub(super) const VERSION_LASTS_MS: Millis = 24 * 60 * 60 * 1000;

/// The same while statements wait for another version: one wrong answer must not stop them for a day.
/// 2026-11-28.
pub(super) const VERSION_IN_DOUBT_LASTS_MS: Millis = 60 * 60 * 1000;

/// Times before that a statement was tried, apart, and is said to be stored by an LRS that usually names what it stores,
/// or shows it, and does neither: then it counts. 2026-11-29.
pub(super) const SAID_UNLIKE_USUAL: u32 = 5;

/// Failures in a row after which what it says is how it is now: some minutes. 2026-11-29.
pub(super) const FAILURES_UNLIKE_USUAL: u32 = 8;

// Whose fault a refusal is.

/// Suspects in a row that make the LRS as suspect as the statements. 2026-11-23.
pub(super) const SUSPECTS_BEFORE_PROBING: usize = 3;

/// Shortest time between two refusals that count as two: a gateway is reloaded, a deployment replaced, an LRS
/// started within it. 2026-11-28.
pub(super) const REFUSALS_APART: Duration = Duration::from_secs(10);

/// Times that a statement is sent again at once, before its second refusal holds it: where half of the nodes refuse, one
/// statement in 32 is refused by each time. 2026-11-29.
pub(super) const APPEALS: u32 = 3;

/// Refusals more that it takes to hold a statement for each that the LRS has taken after it had refused it, and where it
/// refuses many in a row: a node of several, a limit or a quota refuses, and not for what the statement says.
/// 2026-11-29.
pub(super) const REFUSALS_IN_DOUBT: u32 = 4;

/// Most refusals in a row that may be for what each of the statements says. 2026-11-29.
pub(super) const MANY_IN_A_ROW: usize = 3;

/// Most such statements that count, so that what is at fault is held within a day. 2026-11-29.
pub(super) const MOST_ACQUITTED: u32 = 4;

/// Longest wait for a refusal with Retry-After, which may be that of one statement after all. 2026-11-29.
pub(super) const LONGEST_ASKED_BY_A_REFUSAL: Duration = Duration::from_mins(1);

/// Largest difference of two clocks that agree: `Date` counts whole seconds and was under way for a while.
/// 2026-11-28.
pub(super) const CLOCKS_AGREE_WITHIN_MS: Millis = 2_000;

/// Refusals of one statement before the one that holds it. 2026-11-28.
pub(super) fn refusals_before(reason: HoldReason, status: Option<u16>) -> u32 {
    match reason {
        // A server fails for many reasons, and most of them pass.
        HoldReason::ServerError => 5,
        // Seldom is a statement meant, sooner one node of several that does not know the password.
        HoldReason::Forbidden if status == Some(401) => 5,
        // It may be slow to show what it took.
        HoldReason::ConflictUnseen => 4,
        _ => 1,
    }
}

/// Requests that may find out whether a 401 means the credentials or one statement. Who knocks on and on at a
/// door that was shut locks an account. 2026-11-28.
pub(super) const QUESTIONS_AFTER_401: u32 = 10;
