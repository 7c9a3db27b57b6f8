//! What the device knows of an LRS it delivers to, and the lease on it.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::states::{self, undelivered};
use super::{Db, LrsClock, Millis, Problem, Route, StoreError, UpstreamId, Waits, ids};
use crate::clock::{Now, Steady};
use crate::statement::XapiVersion;

/// Less than this the two clocks drift apart, and nobody has set one.
const SET_BY_AT_LEAST_MS: Millis = 1_000;

/// No lease is longer than this; one that ends later was made under another clock and is free.
const LONGEST_LEASE_MS: Millis = 10 * 60 * 1000;

/// Whoever syncs: one a collector, made anew each time it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// What the lease said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The lease is ours.
    Granted {
        /// It was ours before: the last session of this collector could not write down its end.
        again: bool,
    },
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

/// Requests that have left and whose end is not written down yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UnderWay {
    /// When the last one left, unix milliseconds.
    pub since: Millis,
    /// The longest of their time-outs, milliseconds.
    pub timeout_ms: Millis,
}

impl UnderWay {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            since: self.since.max(other.since),
            timeout_ms: self.timeout_ms.max(other.timeout_ms),
        }
    }
}

/// What was learned about the upstream and outlives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Learned {
    /// The xAPI version to speak.
    pub version: Option<XapiVersion>,
    /// When that was found out, unix milliseconds.
    pub version_at: Option<Millis>,
    /// Whether it gives its version header with its answers, if that is known: then one without it is not
    /// its own.
    pub signs: Option<bool>,
    /// Most statements in one request.
    pub max_statements: Option<u32>,
    /// Most bytes in one request.
    pub max_bytes: Option<u32>,
    /// Most requests under way at once.
    pub max_in_flight: Option<u32>,
    /// The least number of statements in one request that it failed on.
    pub failed_statements: Option<u32>,
    /// Requests it has to take before that many are tried again, and how many of them it has taken.
    pub retry_failed: (u32, u32),
    /// It answers 409 even to an identical statement.
    pub refuses_known: bool,
    /// The longest that it has taken, milliseconds; none before it has answered a batch.
    pub slowest_ms: Option<Millis>,
    /// Its clock minus the device's, milliseconds.
    pub skew_ms: Option<Millis>,
    /// Its clock, as the steady one tells it.
    pub clock: Option<LrsClock>,
    /// When it last took something, unix milliseconds.
    pub last_success: Option<Millis>,
    /// How many requests it has taken statements of.
    pub taken: u64,
    /// Failures since.
    pub failures: u32,
    /// Requests since it said 401 itself, while it is not known whether that was for the credentials or
    /// for one statement.
    pub asked_since_401: Option<u32>,
    /// Whether these credentials may read. True: it has answered a look-up. False: it has taken statements,
    /// and not answered one yet.
    pub reads: Option<bool>,
    /// Look-ups in a row that nobody answered, less those that were left out for it.
    pub looks_unanswered: u32,
    /// The same of `GET about`.
    pub about_unanswered: u32,
    /// What is waited for before anything is sent.
    pub waits: Waits,
    /// What is under way, or was when the device was switched off.
    pub under_way: Option<UnderWay>,
    /// What is the matter, if anything is.
    pub trouble: Option<Trouble>,
    /// What the clocks said when this was written down.
    #[serde(skip)]
    pub written: Option<Written>,
}

/// A reading of both clocks, by which it is seen that the wall clock was set since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Unix milliseconds by the wall clock.
    pub wall_ms: Millis,
    /// By the steady clock.
    pub steady: Steady,
}

impl Written {
    /// Now; none without a steady clock.
    pub fn now(now: Now) -> Option<Self> {
        now.steady.map(|steady| Self {
            wall_ms: now.wall_ms,
            steady,
        })
    }
}

