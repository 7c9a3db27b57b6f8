//! Places for connections: a fixed number, and who makes room when all are taken.
//!
//! A connection waits while no request has come by which its sender is known: before the first, in the middle of
//! a head, with a body before its credentials, and between two requests. Where all places are taken the one that
//! waits for longest goes, so that who never comes to the point keeps nobody out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long to wait for a place before one more is sent away.
const A_MOMENT: Duration = Duration::from_millis(100);

/// All places.
pub struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// Those that wait, who waits for longest first.
#[derive(Default)]
struct Waiting {
    next: u64,
    those: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection. Known to its requests, as an extension.
pub struct Place {
    places: Arc<Places>,
    leave: Arc<Notify>,
    /// Where it stands among those that wait, and whether anybody on it has been known.
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

    /// A place for somebody who is there already, as soon as there is one. Whoever takes it waits.
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

    /// Until every one of so many places is free.
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
    /// From now on it waits for a request.
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

    /// A request is at work whose sender is known.
    pub fn works(&self) {
        let mut state = lock(&self.state);
        state.was_known = true;
        if let Some(at) = state.waits_at.take() {
            lock(&self.places.waiting).those.remove(&at);
        }
    }

    /// Until it has to make room; whether somebody was known here, who may be taking an answer still.
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

/// Nothing is left half done where somebody panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
