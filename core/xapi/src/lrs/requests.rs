//! Requests to an LRS.
//!
//! Every request carries `X-Experience-API-Version` (C 3.3; 9274 4.1.7), and asks for an answer that is not compressed:
//! answers are short, and without this any coding would be allowed (RFC 9110, section 12.5.3). A body is JSON, or has
//! contents of attachments behind it, not compressed either, since no LRS accepts that, and goes with `Content-Length`,
//! which the transport adds: one LRS finds no body in a chunked request.

use std::time::Duration;

use uuid::Uuid;

use super::ascii;
use super::multipart::{self, Boundary, Unwritable};
use super::{Authorization, BodyPiece, Endpoint, Method, Request};
use crate::statement::{ContentsPart, XapiVersion};

/// Time for a TLS handshake on a bad mobile line and for a look-up on a busy LRS.
const BASE_TIMEOUT: Duration = Duration::from_secs(30);

/// Time for each statement. The slowest of six LRSs took 15 s for 500 and more than 120 s for 5000; three times that,
/// since giving up early is worse than waiting: one LRS stores everything twice on a re-send.
const PER_STATEMENT: Duration = Duration::from_millis(100);

/// Slowest upload that is waited for: 8 KiB a second, a poor 2G line.
const SLOWEST_BYTES_PER_SECOND: u64 = 8 * 1024;

/// Upper limit, longer than any proxy keeps a request open. A batch that needs more must be smaller.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(5);

/// Number of bytes kept of an answer, more than an LRS has to say: the ids of a thousand statements are 40 KB.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Factor by which a copy may be longer than what was sent. An LRS may write each character as an escape of six, and
/// spreads it over lines; for `stored`, `authority` and the like, which it adds, there is [`LONGEST_ANSWER`].
const COPY_GROWS: usize = 8;

/// Returns the number of bytes kept of the answer to a look-up of a statement of this many bytes.
fn longest_copy(bytes: usize) -> usize {
    LONGEST_ANSWER.saturating_add(bytes.saturating_mul(COPY_GROWS))
}

/// Returns the time limit of the whole exchange of a batch.
pub fn timeout(statements: usize, bytes: usize) -> Duration {
    let statements = u32::try_from(statements).unwrap_or(u32::MAX);
    let upload = Duration::from_secs(bytes as u64 / SLOWEST_BYTES_PER_SECOND);
    BASE_TIMEOUT
        .saturating_add(PER_STATEMENT.saturating_mul(statements))
        .saturating_add(upload)
        .min(LONGEST_TIMEOUT)
}

/// Returns the exact size of the body that [`post`] makes of statements of these sizes.
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

/// Makes the POST of a batch (C 2.1.2; 9274 4.1.6.1): one statement as an object, several as an array, their bytes
/// untouched. An empty array, which stores nothing, asks whether statements may be written.
pub fn post<B: AsRef<[u8]>>(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    statements: &[B],
) -> Request {
    let body = if let [one] = statements {
        one.as_ref().to_vec()
    } else {
        array(statements, Vec::extend_from_slice)
    };
    let mut headers = headers(authorization, version);
    headers.push(("Content-Type", "application/json".to_owned()));
    Request {
        method: Method::Post,
        url: endpoint.resource("statements").into(),
        headers,
        timeout: timeout(statements.len(), body.len()),
        longest_answer: LONGEST_ANSWER,
        body: Some(body.into()),
    }
}

/// Makes the POST of a batch with contents of its attachments (C 1.5.2; 9274 4.1.3): the statements as an array, in ASCII,
/// as one real LRS takes what is beyond for other characters here, and each content once, with its hash and media type in
/// the very text of the statement.
///
/// The boundary is made of the id of the first statement and the hashes: so it is the same each time the same is sent, and a
/// content with it in would have to know its own hash.
pub fn post_with_contents<'a, B: AsRef<[u8]>>(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    statements: &[B],
    (first, contents): (Uuid, impl IntoIterator<Item = ContentsPart<'a>>),
) -> Result<Request, Unwritable> {
    let mut parts: Vec<ContentsPart<'_>> = Vec::new();
    for part in contents {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let hashes: String = parts.iter().map(|part| part.sha2).collect();
    let boundary = Boundary::random(Uuid::new_v5(&first, hashes.as_bytes()));
    let contents = parts.iter().map(|part| multipart::Content {
        content_type: part.content_type,
        sha2: part.sha2,
        octets: BodyPiece::Bytes(part.octets.to_vec()),
    });
    let statements_part = array(statements, ascii::write);
    let body = multipart::write(&boundary, &statements_part, contents)?;
    let mut headers = headers(authorization, version);
    headers.push(("Content-Type", boundary.content_type()));
    let bytes = usize::try_from(body.len()).unwrap_or(usize::MAX);
    Ok(Request {
        method: Method::Post,
        url: endpoint.resource("statements").into(),
        headers,
        timeout: timeout(statements.len(), bytes),
        longest_answer: LONGEST_ANSWER,
        body: Some(body),
    })
}

/// Number of bytes that a part takes beside its content, its hash and its type: a boundary of 40 characters, four headers
/// and the line ends.
const AROUND_A_PART: usize = 160;

/// Returns the number of bytes that a statement takes of a body with contents.
pub fn statement_bytes(statement: &[u8]) -> usize {
    ascii::length(statement)
}

/// Returns about how many bytes a part takes of a body.
pub fn part_bytes(part: &ContentsPart<'_>) -> usize {
    AROUND_A_PART + part.sha2.len() + part.content_type.len() + part.octets.len()
}

/// Makes an array of statements, each of which is written in this way.
fn array<B: AsRef<[u8]>>(statements: &[B], write: impl Fn(&mut Vec<u8>, &[u8])) -> Vec<u8> {
    let size: usize = statements.iter().map(|one| one.as_ref().len() + 1).sum();
    let mut body = Vec::with_capacity(size + 1);
    body.push(b'[');
    for (at, one) in statements.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        write(&mut body, one.as_ref());
    }
    body.push(b']');
    body
}

