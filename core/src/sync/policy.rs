//! Every number that governs a sync: its purpose, and the date of its current value.
//!
//! A number is here and nowhere else, so that whoever looks for one finds its neighbours. Time-outs depend on
//! what is sent and are with the requests ([`requests`](crate::lrs::requests)). No test takes an expectation
//! from here: such a test could not notice that a number is wrong.

use std::time::Duration;

use crate::store::{HoldReason, Millis};

// How much at once.

/// Smallest number of bytes that a batch is cut down to: less than any LRS or gateway was seen to refuse.
/// 2026-11-23.
pub(super) const LEAST_BYTES: u32 = 16 * 1024;

/// Size from which a body that is refused, or whose connection breaks, may have been too large: half a default
/// batch, and a quarter of the smallest limit that a gateway was seen to have (1 MiB). 2026-11-23.
pub(super) const BIG_BODY: usize = 256 * 1024;

/// Number of requests that an LRS must take before larger batches are tried again where it failed on them.
/// Doubled after each further failure. 2026-11-28.
pub(super) const REQUESTS_BEFORE_RETRY: u32 = 50;

/// Greatest such number, so that an LRS that was repaired gets larger batches the same day. 2026-11-28.
pub(super) const MOST_REQUESTS_BEFORE_RETRY: u32 = 1_600;

/// Most requests in flight: four fill a connection with a round trip of 200 ms, and more would take the LRS
/// away from others (`docs/performance.md`). 2026-11-25.
pub const MOST_IN_FLIGHT: u32 = 4;

/// Number of batches taken whole in a row after which the learned limit of requests in flight is raised by one:
/// an LRS that failed under two at once fails again once in sixteen batches, and not each time. 2026-11-25.
pub(super) const WHOLE_BATCHES_PER_FLIGHT: u32 = 16;

/// Number of former credentials kept because answers to them may still come: one for each request in flight.
/// 2026-11-28.
pub(super) const FORMER_CREDENTIALS: usize = MOST_IN_FLIGHT as usize;

/// Number of delivered rows after which a sync deletes them; a transaction for each batch would cost another
/// commit. 2026-11-23.
pub(super) const PURGE_FROM: i64 = 1_000;

// Waiting.

/// Shortest wait: even full jitter must not mean an immediate retry. 2026-11-23.
pub(super) const SHORTEST_BACKOFF: Duration = Duration::from_millis(250);

/// Longest wait that Pannier chooses itself: a device that was away for a day is a quarter of an hour late at
/// most. 2026-11-23.
pub const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// Longest first wait after a failure of the LRS as a whole; `docs/fleet.md` measures it. 2026-11-25.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// Factor by which each wait is longer than the previous one. 2026-11-25.
pub(super) const BACKOFF_FACTOR: f32 = 2.0;

/// Consecutive failures after which a statement that is not found is looked up once more before it is sent
/// again, whatever the result. If requests go to two nodes in turn and one of them is broken, a look-up and a
/// batch after each failure would reach the same nodes again and again. 2026-11-29.
pub(super) const OUT_OF_STEP: u32 = 2;

/// Longest first wait before a refused statement is tried again while others are taken: each try costs three
/// requests, perhaps for ever. 2026-11-28.
pub(super) const FIRST_SUSPICION: Duration = Duration::from_secs(16);

/// Longest such wait: a blocked statement is tried once an hour. 2026-11-28.
pub(super) const LONGEST_SUSPICION: Duration = Duration::from_hours(1);

/// Longest first wait before one more statement with contents is tried at an LRS that bore one not. 2026-11-30.
pub(super) const FIRST_WITHOUT_CONTENTS: Duration = Duration::from_mins(1);

/// Factor by which each such wait is longer than the previous one. 2026-11-30.
pub(super) const WITHOUT_CONTENTS_FACTOR: f32 = 4.0;

/// Longest such wait: two of six LRSs take no contents, and others none of some length, and none learns it soon.
/// 2026-11-30.
pub(super) const LONGEST_WITHOUT_CONTENTS: Duration = Duration::from_hours(24);

