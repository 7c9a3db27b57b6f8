//! Events, passed to the app's listeners on a thread of their own.
//!
//! One thread serves all listeners of a collector. It begins with the first and ends with the collector; while
//! nothing happens it sleeps. A slow listener makes the others wait, and all of them then get the number of events
//! that they missed; the collector never waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pannier::EventStream;

use crate::foreign::reason;
use crate::time::Timestamp;
use crate::{HoldReason, SyncReport, Trouble, Uuid, WaitKind};

/// Something that happened, reported after it is safely on the disk.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Event {
    /// Statements were recorded.
    Recorded {
        /// Their ids.
        ids: Vec<Uuid>,
    },
    /// The LRS proved that it has these statements.
    Delivered {
        /// Their ids.
        ids: Vec<Uuid>,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A statement is held until the app acts.
    Held {
        /// Its id.
        id: Uuid,
        /// Reason.
        reason: HoldReason,
        /// The LRS's own words.
        words: String,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A sync made progress.
    Progress {
        /// Statements delivered by this sync so far.
        delivered: i64,
        /// Statements still in the queue.
        remaining: i64,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// Nothing is sent until a certain time.
    WaitingUntil {
        /// That time, by the device's clock.
        until: Timestamp,
        /// Reason for the wait.
        why: WaitKind,
        /// The problem, if there is one.
        trouble: Option<Trouble>,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// Nothing is sent until the app has acted: new credentials, another endpoint.
    NeedsApp {
        /// The problem.
        trouble: Trouble,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A sync ended.
    Synced {
        /// Its result.
        report: SyncReport,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A sync failed: the device's storage did, or the app's own code. An automatic one tries again.
    SyncFailed {
        /// The failure, and what to do about it.
        error: String,
        /// Name of the upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// The file was damaged; what could be read of it was saved into a new one.
    Salvaged {
        /// The damage.
        damage: String,
        /// Path of the damaged file, which is kept whole; empty where nothing was left to keep.
        kept_at: String,
        /// Statements that were saved into the new file.
        saved: i64,
        /// Rows that were found but could not be read, or are no longer the statement they were.
        unreadable: i64,
        /// Minimum number of lost statements. `Status.loss` reports the loss until `acknowledge_loss`.
        lost: i64,
    },
    /// A listener was too slow, and events were missed; `status` has the current state.
    Missed {
        /// Number of missed events.
        count: i64,
    },
}

impl From<pannier::Event> for Event {
    fn from(event: pannier::Event) -> Self {
        use pannier::Event as Core;
        match event {
            Core::Recorded { ids } => Self::Recorded { ids },
            Core::Delivered { ids, upstream } => Self::Delivered { ids, upstream },
            Core::Held {
                id,
                reason,
                words,
                upstream,
            } => Self::Held {
                id,
                reason: reason.into(),
                words,
                upstream,
            },
            Core::Progress {
                delivered,
                remaining,
                upstream,
            } => Self::Progress {
                delivered: delivered as i64,
                remaining: remaining as i64,
                upstream,
            },
            Core::WaitingUntil {
                until,
                why,
                trouble,
                upstream,
            } => Self::WaitingUntil {
                until: Timestamp(until),
                why: why.into(),
                trouble: trouble.map(Into::into),
                upstream,
            },
            Core::NeedsApp { trouble, upstream } => Self::NeedsApp {
                trouble: trouble.into(),
                upstream,
            },
            Core::Synced { report, upstream } => Self::Synced {
                report: report.into(),
                upstream,
            },
            Core::SyncFailed { error, upstream } => Self::SyncFailed { error, upstream },
            Core::Salvaged { salvaged } => Self::Salvaged {
                damage: salvaged.damage,
                kept_at: salvaged
                    .kept_at
                    .map(|path| path.display().to_string())
                    .unwrap_or_default(),
                saved: salvaged.saved as i64,
                unreadable: salvaged.unreadable as i64,
                lost: salvaged.lost as i64,
            },
            Core::Missed { count } => Self::Missed {
                count: count as i64,
            },
        }
    }
}

/// Failure of a listener. It stays, and gets the next event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// It threw an exception.
    #[error("the listener failed: {reason}")]
    Failed {
        /// Reason, for the log.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            reason: reason(&error),
        }
    }
}

/// Receiver of events.
#[uniffi::export(with_foreign)]
pub trait EventListener: Send + Sync {
    /// Receives an event. Called on a background thread, one event after another. An exception is logged and
    /// changes nothing.
    fn on_event(&self, event: Event) -> Result<(), ListenerError>;
}

/// The listeners of one collector.
#[derive(Default)]
pub(crate) struct Listeners {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    listeners: Vec<(u64, Arc<dyn EventListener>)>,
    next: u64,
    /// Tells whether the thread was started.
    told: bool,
}

impl Listeners {
    /// Adds a listener, and starts the thread on `stream` unless there is one.
    pub(crate) fn add(
        self: &Arc<Self>,
        listener: Arc<dyn EventListener>,
        stream: impl FnOnce() -> EventStream,
    ) -> Arc<Subscription> {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.listeners.push((number, listener));
        if !inner.told {
            let listeners = Arc::clone(self);
            let stream = stream();
            let thread = std::thread::Builder::new().name("pannier-events".to_owned());
            match thread.spawn(move || listeners.tell_all(stream)) {
                Ok(_) => inner.told = true,
                Err(error) => tracing::error!(%error, "no thread to tell listeners on"),
            }
        }
        Arc::new(Subscription {
            number,
            listeners: Arc::downgrade(self),
        })
    }

    fn tell_all(&self, stream: EventStream) {
        for event in stream {
            let event = Event::from(event);
            // Without the lock: a listener may cancel itself or add another.
            let listeners = self.lock().listeners.clone();
            for (_, listener) in listeners {
                if let Err(error) = listener.on_event(event.clone()) {
                    tracing::warn!(%error, "a listener of the app's failed");
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Registration of a listener.
#[derive(uniffi::Object)]
pub struct Subscription {
    number: u64,
    listeners: Weak<Listeners>,
}

#[uniffi::export]
impl Subscription {
    /// Removes the listener. An event that is being reported at this moment may still arrive. Dropping the
    /// subscription does not remove it; closing the collector does.
    pub fn cancel(&self) {
        if let Some(listeners) = self.listeners.upgrade() {
            listeners
                .lock()
                .listeners
                .retain(|(number, _)| *number != self.number);
        }
    }
}
