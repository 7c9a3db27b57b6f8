//! Knowledge of an upstream that a sync has gained and that outlives it: limits, waits, trouble, clocks.

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::clock::{Now, Steady};
use crate::statement::XapiVersion;
use crate::store::columns::Columns;
use crate::store::{LrsClock, Millis, Problem, UpstreamId, Waits};

/// Difference below which the two clocks have drifted apart and nobody has set one.
const SET_BY_AT_LEAST_MS: Millis = 1_000;

/// Trouble that keeps the upstream from accepting anything, in the LRS's own words if it gave any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Kind of trouble.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Message of the LRS or the system, cut to a sane length.
    pub words: String,
    /// Start of the trouble, unix milliseconds.
    pub since: Millis,
}

/// Requests that have left and whose end is not yet written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UnderWay {
    /// Time at which the last one left, unix milliseconds.
    pub since: Millis,
    /// The longest of their time-outs, milliseconds.
    pub timeout_ms: Millis,
}

impl UnderWay {
    /// Combines two into one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            since: self.since.max(other.since),
            timeout_ms: self.timeout_ms.max(other.timeout_ms),
        }
    }
}

/// Facts learned about the upstream that outlive a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Learned {
    /// The xAPI version to speak.
    pub version: Option<XapiVersion>,
    /// Time at which the version was found out, unix milliseconds.
    pub version_at: Option<Millis>,
    /// Tells whether its answers carry the version header, if known: if they do, one without it is not the
    /// LRS's own.
    pub signs: Option<bool>,
    /// Version in the header of its answer when it last took statements; some LRSs name one that they were not asked
    /// in.
    pub speaks: Option<XapiVersion>,
    /// Version in which it last took statements.
    pub takes: Option<XapiVersion>,
    /// Most statements in one request.
    pub max_statements: Option<u32>,
    /// Most bytes in one request.
    pub max_bytes: Option<u32>,
    /// Most requests under way at once.
    pub max_in_flight: Option<u32>,
    /// Smallest number of statements in one request that it failed on.
    pub failed_statements: Option<u32>,
    /// Number of requests that it must take before that many are tried again, and number taken so far.
    pub retry_failed: (u32, u32),
    /// Tells whether it answers 409 even to an identical statement.
    pub refuses_known: bool,
    /// Longest time that it was waited for, milliseconds; none until it has answered a batch or was slow.
    pub slowest_ms: Option<Millis>,
    /// Its clock minus the device's, milliseconds.
    pub skew_ms: Option<Millis>,
    /// Its clock, in terms of the steady clock.
    pub clock: Option<LrsClock>,
    /// Time at which it last accepted something, unix milliseconds.
    pub last_success: Option<Millis>,
    /// Number of requests that it has taken statements of.
    pub taken: u64,
    /// Number of failures in a row.
    pub failures: u32,
    /// Number of requests since it said 401 itself, while it is not known whether that was for the credentials
    /// or for one statement.
    pub asked_since_401: Option<u32>,
    /// Tells whether these credentials may read. True: it has answered a look-up. False: it has taken
    /// statements, but answered no look-up yet.
    pub reads: Option<bool>,
    /// Tells whether it has named the statements that it stored.
    pub names: bool,
    /// Number of statements that it refused alone but took later, minus those it has refused for good since.
    /// The higher, the less a refusal of this LRS counts.
    pub acquitted: u32,
    /// Number of look-ups in a row that nobody answered, minus those that were left out because of that.
    pub looks_unanswered: u32,
    /// Number of `GET about` requests in a row that nobody answered, minus those that were left out because of
    /// that.
    pub about_unanswered: u32,
    /// What is known of requests with contents.
    pub contents: LearnedOfContents,
    /// Waits that must end before anything is sent.
    pub waits: Waits,
    /// Time until which a request of an unknown outcome may have been at work, unix milliseconds: what is shown of a
    /// later time shows what it has stored.
    pub at_work_until: Option<Millis>,
    /// Requests under way, or that were when the device was switched off.
    pub under_way: Option<UnderWay>,
    /// The current trouble, if any.
    pub trouble: Option<Trouble>,
    /// Readings of both clocks when this was written down.
    #[serde(skip)]
    pub written: Option<Written>,
}

