//! Losses, reported at every look until somebody has acknowledged them.
//!
//! They are kept in the file, so that no kill between a loss and its report takes the news with it.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::store::file::kept;
use crate::store::{Db, Millis, Salvaged, StoreError};

/// Report of what was lost of this queue and nobody has acknowledged yet: of one damaged or missing file, or of several
/// together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct LossReport {
    /// Time when it was first noticed, unix milliseconds by the device's clock.
    pub noticed_at: Millis,
    /// Description of what was wrong with the file, and with its `.ledger` file.
    pub damage: String,
    /// Number of statements that were saved.
    pub saved: u64,
    /// Least number of lost statements. What a damaged file no longer says of itself cannot be counted.
    pub lost: u64,
    /// True if it can no longer be told how many are lost, or have come back though they were retracted or erased.
    pub uncertain: bool,
    /// Paths of the damaged files, which are kept whole. Empty where there was nothing to keep.
    pub kept_at: Vec<PathBuf>,
}

impl LossReport {
    /// Builds the report of one file from its salvage, noticed at this time (unix milliseconds).
    #[must_use]
    pub fn of(salvaged: Salvaged, noticed_at: Millis) -> Self {
        Self {
            noticed_at,
            kept_at: salvaged.kept(),
            damage: salvaged.damage,
            saved: salvaged.saved,
            lost: salvaged.lost,
            uncertain: salvaged.uncertain,
        }
    }
}

impl Db {
    /// Returns what was lost and is not acknowledged; none if nothing was.
    pub fn loss(&self) -> Result<Option<LossReport>, StoreError> {
        let losses = self.losses()?;
        let Some(first) = losses.first() else {
            return Ok(None);
        };
        let mut report = LossReport {
            noticed_at: first.0,
            ..LossReport::default()
        };
        let mut damage: Vec<String> = Vec::new();
        for (_, loss) in losses {
            report.saved += loss.saved;
            report.lost += loss.lost;
            report.uncertain |= loss.uncertain;
            report.kept_at.extend(loss.kept());
            damage.retain(|known| *known != loss.damage);
            damage.push(loss.damage);
        }
        report.damage = damage.join("; ");
        report.kept_at.dedup();
        Ok(Some(report))
    }

    /// Acknowledges the losses: they are reported no more. The files that were kept stay.
    pub fn acknowledge_loss(&mut self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM loss", [])?;
            Ok(())
        })
    }

    /// Returns each loss that is not acknowledged, with the time when it was noticed.
    pub(crate) fn losses(&self) -> Result<Vec<(Millis, Salvaged)>, StoreError> {
        let mut losses = of(&self.conn)?;
        // A kill came after the exchange of the files, before the name was recorded.
        if let Some((_, last)) = losses.last_mut()
            && last.kept_at.is_none()
        {
            last.kept_at = kept::last_kept(&self.path);
        }
        Ok(losses)
    }
}

/// Returns the losses that are recorded in this file, with the times when they were noticed.
pub(crate) fn of(conn: &Connection) -> rusqlite::Result<Vec<(Millis, Salvaged)>> {
    conn.prepare_cached(
        "SELECT noticed_at, damage, kept_at, saved, unreadable, lost, uncertain FROM loss ORDER BY id",
    )?
    .query_map([], |row| {
        let salvaged = Salvaged {
            damage: row.get(1)?,
            kept_at: row.get::<_, Option<String>>(2)?.map(PathBuf::from),
            saved: row.get::<_, i64>(3)? as u64,
            unreadable: row.get::<_, i64>(4)? as u64,
            lost: row.get::<_, i64>(5)? as u64,
            uncertain: row.get(6)?,
        };
        Ok((row.get(0)?, salvaged))
    })?
    .collect()
}

/// Tells whether the last recorded loss is the same.
pub(crate) fn is_told(conn: &Connection, loss: &Salvaged) -> rusqlite::Result<bool> {
    Ok(of(conn)?.last().is_some_and(|(_, last)| last == loss))
}

/// Records a loss.
pub(crate) fn write(tx: &Connection, noticed_at: Millis, loss: &Salvaged) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO loss (noticed_at, damage, kept_at, saved, unreadable, lost, uncertain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            noticed_at,
            loss.damage,
            loss.kept_at.as_ref().map(|path| path.to_string_lossy()),
            loss.saved as i64,
            loss.unreadable as i64,
            loss.lost as i64,
            loss.uncertain,
        ],
    )?;
    Ok(())
}

/// Records where the damaged file of the last loss is kept.
pub(crate) fn write_kept_at(db: &mut Db, kept_at: &std::path::Path) -> Result<(), StoreError> {
    db.write(|tx| {
        tx.execute(
            "UPDATE loss SET kept_at = ?1 WHERE kept_at IS NULL AND id = (SELECT max(id) FROM loss)",
            [kept_at.to_string_lossy()],
        )?;
        Ok(())
    })
}
