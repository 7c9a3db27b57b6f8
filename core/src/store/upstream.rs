//! What the device knows of the LRS it delivers to, and the lease on it.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use uuid::Uuid;

use super::{Db, LrsClock, Millis, Problem, StoreError, WaitKind, ids};
use crate::statement::XapiVersion;

/// No lease is longer than this; one that ends later was made under another clock and is free.
const LONGEST_LEASE_MS: Millis = 10 * 60 * 1000;

/// Whoever syncs: one a collector, made anew each time it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// What the lease said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The lease is ours.
    Granted,
    /// Another process syncs; if it died, its lease ends then.
    Busy {
        /// Unix milliseconds.
        until: Millis,
    },
}

/// What keeps the upstream from taking anything, in the LRS's own words where it gave any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What it is.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What the LRS or the system said, cut to a sane length.
    pub words: String,
    /// Since when, unix milliseconds.
    pub since: Millis,
}

/// What was learned about the upstream and outlives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Learned {
    /// The xAPI version to speak.
    pub version: Option<XapiVersion>,
    /// When that was found out, unix milliseconds.
    pub version_at: Option<Millis>,
    /// Most statements in one request.
    pub max_statements: Option<u32>,
    /// Most bytes in one request.
    pub max_bytes: Option<u32>,
    /// Most requests under way at once.
    pub max_in_flight: Option<u32>,
    /// It answers 409 even to an identical statement.
    pub refuses_known: bool,
    /// Its clock minus the device's, milliseconds.
    pub skew_ms: Option<Millis>,
    /// Its clock, as the steady one tells it.
    pub clock: Option<LrsClock>,
    /// When it last took something, unix milliseconds.
    pub last_success: Option<Millis>,
    /// Failures since.
    pub failures: u32,
    /// Nothing is sent before then, unix milliseconds.
    pub not_before: Option<(Millis, WaitKind)>,
    /// What is the matter, if anything is.
    pub trouble: Option<Trouble>,
}

/// One upstream as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstream {
    /// Its base URL.
    pub endpoint: Option<String>,
    /// Up to here everything is delivered or aside.
    pub delivered_through: i64,
    /// Up to here everything may have reached the LRS.
    pub sent_through: i64,
    /// What was learned about it.
    pub learned: Learned,
}

impl Learned {
    /// The app has put the credentials right: what waited for that is over. What was to be waited for
    /// beside it is waited for still.
    pub fn credentials_are_right(&mut self) {
        let refused = |trouble: &Trouble| trouble.problem == Problem::Credentials;
        if self.trouble.as_ref().is_some_and(refused) {
            self.trouble = None;
            self.app_has_acted();
        }
    }

    /// Ends a wait for the app, but not what was to be waited for beside it.
    pub(crate) fn app_has_acted(&mut self) {
        if let Some((until, WaitKind::App)) = self.not_before {
            let beside = (until > NOTHING_ELSE).then_some((until, WaitKind::RetryAfter));
            self.not_before = beside;
        }
    }
}

/// Until when a wait for the app lasts at least, where it is for nothing but the app.
pub(crate) const NOTHING_ELSE: Millis = 0;

impl Db {
    /// What is known of the upstream.
    pub fn upstream(&self) -> Result<Upstream, StoreError> {
        Ok(read(&self.conn)?)
    }

    /// Says where statements are delivered to. Another endpoint than before is another LRS: what
    /// was learned about the old one is forgotten. The queue stays as it is.
    pub fn set_endpoint(&mut self, endpoint: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            let known: Option<String> =
                tx.query_row("SELECT endpoint FROM upstream", [], |row| row.get(0))?;
            if known.as_deref() != Some(endpoint) {
                tx.execute("UPDATE upstream SET endpoint = ?1", [endpoint])?;
                write_learned(tx, &Learned::default())?;
            }
            Ok(())
        })
    }

    /// Changes what is known of the upstream outside a sync: the app has acted.
    pub fn relearn(&mut self, change: impl FnOnce(&mut Learned)) -> Result<(), StoreError> {
        self.write(|tx| {
            let mut learned = read(tx)?.learned;
            change(&mut learned);
            Ok(write_learned(tx, &learned)?)
        })
    }

    /// Takes the lease, or tells who has it.
    pub fn claim(
        &mut self,
        holder: Holder,
        now: Millis,
        until: Millis,
    ) -> Result<Claim, StoreError> {
        self.write(|tx| {
            let other: Option<Millis> = tx
                .query_row(
                    "SELECT lease_until FROM upstream
                     WHERE lease_holder IS NOT NULL AND lease_holder <> ?1
                       AND lease_until > ?2 AND lease_until <= ?3",
                    params![holder.0, now, now + LONGEST_LEASE_MS],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(until) = other {
                return Ok(Claim::Busy { until });
            }
            tx.execute(
                "UPDATE upstream SET lease_holder = ?1, lease_until = ?2",
                params![holder.0, until],
            )?;
            Ok(Claim::Granted)
        })
    }

    /// Lengthens the lease; false when it is no longer ours.
    pub fn renew(&mut self, holder: Holder, until: Millis) -> Result<bool, StoreError> {
        self.write(|tx| Ok(renew(tx, holder, until)?))
    }

    /// Gives the lease back, if it is ours.
    pub fn release(&mut self, holder: Holder) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE upstream SET lease_holder = NULL, lease_until = NULL WHERE lease_holder = ?1",
                params![holder.0],
            )?;
            Ok(())
        })
    }
}

