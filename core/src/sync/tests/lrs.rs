//! An LRS by script: what it likes, and what goes wrong with one request.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::lrs::multipart::{Boundary, Part, parts};
use crate::lrs::{Credentials, Endpoint, Method, Request, Response, TransportError};
use crate::store::Millis;

/// What an LRS does with what it has already.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum OnKnown {
    /// It never names any, new or not.
    Nothing,
    AllIds,
    NewIds,
    NoContent,
    Refuse {
        naming: bool,
    },
}

/// What an LRS does with a request with contents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum OnContents {
    Take,
    /// It takes no multipart.
    Refuse(u16),
    /// It gives no answer to so many bytes of contents and more. It keeps the statements, but not the contents.
    HangFrom(usize),
    /// It fails with this status. It keeps the statements, but not the contents.
    FailAndKeep(u16),
    /// It takes them, and changes the contents that it keeps.
    Change,
}

/// What it shows of contents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ShowsContents {
    /// Those that it has.
    All,
    /// None: it does not know the question.
    None,
    /// It answers so where the contents are not there.
    Fails(u16),
}

/// What goes wrong with one request; afterwards all is well.
#[derive(Clone)]
pub(super) enum Fault {
    None,
    Response(u16, Vec<(&'static str, String)>, &'static str),
    /// The same from something before the LRS, or in its place.
    Stranger(u16, &'static str),
    LoseAnswer,
    Fail(TransportError),
}

pub(super) type Instead = Box<dyn FnMut(&Request, Millis) -> Option<Response>>;

#[allow(clippy::struct_excessive_bools)] // Each is a habit of its own.
pub(super) struct Lrs {
    pub(super) stored: BTreeMap<Uuid, Value>,
    pub(super) voided: HashSet<Uuid>,
    pub(super) on_known: OnKnown,
    /// POSTs with one of these are answered by this status.
    pub(super) dislikes: BTreeMap<Uuid, u16>,
    pub(super) names_culprit: bool,
    /// It is not the LRS that dislikes them, but something before it.
    pub(super) before_it: bool,
    /// And that reports as one LRS does.
    pub(super) reports: bool,
    /// GETs of these are answered by 500.
    pub(super) cannot_show: HashSet<Uuid>,
    /// GETs of these are answered by 401, though it knows us.
    pub(super) hides: HashSet<Uuid>,
    /// The connection breaks under a POST with one of these.
    pub(super) cuts: HashSet<Uuid>,
    pub(super) max_bytes: usize,
    pub(super) versions: Vec<&'static str>,
    pub(super) password: String,
    pub(super) may_read: bool,
    /// What it says to who may not.
    pub(super) forbids_by: u16,
    /// It answers no such question, and says so by 400.
    pub(super) knows_no_looking: bool,
    /// Its clock minus the device's.
    pub(super) ahead: Millis,
    /// How much it says that it is behind with what it shows.
    pub(super) behind: Option<Millis>,
    /// It fails on each batch, after storing it.
    pub(super) fails_after_storing: bool,
    pub(super) faults: VecDeque<Fault>,
    /// Who may answer in its place, by the request and the time.
    pub(super) instead: Instead,
    pub(super) on_contents: OnContents,
    pub(super) shows_contents: ShowsContents,
    /// Contents of statements, as they came.
    pub(super) contents: BTreeMap<Uuid, Vec<Vec<u8>>>,
    /// Statements of which it has said that it has them with their contents.
    pub(super) vouched: HashSet<Uuid>,
    pub(super) posts: Vec<usize>,
    /// Of these the ones with contents: how many statements, and how many contents.
    pub(super) posts_with_contents: Vec<(usize, usize)>,
    pub(super) gets: usize,
    pub(super) requests: usize,
}

impl Lrs {
    pub(super) fn new() -> Self {
        Self {
            stored: BTreeMap::new(),
            voided: HashSet::new(),
            on_known: OnKnown::AllIds,
            dislikes: BTreeMap::new(),
            names_culprit: false,
            before_it: false,
            reports: false,
            cannot_show: HashSet::new(),
            hides: HashSet::new(),
            cuts: HashSet::new(),
            max_bytes: usize::MAX,
            versions: vec!["1.0.3", "2.0.0"],
            password: "secret".into(),
            may_read: true,
            forbids_by: 403,
            knows_no_looking: false,
            ahead: 0,
            behind: None,
            fails_after_storing: false,
            faults: VecDeque::new(),
            instead: Box::new(|_, _| None),
            on_contents: OnContents::Take,
            shows_contents: ShowsContents::All,
            contents: BTreeMap::new(),
            vouched: HashSet::new(),
            posts: Vec::new(),
            posts_with_contents: Vec::new(),
            gets: 0,
            requests: 0,
        }
    }

    pub(super) fn perform(
        &mut self,
        request: &Request,
        now: Millis,
    ) -> Result<Response, TransportError> {
        self.requests += 1;
        let date = jiff::Timestamp::from_millisecond(now + self.ahead).unwrap();
        let date = jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", date).unwrap();
        let mut outcome = match (self.instead)(request, now) {
            Some(answer) => Ok(answer),
            None => self.answer(request),
        };
        if let Ok(answer) = &mut outcome {
            answer.headers.push(("Date".into(), date));
            if let Some(behind) = self.behind {
                let through = jiff::Timestamp::from_millisecond(now + self.ahead - behind).unwrap();
                let name = "X-Experience-API-Consistent-Through".to_owned();
                answer.headers.push((name, through.to_string()));
            }
        }
        outcome
    }

    fn answer(&mut self, request: &Request) -> Result<Response, TransportError> {
        match self.faults.pop_front() {
            Some(Fault::Fail(failure)) => Err(failure),
            Some(Fault::Response(status, headers, body)) => {
                Ok(answer(status, &headers, body.to_owned()))
            }
            Some(Fault::Stranger(status, body)) => Ok(Response {
                headers: Vec::new(),
                ..answer(status, &[], body.to_owned())
            }),
            Some(Fault::LoseAnswer) => {
                let vouched = self.vouched.clone();
                self.take(request)?;
                self.vouched = vouched;
                Err(TransportError::Broken("reset".into()))
            }
            Some(Fault::None) | None if self.is_cut(request) => {
                Err(TransportError::Broken("cut".into()))
            }
            Some(Fault::None) | None => self.take(request),
        }
    }

    fn take(&mut self, request: &Request) -> Result<Response, TransportError> {
        if parts_of(request).is_some() {
            self.with_contents(request)
        } else {
            Ok(self.obey(request))
        }
    }

    fn is_cut(&self, request: &Request) -> bool {
        let body = String::from_utf8_lossy(request.body_bytes().unwrap_or_default());
        self.cuts.iter().any(|id| body.contains(&id.to_string()))
    }

    fn obey(&mut self, request: &Request) -> Response {
        let header = |name| {
            request
                .headers
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.clone())
        };
        if request.url.ends_with("/about") {
            return answer(200, &[], json!({ "version": self.versions }).to_string());
        }
        let expected = Credentials::Basic {
            user: "app".into(),
            password: self.password.clone(),
        };
        let expected = expected.authorization().unwrap();
        let shown = crate::lrs::requests::about(&endpoint(), Some(&expected));
        let expected = shown
            .headers
            .iter()
            .find(|(n, _)| *n == "Authorization")
            .map(|(_, v)| v.clone());
        if header("Authorization") != expected {
            // As one real LRS: 400 to a POST, 401 to a GET.
            let status = if request.method == Method::Post {
                400
            } else {
                401
            };
            return answer(status, &[], "no".into());
        }
        let version = header("X-Experience-API-Version").unwrap();
        if !self.versions.contains(&version.as_str()) {
            return answer(400, &[], "version".into());
        }
        match request.method {
            Method::Post => self.post(request.body_bytes().unwrap()),
            Method::Get => self.get(&request.url),
            other => panic!("{other:?} is not for statements"),
        }
    }

    /// What is said to a batch with one that is disliked.
    fn disliked(&self, ids: &[Uuid]) -> Option<Response> {
        for (at, id) in ids.iter().enumerate() {
            if let Some(status) = self.dislikes.get(id) {
                let words = if self.names_culprit {
                    format!("statements.{at}.verb")
                } else {
                    "bad".into()
                };
                if self.before_it {
                    let words = if self.reports {
                        json!({"ids": [], "errors": [{"index": at, "reason": "no"}]}).to_string()
                    } else {
                        "<html><title>Blocked</title></html>".to_owned()
                    };
                    return Some(Response {
                        headers: Vec::new(),
                        ..answer(*status, &[], words)
                    });
                }
                return Some(answer(*status, &[], words));
            }
        }
        None
    }

    fn post(&mut self, body: &[u8]) -> Response {
        let batch: Vec<Value> = match serde_json::from_slice(body).unwrap() {
            Value::Array(batch) => batch,
            one => vec![one],
        };
        self.posts.push(batch.len());
        if body.len() > self.max_bytes {
            return answer(413, &[], "too large".into());
        }
        let ids: Vec<Uuid> = batch
            .iter()
            .map(|s| s["id"].as_str().unwrap().parse().unwrap())
            .collect();
        if let Some(refusal) = self.disliked(&ids) {
            return refusal;
        }
        let other = ids
            .iter()
            .zip(&batch)
            .find(|(id, s)| self.stored.get(id).is_some_and(|had| had != *s));
        if other.is_some() {
            return answer(409, &[], String::new());
        }
        let new: Vec<_> = ids
            .iter()
            .filter(|id| !self.stored.contains_key(id))
            .copied()
            .collect();
        if let (OnKnown::Refuse { naming }, true) = (self.on_known, new.len() < ids.len()) {
            let known = ids.iter().find(|id| self.stored.contains_key(id)).unwrap();
            return answer(
                409,
                &[],
                if naming {
                    known.to_string()
                } else {
                    String::new()
                },
            );
        }
        for (id, statement) in ids.iter().zip(&batch) {
            if statement["verb"]["id"] == "http://adlnet.gov/expapi/verbs/voided" {
                let target = statement["object"]["id"].as_str().unwrap().parse().unwrap();
                // Only what came in an earlier request is voided, as on two real LRSs.
                if self.stored.contains_key(&target) && !ids.contains(&target) {
                    self.voided.insert(target);
                }
            }
            self.stored.insert(*id, statement.clone());
        }
        if self.fails_after_storing {
            return answer(500, &[], "failed".into());
        }
        match self.on_known {
            OnKnown::Nothing => answer(204, &[], String::new()),
            OnKnown::NoContent if new.is_empty() => answer(204, &[], String::new()),
            OnKnown::NewIds => answer(200, &[], json!(new).to_string()),
            _ => answer(200, &[], json!(ids).to_string()),
        }
    }

    fn get(&mut self, url: &str) -> Response {
        self.gets += 1;
        if self.knows_no_looking {
            return answer(400, &[], "no such parameter".into());
        }
        if !self.may_read {
            return answer(self.forbids_by, &[], "write only".into());
        }
        let query = url.split_once('?').unwrap().1;
        let with_contents = query.strip_suffix("&attachments=true");
        let (name, id) = with_contents.unwrap_or(query).split_once('=').unwrap();
        let id: Uuid = id.parse().unwrap();
        if self.hides.contains(&id) {
            return answer(401, &[], "not this one".into());
        }
        if self.cannot_show.contains(&id) {
            return answer(500, &[], "more than one".into());
        }
        let voided = self.voided.contains(&id);
        match self.stored.get(&id) {
            Some(found) if voided == (name == "voidedStatementId") => {
                let contents = self.contents.get(&id);
                match (self.shows_contents, with_contents) {
                    (ShowsContents::Fails(status), Some(_)) if contents.is_none() => {
                        answer(status, &[], "contents".into())
                    }
                    (ShowsContents::All | ShowsContents::Fails(_), Some(_)) => {
                        let contents = contents.cloned().unwrap_or_default();
                        in_parts(&found.to_string(), &contents)
                    }
                    _ => answer(200, &[], found.to_string()),
                }
            }
            _ => answer(404, &[], "none".into()),
        }
    }
}

pub(super) fn answer(status: u16, headers: &[(&str, String)], body: String) -> Response {
    let version = ("X-Experience-API-Version".to_owned(), "1.0.3".to_owned());
    let others = headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
    let headers = std::iter::once(version).chain(others).collect();
    Response {
        status,
        headers,
        body: body.into_bytes(),
        cut: false,
    }
}

pub(super) fn endpoint() -> Endpoint {
    Endpoint::parse("https://lrs.example/xAPI").unwrap()
}

/// Statements, and contents by their hashes.
type Parts = (Vec<u8>, Vec<(String, Vec<u8>)>);

/// Statements and contents of a request with contents.
fn parts_of(request: &Request) -> Option<Parts> {
    let mut headers = request.headers.iter();
    let (_, content_type) = headers.find(|(name, _)| *name == "Content-Type")?;
    let boundary = Boundary::of(content_type).ok()?;
    let found = parts(request.body_bytes().unwrap(), &boundary).unwrap();
    let (first, others) = found.split_first().unwrap();
    let content = |part: &Part<'_>| {
        let hash = part.head.get("X-Experience-API-Hash").unwrap();
        (hash.to_owned(), part.content.to_vec())
    };
    Some((first.content.to_vec(), others.iter().map(content).collect()))
}

