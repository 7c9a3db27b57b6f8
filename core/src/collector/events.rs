//! Events for the app, sent without ever waiting for it.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use crate::event::Event;
use crate::lock::lock;

/// Number of events kept for an app that is slow to listen.
const KEPT: usize = 1_024;

#[derive(Default)]
pub(super) struct Events {
    listeners: Mutex<Vec<Listener>>,
}

struct Listener {
    sender: SyncSender<Event>,
    missed: u64,
}

impl Events {
    pub(super) fn listen(&self) -> EventStream {
        let (sender, receiver) = sync_channel(KEPT);
        lock(&self.listeners).push(Listener { sender, missed: 0 });
        EventStream { receiver }
    }

    pub(super) fn any(&self) -> bool {
        !lock(&self.listeners).is_empty()
    }

    pub(super) fn tell(&self, event: &Event) {
        lock(&self.listeners).retain_mut(|listener| listener.tell(event));
    }
}

impl Listener {
    /// Sends an event; returns false when nobody listens any more.
    fn tell(&mut self, event: &Event) -> bool {
        if self.missed > 0 {
            match self.sender.try_send(Event::Missed { count: self.missed }) {
                Ok(()) => self.missed = 0,
                Err(TrySendError::Full(_)) => {
                    self.missed += 1;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match self.sender.try_send(event.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.missed += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

/// Stream of the events from now on. Ends when the collector is dropped; dropping it stops the listening.
#[derive(Debug)]
pub struct EventStream {
    receiver: Receiver<Event>,
}

impl EventStream {
    /// Returns the next event if there is one by now.
    pub fn try_next(&self) -> Option<Event> {
        self.receiver.try_recv().ok()
    }

    /// Waits for the next event, at most this long. `Err` when the collector is gone.
    pub fn next_within(&self, wait: Duration) -> Result<Option<Event>, Gone> {
        match self.receiver.recv_timeout(wait) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Gone),
        }
    }
}

impl Iterator for EventStream {
    type Item = Event;

    /// Waits for the next event.
    fn next(&mut self) -> Option<Event> {
        self.receiver.recv().ok()
    }
}

/// Error of a stream whose collector is gone: no event comes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the collector is closed")]
pub struct Gone;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_slow_listener_hears_how_much_it_missed_and_nobody_waits_for_it() {
        let events = Events::default();
        let stream = events.listen();
        let event = Event::Delivered {
            ids: vec![Uuid::nil()],
            upstream: "main".to_owned(),
        };
        for _ in 0..KEPT + 5 {
            events.tell(&event);
        }
        assert_eq!(std::iter::from_fn(|| stream.try_next()).count(), KEPT);
        events.tell(&event);
        assert_eq!(stream.try_next(), Some(Event::Missed { count: 5 }));
        assert_eq!(stream.try_next(), Some(event.clone()));
        drop(stream);
        events.tell(&event);
        assert!(!events.any());
    }
}
