//! What comes of a request at whoever answers it, and the answers that there are.

use pannier::lrs::Response;
use pannier::store::Millis;
use uuid::Uuid;

use crate::sim::lrs::http_date;

/// What comes of a request. Times are milliseconds from its arrival.
#[derive(Debug)]
pub struct Served {
    /// What is answered; none: the connection breaks.
    pub answer: Option<Response>,
    /// When.
    pub took: Millis,
    /// The answer is the LRS's own and says so: it is at it no longer.
    pub own: bool,
    /// The LRS has seen the request.
    pub reached: bool,
    /// Which statements of the batch it stores, and when; later than `took` only where the end is not its
    /// own.
    pub stores: Vec<(usize, Millis)>,
    /// How much longer than `took` it is at it.
    pub tail: Millis,
    /// How long it does not show what it stores.
    pub lag: Millis,
    /// Statements of a batch of more than one that the answer names as refused.
    pub named: Vec<Uuid>,
    /// The statement that is shown, as it was sent.
    pub shown: Option<(Uuid, Vec<u8>)>,
    /// The contents that are shown with it.
    pub contents: Vec<Vec<u8>>,
    /// What it stores, it stores without its contents.
    pub bare: bool,
}

impl Served {
    /// An answer that changes nothing.
    pub fn said(answer: Response, own: bool) -> Self {
        Self {
            answer: Some(answer),
            took: 5,
            own,
            reached: own,
            stores: Vec::new(),
            tail: 0,
            lag: 0,
            named: Vec::new(),
            shown: None,
            contents: Vec::new(),
            bare: false,
        }
    }

    /// No answer: it hangs for longer than the device waits, or cuts the connection.
    pub fn silent(hangs: bool, timeout: Millis) -> Self {
        Self {
            answer: None,
            took: if hangs { 2 * timeout } else { 5 },
            own: false,
            reached: true,
            stores: Vec::new(),
            tail: 0,
            lag: 0,
            named: Vec::new(),
            shown: None,
            contents: Vec::new(),
            bare: false,
        }
    }
}

/// The header by which an LRS says that it is one.
pub const MARK: &str = "X-Experience-API-Version";

/// An answer with a body of this type.
pub fn answer(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Response {
    let headers = match kind {
        "" => Vec::new(),
        kind => vec![("Content-Type".to_owned(), kind.to_owned())],
    };
    Response {
        status,
        headers,
        body: body.into(),
        cut: false,
    }
}

/// JSON.
pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Response {
    answer(status, "application/json", body)
}

/// A sentence.
pub fn sentence(status: u16, body: &str) -> Response {
    answer(status, "text/plain", body)
}

/// A page.
pub fn page(status: u16) -> Response {
    let mut page = answer(
        status,
        "text/html; charset=utf-8",
        "<!DOCTYPE html><html><title>Log in</title><body>Welcome</body></html>",
    );
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        with(&mut page, "Location", "https://login.example/");
    }
    page
}

/// Adds a header.
pub fn with(answer: &mut Response, name: &str, value: &str) {
    answer.headers.push((name.to_owned(), value.to_owned()));
}

/// A JSON array of ids.
pub fn array<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(","))
}

/// How long somebody asks to wait, and whether that is said in a way that cannot be misread.
pub fn ask_to_wait(
    answer: &mut Response,
    rng: &mut fastrand::Rng,
    clock: Millis,
) -> Option<Millis> {
    let seconds = [1, 5, 30, 120, 3_600, 7_200][rng.usize(..6)];
    match rng.u32(..6) {
        0..3 => {
            with(answer, "Retry-After", &seconds.to_string());
            Some(seconds * 1000)
        }
        3 => {
            // Its own clock says both.
            answer.headers.retain(|(name, _)| name != "Date");
            with(answer, "Date", &http_date(clock));
            with(answer, "Retry-After", &http_date(clock + seconds * 1000));
            // A `Date` has no parts of a second.
            Some((seconds - 1) * 1000)
        }
        _ => {
            let odd = [
                "-5",
                "soon",
                "",
                "1e9",
                "99999999999999999999",
                "0",
                "1.5, 3",
            ];
            with(answer, "Retry-After", odd[rng.usize(..odd.len())]);
            None
        }
    }
}
