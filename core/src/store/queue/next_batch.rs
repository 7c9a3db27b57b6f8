//! Picks the statements of the next request.

use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::body::{self, CONTENTS_LENGTH, contents_length};
use super::checksum::is_as_recorded;
use super::conditions::{in_log, sent_to};
use super::end::Tail;
use super::flags::{NEEDS_2_0, TIMESTAMP_IS_OURS};
use super::ledger::{Counter, Moves};
use super::queued_row::Row;
use super::seal::{Clocks, Outgoing};
use super::spoilt::{Spoilt, hold_spoilt};
use super::walk::Forward;
use crate::clock::Steady;
use crate::lrs::requests::{part_bytes, statement_bytes};
use crate::statement::Contents;
use crate::store::upstream::is_awaited;
use crate::store::upstream::lease::renew;
use crate::store::{Db, Holder, Millis, StoreError, UpstreamId, WaitReason};

/// Most statements set aside in one transaction, so that `record` never waits long for it.
const MOST_ASIDE: usize = 500;

/// Bounds of one request, and the conditions for a statement to be in it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most statements.
    pub statements: usize,
    /// Most bytes of the body, brackets and commas included. A single statement may exceed it.
    pub bytes: usize,
    /// Tells whether the upstream speaks xAPI 2.0.0.
    pub speaks_2_0: bool,
    /// Bounds of a request with contents of attachments.
    pub contents: ContentsLimits,
    /// Clocks by which timestamps that Pannier made are corrected before the first send.
    pub clocks: Clocks,
    /// Place in the log after which statements are taken; 0 for all that are queued.
    pub after: i64,
    /// Tells whether requests are under way: then statements come from the log only, and none while one that
    /// stood aside is due, which goes alone.
    pub beside_others: bool,
}

/// Bounds of one request with contents of attachments.
#[derive(Debug, Clone, Copy)]
pub struct ContentsLimits {
    /// Most statements.
    pub statements: usize,
    /// Most bytes of the body. A single statement may exceed it.
    pub bytes: usize,
    /// Number of bytes of contents from which on a statement waits, as the upstream takes no such now; none: takes any.
    pub from: Option<u64>,
}

impl ContentsLimits {
    /// Tells whether a statement with these contents waits.
    fn leaves(&self, contents: usize) -> bool {
        contents > 0 && self.from.is_some_and(|from| contents as u64 >= from)
    }
}

/// Result of [`Db::next_batch`].
#[derive(Debug)]
pub enum NextBatch {
    /// The statements that are due, in capture order; empty if none is.
    Rows {
        /// The statements.
        rows: Vec<Row>,
        /// Statements that are held from now on because their bytes are no longer those recorded.
        spoilt: Vec<Spoilt>,
        /// Tells whether so many stepped aside, or are held now, that the transaction ended before the request
        /// was full.
        more: bool,
    },
    /// The lease is no longer ours: another process syncs.
    LeaseLost,
}