fn in_parts(statement: &str, contents: &[Vec<u8>]) -> Response {
    let mut body = format!("--b\r\nContent-Type: application/json\r\n\r\n{statement}").into_bytes();
    for content in contents {
        body.extend_from_slice(b"\r\n--b\r\n\r\n");
        body.extend_from_slice(content);
    }
    body.extend_from_slice(b"\r\n--b--");
    let mut answer = answer(
        200,
        &[("Content-Type", "multipart/mixed; boundary=b".to_owned())],
        String::new(),
    );
    answer.body = body;
    answer
}

impl Lrs {
    /// A request with contents. Nothing comes bare: each hash that a statement names has its part.
    fn with_contents(&mut self, request: &Request) -> Result<Response, TransportError> {
        let (statements, contents) = parts_of(request).unwrap();
        let batch: Vec<Value> = serde_json::from_slice(&statements).unwrap();
        let named = |one: &Value| -> Vec<String> {
            let list = one["attachments"].as_array().unwrap();
            let hashes = list.iter().map(|it| it["sha2"].as_str().unwrap());
            hashes.map(str::to_owned).collect()
        };
        for one in &batch {
            for hash in named(one) {
                assert!(
                    contents.iter().any(|(sha2, _)| *sha2 == hash),
                    "{hash} is missing"
                );
            }
        }
        self.posts_with_contents.push((batch.len(), contents.len()));
        if let OnContents::Refuse(status) = self.on_contents {
            return Ok(answer(status, &[], "Invalid JSON body".into()));
        }
        let bytes: usize = contents.iter().map(|(_, content)| content.len()).sum();
        let hangs = matches!(self.on_contents, OnContents::HangFrom(from) if bytes >= from);
        let fails = match self.on_contents {
            OnContents::FailAndKeep(status) => Some(status),
            _ => None,
        };
        let had: HashSet<Uuid> = self.stored.keys().copied().collect();
        let stored = self.post(&statements);
        if matches!(stored.status, 200 | 204) && !hangs && fails.is_none() {
            for one in &batch {
                let id = one["id"].as_str().unwrap().parse().unwrap();
                if had.contains(&id) && stored.status == 204 {
                    // It says nothing of what it has, and looks at no content.
                    continue;
                }
                let mine = named(one);
                let mine = contents.iter().filter(|(sha2, _)| mine.contains(sha2));
                let mine = mine.map(|(_, content)| self.kept(content)).collect();
                self.contents.insert(id, mine);
                self.vouched.insert(id);
            }
        }
        if hangs {
            return Err(TransportError::TimedOut);
        }
        Ok(match fails {
            Some(status) => answer(status, &[], "failed".into()),
            None => stored,
        })
    }

    /// A content as it keeps it.
    fn kept(&self, content: &[u8]) -> Vec<u8> {
        match self.on_contents {
            OnContents::Change => [content, b"\n"].concat(),
            _ => content.to_vec(),
        }
    }
}
