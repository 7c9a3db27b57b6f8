//! Tables, as each version of Pannier makes them, and the check that a file still has them.

use std::sync::OnceLock;

use rusqlite::{Connection, TransactionBehavior};

use super::settings::APPLICATION_ID;
use crate::store::StoreError;

/// Migrations, one `.sql` file per schema version; a file's `user_version` is the number of those it has had.
const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/0001_queue.sql")];

/// Schema version that this Pannier writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings a file to this version.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    if version(conn)? == SCHEMA_VERSION {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    // Read again inside: another process may have been first.
    let from = version(&tx)?;
    for sql in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        tx.execute_batch(sql)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()?;
    Ok(())
}

fn version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Fails where the tables are not the ones that were made. SQLite keeps them as text, in which a flipped bit is another
/// name or another condition: it then misses a column, or finds other rows.
pub(crate) fn must_be_whole(conn: &Connection) -> Result<(), StoreError> {
    static MADE: OnceLock<Vec<[String; 3]>> = OnceLock::new();
    if MADE.get().is_none() {
        let mut anew = Connection::open_in_memory()?;
        migrate(&mut anew)?;
        let tables = tables(&anew)?;
        MADE.get_or_init(|| tables);
    }
    // Others may have added theirs, as SQLite's own ANALYZE does.
    let found = tables(conn)?;
    if MADE
        .get()
        .is_some_and(|made| made.iter().all(|one| found.contains(one)))
    {
        return Ok(());
    }
    Err(StoreError::Damaged(
        "its tables are not the ones that were made".to_owned(),
    ))
}

/// Returns the kind, name and text of each schema entry, except for those that SQLite makes by itself.
fn tables(conn: &Connection) -> rusqlite::Result<Vec<[String; 3]>> {
    conn.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect()
}
