//! The network between a device and an LRS that is not ours to disturb: the trouble is made on the way.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::transport::{Exchange, HttpTransport, Transport};

/// Treatment of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Answered with 503 and `Retry-After: 1`, and not passed on.
    Busy,
    /// Passed on if it sends statements; the LRS's answer is thrown away.
    LoseAnswer,
}

/// A transport that makes the trouble it is ordered to make.
pub struct Network {
    inner: HttpTransport,
    state: Mutex<State>,
}

struct State {
    up: bool,
    deeds: VecDeque<Deed>,
}

impl Network {
    /// Returns a network that is not up yet.
    pub fn new(inner: HttpTransport) -> Self {
        let state = State {
            up: false,
            deeds: VecDeque::new(),
        };
        Self {
            inner,
            state: Mutex::new(state),
        }
    }

    /// Brings the network up; these deeds happen first.
    pub fn up(&self, deeds: impl IntoIterator<Item = Deed>) {
        let mut state = self.state();
        state.up = true;
        state.deeds = deeds.into_iter().collect();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what happens to this request. A deed waits for a request that it can be done to.
    fn deed(&self, method: Method) -> Result<Option<Deed>, TransportError> {
        let mut state = self.state();
        if !state.up {
            return Err(TransportError::Unreachable(
                "there is no network".to_owned(),
            ));
        }
        let due = match state.deeds.front() {
            Some(Deed::LoseAnswer) => method == Method::Post,
            Some(Deed::Busy) => true,
            None => false,
        };
        Ok(if due { state.deeds.pop_front() } else { None })
    }
}

impl Transport for Network {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            match self.deed(request.method)? {
                None => self.inner.exchange(request).await,
                Some(Deed::Busy) => Ok(Response {
                    status: 503,
                    headers: vec![("Retry-After".to_owned(), "1".to_owned())],
                    body: b"busy, says the demo".to_vec(),
                    cut: false,
                }),
                Some(Deed::LoseAnswer) => {
                    self.inner.exchange(request).await?;
                    Err(TransportError::Broken(
                        "the demo threw the answer away".to_owned(),
                    ))
                }
            }
        })
    }
}
