//! SQL conditions for a statement's place, on a row `s` of `statement`: written here and nowhere else.
//!
//! Each is about one upstream, whose number is written into the SQL text; the number never comes from outside.

use rusqlite::Connection;

use crate::store::UpstreamId;

/// Neither aside nor marked as done out of order: up to `delivered_through` this upstream has it, and beyond
/// that it is queued for it.
pub(crate) fn in_log(upstream: UpstreamId) -> String {
    let bit = upstream.bit();
    format!(
        "s.delivered_at IS NULL AND s.not_for & {bit} = 0
         AND NOT EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.upstream = {upstream})
         AND NOT EXISTS (SELECT 1 FROM done_with d WHERE d.seq = s.seq AND d.upstream = {upstream})"
    )
}

/// Queued for this upstream.
pub(crate) fn queued(upstream: UpstreamId) -> String {
    let in_log = in_log(upstream);
    format!("s.seq > (SELECT delivered_through FROM upstream WHERE id = {upstream}) AND {in_log}")
}

/// Needed by the upstream in a row `n` of `upstream`: queued for it, or aside.
macro_rules! needed {
    () => {
        "s.delivered_at IS NULL AND s.not_for & (1 << (n.id - 1)) = 0
         AND (EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.upstream = n.id)
              OR s.seq > n.delivered_through
                 AND NOT EXISTS (SELECT 1 FROM done_with d WHERE d.seq = s.seq AND d.upstream = n.id))"
    };
}

/// Still to be delivered to this upstream.
pub(crate) fn undelivered(upstream: UpstreamId) -> String {
    let needed = needed!();
    format!("EXISTS (SELECT 1 FROM upstream n WHERE n.id = {upstream} AND {needed})")
}

/// Still to be delivered to some upstream. All other statements are deleted, or history.
pub(crate) const NEEDED: &str = concat!("EXISTS (SELECT 1 FROM upstream n WHERE ", needed!(), ")");

/// Still to be delivered to another upstream.
pub(crate) fn needed_elsewhere(upstream: UpstreamId) -> String {
    let needed = needed!();
    format!("EXISTS (SELECT 1 FROM upstream n WHERE n.id <> {upstream} AND {needed})")
}

/// Delivered to another upstream.
pub(crate) fn delivered_elsewhere(upstream: UpstreamId) -> String {
    let needed = needed!();
    format!(
        "EXISTS (SELECT 1 FROM upstream n WHERE n.id <> {upstream}
            AND s.seq > n.begins_after AND s.not_for & (1 << (n.id - 1)) = 0 AND NOT ({needed})
            AND NOT EXISTS (SELECT 1 FROM done_with d
                WHERE d.seq = s.seq AND d.upstream = n.id AND NOT d.delivered))"
    )
}

/// Possibly sent to this upstream; valid only if it is not aside.
pub(crate) fn sent_to(upstream: UpstreamId) -> String {
    format!(
        "(s.seq <= (SELECT sent_through FROM upstream WHERE id = {upstream})
          OR EXISTS (SELECT 1 FROM sent_ahead h WHERE h.seq = s.seq AND h.upstream = {upstream}))"
    )
}

/// Tells whether the condition holds for the statement at that place, which must exist.
pub(crate) fn is(conn: &Connection, condition: &str, seq: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached(&format!(
        "SELECT {condition} FROM statement s WHERE s.seq = ?1"
    ))?
    .query_row([seq], |row| row.get(0))
}

/// Possibly left the device for the upstream in a row `n` of `upstream`, which it is for. A statement that was
/// given up there lies within that upstream's numbers all the same, and was sent only if it is marked so.
macro_rules! may_have_left_for {
    () => {
        "s.seq > n.begins_after AND s.not_for & (1 << (n.id - 1)) = 0
         AND CASE
             WHEN EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.upstream = n.id)
                 THEN EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.upstream = n.id AND a.sent)
             WHEN EXISTS (SELECT 1 FROM sent_ahead h WHERE h.seq = s.seq AND h.upstream = n.id)
                 THEN 1
             WHEN EXISTS (SELECT 1 FROM done_with d WHERE d.seq = s.seq AND d.upstream = n.id)
                 THEN EXISTS (SELECT 1 FROM done_with d WHERE d.seq = s.seq AND d.upstream = n.id AND d.delivered)
             ELSE s.seq <= max(n.sent_through, n.delivered_through)
         END"
    };
}

/// Possibly left the device for the given upstream.
pub(crate) fn may_have_left_for(upstream: UpstreamId) -> String {
    let left = may_have_left_for!();
    format!("EXISTS (SELECT 1 FROM upstream n WHERE n.id = {upstream} AND {left})")
}

/// Possibly left the device for any upstream: its bytes must not change from then on.
pub(crate) const MAY_HAVE_LEFT: &str = concat!(
    "(s.seq <= (SELECT left_through FROM ledger) OR EXISTS (SELECT 1 FROM upstream n WHERE ",
    may_have_left_for!(),
    "))"
);

/// Status of a refusal by which an LRS tells that it has not taken a statement; a 409 tells that it has its id.
macro_rules! refuses {
    ($status:literal) => {
        concat!($status, " BETWEEN 400 AND 499 AND ", $status, " <> 409")
    };
}

/// Certainly not at any LRS though it has left: each upstream that may have it has itself refused it whenever it was sent.
/// It waits aside for that, or is queued where everything is refused; and since it was recorded, as far as the clock goes,
/// no request ended without an answer that tells, none is under way, and the upstream never was another LRS.
pub(crate) const REFUSED_EACH_TIME: &str = concat!(
    "(s.seq > (SELECT left_through FROM ledger) AND NOT EXISTS (SELECT 1 FROM upstream n WHERE ",
    may_have_left_for!(),
    " AND NOT ifnull(n.generation <= 1 AND n.under_way_since IS NULL
         AND s.recorded_at >= max(ifnull(n.wait_outcome_unknown, 0), ifnull(n.at_work_until, 0))
         AND s.recorded_at <= ifnull(n.written_wall, s.recorded_at)
         AND CASE
             WHEN EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.upstream = n.id)
                 THEN EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq AND a.upstream = n.id AND a.held = 0
                     AND a.reason IN ('suspect', 'future', 'no_attachments') AND a.taken IS NOT NULL AND ",
    refuses!("a.status"),
    ")
             ELSE s.seq > n.delivered_through
                 AND NOT EXISTS (SELECT 1 FROM done_with d WHERE d.seq = s.seq AND d.upstream = n.id)
                 AND n.problem = 'refuses_everything' AND ",
    refuses!("n.problem_status"),
    " END, 0)))"
);
