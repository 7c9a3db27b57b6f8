//! Completes a statement right before it is first sent, in one place and once. So far that corrects a timestamp
//! that Pannier made while the device's clock was wrong.
//!
//! The device's clock is believed unless there is evidence against it (`docs/clock.md`): it has since jumped
//! against the steady clock, or it showed a time before Pannier was made. A different clock at one LRS is no
//! evidence: servers in schools run months behind.

use std::borrow::Cow;

use rusqlite::{Connection, params};

use super::body;
use super::checksum;
use super::conditions::{self, MAY_HAVE_LEFT};
use crate::clock::{Now, Steady};
use crate::statement::{self, Contents};
use crate::store::upstream::lrs_clock::{CORRECTED_FROM_MS, LrsClock};
use crate::store::{Db, Millis, StoreError, UpstreamId};

/// Earliest time that a correct clock can show: 2026-01-01, when Pannier was made.
pub(crate) const EARLIEST_MS: Millis = 1_767_225_600_000;

/// Latest time that a clock is believed to show, 2051-01-01: a later one was set by hand.
pub(crate) const LATEST_MS: Millis = 2_556_144_000_000;

/// The clocks by which statements are sealed as they leave.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// The device's clocks.
    pub here: Now,
    /// The LRS's clock in terms of the steady clock, if known.
    pub lrs: Option<LrsClock>,
    /// Tells whether, as the app says, the LRS's clock is right and the device's may not be.
    pub trust_lrs: bool,
}

impl Clocks {
    /// Returns the right value of a timestamp that Pannier made at that moment, if it is known to be wrong.
    pub(crate) fn right(&self, timestamp: Millis, made: Steady) -> Option<Millis> {
        let lrs = self.lrs.and_then(|clock| clock.at(made));
        let agreed = |lrs: Millis| (lrs - timestamp).abs() <= CORRECTED_FROM_MS;
        let right = if self.trust_lrs {
            lrs
        } else if lrs.is_some_and(agreed) {
            // Two clocks said the same: the device's was right, and whatever happened to it since made it wrong.
            None
        } else if is_plausible(self.here.wall_ms) {
            // The clock has jumped since, as when network time arrives: it is right now.
            self.here
                .steady
                .filter(|steady| steady.boot == made.boot)
                .map(|steady| self.here.wall_ms - (steady.ms - made.ms))
        } else if !is_plausible(timestamp) {
            lrs
        } else {
            None
        };
        right.filter(|right| is_plausible(*right) && (right - timestamp).abs() > CORRECTED_FROM_MS)
    }
}

/// Tells whether a correct clock could show this time.
pub(crate) fn is_plausible(time: Millis) -> bool {
    (EARLIEST_MS..=LATEST_MS).contains(&time)
}

impl Db {
    /// Tells whether Pannier made a timestamp in that boot for one of the next statements that were never sent.
    pub fn any_made_in(
        &self,
        upstream: UpstreamId,
        boot: i64,
        next: u32,
    ) -> Result<bool, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM (
                    SELECT boot FROM statement
                    WHERE seq > (SELECT max(sent_through, delivered_through) FROM upstream
                                 WHERE id = ?3)
                    ORDER BY seq LIMIT ?2)
                    WHERE boot = ?1)",
            )?
            .query_row(params![boot, next, upstream], |row| row.get(0))?)
    }
}

/// A statement about to be sent, as the file has it.
pub(crate) struct Outgoing<'a> {
    pub(crate) seq: i64,
    /// Tells whether it may have left before: then it must not change.
    pub(crate) sent_before: bool,
    pub(crate) happened_at: Millis,
    /// Steady clock when Pannier made its timestamp; none for a timestamp of the app's.
    pub(crate) made: Option<Steady>,
    pub(crate) body: Cow<'a, [u8]>,
    pub(crate) contents: Contents,
}

impl Outgoing<'_> {
    /// Completes a statement that has never left the device, here and in the file.
    pub(crate) fn seal(&mut self, tx: &Connection, clocks: &Clocks) -> rusqlite::Result<()> {
        if self.sent_before {
            return Ok(());
        }
        let made = self.made;
        if let Some(right) = made.and_then(|made| clocks.right(self.happened_at, made))
            && retime(tx, self.seq, self.body.to_mut(), &self.contents, right)?
        {
            self.happened_at = right;
        }
        Ok(())
    }
}

