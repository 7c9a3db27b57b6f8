//! Request bodies, read up to a limit and for as long as they keep coming.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use tokio::sync::mpsc::Sender;
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
        let Some(data) = piece(&mut self.body, patience).await? else {
            return Ok(false);
        };
        if self.bytes.len() + data.len() > limit {
            return Err(Problem::too_large("the body", limit as u64));
        }
        self.bytes.extend_from_slice(&data);
        Ok(true)
    }

    /// Returns the unread rest.
    pub fn rest(self) -> Body {
        self.body
    }
}

/// Hands a body on as it comes, to who works on it meanwhile; 413 if it is larger than `limit` bytes, 408 if nothing new
/// comes within `patience`. Returns what is left of it when nobody wants more.
pub async fn pour(
    mut body: Body,
    limit: u64,
    patience: Duration,
    into: Sender<Option<Bytes>>,
) -> Result<Body, Refused> {
    let mut left = limit;
    if body.size_hint().lower() > limit {
        return Err(Refused(Problem::too_large("the body", limit), body));
    }
    loop {
        let next = tokio::select! {
            next = piece(&mut body, patience) => next,
            () = into.closed() => return Ok(body),
        };
        let data = match next {
            Ok(data) => data,
            Err(problem) => return Err(Refused(problem, body)),
        };
        let length = data.as_ref().map_or(0, |data| data.len() as u64);
        let Some(rest) = left.checked_sub(length) else {
            return Err(Refused(Problem::too_large("the body", limit), body));
        };
        left = rest;
        let is_whole = data.is_none();
        if into.send(data).await.is_err() || is_whole {
            return Ok(body);
        }
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
pub fn discard(headers: &HeaderMap, mut body: Body, bytes: u64, within: Duration) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(timeout(within, async move {
        let mut left = bytes;
        while let Some(Ok(data)) = next(&mut body).await {
            left = left.saturating_sub(data.len() as u64);
            if left == 0 {
                return;
            }
        }
    }));
}

/// Returns the next piece of a body, for which it waits so long; `None` after the last.
async fn piece(body: &mut Body, patience: Duration) -> Result<Option<Bytes>, Problem> {
    match timeout(patience, next(body)).await {
        Err(_) => Err(late()),
        Ok(None) => Ok(None),
        Ok(Some(Ok(data))) => Ok(Some(data)),
        Ok(Some(Err(_))) => Err(Problem::broken_off()),
    }
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
