//! What was lost, told at every look until somebody has acknowledged it.
//!
//! It is kept in the file, so that no kill between the loss and its telling takes the news with it.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::{Db, Millis, Salvaged, StoreError, place};

/// What was lost of this queue and nobody has acknowledged yet: of one damaged or missing file, or of
/// several together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LossReport {
    /// When it was first noticed, unix milliseconds by the device's clock.
    pub noticed_at: Millis,
    /// What was wrong with the file, the last time.
    pub damage: String,
    /// Statements that were saved.
    pub saved: u64,
    /// At least so many are lost. What a damaged file no longer says of itself cannot be counted.
    pub lost: u64,
    /// Where the damaged files are kept, whole. Empty where there was nothing to keep.
    pub kept_at: Vec<PathBuf>,
}

impl Db {
    /// What was lost and is not acknowledged; none: nothing.
    pub fn loss(&self) -> Result<Option<LossReport>, StoreError> {
        let losses = self.losses()?;
        let Some(first) = losses.first() else {
            return Ok(None);
        };
        let mut report = LossReport {
            noticed_at: first.0,
            ..LossReport::default()
        };
        for (_, loss) in losses {
            report.damage = loss.damage;
            report.saved += loss.saved;
            report.lost += loss.lost;
            report.kept_at.extend(loss.kept_at);
        }
        report.kept_at.dedup();
        Ok(Some(report))
    }

    /// Says that somebody has read of what was lost: it is told no more. The files that were kept stay.
    pub fn acknowledge_loss(&mut self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM loss", [])?;
            Ok(())
        })
    }

    /// Each loss that is not acknowledged, with the time when it was noticed.
    pub(super) fn losses(&self) -> Result<Vec<(Millis, Salvaged)>, StoreError> {
        let mut losses = of(&self.conn)?;
        // A kill came between the exchange of the files and the writing down of the name.
        if let Some((_, last)) = losses.last_mut()
            && last.kept_at.is_none()
        {
            let mut kept = place::kept(&self.path);
            kept.retain(|kept| !kept.to_string_lossy().ends_with("-wal"));
            last.kept_at = kept.pop();
        }
        Ok(losses)
    }
}

/// Those that are written down in this file.
pub(super) fn of(conn: &Connection) -> rusqlite::Result<Vec<(Millis, Salvaged)>> {
    conn.prepare_cached(
        "SELECT noticed_at, damage, kept_at, saved, unreadable, lost FROM loss ORDER BY id",
    )?
    .query_map([], |row| {
        let salvaged = Salvaged {
            damage: row.get(1)?,
            kept_at: row.get::<_, Option<String>>(2)?.map(PathBuf::from),
            saved: row.get::<_, i64>(3)? as u64,
            unreadable: row.get::<_, i64>(4)? as u64,
            lost: row.get::<_, i64>(5)? as u64,
        };
        Ok((row.get(0)?, salvaged))
    })?
    .collect()
}

/// Writes a loss down.
pub(super) fn write(tx: &Connection, noticed_at: Millis, loss: &Salvaged) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO loss (noticed_at, damage, kept_at, saved, unreadable, lost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            noticed_at,
            loss.damage,
            loss.kept_at.as_ref().map(|path| path.to_string_lossy()),
            loss.saved as i64,
            loss.unreadable as i64,
            loss.lost as i64,
        ],
    )?;
    Ok(())
}

/// Says where the damaged file of the last loss is kept.
pub(super) fn write_kept_at(db: &mut Db, kept_at: &std::path::Path) -> Result<(), StoreError> {
    db.write(|tx| {
        tx.execute(
            "UPDATE loss SET kept_at = ?1 WHERE kept_at IS NULL AND id = (SELECT max(id) FROM loss)",
            [kept_at.to_string_lossy()],
        )?;
        Ok(())
    })
}