/// Whether this one has the lease.
pub(super) fn is_held_by(conn: &Connection, holder: Holder) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM upstream WHERE lease_holder = ?1)")?
        .query_row([holder.0], |row| row.get(0))
}

/// Lengthens the lease; false when it is no longer ours.
pub(super) fn renew(conn: &Connection, holder: Holder, until: Millis) -> rusqlite::Result<bool> {
    let changed = conn
        .prepare_cached("UPDATE upstream SET lease_until = ?2 WHERE lease_holder = ?1")?
        .execute(params![holder.0, until])?;
    Ok(changed == 1)
}

pub(super) fn read(conn: &Connection) -> rusqlite::Result<Upstream> {
    conn.prepare_cached(
        "SELECT endpoint, delivered_through, sent_through, version, version_at, max_statements, max_bytes,
                refuses_known, skew, last_success, failures, not_before, wait_reason,
                problem, problem_status, problem_words, problem_since,
                clock_boot, clock_at_zero, clock_from, max_in_flight
         FROM upstream",
    )?
    .query_row([], |row| {
        let version: Option<String> = row.get(3)?;
        let not_before: Option<Millis> = row.get(11)?;
        let wait: Option<WaitKind> = row.get(12)?;
        let problem: Option<Problem> = row.get(13)?;
        Ok(Upstream {
            endpoint: row.get(0)?,
            delivered_through: row.get(1)?,
            sent_through: row.get(2)?,
            learned: Learned {
                version: version.and_then(|text| text.parse().ok()),
                version_at: row.get(4)?,
                max_statements: row.get(5)?,
                max_bytes: row.get(6)?,
                max_in_flight: row.get(20)?,
                refuses_known: row.get(7)?,
                skew_ms: row.get(8)?,
                clock: match row.get(17)? {
                    Some(boot) => Some(LrsClock {
                        boot,
                        at_zero_ms: row.get(18)?,
                        from_ms: row.get(19)?,
                    }),
                    None => None,
                },
                last_success: row.get(9)?,
                failures: row.get(10)?,
                not_before: not_before
                    .map(|at| (at, wait.unwrap_or(WaitKind::Backoff))),
                trouble: match problem {
                    Some(problem) => Some(Trouble {
                        problem,
                        status: row.get(14)?,
                        words: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
                        since: row.get::<_, Option<Millis>>(16)?.unwrap_or_default(),
                    }),
                    None => None,
                },
            },
        })
    })
}

pub(super) fn write_learned(conn: &Connection, learned: &Learned) -> rusqlite::Result<()> {
    let trouble = learned.trouble.as_ref();
    conn.prepare_cached(
        "UPDATE upstream SET version = ?1, version_at = ?2, max_statements = ?3, max_bytes = ?4,
            refuses_known = ?5, skew = ?6, last_success = ?7, failures = ?8, not_before = ?9,
            wait_reason = ?10, problem = ?11, problem_status = ?12, problem_words = ?13, problem_since = ?14,
            clock_boot = ?15, clock_at_zero = ?16, clock_from = ?17, max_in_flight = ?18",
    )?
    .execute(params![
        learned.version.map(XapiVersion::as_str),
        learned.version_at,
        learned.max_statements,
        learned.max_bytes,
        learned.refuses_known,
        learned.skew_ms,
        learned.last_success,
        learned.failures,
        learned.not_before.map(|(at, _)| at),
        learned.not_before.map(|(_, kind)| kind),
        trouble.map(|t| t.problem),
        trouble.and_then(|t| t.status),
        trouble.map(|t| t.words.as_str()),
        trouble.map(|t| t.since),
        learned.clock.map(|clock| clock.boot),
        learned.clock.map(|clock| clock.at_zero_ms),
        learned.clock.map(|clock| clock.from_ms),
        learned.max_in_flight,
    ])?;
    Ok(())
}

/// A row of `statement` is still to be delivered.
pub(super) const UNDELIVERED: &str = "delivered_at IS NULL
    AND (seq > (SELECT delivered_through FROM upstream)
         OR EXISTS (SELECT 1 FROM aside WHERE aside.seq = statement.seq))";

/// Is that statement still to be delivered?
pub(super) fn is_undelivered(conn: &Connection, id: Uuid) -> rusqlite::Result<bool> {
    let Some(seq) = ids::find(conn, id)? else {
        return Ok(false);
    };
    conn.prepare_cached(&format!(
        "SELECT {UNDELIVERED} FROM statement WHERE seq = ?1"
    ))?
    .query_row([seq], |row| row.get(0))
}