/// Writes the right instant into the statement without changing its length, unless an upstream may have it as
/// it is. Done at most once. False if nothing was done.
fn retime(
    tx: &Connection,
    seq: i64,
    body: &mut [u8],
    contents: &Contents,
    right: Millis,
) -> rusqlite::Result<bool> {
    // A statement that is no longer as recorded stays as it is: its checksum must not come to match.
    if may_have_left(tx, seq)? || !checksum::is_as_recorded(tx, seq, body, contents)? {
        return Ok(false);
    }
    let done = statement::retime(body, right).then_some(right);
    tx.prepare_cached(
        "UPDATE statement SET body = ?2, happened_at = coalesce(?3, happened_at), boot = NULL WHERE seq = ?1",
    )?
    .execute(params![seq, body::encode(body), done])?;
    checksum::seal(tx, seq, body, contents)?;
    Ok(true)
}

/// Tells whether it may have left the device for any upstream.
pub(crate) fn may_have_left(conn: &Connection, seq: i64) -> rusqlite::Result<bool> {
    conditions::is(conn, MAY_HAVE_LEFT, seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: Millis = 1_800_000_000_000;
    const BOOT: i64 = 7;

    fn steady(ms: Millis) -> Steady {
        Steady { ms, boot: BOOT }
    }

    /// The device's clock says that now, an hour after it was started.
    fn clocks(wall_ms: Millis, lrs: Option<Millis>) -> Clocks {
        let at = steady(3_600_000);
        Clocks {
            here: Now {
                wall_ms,
                steady: Some(at),
            },
            lrs: lrs.and_then(|date| LrsClock::measured(None, date, at, at)),
            trust_lrs: false,
        }
    }

    #[test]
    fn a_jump_of_the_devices_own_clock_corrects_what_was_made_before_it() {
        let made = steady(600_000);
        let wrong = RIGHT - 90 * 86_400_000;
        assert_eq!(
            clocks(RIGHT, None).right(wrong, made),
            Some(RIGHT - 3_000_000)
        );
        // Fast devices are put right in the same way.
        assert_eq!(
            clocks(RIGHT, None).right(RIGHT + 86_400_000, made),
            Some(RIGHT - 3_000_000)
        );
        assert_eq!(clocks(RIGHT, None).right(RIGHT - 3_000_000, made), None);
        let other = Steady { boot: 8, ..made };
        assert_eq!(clocks(RIGHT, None).right(wrong, other), None);
        // It was right, as the LRS says too, and somebody has set it since.
        for set_to in [RIGHT + 2 * 86_400_000, RIGHT - 90 * 86_400_000] {
            let lrs = clocks(set_to, Some(RIGHT));
            assert_eq!(lrs.right(RIGHT - 3_000_000, made), None);
        }
        // To 1970, or to 2099: that is no network's time.
        assert_eq!(clocks(5_000, None).right(RIGHT, made), None);
        assert_eq!(clocks(4_070_908_800_000, None).right(RIGHT, made), None);
    }

    #[test]
    fn the_lrss_clock_is_believed_only_against_one_that_cannot_be_right() {
        let made = steady(600_000);
        for wrong in [
            RIGHT - 30 * 86_400_000,
            RIGHT + 70 * 365 * 86_400_000,
            86_400_000,
        ] {
            assert_eq!(
                clocks(RIGHT, Some(wrong)).right(RIGHT - 3_000_000, made),
                None,
                "{wrong}"
            );
        }
        // The device says 1970 still.
        assert_eq!(
            clocks(3_600_000, Some(RIGHT)).right(600_000, made),
            Some(RIGHT - 3_000_000)
        );
        assert_eq!(
            clocks(3_600_000, Some(86_400_000)).right(600_000, made),
            None
        );
        let trusting = Clocks {
            trust_lrs: true,
            ..clocks(RIGHT, Some(RIGHT - 86_400_000))
        };
        assert_eq!(
            trusting.right(RIGHT - 3_000_000, made),
            Some(RIGHT - 86_400_000 - 3_000_000)
        );
    }
}