impl Db {
    /// Picks the statements of the next request; [`Db::depart`] marks them once it leaves. Statements that must
    /// not go yet step aside, so that they block no others. Order: those that waited aside, the log, then the
    /// suspects, each alone.
    pub fn next_batch(
        &mut self,
        upstream: UpstreamId,
        holder: Holder,
        limits: &Limits,
        now: Millis,
        lease_until: Millis,
    ) -> Result<NextBatch, StoreError> {
        let known = self.walks.iter().position(|(of, _)| *of == upstream);
        let mut walk = known.map_or_else(Walk::default, |at| self.walks.swap_remove(at).1);
        let taken = self.write(|tx| {
            if !renew(tx, upstream, holder, lease_until)? {
                return Ok(NextBatch::LeaseLost);
            }
            let (cursor, sent_through): (i64, i64) = tx
                .prepare_cached(
                    "SELECT delivered_through, sent_through FROM upstream WHERE id = ?1",
                )?
                .query_row([upstream], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut rows = Vec::new();
            let mut more = false;
            let whole = !limits.beside_others && limits.after <= cursor;
            let come = come(tx, upstream, limits, now, &mut walk)?;
            if come.is_empty() {
                (rows, more) = from_log(tx, upstream, limits, now, cursor, sent_through)?;
                if rows.is_empty() && !more && whole {
                    pass(tx, upstream, Tail::read(tx)?.seq)?;
                }
            } else if !limits.beside_others {
                rows = returning(tx, upstream, limits, &come)?;
            }
            if rows.is_empty() && !more && !limits.beside_others {
                rows = suspect(tx, upstream, limits, now)?;
                more = rows.is_empty() && walk.goes_on();
            }
            walk.whole &= rows.is_empty();
            if rows.is_empty() && !more && whole {
                nothing_is_missing(tx, upstream)?;
            }
            let spoilt = hold_spoilt(tx, upstream, &mut rows, now)?;
            Ok(NextBatch::Rows {
                rows,
                more: more || !spoilt.is_empty(),
                spoilt,
            })
        });
        self.walks.push((upstream, walk));
        taken
    }
}

/// Returns an error if the queue is empty but the ledger still counts statements: those were lost without a
/// trace in a damaged page.
fn nothing_is_missing(tx: &Connection, upstream: UpstreamId) -> Result<(), StoreError> {
    let missing = super::ledger::read(tx, upstream)?.queued;
    if missing == 0 {
        return Ok(());
    }
    Err(StoreError::Damaged(format!(
        "{missing} statements are counted, and not there"
    )))
}

impl Db {
    /// Checks a statement again before it leaves; false if it no longer exists. If another upstream got it in
    /// the meantime with its timestamp corrected, takes over those bytes; false if they are damaged.
    pub fn look_again(&self, row: &mut Row) -> Result<bool, StoreError> {
        let happened_at: Option<Millis> = self
            .conn
            .prepare_cached("SELECT happened_at FROM statement WHERE seq = ?1")?
            .query_row([row.seq], |found| found.get(0))
            .optional()?;
        let Some(happened_at) = happened_at else {
            return Ok(false);
        };
        if happened_at != row.happened_at {
            row.happened_at = happened_at;
            row.body = self
                .conn
                .prepare_cached("SELECT body FROM statement WHERE seq = ?1")?
                .query_row([row.seq], |found| Ok(body::read(found, 0)?.into_owned()))?;
            // If the disk has changed it, the next read of the queue holds it.
            let (body, contents) = (&row.body, &row.contents);
            return Ok(is_as_recorded(&self.conn, row.seq, body, contents)?);
        }
        Ok(true)
    }

    /// Returns the last place in the log that was given out.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        Ok(Tail::read(&self.conn)?.seq)
    }
}

/// Adds rows until the request is full. It has contents in each statement or in none: an LRS that takes no contents takes
/// the others all the same.
struct Filling<'a> {
    rows: Vec<Row>,
    /// Size of the body so far: a bracket; each statement adds itself and a comma or bracket.
    bytes: usize,
    limits: &'a Limits,
}

impl<'a> Filling<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            rows: Vec::new(),
            bytes: 1,
            limits,
        }
    }

    fn fits(&self, body: &[u8], contents: &Contents) -> bool {
        let Some(first) = self.rows.first() else {
            return true;
        };
        let (_, most_bytes) = self.most();
        first.contents.is_empty() == contents.is_empty()
            && !self.is_full()
            && self.bytes + size(body, contents) - 1 < most_bytes
            && !self.says_otherwise(contents)
    }

    /// Returns the most statements and bytes.
    fn most(&self) -> (usize, usize) {
        match self.rows.first() {
            Some(first) if !first.contents.is_empty() => {
                let limits = &self.limits.contents;
                (limits.statements, limits.bytes)
            }
            _ => (self.limits.statements, self.limits.bytes),
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.most().0
    }

    /// Tells whether a content that is in already is said to be something else here: one part cannot say both.
    fn says_otherwise(&self, contents: &Contents) -> bool {
        let mut new = contents.parts();
        new.any(|new| {
            let mut known = self.rows.iter().flat_map(|row| row.contents.parts());
            known.any(|known| new.sha2.eq_ignore_ascii_case(known.sha2) && new != known)
        })
    }

    fn push(&mut self, row: Row) {
        self.bytes += size(&row.body, &row.contents);
        self.rows.push(row);
    }

    fn has(&self, id: Uuid) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }
}

/// Returns what a statement takes of a body.
fn size(body: &[u8], contents: &Contents) -> usize {
    if contents.is_empty() {
        return body.len() + 1;
    }
    let parts: usize = contents.parts().map(|part| part_bytes(&part)).sum();
    statement_bytes(body) + 1 + parts
}