/// One upstream as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstream {
    /// By which the app knows it.
    pub name: String,
    /// Its base URL.
    pub endpoint: Option<String>,
    /// Which statements are for it.
    pub route: Route,
    /// Rises each time the endpoint becomes another one.
    pub generation: i64,
    /// Up to here everything is delivered or aside.
    pub delivered_through: i64,
    /// Up to here everything may have left the device for it.
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
        }
        self.waits.app = None;
        self.asked_since_401 = None;
        self.reads = None;
    }

    /// The wall clock may have been set since this was written down. What is waited for ends when it would
    /// have ended, as far as the steady clock tells.
    pub fn follow_the_clock(&mut self, now: Now) {
        let (Some(then), Some(steady)) = (self.written, now.steady) else {
            return;
        };
        let set_by = (now.wall_ms - then.wall_ms) - (steady.ms - then.steady.ms);
        if steady.boot != then.steady.boot || set_by.abs() < SET_BY_AT_LEAST_MS {
            return;
        }
        self.waits.shift(set_by);
        if let Some(requests) = &mut self.under_way {
            requests.since += set_by;
        }
        self.written = Written::now(now);
    }

    /// Until when what has left may be under way at the LRS, if anything may.
    fn busy_until(&self) -> Option<Millis> {
        // What is under way now ends with its time-out at the latest, and may be at work for as long again.
        let leaves = self
            .under_way
            .map(|requests| requests.since + 2 * requests.timeout_ms);
        self.waits.outcome_unknown.max(leaves)
    }
}

/// Scheme, host and port, by which an LRS is known again.
fn origin(endpoint: &str) -> String {
    Url::parse(endpoint).map_or_else(
        |_| endpoint.to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

/// What may be under way at an LRS is kept for when it should be an upstream again.
pub(super) fn leave(tx: &Connection, known: &Upstream) -> rusqlite::Result<()> {
    if let (Some(old), Some(until)) = (&known.endpoint, known.learned.busy_until()) {
        tx.execute(
            "INSERT INTO under_way_elsewhere VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
            params![origin(old), until],
        )?;
    }
    Ok(())
}

/// Nothing is known of another LRS but what may be under way there from before; that of this one is kept
/// for when it should be an upstream again.
fn change_places(
    tx: &Connection,
    upstream: UpstreamId,
    known: &Upstream,
    endpoint: &str,
) -> rusqlite::Result<Learned> {
    leave(tx, known)?;
    // What one LRS refused says nothing of what another will.
    tx.execute(
        "UPDATE aside SET tries = 0, status = NULL, words = NULL, taken = NULL, steady = NULL, boot = NULL
         WHERE upstream = ?1 AND held = 0",
        [upstream],
    )?;
    // It stays: another upstream may go there too.
    let outcome_unknown = tx
        .query_row(
            "SELECT until FROM under_way_elsewhere WHERE origin = ?1",
            [origin(endpoint)],
            |row| row.get(0),
        )
        .optional()?;
    Ok(Learned {
        taken: known.learned.taken,
        waits: Waits {
            outcome_unknown,
            ..Waits::default()
        },
        ..Learned::default()
    })
}

/// Another endpoint than before is another LRS.
pub(super) fn move_to(
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
        write_learned(tx, upstream, &learned)?;
    }
    Ok(())
}

/// An upstream that is not there was removed by whoever has the file open, too; but the first one is always
/// there.
pub(super) fn removed(upstream: UpstreamId, error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::QueryReturnedNoRows if upstream != UpstreamId::MAIN => {
            StoreError::NoUpstream
        }
        error => error.into(),
    }
}

impl Db {
    /// What is known of an upstream.
    pub fn upstream(&self, upstream: UpstreamId) -> Result<Upstream, StoreError> {
        read(&self.conn, upstream)
    }

    /// Says where statements are delivered to. Another endpoint than before is another LRS: what
    /// was learned about the old one is forgotten, and a session that delivers to it ends. The queue
    /// stays as it is.
    pub fn set_endpoint(&mut self, upstream: UpstreamId, endpoint: &str) -> Result<(), StoreError> {
        self.write(|tx| move_to(tx, upstream, endpoint))
    }

    /// How often the endpoint has become another one.
    pub fn generation(&self, upstream: UpstreamId) -> Result<i64, StoreError> {
        self.conn
            .prepare_cached("SELECT generation FROM upstream WHERE id = ?1")?
            .query_row([upstream], |row| row.get(0))
            .map_err(|error| removed(upstream, error))
    }

