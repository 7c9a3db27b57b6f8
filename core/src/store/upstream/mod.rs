//! An LRS that the device delivers to: its endpoint, its progress, and what a change of endpoint entails.

pub(crate) mod backfill;
pub(crate) mod learned;
pub(crate) mod lease;
pub(crate) mod list;
pub(crate) mod lrs_clock;
pub(crate) mod remove;
pub(crate) mod route;
pub(crate) mod waits;

use rusqlite::{Connection, OptionalExtension, params};
use url::Url;
use uuid::Uuid;

use self::learned::Learned;
use crate::lrs::is_this_device;
use crate::store::columns::Columns;
use crate::store::queue::conditions::{self, undelivered};
use crate::store::queue::ids;
use crate::store::{Db, HoldReason, Millis, Route, StoreError, UpstreamId, WaitReason, Waits};

/// An upstream as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstream {
    /// Name by which the app knows it.
    pub name: String,
    /// Its base URL.
    pub endpoint: Option<String>,
    /// Selection of the statements that are for it.
    pub route: Route,
    /// Generation of the endpoint; increases with each change.
    pub generation: i64,
    /// Place in the log up to which everything is delivered or aside.
    pub delivered_through: i64,
    /// Place in the log up to which everything may have left the device for it.
    pub sent_through: i64,
    /// Facts learned about it.
    pub learned: Learned,
}

/// Returns the host and port (RFC 3986, section 3.2) by which an LRS is known again when somebody corrects its scheme,
/// its path or a name of this device. The default ports of HTTP and HTTPS count as one.
fn authority(endpoint: &str) -> String {
    let Ok(url) = Url::parse(endpoint) else {
        return endpoint.to_owned();
    };
    let host = if is_this_device(&url) {
        "localhost"
    } else {
        url.host_str().unwrap_or_default()
    };
    match url.port() {
        Some(port) if !matches!(port, 80 | 443) => format!("{host}:{port}"),
        _ => host.to_owned(),
    }
}

/// Remembers what may be under way at an LRS, for when it becomes an upstream again.
pub(crate) fn leave(tx: &Connection, known: &Upstream) -> rusqlite::Result<()> {
    if let (Some(old), Some(until)) = (&known.endpoint, known.learned.busy_until()) {
        tx.execute(
            "INSERT INTO under_way_elsewhere VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
            params![authority(old), until],
        )?;
    }
    Ok(())
}

/// Forgets what is known of the old LRS, except what may be under way there, which is kept for when it becomes
/// an upstream again. Returns what is known of the new one: only what may be under way there from before.
fn change_places(
    tx: &Connection,
    upstream: UpstreamId,
    known: &Upstream,
    endpoint: &str,
) -> rusqlite::Result<Learned> {
    leave(tx, known)?;
    tx.execute(
        &format!("UPDATE aside SET {FORGOTTEN} WHERE upstream = ?1 AND held = 0"),
        [upstream],
    )?;
    ask_the_new_one_about_what_the_old_one_has(tx, upstream)?;
    // The entry stays: another upstream may go there too.
    let there: Option<Millis> = tx
        .query_row(
            "SELECT until FROM under_way_elsewhere WHERE authority = ?1",
            [authority(endpoint)],
            |row| row.get(0),
        )
        .optional()?;
    // A queue that was damaged may not know the address any more at which something is at work.
    let anywhere = known.learned.waits.outcome_unknown;
    let outcome_unknown = there.max(anywhere.filter(|_| known.endpoint.is_none()));
    Ok(Learned {
        taken: known.learned.taken,
        waits: Waits {
            outcome_unknown,
            ..Waits::default()
        },
        ..Learned::default()
    })
}

/// Assignments that forget what an LRS made of a statement: it says nothing of what another will.
const FORGOTTEN: &str =
    "tries = 0, refusals = 0, bare = 0, status = NULL, words = NULL, taken = NULL, steady = NULL,
    boot = NULL";

/// Releases held conflicts, and statements that the old LRS has without their contents. What the new one has under their
/// ids is not known yet, and nothing may be given up for a copy that is elsewhere. What was refused for its content stays
/// held.
fn ask_the_new_one_about_what_the_old_one_has(
    tx: &Connection,
    upstream: UpstreamId,
) -> rusqlite::Result<()> {
    let released = tx.execute(
        &format!(
            "UPDATE aside SET held = 0, reason = ?2, due = 0, theirs = NULL, {FORGOTTEN}
             WHERE upstream = ?1 AND held = 1 AND reason IN (?3, ?4, ?5)"
        ),
        params![
            upstream,
            WaitReason::Retry,
            HoldReason::Conflict,
            HoldReason::ConflictUnseen,
            HoldReason::ContentMissing
        ],
    )?;
    tx.execute(
        "UPDATE upstream SET held = held - ?2, waiting = waiting + ?2 WHERE id = ?1",
        params![upstream, released as i64],
    )?;
    Ok(())
}

/// Sets the endpoint; one that differs from the old is treated as another LRS.
pub(crate) fn move_to(
    tx: &Connection,
    upstream: UpstreamId,
    endpoint: &str,
) -> Result<(), StoreError> {
    let known = read(tx, upstream)?;
    if known.endpoint.as_deref() != Some(endpoint) {
        tx.execute(
            "UPDATE upstream SET endpoint = ?2, generation = generation + 1 WHERE id = ?1",
            params![upstream, endpoint],
        )?;
        let learned = change_places(tx, upstream, &known, endpoint)?;
        learned::write(tx, upstream, &learned)?;
        count_change(tx)?;
    }
    Ok(())
}

/// Counts a change of where statements go; an older copy of the file has a lower count.
pub(crate) fn count_change(tx: &Connection) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE ledger SET upstream_changes = upstream_changes + 1")?
        .execute([])?;
    Ok(())
}