/// The same in milliseconds.
pub(super) const LONGEST_WITHOUT_CONTENTS_MS: Millis =
    LONGEST_WITHOUT_CONTENTS.as_millis() as Millis;

/// Number of times that the LRS has shown a statement without its contents, some time apart, after which it is held when it
/// is shown so once more. 2026-12-01.
pub(super) const SHOWN_WITHOUT_CONTENTS: u32 = 2;

/// Longest `Retry-After` that is obeyed; a longer one is a mistake or an attack. 2026-11-23.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Longest `Retry-After` that is obeyed of whoever gives no sign of being an LRS: a login page that asks for a day
/// is gone when the device is in another network. 2026-11-30.
pub(super) const LONGEST_ASKED_BY_A_STRANGER: Duration = Duration::from_hours(1);

/// Longest wait for the app to act. Afterwards it is tried again all the same: an account that was locked by
/// mistake may have been unlocked at the LRS. 2026-11-28.
pub const WITHOUT_THE_APP: Duration = Duration::from_hours(1);

/// Longest wait before the first request once the network is back. 2026-11-23.
pub const NETWORK_BACK_WITHIN: Duration = Duration::from_secs(30);

/// Shortest upper bound of that wait, for a network that was away only for a moment. 2026-11-25.
pub(super) const NETWORK_BACK_AT_LEAST: Duration = Duration::from_secs(2);

/// Time by which a lease outlasts the requests that it protects: the answer still has to be written down.
/// 2026-11-23.
pub(super) const LEASE_MARGIN_MS: Millis = 15_000;

// What may still be under way.

/// Slowest answer with which an LRS counts as quick. 2026-11-28.
pub(super) const QUICK_MS: Millis = 1_000;

/// Time for which a quick LRS is left alone after a kill, unless the request's own time-out is shorter: fifteen
/// times its slowest answer. 2026-11-28.
pub(super) const QUICK_IS_AT_WORK_MS: Millis = 15_000;

// Trouble of the LRS as a whole.

/// Consecutive failures after which statements are sent one at a time, each looked up first: the first
/// statement may be the cause. 2026-11-23.
pub(super) const CAUTIOUS_FROM: u32 = 2;

/// Consecutive failures after which that is done with an LRS that asks to wait: it asks a whole fleet at once,
/// and single statements would be a storm. 2026-11-28.
pub(super) const BUSY_BEFORE_SINGLES: u32 = 3 * CAUTIOUS_FROM;

/// Consecutive failures that make a long trouble: every other session then begins further ahead in the log.
/// 2026-11-28.
pub(super) const LONG_TROUBLE: u32 = 6;

// Questions.

/// Most statements that are looked up before a batch is sent. An LRS that counts requests would otherwise never
/// let the look-ups come to an end. 2026-11-25.
pub(super) const LOOKED_UP_FIRST: usize = 10;

/// Consecutive unanswered questions of one kind after which every other one is left out: perhaps only this kind
/// is not answered, and statements are taken. 2026-11-28.
pub(super) const UNANSWERED: u32 = 3;

/// Longest time after sending for which an LRS is waited for that says it shows only what it stored before
/// (`X-Experience-API-Consistent-Through`, 1.0.3 Communication 2.1.3). After that, what it shows counts: the header of
/// some may be in another time zone, or never move. Long, since what is sent again too early may be stored twice.
/// 2026-11-30.
pub(super) const LONGEST_LAG_MS: Millis = 2 * 60 * 60 * 1000;

/// Consecutive failures from which that is not done: what fails again and again may be due to a statement, and to find it
/// takes what is shown at once. 2026-11-30.
pub(super) const WAITS_FOR_CONSISTENCY: u32 = 3;

/// Shortest such wait: the index of some is a second behind. 2026-11-30.
pub(super) const SHOWN_AFTER_MS: Millis = 5_000;

/// Largest difference between that header and `Date` with which they agree: one of them counts whole seconds.
/// 2026-11-28.
pub(super) const CONSISTENT_WITHIN_MS: Millis = 1_500;

/// Time for which a negotiated version is trusted: LRSs are upgraded. 2026-11-23.
pub(super) const VERSION_LASTS_MS: Millis = 24 * 60 * 60 * 1000;

