//! A scripted LRS: a value that answers requests in virtual time.
//!
//! What is sent to it takes time: a request is under way from its arrival until `visible_from` of
//! what it stored. A second request with the same statements in that time is what doubles them on
//! one of the real ones, and is reported in [`Served::overlapping`].

pub mod character;
mod get;
pub mod post;

use std::collections::{BTreeMap, BTreeSet};

use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::store::Millis;
use uuid::Uuid;

use character::{About, Character, Echoes};

use super::statement::Kind;

/// What it has under an id.
#[derive(Debug, Clone)]
pub struct Stored {
    /// As it was sent.
    pub sent: Vec<u8>,
    /// When the request that brought it was done.
    pub visible_from: Millis,
    /// How many copies there are.
    pub copies: u32,
}

/// How a request ends for the LRS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It answers.
    Whole,
    /// The device hangs up after so long.
    HungUp(Millis),
    /// The LRS is killed while it is at it, and started again.
    Dies,
}

/// What came of a request.
#[derive(Debug)]
pub struct Served {
    /// The answer, or that the connection was reset.
    pub outcome: Result<Response, TransportError>,
    /// How long the LRS was at it.
    pub took: Millis,
    /// Statements that another request was still under way with.
    pub overlapping: Vec<Uuid>,
}

/// One LRS and what it has.
#[derive(Debug)]
pub struct Lrs {
    /// How it behaves.
    pub character: Character,
    /// What it has.
    pub stored: BTreeMap<Uuid, Stored>,
    /// What it ever had, also before it lost its data, by id; the bytes it was sent.
    pub ever: BTreeMap<Uuid, Vec<Vec<u8>>>,
    /// What is voided.
    pub voided: BTreeSet<Uuid>,
    /// What was voided before it last lost its data.
    pub lost_voided: BTreeSet<Uuid>,
    /// Its clock minus the true time.
    pub ahead: Millis,
    /// Where it lives.
    pub base: String,
    /// What is answered where it lived before: 301, 308, 404 or 410.
    pub moved: u16,
    /// Which password is right.
    pub password: u32,
    /// Most bytes of a body.
    pub max_bytes: usize,
    /// It forbids voidings (403).
    pub forbids_voiding: bool,
    /// When it last lost its data.
    pub lost_at: Option<Millis>,
    /// For a character that writes once: it has written.
    pub worn_out: bool,
    /// It takes so much longer now.
    pub slower: Millis,
    /// How the request that comes now ends for it.
    pub end: End,
    /// Most batches at once; it fails on one more.
    pub bears: usize,
    /// When it was or will be at batches, as far as that matters still.
    busy: Vec<(Millis, Millis)>,
    minute: (Millis, u32),
}

impl Lrs {
    /// An empty one.
    pub fn new(character: Character) -> Self {
        Self {
            character,
            stored: BTreeMap::new(),
            ever: BTreeMap::new(),
            voided: BTreeSet::new(),
            lost_voided: BTreeSet::new(),
            ahead: 0,
            base: "https://lrs.example/xAPI".to_owned(),
            moved: 404,
            password: 0,
            max_bytes: usize::MAX,
            forbids_voiding: false,
            lost_at: None,
            worn_out: false,
            slower: 0,
            end: End::Whole,
            bears: usize::MAX,
            busy: Vec::new(),
            minute: (0, 0),
        }
    }

    /// It has this from elsewhere.
    pub fn put(&mut self, id: Uuid, sent: Vec<u8>, visible_from: Millis) {
        self.ever.entry(id).or_default().push(sent.clone());
        self.stored
            .entry(id)
            .and_modify(|stored| {
                stored.copies += 1;
                stored.visible_from = stored.visible_from.max(visible_from);
            })
            .or_insert(Stored {
                sent,
                visible_from,
                copies: 1,
            });
    }

    /// It loses everything and starts empty.
    pub fn lose(&mut self, now: Millis) {
        self.stored.clear();
        self.lost_voided = std::mem::take(&mut self.voided);
        self.lost_at = Some(now);
    }

    /// It was given exactly this at some time.
    pub fn ever_had(&self, id: Uuid, body: &[u8]) -> bool {
        self.ever
            .get(&id)
            .is_some_and(|all| all.iter().any(|sent| sent == body))
    }

    /// It would take a statement of this kind sooner or later.
    pub fn takes_2_0(&self) -> bool {
        // One that does not say what it speaks is spoken to in 1.0.3 as long as it answers to it.
        let versions = self.character.versions;
        match self.character.about {
            About::Lists => versions.contains(&pannier::XapiVersion::V2_0_0),
            About::Missing | About::Secret => versions == [pannier::XapiVersion::V2_0_0],
        }
    }

