//! LRSs in memory, as the app's own transport reaches them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::Value;

use crate::{BodyPiece, Header, Method, Request, Response, Transport, TransportError, Url, Uuid};

/// An LRS in memory.
#[derive(Default)]
pub(super) struct Lrs {
    pub(super) stored: BTreeMap<String, Value>,
    pub(super) down: bool,
    /// The token it takes; none: anybody's.
    pub(super) token: Option<&'static str>,
    /// Every `Authorization` that came here.
    pub(super) seen: BTreeSet<String>,
}

/// LRSs by the names of their hosts.
#[derive(Default)]
pub(super) struct World(Mutex<BTreeMap<String, Lrs>>);

impl World {
    pub(super) fn with<T>(&self, host: &str, work: impl FnOnce(&mut Lrs) -> T) -> T {
        work(self.0.lock().unwrap().entry(host.to_owned()).or_default())
    }

    pub(super) fn has(&self, host: &str) -> BTreeSet<Uuid> {
        let ids = |lrs: &mut Lrs| lrs.stored.keys().map(|id| id.parse().unwrap()).collect();
        self.with(host, ids)
    }

    pub(super) fn seen(&self, host: &str) -> Vec<String> {
        self.with(host, |lrs| lrs.seen.iter().cloned().collect())
    }
}

fn answer(status: i32, body: &str) -> Response {
    Response {
        status,
        headers: vec![Header {
            name: "X-Experience-API-Version".to_owned(),
            value: "2.0.0".to_owned(),
        }],
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

impl Lrs {
    fn answer(&mut self, request: &Request) -> Response {
        let mut headers = request.headers.iter();
        let given = headers.find(|header| header.name == "Authorization");
        let given = given.map(|header| header.value.clone());
        self.seen.extend(given.clone());
        let Url(url) = &request.url;
        if url.ends_with("/about") {
            return answer(200, r#"{"version":["2.0.0"]}"#);
        }
        let wanted = self.token.map(|token| format!("Bearer {token}"));
        if wanted.is_some() && wanted != given {
            return answer(401, "who are you");
        }
        if request.method == Method::Get {
            let id = url.split("statementId=").nth(1);
            return match id.and_then(|id| self.stored.get(id)) {
                Some(copy) => answer(200, &copy.to_string()),
                None => answer(404, ""),
            };
        }
        let [BodyPiece::Bytes { bytes }] = request.body.as_ref().unwrap().pieces.as_slice() else {
            panic!("a batch lies in memory")
        };
        let text = String::from_utf8(bytes.clone()).unwrap();
        let batch = match serde_json::from_str(&text).unwrap() {
            Value::Array(batch) => batch,
            one => vec![one],
        };
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        let is_other = |one: &Value| self.stored.get(&id(one)).is_some_and(|copy| copy != one);
        if batch.iter().any(is_other) {
            return answer(409, "there is another one");
        }
        let ids: Vec<_> = batch.iter().map(id).collect();
        self.stored
            .extend(batch.into_iter().map(|one| (id(&one), one)));
        answer(200, &serde_json::to_string(&ids).unwrap())
    }
}

impl Transport for World {
    fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let host = request.url.0.split('/').nth(2).unwrap().to_owned();
        self.with(&host, |lrs| {
            if lrs.down {
                return Err(TransportError::Unreachable {
                    reason: "no route".to_owned(),
                });
            }
            Ok(lrs.answer(&request))
        })
    }
}
