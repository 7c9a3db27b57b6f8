//! The thread that folds the write-ahead log into the file, so that whoever records need not.
//!
//! There is one only while there is something to fold.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::Inner;
use crate::lock::lock;

/// The thread, while there is one.
#[derive(Default)]
pub(super) struct Folding(Mutex<Option<JoinHandle<()>>>);

impl Folding {
    /// After a commit: folds elsewhere what should be folded. Waits for it where the log grows faster
    /// than the disk takes it.
    pub(super) fn see_to(inner: &Arc<Inner>) {
        if inner.store.should_fold() {
            inner.folding.start(inner);
        }
        if inner.store.is_log_full() {
            inner.folding.wait();
        }
    }

    fn start(&self, inner: &Arc<Inner>) {
        // Where another starts or awaits one, it is seen to.
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
                    // The log grows on until a later time, and all that is in it holds.
                    tracing::warn!(%error, "the write-ahead log could not be folded");
                }
            });
        // Without a thread the commit that fills the log folds it.
        *thread = folding.ok();
    }

    /// Until nobody folds.
    pub(super) fn wait(&self) {
        if let Some(thread) = lock(&self.0).take() {
            // A panic in there has been reported by the panic hook; there is nothing to add.
            let _ = thread.join();
        }
    }
}