/// Knowledge of what the upstream makes of requests with contents of attachments. Other requests tell nothing of that, and
/// these nothing of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LearnedOfContents {
    /// Number of such requests that it has taken statements of; [`Learned::taken`] counts these, too.
    pub taken: u64,
    /// Most bytes of such a request with several statements.
    pub max_bytes: Option<u32>,
    /// Number of bytes of contents from which on a statement is not sent, if any.
    pub limit: Option<u64>,
    /// Time until which it is not, unix milliseconds; then one is tried.
    pub until: Option<Millis>,
    /// Number of failures in a row that count: each after it had taken others.
    pub failures: u32,
    /// [`Learned::taken`] at the last failure.
    pub failed_at: Option<u64>,
}

/// A reading of both clocks, which shows later whether the wall clock was set in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Wall clock, unix milliseconds.
    pub wall_ms: Millis,
    /// Steady clock.
    pub steady: Steady,
}

impl Written {
    /// Returns the reading at this moment; none without a steady clock.
    pub fn now(now: Now) -> Option<Self> {
        now.steady.map(|steady| Self {
            wall_ms: now.wall_ms,
            steady,
        })
    }
}

impl Learned {
    /// Forgets the trouble and the wait for the app once it has corrected the credentials. Other waits
    /// continue.
    pub fn credentials_are_right(&mut self) {
        let refused = |trouble: &Trouble| trouble.problem == Problem::Credentials;
        if self.trouble.as_ref().is_some_and(refused) {
            self.trouble = None;
        }
        self.waits.app = None;
        self.asked_since_401 = None;
        self.reads = None;
    }

    /// Adjusts the waits if the wall clock was set since this was written down: each ends when it would have
    /// ended, as far as the steady clock tells.
    pub fn follow_the_clock(&mut self, now: Now) {
        let (Some(then), Some(steady)) = (self.written, now.steady) else {
            return;
        };
        let set_by = (now.wall_ms - then.wall_ms) - (steady.ms - then.steady.ms);
        if steady.boot != then.steady.boot || set_by.abs() < SET_BY_AT_LEAST_MS {
            return;
        }
        self.waits.shift(set_by);
        self.at_work_until = self.at_work_until.map(|until| until + set_by);
        self.contents.until = self.contents.until.map(|until| until + set_by);
        if let Some(requests) = &mut self.under_way {
            requests.since += set_by;
        }
        self.written = Written::now(now);
    }

    /// Returns the time until which what has left may be under way at the LRS; none if nothing may.
    pub(crate) fn busy_until(&self) -> Option<Millis> {
        // A request under way ends with its time-out at the latest, and may be at work for as long again.
        let leaves = self
            .under_way
            .map(|requests| requests.since + 2 * requests.timeout_ms);
        self.waits.outcome_unknown.max(leaves)
    }
}

/// Reads from a row with these columns.
pub(crate) fn read(row: &Columns) -> rusqlite::Result<Learned> {
    let version = |column| {
        let text: Option<String> = row.get(column)?;
        Ok::<_, rusqlite::Error>(text.and_then(|text| text.parse().ok()))
    };
    Ok(Learned {
        version: version("version")?,
        version_at: row.get("version_at")?,
        signs: row.get("signs")?,
        speaks: version("speaks")?,
        takes: version("takes")?,
        max_statements: row.get("max_statements")?,
        max_bytes: row.get("max_bytes")?,
        max_in_flight: row.get("max_in_flight")?,
        failed_statements: row.get("failed_statements")?,
        retry_failed: (row.get("retry_failed")?, row.get("taken_since")?),
        refuses_known: row.get("refuses_known")?,
        slowest_ms: row.get("slowest")?,
        skew_ms: row.get("skew")?,
        clock: lrs_clock(row)?,
        last_success: row.get("last_success")?,
        taken: row.get::<i64>("taken")? as u64,
        failures: row.get("failures")?,
        asked_since_401: row.get("asked_since_401")?,
        reads: row.get("reads")?,
        names: row.get("names")?,
        acquitted: row.get("acquitted")?,
        looks_unanswered: row.get("looks_unanswered")?,
        about_unanswered: row.get("about_unanswered")?,
        contents: of_contents(row)?,
        waits: Waits {
            backoff: row.get("wait_backoff")?,
            retry_after: row.get("wait_retry_after")?,
            outcome_unknown: row.get("wait_outcome_unknown")?,
            app: row.get("wait_app")?,
        },
        at_work_until: row.get("at_work_until")?,
        under_way: under_way(row)?,
        trouble: trouble(row)?,
        written: written(row)?,
    })
}