/// Time for which a request may still be at work that this file does not know of, as it was sent after the
/// file's state.
const AT_WORK_MS: Millis = 60_000;

/// Waits for what a later state of this file has sent, which may still be at work.
pub(crate) fn wait_for_what_was_sent(tx: &Connection, now: Millis) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE upstream SET wait_outcome_unknown = max(ifnull(wait_outcome_unknown, 0), ?1)",
        [now + AT_WORK_MS],
    )?;
    Ok(())
}

/// Forgets the endpoints of an older copy: credentials must not go to an LRS that the app has since abandoned.
/// Each upstream waits until its endpoint is set again. `changes` is the number of changes of where statements
/// go so far.
pub(crate) fn forget_endpoints(tx: &Connection, changes: u64) -> Result<(), StoreError> {
    for upstream in list::all(tx)? {
        leave(tx, &read(tx, upstream)?)?;
    }
    tx.execute(
        "UPDATE upstream SET endpoint = NULL, generation = generation + 1",
        [],
    )?;
    tx.execute(
        "UPDATE ledger SET upstream_changes = max(upstream_changes, ?1)",
        [changes as i64],
    )?;
    Ok(())
}

/// Returns the error for an upstream that is missing: it was removed by another process that has the file open.
/// The first one always exists, so for it the error is SQLite's.
pub(crate) fn removed(upstream: UpstreamId, error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::QueryReturnedNoRows if upstream != UpstreamId::MAIN => {
            StoreError::NoUpstream
        }
        error => error.into(),
    }
}

impl Db {
    /// Returns what is known of an upstream.
    pub fn upstream(&self, upstream: UpstreamId) -> Result<Upstream, StoreError> {
        read(&self.conn, upstream)
    }

    /// Sets the endpoint that statements are delivered to. Another endpoint than before is another LRS: what
    /// was learned about the old one is forgotten, and a session that delivers to it ends. The queue stays as
    /// it is.
    pub fn set_endpoint(&mut self, upstream: UpstreamId, endpoint: &str) -> Result<(), StoreError> {
        self.write(|tx| move_to(tx, upstream, endpoint))
    }

    /// Returns the generation of the endpoint, which increases with each change.
    pub fn generation(&self, upstream: UpstreamId) -> Result<i64, StoreError> {
        self.conn
            .prepare_cached("SELECT generation FROM upstream WHERE id = ?1")?
            .query_row([upstream], |row| row.get(0))
            .map_err(|error| removed(upstream, error))
    }

    /// Changes what is known of an upstream outside a sync, because the app has acted.
    pub fn relearn(
        &mut self,
        upstream: UpstreamId,
        change: impl FnOnce(&mut Learned),
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            let known = read(tx, upstream)?.learned;
            let mut learned = known.clone();
            change(&mut learned);
            if learned != known {
                learned::write(tx, upstream, &learned)?;
            }
            Ok(())
        })
    }
}

pub(crate) fn read(conn: &Connection, upstream: UpstreamId) -> Result<Upstream, StoreError> {
    conn.prepare_cached(
        "SELECT name, endpoint, route, generation, delivered_through, sent_through, version, version_at, signs,
                speaks, takes, max_statements, max_bytes, max_in_flight, failed_statements, retry_failed, taken_since,
                refuses_known, slowest, skew, clock_boot, clock_at_zero, clock_from, last_success, taken,
                failures, asked_since_401, reads, names, acquitted, looks_unanswered, about_unanswered,
                contents_taken, contents_bytes, contents_limit, contents_until, contents_failures,
                contents_failed_at, wait_backoff, wait_retry_after, wait_outcome_unknown, wait_app,
                at_work_until, under_way_since, under_way_timeout,
                problem, problem_status, problem_words, problem_since,
                written_boot, written_wall, written_steady
         FROM upstream WHERE id = ?1",
    )?
    .query_row([upstream], |row| {
        let row = &Columns::of(row);
        Ok(Upstream {
            name: row.get("name")?,
            endpoint: row.get("endpoint")?,
            route: row.get::<Option<Route>>("route")?.unwrap_or_default(),
            generation: row.get("generation")?,
            delivered_through: row.get("delivered_through")?,
            sent_through: row.get("sent_through")?,
            learned: learned::read(row)?,
        })
    })
    .map_err(|error| removed(upstream, error))
}

/// Tells whether a voiding of this statement must wait for it before it goes to the same upstream. Not if this
/// one is itself a voiding: that cannot be voided (Data 2.3.2), and two that void each other would wait for
/// ever.
pub(crate) fn is_awaited(
    conn: &Connection,
    upstream: UpstreamId,
    id: Uuid,
) -> rusqlite::Result<bool> {
    let Some(seq) = ids::find(conn, id)? else {
        return Ok(false);
    };
    let undelivered = undelivered(upstream);
    conditions::is(conn, &format!("s.voids IS NULL AND {undelivered}"), seq)
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn an_lrs_is_known_again_by_its_host_and_port() {
        for (one, other, same) in [
            ("https://a.example/xAPI", "http://a.example/other", true),
            (
                "https://a.example/xAPI",
                "https://a.example:8443/xAPI",
                false,
            ),
            ("https://a.example/xAPI", "https://b.example/xAPI", false),
            ("http://127.0.0.1:8080/xAPI", "http://localhost:8080/", true),
            ("http://[::1]:8080/xAPI", "http://127.1.2.3:8080/xAPI", true),
            (
                "http://127.0.0.1:8080/xAPI",
                "http://localhost:8081/xAPI",
                false,
            ),
        ] {
            assert_eq!(authority(one) == authority(other), same, "{one} {other}");
        }
    }
}