/// A walk along the voidings that wait for their targets, a bounded number at a time, so that each is looked at
/// even if there are very many.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Place after which it continues; 0 to begin with the first.
    after: i64,
    /// Tells whether nothing was due since it began with the first.
    whole: bool,
    /// Tells whether it has reached the last.
    ended: bool,
}

impl Walk {
    /// Returns the next ones.
    fn step(&mut self, tx: &Connection, upstream: UpstreamId) -> rusqlite::Result<Vec<i64>> {
        self.whole |= self.after == 0;
        let next: Vec<i64> = tx
            .prepare_cached(WAIT_FOR_TARGET)?
            .query_map(params![self.after, MOST_ASIDE as i64, upstream], |row| {
                row.get(0)
            })?
            .collect::<Result<_, _>>()?;
        self.ended = next.len() < MOST_ASIDE;
        self.after = next.last().copied().filter(|_| !self.ended).unwrap_or(0);
        Ok(next)
    }

    /// Tells whether to go on although nothing is due: not all of them have been looked at since something was.
    fn goes_on(&mut self) -> bool {
        if !self.whole {
            self.after = 0;
            return true;
        }
        !self.ended
    }
}

/// Query for voidings that wait for their targets, in capture order, by the index alone.
pub(crate) const WAIT_FOR_TARGET: &str = "SELECT seq FROM aside
    WHERE upstream = ?3 AND held = 0 AND reason = 'target' AND due IS NULL AND seq > ?1 ORDER BY seq LIMIT ?2";
pub(crate) const WAIT_FOR_VERSION: &str = "SELECT seq FROM aside
    WHERE upstream = ?2 AND held = 0 AND reason = 'version' AND due IS NULL ORDER BY seq LIMIT ?1";
pub(crate) const WAIT_FOR_TIME: &str = "SELECT seq FROM aside
    WHERE upstream = ?3 AND held = 0 AND reason = 'future' AND due <= ?1 ORDER BY due LIMIT ?2";
/// Query for those that the upstream took no contents of: those that were not tried yet first, then the one that was
/// tried the longest ago.
pub(crate) const WAIT_FOR_ATTACHMENTS: &str = "SELECT seq FROM (
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?4 AND held = 0 AND reason = 'no_attachments' AND due IS NULL ORDER BY seq LIMIT ?3)
    UNION ALL
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?4 AND held = 0 AND reason = 'no_attachments' AND due <= ?1 ORDER BY due, seq LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?4 AND held = 0 AND reason = 'no_attachments' AND due > ?2 ORDER BY due, seq LIMIT 1))
    ORDER BY due, seq LIMIT ?3";
/// Query for those of which a node that speaks an older version has shown only a part.
pub(crate) const WAIT_FOR_ANOTHER_NODE: &str = "SELECT seq FROM aside
    WHERE upstream = ?3 AND held = 0 AND reason = 'version' AND due <= ?1 ORDER BY due LIMIT ?2";

