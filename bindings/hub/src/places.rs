//! Places for connections: a fixed number, and a rule for which connection makes room when all are taken.
//!
//! A connection waits as long as no request with a known sender is at work on it: before the first request, in the
//! middle of a head, in a body before its credentials, and between two requests. When all places are taken, the
//! connection that has waited longest makes room, so that clients that never finish a request keep nobody out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Time to wait for a place before one more connection has to make room.
const A_MOMENT: Duration = Duration::from_millis(100);

/// All places.
pub struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// Connections that wait, the longest wait first.
#[derive(Default)]
struct Waiting {
    next: u64,
    those: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection. Its requests carry it as an extension.
pub struct Place {
    places: Arc<Places>,
    leave: Arc<Notify>,
    /// Position among the waiting ones, and whether a sender on it has ever been known.
    state: Mutex<State>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Default)]
struct State {
    waits_at: Option<u64>,
    was_known: bool,
}

impl Places {
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            waiting: Mutex::default(),
        })
    }

    /// Takes a place for an accepted connection, as soon as one is free. The connection counts as waiting.
    pub async fn take(self: &Arc<Self>) -> Arc<Place> {
        let permit = loop {
            // Nobody closes the semaphore.
            if let Ok(permit) = self.free.clone().try_acquire_owned() {
                break permit;
            }
            self.send_one_away();
            let free = self.free.clone().acquire_owned();
            if let Ok(Ok(permit)) = timeout(A_MOMENT, free).await {
                break permit;
            }
        };
        let place = Arc::new(Place {
            places: self.clone(),
            leave: Arc::default(),
            state: Mutex::default(),
            _permit: permit,
        });
        place.waits();
        place
    }

    /// Waits until every one of so many places is free.
    pub async fn all_free(&self, count: usize) {
        // Nobody closes the semaphore.
        let _ = self.free.acquire_many(count as u32).await;
    }

    fn send_one_away(&self) {
        let longest = lock(&self.waiting).those.pop_first();
        if let Some((_, leave)) = longest {
            leave.notify_one();
        }
    }
}

impl Place {
    /// Notes that the connection waits for a request from now on.
    pub fn waits(&self) {
        let mut state = lock(&self.state);
        if state.waits_at.is_none() {
            let mut waiting = lock(&self.places.waiting);
            let at = waiting.next;
            waiting.next += 1;
            waiting.those.insert(at, self.leave.clone());
            state.waits_at = Some(at);
        }
    }

    /// Notes that a request with a known sender is at work.
    pub fn works(&self) {
        let mut state = lock(&self.state);
        state.was_known = true;
        if let Some(at) = state.waits_at.take() {
            lock(&self.places.waiting).those.remove(&at);
        }
    }

    /// Waits until it has to make room; returns whether a sender was known here, who may still be receiving an
    /// answer.
    pub async fn told_to_leave(&self) -> bool {
        self.leave.notified().await;
        lock(&self.state).was_known
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(at) = lock(&self.state).waits_at {
            lock(&self.places.waiting).those.remove(&at);
        }
    }
}

/// Locks a mutex even if it is poisoned: a panic leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
