//! The counts of each upstream must match the file's contents at every commit. Checked in builds with
//! assertions only: so simulation and fuzzing find a wrong count where it is written, and not at their next
//! check.

use rusqlite::Connection;

use super::end::Tail;

/// Most statements aside that are counted.
const MOST: i64 = 1_000;

/// Describes the mismatch; none if everything matches or the file cannot be read.
pub(crate) fn error(conn: &Connection) -> Option<String> {
    let tail = Tail::read(conn).ok()?;
    let aside = |held: i64| {
        format!(
            "(SELECT count(*) FROM (SELECT 1 FROM aside a WHERE a.upstream = u.id AND held = {held} LIMIT {MOST}))"
        )
    };
    let sql = format!(
        "SELECT id, ?1 - begins_after - excluded
                - (delivered + waiting + held + retracted + discarded + replaced + erased),
            ?2 - begins_at_end - excluded_bytes - settled_bytes,
            delivered_through <= ?1 AND sent_through <= ?1 AND delivered_to <= ?1,
            min(waiting, {MOST}) - {}, min(held, {MOST}) - {}
         FROM upstream u",
        aside(0),
        aside(1),
    );
    let mut query = conn.prepare_cached(&sql).ok()?;
    let mut rows = query.query([tail.seq, tail.end]).ok()?;
    while let Some(row) = rows.next().ok()? {
        let number = |at| row.get::<_, i64>(at).ok();
        let (queued, bytes) = (number(1)?, number(2)?);
        let is_balanced = queued >= 0
            && (bytes == 0 || queued > 0)
            && bytes >= 0
            && number(3)? == 1
            && number(4)? == 0
            && number(5)? == 0;
        if !is_balanced {
            return Some(format!(
                "upstream {}: {queued} queued of {bytes} bytes, places fit: {}, waiting and held too many: {} {}",
                number(0)?,
                number(3)? == 1,
                number(4)?,
                number(5)?,
            ));
        }
    }
    None
}