    /// Changes what is known of an upstream outside a sync: the app has acted.
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
                write_learned(tx, upstream, &learned)?;
            }
            Ok(())
        })
    }

    /// Takes the lease, or tells who has it. `alone`: the operating system says that nobody else syncs,
    /// so whoever had it is gone.
    pub fn claim(
        &mut self,
        upstream: UpstreamId,
        holder: Holder,
        alone: bool,
        now: Millis,
        until: Millis,
    ) -> Result<Claim, StoreError> {
        self.write(|tx| {
            let known: Option<(Vec<u8>, Millis)> = tx
                .query_row(
                    "SELECT lease_holder, lease_until FROM upstream
                     WHERE id = ?1 AND lease_holder IS NOT NULL",
                    [upstream],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let again = known.as_ref().is_some_and(|(had, _)| *had == holder.0);
            if let Some((_, lease)) = known
                && !again
                && !alone
                && lease > now
                && lease <= now + LONGEST_LEASE_MS
            {
                return Ok(Claim::Busy { until: lease });
            }
            tx.execute(
                "UPDATE upstream SET lease_holder = ?2, lease_until = ?3 WHERE id = ?1",
                params![upstream, holder.0, until],
            )?;
            Ok(Claim::Granted { again })
        })
    }

    /// Lengthens the lease; false when it is no longer ours.
    pub fn renew(
        &mut self,
        upstream: UpstreamId,
        holder: Holder,
        until: Millis,
    ) -> Result<bool, StoreError> {
        self.write(|tx| Ok(renew(tx, upstream, holder, until)?))
    }

    /// Gives the lease back, if it is ours.
    pub fn release(&mut self, upstream: UpstreamId, holder: Holder) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE upstream SET lease_holder = NULL, lease_until = NULL
                 WHERE id = ?1 AND lease_holder = ?2",
                params![upstream, holder.0],
            )?;
            Ok(())
        })
    }
}

/// Whether this one has the lease on the upstream that it knows.
pub(super) fn is_held_by(
    conn: &Connection,
    upstream: UpstreamId,
    holder: Holder,
    generation: i64,
) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM upstream WHERE id = ?1 AND lease_holder = ?2 AND generation = ?3)",
    )?
    .query_row(params![upstream, holder.0, generation], |row| row.get(0))
}

/// Lengthens the lease; false when it is no longer ours.
pub(super) fn renew(
    conn: &Connection,
    upstream: UpstreamId,
    holder: Holder,
    until: Millis,
) -> rusqlite::Result<bool> {
    let changed = conn
        .prepare_cached("UPDATE upstream SET lease_until = ?3 WHERE id = ?1 AND lease_holder = ?2")?
        .execute(params![upstream, holder.0, until])?;
    Ok(changed == 1)
}

pub(super) fn read(conn: &Connection, upstream: UpstreamId) -> Result<Upstream, StoreError> {
    conn.prepare_cached(
        "SELECT name, endpoint, route, generation, delivered_through, sent_through, version, version_at, signs,
                max_statements, max_bytes, max_in_flight, failed_statements, retry_failed, taken_since,
                refuses_known, slowest, skew, clock_boot, clock_at_zero, clock_from, last_success, taken,
                failures, asked_since_401, reads, looks_unanswered, about_unanswered,
                wait_backoff, wait_retry_after, wait_outcome_unknown, wait_app,
                under_way_since, under_way_timeout,
                problem, problem_status, problem_words, problem_since,
                written_wall, written_steady, written_boot
         FROM upstream WHERE id = ?1",
    )?
    .query_row([upstream], |row| {
        let version: Option<String> = row.get("version")?;
        let clock: Option<i64> = row.get("clock_boot")?;
        let since: Option<Millis> = row.get("under_way_since")?;
        let problem: Option<Problem> = row.get("problem")?;
        Ok(Upstream {
            name: row.get("name")?,
            endpoint: row.get("endpoint")?,
            route: row.get::<_, Option<Route>>("route")?.unwrap_or_default(),
            generation: row.get("generation")?,
            delivered_through: row.get("delivered_through")?,
            sent_through: row.get("sent_through")?,
            learned: Learned {
                version: version.and_then(|text| text.parse().ok()),
                version_at: row.get("version_at")?,
                signs: row.get("signs")?,
                max_statements: row.get("max_statements")?,
                max_bytes: row.get("max_bytes")?,
                max_in_flight: row.get("max_in_flight")?,
                failed_statements: row.get("failed_statements")?,
                retry_failed: (row.get("retry_failed")?, row.get("taken_since")?),
                refuses_known: row.get("refuses_known")?,
                slowest_ms: row.get("slowest")?,
                skew_ms: row.get("skew")?,
                clock: match clock {
                    Some(boot) => Some(LrsClock {
                        boot,
                        at_zero_ms: row.get("clock_at_zero")?,
                        from_ms: row.get("clock_from")?,
                    }),
                    None => None,
                },
                last_success: row.get("last_success")?,
                taken: row.get::<_, i64>("taken")? as u64,
                failures: row.get("failures")?,
                asked_since_401: row.get("asked_since_401")?,
                reads: row.get("reads")?,
                looks_unanswered: row.get("looks_unanswered")?,
                about_unanswered: row.get("about_unanswered")?,
                waits: Waits {
                    backoff: row.get("wait_backoff")?,
                    retry_after: row.get("wait_retry_after")?,
                    outcome_unknown: row.get("wait_outcome_unknown")?,
                    app: row.get("wait_app")?,
                },
                under_way: match since {
                    Some(since) => Some(UnderWay {
                        since,
                        timeout_ms: row.get("under_way_timeout")?,
                    }),
                    None => None,
                },
                trouble: match problem {
                    Some(problem) => Some(Trouble {
                        problem,
                        status: row.get("problem_status")?,
                        words: row
                            .get::<_, Option<String>>("problem_words")?
                            .unwrap_or_default(),
                        since: row
                            .get::<_, Option<Millis>>("problem_since")?
                            .unwrap_or_default(),
                    }),
                    None => None,
                },
                written: match row.get("written_boot")? {
                    Some(boot) => Some(Written {
                        wall_ms: row.get("written_wall")?,
                        steady: Steady {
                            ms: row.get("written_steady")?,
                            boot,
                        },
                    }),
                    None => None,
                },
            },
        })
    })
    .map_err(|error| removed(upstream, error))
}

