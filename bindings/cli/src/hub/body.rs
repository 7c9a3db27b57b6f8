//! Request bodies, read up to a limit.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body::Body as _;

use super::problem::Problem;

/// How many times the limit is read and thrown away. A sender that is cut off while it still writes
/// sees a broken connection and not the answer that would tell it what to do.
const PATIENCE: usize = 8;

/// The whole body; 413 if it is larger than `limit` bytes.
pub async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(data) = next(&mut body).await {
        let data = data.map_err(|_| {
            Problem::bad_request("the body broke off before its end; send it again")
        })?;
        if bytes.len() + data.len() > limit {
            discard(body, limit).await;
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is larger than {limit} bytes, so nothing was stored; send fewer statements at once"
                ),
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Reads what nobody wants, so that its sender gets to read the answer.
pub async fn discard(mut body: Body, limit: usize) {
    let mut left = limit.saturating_mul(PATIENCE);
    while let Some(Ok(data)) = next(&mut body).await {
        left = left.saturating_sub(data.len());
        if left == 0 {
            return;
        }
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