    /// Answers a request that arrives now.
    pub fn answer(&mut self, request: &Request, now: Millis) -> Served {
        let (mut served, path) = match request.url.strip_prefix(&self.base) {
            None => (self.elsewhere(request), ""),
            Some(path) => (self.obey(request, path, now), path),
        };
        if let Ok(answer) = &mut served.outcome {
            let date = http_date(now + served.took + self.ahead);
            answer.headers.push(("Date".to_owned(), date));
            let echoed = match self.character.echoes {
                Echoes::Asked => header(request, "X-Experience-API-Version"),
                Echoes::Always(version) if path != "/about" => Some(version.as_str()),
                Echoes::Always(_) | Echoes::Nothing => None,
            };
            if let Some(version) = echoed {
                answer
                    .headers
                    .push(("X-Experience-API-Version".to_owned(), version.to_owned()));
            }
        }
        served
    }

    /// What is left where it lived before.
    fn elsewhere(&self, request: &Request) -> Served {
        let mut served = said(self.moved, "there is nothing here any more");
        if let Ok(answer) = &mut served.outcome
            && self.moved < 400
        {
            let path = request.url.rsplit('/').next().unwrap_or_default();
            let to = format!("{}/{path}", self.base);
            answer.headers.push(("Location".to_owned(), to));
        }
        served
    }

    fn obey(&mut self, request: &Request, path: &str, now: Millis) -> Served {
        if let Some(served) = self.too_many(now) {
            return served;
        }
        let is_post = request.method == Method::Post;
        if path == "/about" {
            return match self.character.about {
                About::Lists => {
                    let listed: Vec<_> = self
                        .character
                        .versions
                        .iter()
                        .map(|v| format!("\"{v}\""))
                        .collect();
                    said(200, &format!("{{\"version\":[{}]}}", listed.join(",")))
                }
                About::Missing => said(404, "{\"detail\":\"Not Found\"}"),
                About::Secret => said(401, "log in"),
            };
        }
        let login = header(request, "Authorization");
        if login != Some(&*authorization(self.password)) {
            let character = &self.character;
            let status = match login {
                Some(login) if !login.starts_with("Basic ") => character.garbled_login,
                _ if !is_post => 401,
                Some(_) => character.wrong_login,
                None => character.no_login,
            };
            return said(status, "who are you?");
        }
        let version = header(request, "X-Experience-API-Version");
        let versions = self.character.versions;
        if !versions.is_empty() && !versions.iter().any(|v| Some(v.as_str()) == version) {
            return said(400, "unknown version");
        }
        match (request.body_bytes(), path.split_once('?')) {
            (Some(body), None) if is_post => self.beside_others(now, |lrs| lrs.post(body, now)),
            (None, Some((_, query))) if !is_post => self.get(query, now),
            _ => said(405, "no"),
        }
    }

    /// Does what a request asks for unless it is at too many already.
    fn beside_others(&mut self, now: Millis, work: impl FnOnce(&mut Self) -> Served) -> Served {
        // Requests that left later may arrive earlier, but not by so much.
        self.busy.retain(|(_, done)| *done > now - 600_000);
        let at_once = |&&(from, done): &&(Millis, Millis)| from <= now && now < done;
        if self.busy.iter().filter(at_once).count() >= self.bears {
            return said(500, "deadlock detected");
        }
        let served = work(self);
        self.busy.push((now, now + served.took));
        served
    }

    fn too_many(&mut self, now: Millis) -> Option<Served> {
        let most = self.character.a_minute?;
        if now >= self.minute.0 + 60_000 {
            self.minute = (now, 0);
        }
        self.minute.1 += 1;
        if self.minute.1 <= most {
            return None;
        }
        let wait = (self.minute.0 + 60_000 - now).div_euclid(1000) + 1;
        let mut served = said(429, "too many requests");
        if let Ok(answer) = &mut served.outcome {
            // Both forms there are, in turn.
            let value = if self.minute.1.is_multiple_of(2) {
                wait.to_string()
            } else {
                http_date(now + self.ahead + wait * 1000)
            };
            answer.headers.push(("Retry-After".to_owned(), value));
        }
        Some(served)
    }
}

/// The header that a device with this password sends.
pub fn authorization(password: u32) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("app:secret-{password}"));
    format!("Basic {pair}")
}

/// What kind of statement an LRS sees in one.
fn kind_of(object: &str) -> &str {
    object
        .strip_prefix("http://example.com/")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default()
}

fn is(object: &str, kind: Kind) -> bool {
    kind_of(object) == kind.word()
}

/// A header of a request.
pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .iter()
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value.as_str())
}

/// An answer of JSON or of words.
pub(super) fn answer(status: u16, body: &str) -> Response {
    let kind = if body.starts_with(['[', '{', 'n']) {
        "application/json"
    } else {
        "text/plain"
    };
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), kind.to_owned())],
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

fn said(status: u16, body: &str) -> Served {
    Served {
        outcome: Ok(answer(status, body)),
        took: 5,
        overlapping: Vec::new(),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub fn http_date(at: Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", at).unwrap_or_default()
}
