//! The thread that folds the write-ahead log into the file (a checkpoint), so that calls that record need not.
//!
//! It exists only while there is something to fold.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::Inner;
use crate::lock::lock;

/// The thread that folds, while there is one.
#[derive(Default)]
pub(super) struct Folding(Mutex<Option<JoinHandle<()>>>);

impl Folding {
    /// Starts folding on another thread after a commit, where it is due. Waits for it where the log grows faster than
    /// the disk takes it.
    pub(super) fn see_to(inner: &Arc<Inner>) {
        if inner.store.should_fold() {
            inner.folding.start(inner);
        }
        if inner.store.is_log_full() {
            inner.folding.wait();
        }
    }

    fn start(&self, inner: &Arc<Inner>) {
        // Another call starts one or waits for one already.
        let Ok(mut thread) = self.0.try_lock() else {
            return;
        };
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let inner = Arc::clone(inner);
        let folding = std::thread::Builder::new()
            .name("pannier-fold".to_owned())
            .spawn(move || {
                if let Err(error) = inner.store.fold() {
                    // The log grows until a later attempt, and all that is in it holds.
                    tracing::warn!(%error, "the write-ahead log could not be folded");
                }
            });
        // Without a thread the commit that fills the log folds it.
        *thread = folding.ok();
    }

    /// Waits until nobody folds.
    pub(super) fn wait(&self) {
        if let Some(thread) = lock(&self.0).take() {
            // A panic in there has been reported by the panic hook; there is nothing to add.
            let _ = thread.join();
        }
    }
}
