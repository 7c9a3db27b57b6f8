//! The write-ahead log: folding it into the file.
//!
//! SQLite folds within the commit that makes the log too long, and whoever records then waits for two syncs of the
//! disk. Here another thread folds while others write ([`Shared::fold`]); the commit itself does it only where nobody
//! else has. The log, which is read anew after a kill, stays short.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::folded::Folded;
use super::settings::PAGE_BYTES;
use super::users::User;
use super::wal_length::FOLD_AT;
use super::wal_length::FULL_AT;
use crate::store::shared::Slot;
use crate::store::{Db, Durability, Shared, StoreError};

/// Number of pages, 1 MiB, at which the log is folded where every commit is synced: syncing what is overwritten is
/// several times as fast as syncing what makes the log longer.
const FOLD_SYNCED_AT: u32 = (1 << 20) / PAGE_BYTES;

impl Shared {
    /// Tells whether it is time to fold the log.
    pub fn should_fold(&self) -> bool {
        self.log.unfolded()
            >= match self.durability {
                Durability::PowerCut => FOLD_SYNCED_AT,
                Durability::ProcessCrash => FOLD_AT,
            }
    }

    /// Tells whether the log is so long that whoever writes should wait for the folding to end.
    pub fn is_log_full(&self) -> bool {
        self.log.written() >= FULL_AT
    }

    /// Folds the log into the file. Others can write at the same time, except for a moment at the end, without which
    /// the log would not begin anew; with `ProcessCrash` that moment comes only once the log is long.
    ///
    /// A closed file stays closed: a pause waits for the folding under way, and none begins after it.
    pub fn fold(&self) -> Result<(), StoreError> {
        self.is_ours()?;
        // Taken before the file's lock, here and by a pause.
        let _folding = self.log.hold_folding();
        let by = match &*self.slot()? {
            // Its own commits fold the log.
            Slot::Open(db) if db.is_alone => return Ok(()),
            Slot::Open(db) => Db::open_folder(db, self.durability)?,
            Slot::Paused | Slot::Broken => return Ok(()),
        };
        self.fold_by(&by)?;
        if self.durability == Durability::PowerCut || self.log.written() >= 2 * FOLD_AT {
            let _nobody_writes = self.slot()?;
            self.fold_by(&by)?;
        }
        Ok(())
    }

    fn fold_by(&self, by: &Db) -> Result<(), StoreError> {
        let folded = User::while_folding(by.user.as_ref(), || Folded::by(&by.conn, "PASSIVE"))?;
        self.log.is_folded(folded.pages);
        Ok(())
    }
}

/// Makes the connection leave the log as it is when it is closed.
pub(crate) fn fold_nothing_when_closed(conn: &Connection) -> rusqlite::Result<()> {
    let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    conn.set_db_config(setting, true).map(drop)
}

/// Lets SQLite fold the log when this connection closes last, as it does by itself.
pub(crate) fn fold_when_closed(conn: &Connection) -> rusqlite::Result<()> {
    let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    conn.set_db_config(setting, false).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::wal_length::FULL_BYTES;
    use super::*;
    use crate::statement::{Fill, Prepared, XapiVersion, prepare};
    use crate::store::UpstreamId;

    fn long(n: u64) -> Prepared {
        let text = format!(
            r#"{{"actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},
            "object":{{"id":"http://example.com/1"}},"result":{{"response":"{}"}}}}"#,
            "x".repeat(100_000)
        );
        let id = uuid::Builder::from_unix_timestamp_millis(n, &[0; 10]).into_uuid();
        prepare(
            text.as_bytes(),
            XapiVersion::V2_0_0,
            &Fill { id, now_ms: 1 },
        )
        .unwrap()
    }

    /// Records 60 MB, and says how long the log became.
    fn longest_log(after_each: impl Fn(&Shared)) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let store = Shared::open(&path, Durability::ProcessCrash, 1).unwrap();
        for n in 1..=600 {
            store.append(vec![long(n)], 1).unwrap();
            after_each(&store);
        }
        assert_eq!(
            store
                .read(1, |db| db.ledger(UpstreamId::MAIN))
                .unwrap()
                .queued,
            600
        );
        std::fs::metadata(folder.path().join("queue.db-wal"))
            .unwrap()
            .len()
    }

    #[test]
    fn a_file_that_is_paused_is_not_opened_to_fold_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let store = Shared::open(&path, Durability::PowerCut, 1).unwrap();
        store.append(vec![long(1)], 1).unwrap();
        store.pause(1).unwrap();
        // Whoever opens it now finds what is no database.
        std::fs::rename(&path, folder.path().join("kept.db")).unwrap();
        std::fs::write(&path, "x".repeat(8_192)).unwrap();
        assert_eq!(store.fold(), Ok(()));
        std::fs::rename(folder.path().join("kept.db"), &path).unwrap();
        store.resume(1).unwrap();
        assert_eq!(store.fold(), Ok(()));
        assert_eq!(
            store
                .read(1, |db| db.ledger(UpstreamId::MAIN))
                .unwrap()
                .queued,
            1
        );
    }

    #[test]
    fn the_log_stays_short_whoever_folds_it() {
        let by_another = longest_log(|store| {
            if store.should_fold() {
                store.fold().unwrap();
                assert!(!store.should_fold());
            }
        });
        assert!(
            by_another < u64::from(2 * FOLD_AT * PAGE_BYTES),
            "{by_another}"
        );
        let by_commits = longest_log(|_| {});
        assert!(by_commits < u64::from(FULL_BYTES) * 11 / 10, "{by_commits}");
    }
}