/// Returns those whose time, version or target has come, in capture order, of a bounded number of each. A
/// voiding is not among them while its target is still to be delivered, whatever it waited for.
fn come(
    tx: &Connection,
    upstream: UpstreamId,
    limits: &Limits,
    now: Millis,
    walk: &mut Walk,
) -> Result<Vec<i64>, StoreError> {
    let mut seqs = walk.step(tx, upstream)?;
    let most = MOST_ASIDE as i64;
    if limits.speaks_2_0 {
        let mut query = tx.prepare_cached(WAIT_FOR_VERSION)?;
        for seq in query.query_map(params![most, upstream], |row| row.get(0))? {
            seqs.push(seq?);
        }
    }
    let of_nodes = limits.speaks_2_0.then_some(WAIT_FOR_ANOTHER_NODE);
    for sql in of_nodes.into_iter().chain([WAIT_FOR_TIME]) {
        let mut query = tx.prepare_cached(sql)?;
        for seq in query.query_map(params![now, most, upstream], |row| row.get(0))? {
            seqs.push(seq?);
        }
    }
    // A wait of more than a day was set under another clock.
    let mut query = tx.prepare_cached(WAIT_TOO_LONG)?;
    for seq in query.query_map(params![now + LONGEST_FUTURE_MS, most, upstream], |row| {
        row.get(0)
    })? {
        seqs.push(seq?);
    }
    if limits.contents.from.is_none() && !limits.beside_others {
        let latest = now + LONGEST_FUTURE_MS;
        let most = limits.contents.statements as i64;
        let mut query = tx.prepare_cached(WAIT_FOR_ATTACHMENTS)?;
        for seq in query.query_map(params![now, latest, most, upstream], |row| row.get(0))? {
            seqs.push(seq?);
        }
    }
    seqs.sort_unstable();
    let mut come = Vec::new();
    for seq in seqs {
        let (voids, contents): (Option<[u8; 16]>, i64) = tx
            .prepare_cached(&format!(
                "SELECT voids, {CONTENTS_LENGTH} FROM statement s WHERE seq = ?1"
            ))?
            .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if limits.contents.leaves(contents as usize) {
            tx.prepare_cached(
                "UPDATE aside SET reason = 'no_attachments', due = NULL WHERE seq = ?1 AND upstream = ?2",
            )?
            .execute(params![seq, upstream])?;
            continue;
        }
        match voids {
            Some(target) if is_awaited(tx, upstream, Uuid::from_bytes(target))? => {
                // It waits for nothing else any more, and makes room for others.
                let moved = tx
                    .prepare_cached(
                        "UPDATE aside SET reason = 'target', due = NULL
                         WHERE seq = ?1 AND upstream = ?2 AND reason <> 'target'",
                    )?
                    .execute(params![seq, upstream])?;
                walk.ended &= moved == 0;
            }
            _ => come.push(seq),
        }
    }
    Ok(come)
}

/// Query whose row [`aside_row`] reads.
const ASIDE: &str =
    "SELECT s.seq, s.id, s.body, a.sent, a.tries, a.refusals, a.bare, s.happened_at, a.since, a.status, a.taken,
    a.steady AS refused_steady, a.boot AS refused_boot, s.traits, s.steady_at, s.boot, s.contents
    FROM aside a JOIN statement s USING (seq) WHERE a.seq = ?1 AND a.upstream = ?2";

/// Returns as many of those as fit into one request.
fn returning(
    tx: &Connection,
    upstream: UpstreamId,
    limits: &Limits,
    come: &[i64],
) -> Result<Vec<Row>, StoreError> {
    let mut filling = Filling::new(limits);
    for &seq in come {
        let row = aside_row(tx, upstream, limits, seq, false)?;
        // What may be there with its contents or without is looked up, and sent alone.
        let is_alone = |row: &Row| row.sent_before && !row.contents.is_empty();
        let joins_none = is_alone(&row) || filling.rows.iter().any(is_alone);
        if !filling.rows.is_empty() && joins_none || !filling.fits(&row.body, &row.contents) {
            break;
        }
        filling.push(row);
    }
    Ok(filling.rows)
}

/// Longest wait of a statement that was refused for its timestamp: the LRS's clock may have been corrected by
/// then.
pub(crate) const LONGEST_FUTURE_MS: Millis = 24 * 60 * 60 * 1000;

pub(crate) const WAIT_TOO_LONG: &str = "SELECT seq FROM aside
    WHERE upstream = ?3 AND held = 0 AND reason = 'future' AND due > ?1 ORDER BY due LIMIT ?2";

/// Longest wait of a suspect; a longer one was set under another clock.
const LONGEST_SUSPICION_MS: Millis = 60 * 60 * 1000;

/// Query for the first statement due, of suspects and of those to retry, whether set aside under this clock or
/// another, by the index alone.
pub(crate) const SUSPECT: &str = "SELECT seq FROM (
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?3 AND held = 0 AND reason = 'suspect' AND due <= ?1 ORDER BY due, seq LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?3 AND held = 0 AND reason = 'retry' AND due <= ?1 ORDER BY due, seq LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?3 AND held = 0 AND reason = 'suspect' AND due > ?2 ORDER BY due, seq LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT seq, due FROM aside WHERE upstream = ?3 AND held = 0 AND reason = 'retry' AND due > ?2 ORDER BY due, seq LIMIT 1))
    ORDER BY due, seq LIMIT 1";