/// Makes the GET of one statement by its id (C 2.1.3; 9274 4.1.6.1).
pub fn get(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    id: Uuid,
) -> Request {
    let query = Some(("statementId", id));
    ask(endpoint, "statements", query, authorization, version)
}

/// Makes the GET of one statement that was voided. [`get`] is answered 404 for it.
pub fn get_voided(
    endpoint: &Endpoint,
    authorization: Option<&Authorization>,
    version: XapiVersion,
    id: Uuid,
) -> Request {
    let query = Some(("voidedStatementId", id));
    ask(endpoint, "statements", query, authorization, version)
}

/// Lets a look-up read the whole copy of a statement of this many bytes.
#[must_use]
pub fn expecting(mut look_up: Request, bytes: usize) -> Request {
    look_up.longest_answer = longest_copy(bytes);
    look_up
}

/// Asks with a look-up for the contents of the statement's attachments as well.
#[must_use]
pub fn with_contents(mut look_up: Request) -> Request {
    look_up.url.push_str("&attachments=true");
    for (name, value) in &mut look_up.headers {
        if *name == "Accept" {
            "multipart/mixed, application/json".clone_into(value);
        }
    }
    look_up
}

/// Makes the GET of what the LRS says of itself (C 2.8; 9274 4.1.6.7). It must not be refused for its version header
/// nor, in 1.0.3, for want of credentials; with wrong ones it may be.
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
        longest_answer: LONGEST_ANSWER,
    }
}

