//! Protection from panics in the app's code: what runs it goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::lrs::{Request, Response, TransportError, unpack};
use crate::transport::Transport;

/// Error of work that panicked, which the panic hook has reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// Returns the output of a future. One that panicked is not polled again.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// Performs one request and unpacks its answer. A transport that panics may have sent it before.
pub(super) async fn exchange(
    transport: &dyn Transport,
    request: Request,
) -> Result<Response, TransportError> {
    let longest = request.longest_answer;
    // Called within the future, so that it is caught here, too.
    match caught(async { transport.exchange(request).await }).await {
        Ok(outcome) => unpack(outcome?, longest),
        Err(Panicked) => Err(TransportError::Broken("the transport panicked".to_owned())),
    }
}