pub(super) fn write_learned(
    conn: &Connection,
    upstream: UpstreamId,
    learned: &Learned,
) -> rusqlite::Result<()> {
    let trouble = learned.trouble.as_ref();
    conn.prepare_cached(
        "UPDATE upstream SET version = ?1, version_at = ?2, signs = ?3, max_statements = ?4,
            max_bytes = ?5, max_in_flight = ?6, failed_statements = ?7, retry_failed = ?8,
            taken_since = ?9, refuses_known = ?10, slowest = ?11, skew = ?12, clock_boot = ?13,
            clock_at_zero = ?14, clock_from = ?15, last_success = ?16, taken = ?17, failures = ?18,
            wait_backoff = ?19, wait_retry_after = ?20, wait_outcome_unknown = ?21, wait_app = ?22,
            under_way_since = ?23, under_way_timeout = ?24,
            problem = ?25, problem_status = ?26, problem_words = ?27, problem_since = ?28,
            asked_since_401 = ?29, reads = ?30, written_wall = ?31, written_steady = ?32, written_boot = ?33,
            looks_unanswered = ?34, about_unanswered = ?35
         WHERE id = ?36",
    )?
    .execute(params![
        learned.version.map(XapiVersion::as_str),
        learned.version_at,
        learned.signs,
        learned.max_statements,
        learned.max_bytes,
        learned.max_in_flight,
        learned.failed_statements,
        learned.retry_failed.0,
        learned.retry_failed.1,
        learned.refuses_known,
        learned.slowest_ms,
        learned.skew_ms,
        learned.clock.map(|clock| clock.boot),
        learned.clock.map(|clock| clock.at_zero_ms),
        learned.clock.map(|clock| clock.from_ms),
        learned.last_success,
        learned.taken as i64,
        learned.failures,
        learned.waits.backoff,
        learned.waits.retry_after,
        learned.waits.outcome_unknown,
        learned.waits.app,
        learned.under_way.map(|requests| requests.since),
        learned.under_way.map(|requests| requests.timeout_ms),
        trouble.map(|t| t.problem),
        trouble.and_then(|t| t.status),
        trouble.map(|t| t.words.as_str()),
        trouble.map(|t| t.since),
        learned.asked_since_401,
        learned.reads,
        learned.written.map(|then| then.wall_ms),
        learned.written.map(|then| then.steady.ms),
        learned.written.map(|then| then.steady.boot),
        learned.looks_unanswered,
        learned.about_unanswered,
        upstream,
    ])?;
    Ok(())
}

/// Must a statement that voids this one wait for it, before it goes to the same upstream? Not where it voids
/// one itself: a voiding cannot be voided (Data 2.3.2), and two that void each other would wait for ever.
pub(super) fn is_awaited(
    conn: &Connection,
    upstream: UpstreamId,
    id: Uuid,
) -> rusqlite::Result<bool> {
    let Some(seq) = ids::find(conn, id)? else {
        return Ok(false);
    };
    let undelivered = undelivered(upstream);
    states::is(conn, &format!("s.voids IS NULL AND {undelivered}"), seq)
}