fn headers(
    authorization: Option<&Authorization>,
    version: XapiVersion,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("X-Experience-API-Version", version.as_str().to_owned()),
        ("Accept", "application/json".to_owned()),
        ("Accept-Encoding", "identity".to_owned()),
    ];
    if let Some(authorization) = authorization {
        headers.push(("Authorization", authorization.value().to_owned()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lrs::Credentials;

    fn endpoint() -> Endpoint {
        Endpoint::parse("https://lrs.example/xAPI/").expect("a good endpoint")
    }

    fn authorization() -> Authorization {
        Credentials::Bearer("token".to_owned())
            .authorization()
            .expect("a good token")
    }

    fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
        let mut found = request.headers.iter().filter(|(given, _)| *given == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert_eq!(found.next(), None, "{name} is there twice");
        value
    }

    fn body_of(statements: &[&[u8]]) -> Vec<u8> {
        let request = post(&endpoint(), None, XapiVersion::V1_0_3, statements);
        let body = request.body_bytes().expect("in memory").to_vec();
        assert_eq!(
            batch_bytes(statements.iter().map(|one| one.len())),
            body.len()
        );
        body
    }

    #[test]
    fn a_batch_keeps_the_bytes_of_its_statements() {
        assert_eq!(body_of(&[b"{ \"a\": 1.0 }"]), b"{ \"a\": 1.0 }");
        assert_eq!(body_of(&[b"{\"a\":1}", b"{ }"]), b"[{\"a\":1},{ }]");
        assert_eq!(body_of(&[b"{}", b"{}", b"{}"]), b"[{},{},{}]");
        let none = post::<&[u8]>(&endpoint(), None, XapiVersion::V1_0_3, &[]);
        assert_eq!(none.body, Some(b"[]".to_vec().into()));
        assert_eq!(batch_bytes([]), 0);
    }

    #[test]
    fn a_post_says_who_what_and_in_which_version() {
        let request = post(
            &endpoint(),
            Some(&authorization()),
            XapiVersion::V1_0_3,
            &[b"{}"],
        );
        assert_eq!(request.method, Method::Post);
        assert_eq!(request.url, "https://lrs.example/xAPI/statements");
        assert_eq!(header(&request, "X-Experience-API-Version"), Some("1.0.3"));
        assert_eq!(header(&request, "Content-Type"), Some("application/json"));
        assert_eq!(header(&request, "Accept"), Some("application/json"));
        assert_eq!(header(&request, "Authorization"), Some("Bearer token"));
        assert_eq!(header(&request, "Accept-Encoding"), Some("identity"));
        assert_eq!(request.headers.len(), 5);
    }

    #[test]
    fn contents_follow_their_statements_byte_for_byte() {
        let first = Uuid::from_u128(7);
        let part = ContentsPart {
            sha2: "bbc2367639e4b91f59d18107dee010783a68817f9a9ebae802246a9aa02f08ab",
            content_type: "text/plain",
            octets: b"knot tied in 41 s",
        };
        let made = |statements: &[&[u8]], parts: &[ContentsPart<'_>]| {
            let parts = (first, parts.iter().copied());
            post_with_contents(&endpoint(), None, XapiVersion::V1_0_3, statements, parts).unwrap()
        };
        let request = made(&["{ \"ş\": 1 }".as_bytes()], &[part, part]);
        let content_type = header(&request, "Content-Type").unwrap();
        let boundary = content_type.split_once("boundary=").unwrap().1;
        let expected = format!(
            "--{boundary}\r\nContent-Type: application/json\r\n\r\n[{{ \"\\u015f\": 1 }}]\r\n\
             --{boundary}\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\
             X-Experience-API-Hash: bbc2367639e4b91f59d18107dee010783a68817f9a9ebae802246a9aa02f08ab\r\n\
             Content-Length: 17\r\n\r\nknot tied in 41 s\r\n--{boundary}--\r\n"
        );
        let body = request.body_bytes().unwrap();
        assert_eq!(str::from_utf8(body).unwrap(), expected);
        // What it is reckoned at is a little more than what it takes.
        let rest = made(&["{ \"ş\": 1 }".as_bytes()], &[]).body_len();
        let takes = body.len() as u64 - rest;
        let reckoned = part_bytes(&part) as u64;
        assert!(
            (takes..takes + 40).contains(&reckoned),
            "{takes} {reckoned}"
        );
        assert_eq!(made(&["{ \"ş\": 1 }".as_bytes()], &[part]), request);
        assert_eq!(statement_bytes("{ \"ş\": 1 }".as_bytes()), 15);
        let other = ContentsPart {
            content_type: "a/b",
            ..part
        };
        let both = made(&[b"{}", b"{}"], &[part, other]);
        let body = String::from_utf8_lossy(both.body_bytes().unwrap()).into_owned();
        assert_eq!(body.matches("X-Experience-API-Hash").count(), 2);
        assert!(body.contains("\r\n\r\n[{},{}]\r\n--"));
    }

    #[test]
    fn contents_are_asked_for_by_name() {
        let look_up = with_contents(get(&endpoint(), None, XapiVersion::V1_0_3, Uuid::nil()));
        assert!(
            look_up
                .url
                .ends_with("?statementId=00000000-0000-0000-0000-000000000000&attachments=true")
        );
        let accepted = header(&look_up, "Accept").unwrap();
        assert_eq!(accepted, "multipart/mixed, application/json");
    }

    #[test]
    fn a_look_up_names_its_id_in_lower_case_and_nothing_else() {
        let id = Uuid::from_u128(0xABCD);
        let request = get(&endpoint(), None, XapiVersion::V2_0_0, id);
        assert_eq!(request.method, Method::Get);
        assert_eq!(
            request.url,
            "https://lrs.example/xAPI/statements?statementId=00000000-0000-0000-0000-00000000abcd"
        );
        assert_eq!(header(&request, "X-Experience-API-Version"), Some("2.0.0"));
        assert_eq!(header(&request, "Authorization"), None);
        assert_eq!(header(&request, "Content-Type"), None);
        assert_eq!(request.body, None);
        let voided = get_voided(&endpoint(), None, XapiVersion::V2_0_0, id);
        assert_eq!(
            voided.url,
            "https://lrs.example/xAPI/statements?voidedStatementId=00000000-0000-0000-0000-00000000abcd"
        );
    }

    #[test]
    fn about_may_be_asked_as_nobody() {
        let request = about(&endpoint(), None);
        assert_eq!(request.url, "https://lrs.example/xAPI/about");
        assert_eq!(header(&request, "Authorization"), None);
        let known = about(&endpoint(), Some(&authorization()));
        assert_eq!(header(&known, "Authorization"), Some("Bearer token"));
    }

    #[test]
    fn the_time_out_grows_with_the_batch_up_to_its_bound() {
        assert_eq!(timeout(0, 0), BASE_TIMEOUT);
        assert_eq!(timeout(50, 512 * 1024), Duration::from_secs(30 + 5 + 64));
        assert_eq!(timeout(usize::MAX, usize::MAX), LONGEST_TIMEOUT);
    }
}
