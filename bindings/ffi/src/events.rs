//! What happens, told to listeners of the app's on a thread of their own.
//!
//! One thread serves all listeners of a collector. It begins with the first and ends with the
//! collector; while nothing happens it sleeps. A listener that is slow makes the others wait, and
//! all of them hear how many events they missed then; the collector never waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pannier::EventStream;

use crate::foreign::reason;
use crate::time::Timestamp;
use crate::{HoldReason, SyncReport, Trouble, Uuid, WaitKind};

/// Something that happened, told after it is safely on the disk.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Event {
    /// Statements were taken in.
    Recorded {
        /// Their ids.
        ids: Vec<Uuid>,
    },
    /// The LRS proved that it has these.
    Delivered {
        /// Their ids.
        ids: Vec<Uuid>,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A statement was set aside until the app acts.
    Held {
        /// Its id.
        id: Uuid,
        /// Why.
        reason: HoldReason,
        /// The LRS's own words.
        words: String,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A sync got on.
    Progress {
        /// Delivered by this sync so far.
        delivered: i64,
        /// Still in the queue.
        remaining: i64,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// Nothing is sent until then.
    WaitingUntil {
        /// By the device's clock.
        until: Timestamp,
        /// Who asked for it.
        why: WaitKind,
        /// What is the matter.
        trouble: Option<Trouble>,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// Nothing is sent until the app has acted: new credentials, another endpoint.
    NeedsApp {
        /// What is the matter.
        trouble: Trouble,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A sync ended.
    Synced {
        /// What it did.
        report: SyncReport,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// A sync failed: the device's storage did, or the app's own code. An automatic one tries again.
    SyncFailed {
        /// What happened, and what to do about it.
        error: String,
        /// At which upstream.
        #[uniffi(default = "main")]
        upstream: String,
    },
    /// The file was damaged; what could be read of it was saved into a new one.
    Salvaged {
        /// What was wrong.
        damage: String,
        /// Where the damaged file is kept, whole; empty where nothing was left to keep.
        kept_at: String,
        /// Statements that were saved into the new file.
        saved: i64,
        /// Rows that were met but could not be read.
        unreadable: i64,
        /// At least so many statements are lost. `Status.loss` tells of it until `acknowledge_loss`.
        lost: i64,
    },
    /// Somebody listened too slowly, and this many events were missed; `status` tells what is true
    /// now.
    Missed {
        /// How many.
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

/// A listener failed. It stays, and hears of the next event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// It threw.
    #[error("the listener failed: {reason}")]
    Failed {
        /// For the log.
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

/// Hears of events.
#[uniffi::export(with_foreign)]
pub trait EventListener: Send + Sync {
    /// Something happened. Called on a background thread, one event after another. An exception is
    /// logged and changes nothing.
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
    /// The thread was started.
    told: bool,
}

impl Listeners {
    /// Adds one; `stream` is asked for once, with the first.
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

/// That somebody listens.
#[derive(uniffi::Object)]
pub struct Subscription {
    number: u64,
    listeners: Weak<Listeners>,
}

#[uniffi::export]
impl Subscription {
    /// Ends the listening. An event that is being told at this moment may still arrive. Forgetting
    /// the subscription does not end it; closing the collector does.
    pub fn cancel(&self) {
        if let Some(listeners) = self.listeners.upgrade() {
            listeners
                .lock()
                .listeners
                .retain(|(number, _)| *number != self.number);
        }
    }
}