/// Time for which it is trusted while statements wait for another version: one wrong answer must not stop them
/// for a day. 2026-11-28.
pub(super) const VERSION_IN_DOUBT_LASTS_MS: Millis = 60 * 60 * 1000;

/// Number of failures in a row of which one is followed by a try in the other version, where nothing was ever taken in
/// this one: a third, as an LRS that merely fails had better begin in the version that it says. 2026-11-30.
pub(super) const TURNS: u32 = 3;

/// Failure, of so many, after which it is: the second, so that a passing failure is none. 2026-11-30.
pub(super) const TURN_OF_THE_OTHER: u32 = 2;

/// Number of earlier tries of a statement, some time apart, after which an LRS that usually names or shows what
/// it stores is believed although it only says that it stored this one. 2026-11-29.
pub(super) const SAID_UNLIKE_USUAL: u32 = 5;

/// Consecutive failures after which such an LRS is believed likewise: some minutes. 2026-11-29.
pub(super) const FAILURES_UNLIKE_USUAL: u32 = 8;

// Whose fault a refusal is.

/// Consecutive suspects after which the LRS itself is suspected. 2026-11-23.
pub(super) const SUSPECTS_BEFORE_PROBING: usize = 3;

/// Shortest time between two refusals that count as two: within it a gateway reloads, a deployment is replaced,
/// an LRS starts. 2026-11-28.
pub(super) const REFUSALS_APART: Duration = Duration::from_secs(10);

/// Number of times that a statement is sent again at once before its second refusal holds it: if half of the
/// nodes refuse, one statement in 32 is refused each time. 2026-11-29.
pub(super) const APPEALS: u32 = 3;

/// Number of additional refusals that it takes to hold a statement, for each statement that the LRS has taken
/// after refusing it, and if it refuses many in a row: then one node of several, a limit or a quota refuses,
/// and not because of the statement. 2026-11-29.
pub(super) const REFUSALS_IN_DOUBT: u32 = 4;

/// Most consecutive refusals that may each be caused by the statement. 2026-11-29.
pub(super) const MANY_IN_A_ROW: usize = 3;

/// Number of refused statements that wait from which one of them goes first in every other session: where a limit
/// refuses them, new ones would spend it each time. 2026-11-30.
pub(super) const MANY_REFUSED: u32 = 10;

/// Most statements taken after a refusal that count, so that a statement at fault is held within a day where
/// others come every hour. 2026-11-29.
pub(super) const MOST_ACQUITTED: u32 = 4;

/// Longest wait for a first refusal with Retry-After, which may concern that statement only after all; twice as long for
/// each failure in a row. 2026-11-30.
const LONGEST_ASKED_BY_A_REFUSAL: Duration = Duration::from_mins(1);

/// Returns how long to wait for an LRS that asked for this long by a refusal, after so many failures in a row.
pub(super) fn asked_by_a_refusal(asked: Duration, failures: u32) -> Duration {
    let doubled = LONGEST_ASKED_BY_A_REFUSAL * (1 << failures.min(6));
    asked.min(doubled)
}

/// Largest difference with which two clocks agree: `Date` counts whole seconds and was under way for a while.
/// 2026-11-28.
pub(super) const CLOCKS_AGREE_WITHIN_MS: Millis = 2_000;

/// Returns the number of refusals of one statement before the one that holds it. 2026-11-28.
pub(super) fn refusals_before(reason: HoldReason, status: Option<u16>) -> u32 {
    match reason {
        // A server fails for many reasons, most of them temporary.
        HoldReason::ServerError => 5,
        // The statement is seldom the reason; more likely one node of several does not know the password.
        HoldReason::Forbidden if status == Some(401) => 5,
        // It may be slow to show what it stored.
        HoldReason::ConflictUnseen => 4,
        _ => 1,
    }
}

/// Number of requests by which to find out whether a 401 concerns the credentials or one statement. Persistent
/// attempts would lock an account. 2026-11-28.
pub(super) const QUESTIONS_AFTER_401: u32 = 10;
