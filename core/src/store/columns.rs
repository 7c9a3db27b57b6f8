//! Columns of a row, read by their names.

use std::cell::Cell;

use rusqlite::Row;
use rusqlite::types::FromSql;

/// Columns of a row, by name. The search for each begins after the last one: whoever reads them in their order has each at
/// once, and a status reads fifty.
pub(crate) struct Columns<'row, 'stmt> {
    row: &'row Row<'stmt>,
    next: Cell<usize>,
}

impl<'row, 'stmt> Columns<'row, 'stmt> {
    pub(crate) fn of(row: &'row Row<'stmt>) -> Self {
        Self {
            row,
            next: Cell::new(0),
        }
    }

    pub(crate) fn get<T: FromSql>(&self, name: &str) -> rusqlite::Result<T> {
        let statement = self.row.as_ref();
        let next = self.next.get();
        let at = (next..statement.column_count())
            .chain(0..next)
            .find(|at| statement.column_name(*at) == Ok(name))
            .ok_or_else(|| rusqlite::Error::InvalidColumnName(name.to_owned()))?;
        self.next.set(at + 1);
        self.row.get(at)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn each_is_found_in_whatever_order() {
        let conn = Connection::open_in_memory().unwrap();
        conn.query_row("SELECT 1 AS one, 2 AS two, 3 AS three", [], |row| {
            let columns = Columns::of(row);
            for (name, value) in [("one", 1), ("two", 2), ("one", 1), ("three", 3), ("two", 2)] {
                assert_eq!(columns.get::<i64>(name), Ok(value));
            }
            let missing = columns.get::<i64>("four");
            assert!(matches!(
                missing,
                Err(rusqlite::Error::InvalidColumnName(_))
            ));
            Ok(())
        })
        .unwrap();
    }
}
