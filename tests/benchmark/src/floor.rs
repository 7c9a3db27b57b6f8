//! The least that anyone could do with the same parts, and with the same build of SQLite: nothing checked, nothing counted, nothing judged.

use std::path::Path;

use reqwest::header::CONTENT_TYPE;
use rusqlite::Connection;

use crate::Failed;
use crate::cost::Latencies;
use crate::durability::Class;

/// Whether no statement may be taken in twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// It may: two columns.
    None,
    /// It may not: a third column with a unique, random id.
    Unique,
}

/// A table of two or three columns, write-ahead log, everything else as SQLite has it.
pub struct Log {
    conn: Connection,
}

impl Log {
    /// Opens or makes one.
    pub fn open(path: &Path, class: Class, ids: Ids) -> Result<Self, Failed> {
        let id = match ids {
            Ids::None => "",
            Ids::Unique => ", id BLOB NOT NULL UNIQUE DEFAULT (randomblob(16))",
        };
        let conn = Connection::open(path)?;
        conn.execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = {};
             CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, body BLOB NOT NULL{id});",
            class.synchronous()
        ))?;
        Ok(Self { conn })
    }

    /// Records one after another, each in a commit of its own.
    pub fn record(&self, statements: &[Vec<u8>], took: &mut Latencies) -> Result<(), Failed> {
        let mut insert = self.conn.prepare("INSERT INTO log (body) VALUES (?1)")?;
        for statement in statements {
            took.time(|| insert.execute([statement]))?;
        }
        Ok(())
    }

    /// Records all in one commit.
    pub fn fill(&mut self, statements: impl Iterator<Item = Vec<u8>>) -> Result<(), Failed> {
        let tx = self.conn.transaction()?;
        {
            let mut insert = tx.prepare("INSERT INTO log (body) VALUES (?1)")?;
            for statement in statements {
                insert.execute([statement])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Reads a batch, joins it, posts it, deletes it, and so on to the end.
    pub fn drain(&self, endpoint: &str, batch: u32) -> Result<(), Failed> {
        // Another has been installed: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = reqwest::Client::new();
        let url = format!("{endpoint}/statements");
        let mut select = self
            .conn
            .prepare("SELECT seq, body FROM log ORDER BY seq LIMIT ?1")?;
        let mut delete = self.conn.prepare("DELETE FROM log WHERE seq <= ?1")?;
        loop {
            let mut body = vec![b'['];
            let mut last = None;
            let mut rows = select.query([batch])?;
            while let Some(row) = rows.next()? {
                if last.is_some() {
                    body.push(b',');
                }
                last = Some(row.get::<_, i64>(0)?);
                body.extend_from_slice(row.get_ref(1)?.as_blob()?);
            }
            drop(rows);
            let Some(last) = last else { return Ok(()) };
            body.push(b']');
            let sending = client
                .post(&url)
                .header(CONTENT_TYPE, "application/json")
                .header("X-Experience-API-Version", "2.0.0")
                .body(body);
            runtime.block_on(async { sending.send().await?.error_for_status()?.bytes().await })?;
            delete.execute([last])?;
        }
    }
}
