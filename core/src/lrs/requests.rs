//! What is sent to an LRS.
//!
//! Every request carries `X-Experience-API-Version` (C 3.3; 9274 4.1.7), and none asks for
//! compression: no LRS accepts it of a request, and answers are short. A body is JSON and goes with
//! `Content-Length`, which the transport adds: one LRS finds no body in a chunked request.

use std::time::Duration;

use uuid::Uuid;

use super::{Authorization, Endpoint, Method, Request};
use crate::statement::XapiVersion;

/// Enough for a TLS handshake on a bad mobile line and for a look-up on a busy LRS.
const BASE_TIMEOUT: Duration = Duration::from_secs(30);

/// The slowest of six LRSs took 15 s for 500 statements and more than 120 s for 5000; three times
/// that, since giving up early is worse than waiting: one stores everything twice on a re-send.
const PER_STATEMENT: Duration = Duration::from_millis(100);

/// 8 KiB a second: a poor 2G line.
const SLOWEST_BYTES_PER_SECOND: u64 = 8 * 1024;

/// Longer than any proxy keeps a request open. A batch that needs more must be smaller.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(5);

/// How long to wait for the whole exchange of a batch.
pub fn timeout(statements: usize, bytes: usize) -> Duration {
    let statements = u32::try_from(statements).unwrap_or(u32::MAX);
    let upload = Duration::from_secs(bytes as u64 / SLOWEST_BYTES_PER_SECOND);
    BASE_TIMEOUT
        .saturating_add(PER_STATEMENT.saturating_mul(statements))
        .saturating_add(upload)
        .min(LONGEST_TIMEOUT)
}

/// The exact size of the body that [`post`] makes of statements of these sizes.
pub fn batch_bytes(lengths: impl IntoIterator<Item = usize>) -> usize {
    let (count, sum) = lengths
        .into_iter()
        .fold((0, 0), |(count, sum), length| (count + 1, sum + length));
    match count {
        0 | 1 => sum,
        // Two brackets, and a comma between each two.
        _ => sum + count + 1,
    }
}

/// POST of a batch (C 2.1.2; 9274 4.1.6.1): one statement as an object, several as an array, their
/// bytes untouched. There must be at least one.
pub fn post<B: AsRef<[u8]>>(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    statements: &[B],
) -> Request {
    let size = batch_bytes(statements.iter().map(|one| one.as_ref().len()));
    let mut body = Vec::with_capacity(size);
    if let [one] = statements {
        body.extend_from_slice(one.as_ref());
    } else {
        for (at, one) in statements.iter().enumerate() {
            body.push(if at == 0 { b'[' } else { b',' });
            body.extend_from_slice(one.as_ref());
        }
        body.push(b']');
    }
    let mut headers = headers(authorization, version);
    headers.push(("Content-Type", "application/json".to_owned()));
    Request {
        method: Method::Post,
        url: endpoint.resource("statements").into(),
        headers,
        timeout: timeout(statements.len(), body.len()),
        body: Some(body),
    }
}

/// GET of one statement by its id (C 2.1.3; 9274 4.1.6.1).
pub fn get(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    id: Uuid,
) -> Request {
    let query = Some(("statementId", id));
    ask(endpoint, "statements", query, authorization, version)
}

/// GET of one statement that was voided. The other GET answers 404 for it.
pub fn get_voided(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    id: Uuid,
) -> Request {
    let query = Some(("voidedStatementId", id));
    ask(endpoint, "statements", query, authorization, version)
}

/// GET of what the LRS says of itself (C 2.8; 9274 4.1.6.7). It must not be refused for its
/// version header nor, in 1.0.3, for want of credentials; with wrong ones it may be.
pub fn about(endpoint: &Endpoint, authorization: Option<&Authorization>) -> Request {
    ask(endpoint, "about", None, authorization, XapiVersion::V2_0_0)
}

fn ask(
    endpoint: &Endpoint,
    resource: &str,
    query: Option<(&str, Uuid)>,
    authorization: Option<&Authorization>,
    version: XapiVersion,
) -> Request {
    let mut url = endpoint.resource(resource);
    if let Some((name, id)) = query {
        url.set_query(Some(&format!("{name}={id}")));
    }
    Request {
        method: Method::Get,
        url: url.into(),
        headers: headers(authorization, version),
        body: None,
        timeout: timeout(1, 0),
    }
}

fn headers(
    authorization: Option<&Authorization>,
    version: XapiVersion,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("X-Experience-API-Version", version.as_str().to_owned()),
        ("Accept", "application/json".to_owned()),
    ];
    if let Some(authorization) = authorization {
        headers.push(("Authorization", authorization.value().to_owned()));
    }
    headers
}
