//! Request bodies, read up to a limit and for as long as they keep coming.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use tokio::time::timeout;

use super::problem::Problem;

/// A body that is being read.
pub struct Reading {
    body: Body,
    bytes: Vec<u8>,
}

impl Reading {
    pub fn new(body: Body) -> Self {
        Self {
            body,
            bytes: Vec::new(),
        }
    }

    /// Returns the bytes received so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads until there are more than so many bytes, within this time; returns whether that is the whole body.
    pub async fn beginning(&mut self, bytes: usize, within: Duration) -> Result<bool, Problem> {
        let reading = async {
            while self.bytes.len() <= bytes {
                if !self.more(usize::MAX, within).await? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        timeout(within, reading)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    /// Reads the whole body; 413 if it is larger than `limit` bytes, 408 if nothing new comes within `patience`.
    pub async fn whole(mut self, limit: usize, patience: Duration) -> Result<Vec<u8>, Refused> {
        loop {
            match self.more(limit, patience).await {
                Ok(true) => {}
                Ok(false) => return Ok(self.bytes),
                Err(problem) => return Err(Refused(problem, self.body)),
            }
        }
    }

    async fn more(&mut self, limit: usize, patience: Duration) -> Result<bool, Problem> {
        let next = timeout(patience, next(&mut self.body)).await;
        let Some(data) = next.map_err(|_| late())? else {
            return Ok(false);
        };
        let data = data.map_err(|_| {
            Problem::bad_request("the body broke off before its end; send it again")
        })?;
        if self.bytes.len() + data.len() > limit {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is larger than {limit} bytes, so nothing was stored; send fewer statements at once"
                ),
            ));
        }
        self.bytes.extend_from_slice(&data);
        Ok(true)
    }

    /// Returns the unread rest.
    pub fn rest(self) -> Body {
        self.body
    }
}

/// A refusal, and the rest of the refused body.
pub struct Refused(pub Problem, pub Body);

fn late() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "the body stopped coming, so nothing was stored; send it again",
    )
}

/// Reads and drops an unwanted body while its sender gets the answer: a sender that is cut off while writing would
/// see a broken connection and not the answer that tells it what to do. Ends after so many bytes or this time. A
/// sender that asked first whether to send it (`Expect: 100-continue`) is not waited for.
pub fn discard(headers: &HeaderMap, mut body: Body, bytes: usize, within: Duration) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(timeout(within, async move {
        let mut left = bytes;
        while let Some(Ok(data)) = next(&mut body).await {
            left = left.saturating_sub(data.len());
            if left == 0 {
                return;
            }
        }
    }));
}

async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => return Some(Ok(data)),
            Ok(Err(_trailers)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}