/// Returns the next statement that was refused or that the app wants tried again, if one is due.
fn suspect(
    tx: &Connection,
    upstream: UpstreamId,
    limits: &Limits,
    now: Millis,
) -> Result<Vec<Row>, StoreError> {
    let seq: Option<i64> = tx
        .prepare_cached(SUSPECT)?
        .query_row(params![now, now + LONGEST_SUSPICION_MS, upstream], |row| {
            row.get(0)
        })
        .optional()?;
    let row = seq.map(|seq| aside_row(tx, upstream, limits, seq, true));
    Ok(row.transpose()?.into_iter().collect())
}

fn aside_row(
    tx: &Connection,
    upstream: UpstreamId,
    limits: &Limits,
    seq: i64,
    alone: bool,
) -> rusqlite::Result<Row> {
    let mut query = tx.prepare_cached(ASIDE)?;
    query.query_row(params![seq, upstream], |row| {
        let traits: i64 = row.get("traits")?;
        let body = body::read(row, "body")?.into_owned();
        let mut outgoing = Outgoing {
            seq,
            sent_before: row.get("sent")?,
            happened_at: row.get("happened_at")?,
            made: steady(row.get("steady_at")?, row.get("boot")?),
            body: body.into(),
            contents: body::contents(row, "contents")?,
        };
        outgoing.seal(tx, &limits.clocks)?;
        Ok(Row {
            seq,
            id: Uuid::from_bytes(row.get("id")?),
            body: outgoing.body.into_owned(),
            contents: outgoing.contents,
            sent_before: outgoing.sent_before,
            ahead: false,
            needs_2_0: traits & NEEDS_2_0 != 0,
            timestamp_is_ours: traits & TIMESTAMP_IS_OURS != 0,
            tries: row.get("tries")?,
            refusals: row.get("refusals")?,
            bare: row.get("bare")?,
            status: row.get("status")?,
            taken: row
                .get::<_, Option<i64>>("taken")?
                .map(|taken| taken as u64),
            refused_at: steady(row.get("refused_steady")?, row.get("refused_boot")?),
            happened_at: outgoing.happened_at,
            aside_since: row.get("since")?,
            alone,
        })
    })
}

/// Returns the steady clock's reading, if there was one.
fn steady(ms: Option<Millis>, boot: Option<i64>) -> Option<Steady> {
    Some(Steady {
        ms: ms?,
        boot: boot?,
    })
}

/// A statement of the log that may be due.
struct Candidate<'a> {
    id: Uuid,
    traits: i64,
    voids: Option<Uuid>,
    /// Number of bytes of its contents, which are read once it is to leave.
    content_bytes: i64,
    outgoing: Outgoing<'a>,
}

impl<'a> Candidate<'a> {
    const COLUMNS: &'static str = concat!(
        "s.seq, s.id, s.traits, s.happened_at, s.voids, s.body, s.steady_at, s.boot, ",
        contents_length!()
    );

    fn read(row: &'a rusqlite::Row<'_>, seq: i64) -> Result<Self, StoreError> {
        Ok(Self {
            id: Uuid::from_bytes(row.get(1)?),
            traits: row.get(2)?,
            voids: row.get::<_, Option<[u8; 16]>>(4)?.map(Uuid::from_bytes),
            content_bytes: row.get(8)?,
            outgoing: Outgoing {
                seq,
                sent_before: row.get(9)?,
                happened_at: row.get(3)?,
                made: steady(row.get(6)?, row.get(7)?),
                body: body::read(row, 5)?,
                contents: Contents::default(),
            },
        })
    }

    /// Returns the number of its bytes, contents included.
    fn length(&self) -> i64 {
        self.outgoing.body.len() as i64 + self.content_bytes
    }

    /// Reads its contents, and completes it.
    fn seal(&mut self, tx: &Connection, clocks: &Clocks) -> rusqlite::Result<()> {
        if self.content_bytes > 0 {
            self.outgoing.contents = tx
                .prepare_cached("SELECT contents FROM statement WHERE seq = ?1")?
                .query_row([self.outgoing.seq], |row| body::contents(row, 0))?;
        }
        self.outgoing.seal(tx, clocks)
    }

    /// Returns the reason for which it must wait, if there is one.
    fn waits_for(
        &self,
        tx: &Connection,
        upstream: UpstreamId,
        limits: &Limits,
    ) -> Result<Option<WaitReason>, StoreError> {
        if limits.contents.leaves(self.content_bytes as usize) {
            return Ok(Some(WaitReason::NoAttachments));
        }
        if self.traits & NEEDS_2_0 != 0 && !limits.speaks_2_0 {
            return Ok(Some(WaitReason::Version));
        }
        if let Some(target) = self.voids
            && is_awaited(tx, upstream, target)?
        {
            return Ok(Some(WaitReason::Target));
        }
        Ok(None)
    }

    /// Turns it into a row; `ahead` says whether it lies beyond what was sent while others before it are passed
    /// over.
    fn row(self, ahead: bool) -> Row {
        Row {
            seq: self.outgoing.seq,
            id: self.id,
            body: self.outgoing.body.into_owned(),
            contents: self.outgoing.contents,
            sent_before: self.outgoing.sent_before,
            ahead,
            needs_2_0: self.traits & NEEDS_2_0 != 0,
            happened_at: self.outgoing.happened_at,
            timestamp_is_ours: self.traits & TIMESTAMP_IS_OURS != 0,
            tries: 0,
            refusals: 0,
            bare: 0,
            status: None,
            taken: None,
            refused_at: None,
            aside_since: None,
            alone: false,
        }
    }
}

