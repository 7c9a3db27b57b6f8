//! Length of the write-ahead log.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::folded::Folded;
use super::settings::PAGE_BYTES;
use super::users::User;
use crate::lock::lock;

/// Number of pages, 4 MiB, by which the log grows before it is folded.
pub(crate) const FOLD_AT: u32 = (4 << 20) / PAGE_BYTES;

/// Number of pages, 16 MiB, from which whoever records waits. A longer log, as a big transaction makes it, is cut back
/// to this when it is folded.
pub(crate) const FULL_AT: u32 = 4 * FOLD_AT;

pub(crate) const FULL_BYTES: u32 = FULL_AT * PAGE_BYTES;

/// Length of the log, as the last commit left it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLength(Arc<Pages>);

#[derive(Debug, Default)]
struct Pages {
    written: AtomicU32,
    folded: AtomicU32,
    /// Lock held by whoever folds, for as long as it has the file open.
    folding: Mutex<()>,
}

impl LogLength {
    /// Watches every commit of this connection, in place of SQLite's own folding.
    pub(crate) fn watch(
        &self,
        conn: &mut Connection,
        user: Option<&Arc<User>>,
    ) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.0);
        let user = user.map(Arc::clone);
        conn.wal_hook(Some(move |wal: &mut Wal, written: i32| {
            let written = written.unsigned_abs();
            if written < pages.written.swap(written, Ordering::Relaxed) {
                // It has begun anew.
                pages.folded.store(0, Ordering::Relaxed);
            }
            if written >= FULL_AT {
                // If this fails, as while another folds, the next commit does it: this one holds.
                let _ = User::while_folding(user.as_ref(), || {
                    wal.checkpoint().map(|()| Folded::whole())
                });
            }
            Ok(())
        }))
    }

    /// Keeps others from folding while the guard is held.
    pub(crate) fn hold_folding(&self) -> MutexGuard<'_, ()> {
        lock(&self.0.folding)
    }

    /// Notes that this many pages of the log are in the file by now.
    pub(crate) fn is_folded(&self, pages: u32) {
        self.0.folded.store(pages, Ordering::Relaxed);
    }

    pub(crate) fn written(&self) -> u32 {
        self.0.written.load(Ordering::Relaxed)
    }

    pub(crate) fn unfolded(&self) -> u32 {
        let folded = self.0.folded.load(Ordering::Relaxed);
        self.written().saturating_sub(folded)
    }
}
