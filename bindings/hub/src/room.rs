//! Room for what is in memory of requests under way: large bodies of statements. Contents go to the disk and need none.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Number of bodies of the largest size that there may be at a time.
const LARGE_BODIES: usize = 8;

/// Size, in bytes, of a body that needs no room of its own: even one for every connection is no burden.
const SMALL_BODY: usize = 64 * 1024;

/// All the room, counted in kibibytes.
#[derive(Clone)]
pub struct Room {
    free: Arc<Semaphore>,
    body_limit: usize,
}

/// Room that is taken until this is dropped; a small body takes none.
pub type Taken = Option<OwnedSemaphorePermit>;

impl Room {
    /// Returns the room for bodies of at most this size.
    pub fn new(body_limit: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(LARGE_BODIES * kibibytes(body_limit))),
            body_limit,
        }
    }

    /// Waits for room for a body of this size, or of the greatest possible one if that is unknown. A request without a
    /// body, such as a GET, does not wait.
    pub async fn take(&self, length: Option<u64>) -> Taken {
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.unwrap_or(self.body_limit).min(self.body_limit);
        if length <= SMALL_BODY {
            return None;
        }
        let count = kibibytes(length) as u32;
        // Nobody closes the semaphore.
        self.free.clone().acquire_many_owned(count).await.ok()
    }

    /// Waits for room for statements of which so many bytes have come, and more may follow, once they are no longer few.
    /// Not to be called on a thread of the runtime.
    pub fn grow(&self, taken: &mut Taken, length: usize) {
        if taken.is_none() && length > SMALL_BODY {
            *taken = Handle::current().block_on(self.take(None));
        }
    }

    /// Gives back what statements of this size, which are whole now, do not need.
    pub fn shrink(&self, taken: &mut Taken, length: usize) {
        let surplus = kibibytes(self.body_limit) - kibibytes(length.min(self.body_limit));
        if let Some(taken) = taken {
            drop(taken.split(surplus));
        }
    }
}

fn kibibytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}