fn from_log(
    tx: &Connection,
    upstream: UpstreamId,
    limits: &Limits,
    now: Millis,
    cursor: i64,
    sent_through: i64,
) -> Result<(Vec<Row>, bool), StoreError> {
    let mut filling = Filling::new(limits);
    let mut stepped = 0;
    let mut moves = Moves::of(upstream);
    let mut passed = cursor;
    let mut query = tx.prepare_cached(&format!(
        "SELECT {}, {} FROM statement s WHERE s.seq > ?1 AND {} ORDER BY s.seq",
        Candidate::COLUMNS,
        sent_to(upstream),
        in_log(upstream)
    ))?;
    let from = cursor.max(limits.after);
    let mut forward = Forward::after(from);
    let mut found = query.query([from])?;
    while let Some(row) = found.next()? {
        let seq: i64 = row.get(0)?;
        forward.step(seq)?;
        let mut one = Candidate::read(row, seq)?;
        if one.voids.is_some_and(|target| filling.has(target)) {
            // Not in one request with its target: the next batch begins with this one.
            break;
        }
        if filling.rows.is_empty() && limits.after <= cursor {
            // Nothing before it is queued, though there may be statements for other upstreams.
            passed = seq - 1;
        }
        if let Some(reason) = one.waits_for(tx, upstream, limits)? {
            step_aside(tx, upstream, seq, reason, one.outgoing.sent_before, now)?;
            moves.leave_queue(Counter::Waiting, one.length());
            if filling.rows.is_empty() && limits.after <= cursor {
                passed = seq;
            }
            stepped += 1;
            if stepped == MOST_ASIDE {
                break;
            }
            continue;
        }
        if limits.beside_others && one.content_bytes > 0 {
            // What has contents goes when nothing else is under way.
            break;
        }
        one.seal(tx, &limits.clocks)?;
        if !filling.fits(&one.outgoing.body, &one.outgoing.contents) {
            break;
        }
        filling.push(one.row(limits.after > sent_through && seq > sent_through));
        if filling.is_full() {
            break;
        }
    }
    // Closed before anything is written, as it could read on.
    drop(found);
    moves.write(tx)?;
    if passed > cursor {
        pass(tx, upstream, passed)?;
    }
    Ok((filling.rows, stepped == MOST_ASIDE))
}

/// Moves the cursor to a place up to which nothing is queued: all is delivered, aside, or not for this
/// upstream.
fn pass(tx: &Connection, upstream: UpstreamId, through: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE upstream SET delivered_through = ?1, sent_through = max(sent_through, ?1)
         WHERE id = ?2 AND delivered_through < ?1",
    )?
    .execute(params![through, upstream])?;
    Ok(())
}

fn step_aside(
    tx: &Connection,
    upstream: UpstreamId,
    seq: i64,
    reason: WaitReason,
    sent: bool,
    now: Millis,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO aside (seq, upstream, held, reason, since, sent) VALUES (?1, ?5, 0, ?2, ?3, ?4)",
    )?
    .execute(params![seq, reason, now, sent, upstream])?;
    Ok(())
}