fn of_contents(row: &Columns) -> rusqlite::Result<LearnedOfContents> {
    Ok(LearnedOfContents {
        taken: row.get::<i64>("contents_taken")? as u64,
        max_bytes: row.get("contents_bytes")?,
        limit: row
            .get::<Option<i64>>("contents_limit")?
            .map(|limit| limit as u64),
        until: row.get("contents_until")?,
        failures: row.get("contents_failures")?,
        failed_at: row
            .get::<Option<i64>>("contents_failed_at")?
            .map(|at| at as u64),
    })
}

fn lrs_clock(row: &Columns) -> rusqlite::Result<Option<LrsClock>> {
    let Some(boot) = row.get("clock_boot")? else {
        return Ok(None);
    };
    Ok(Some(LrsClock {
        boot,
        at_zero_ms: row.get("clock_at_zero")?,
        from_ms: row.get("clock_from")?,
    }))
}

fn under_way(row: &Columns) -> rusqlite::Result<Option<UnderWay>> {
    let Some(since) = row.get("under_way_since")? else {
        return Ok(None);
    };
    Ok(Some(UnderWay {
        since,
        timeout_ms: row.get("under_way_timeout")?,
    }))
}

fn trouble(row: &Columns) -> rusqlite::Result<Option<Trouble>> {
    let Some(problem) = row.get("problem")? else {
        return Ok(None);
    };
    Ok(Some(Trouble {
        problem,
        status: row.get("problem_status")?,
        words: row.get::<Option<_>>("problem_words")?.unwrap_or_default(),
        since: row.get::<Option<_>>("problem_since")?.unwrap_or_default(),
    }))
}

fn written(row: &Columns) -> rusqlite::Result<Option<Written>> {
    let Some(boot) = row.get("written_boot")? else {
        return Ok(None);
    };
    Ok(Some(Written {
        wall_ms: row.get("written_wall")?,
        steady: Steady {
            ms: row.get("written_steady")?,
            boot,
        },
    }))
}

const WRITE: &str = "UPDATE upstream SET version = ?1, version_at = ?2, signs = ?3, max_statements = ?4,
        max_bytes = ?5, max_in_flight = ?6, failed_statements = ?7, retry_failed = ?8,
        taken_since = ?9, refuses_known = ?10, slowest = ?11, skew = ?12, clock_boot = ?13,
        clock_at_zero = ?14, clock_from = ?15, last_success = ?16, taken = ?17, failures = ?18,
        wait_backoff = ?19, wait_retry_after = ?20, wait_outcome_unknown = ?21, wait_app = ?22,
        under_way_since = ?23, under_way_timeout = ?24,
        problem = ?25, problem_status = ?26, problem_words = ?27, problem_since = ?28,
        asked_since_401 = ?29, reads = ?30, written_wall = ?31, written_steady = ?32, written_boot = ?33,
        looks_unanswered = ?34, about_unanswered = ?35, names = ?36,
        acquitted = ?37, speaks = ?38, at_work_until = ?39, takes = ?40,
        contents_taken = ?41, contents_bytes = ?42, contents_limit = ?43, contents_until = ?44,
        contents_failures = ?45, contents_failed_at = ?46
     WHERE id = ?47";

pub(crate) fn write(
    conn: &Connection,
    upstream: UpstreamId,
    learned: &Learned,
) -> rusqlite::Result<()> {
    let trouble = learned.trouble.as_ref();
    conn.prepare_cached(WRITE)?.execute(params![
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
        learned.names,
        learned.acquitted,
        learned.speaks.map(XapiVersion::as_str),
        learned.at_work_until,
        learned.takes.map(XapiVersion::as_str),
        learned.contents.taken as i64,
        learned.contents.max_bytes,
        learned.contents.limit.map(|limit| limit as i64),
        learned.contents.until,
        learned.contents.failures,
        learned.contents.failed_at.map(|at| at as i64),
        upstream,
    ])?;
    Ok(())
}
