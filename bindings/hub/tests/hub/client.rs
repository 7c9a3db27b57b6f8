//! A hub on a free port, and somebody to talk to it over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pannier_hub::{Hub, Options, Running};
use reqwest::{Client, Method, header::HeaderMap};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

pub struct Lrs {
    pub hub: Running,
    runtime: Runtime,
    client: Client,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// The headers of a well-behaved request.
pub const USUAL: &[(&str, &str)] = &[
    ("authorization", "Basic bWU6c2VjcmV0"),
    ("x-experience-api-version", "2.0.0"),
    ("content-type", "application/json"),
];

impl Lrs {
    pub fn start() -> Self {
        Self::of(Hub::start(&Options::new("me", "secret")).unwrap())
    }

    pub fn of(hub: Running) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        assert_eq!(STANDARD.encode("me:secret"), &USUAL[0].1["Basic ".len()..]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            hub,
            runtime,
            client: Client::new(),
        }
    }

    /// Sends just this to a path under the base.
    pub fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        let origin = self.hub.url().replace("/xAPI", "");
        let path = if path.starts_with("/xAPI") {
            path.to_owned()
        } else {
            format!("/xAPI{path}")
        };
        let method: Method = method.parse().unwrap();
        let mut request = self
            .client
            .request(method, format!("{origin}{path}"))
            .body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Answer {
                status,
                headers,
                body: response.bytes().await?.to_vec(),
            })
        })
    }

    /// Sends with the usual headers, of which some may be replaced.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        other: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let usual = USUAL
            .iter()
            .filter(|(name, _)| other.iter().all(|(replaced, _)| replaced != name));
        let headers: Vec<_> = usual.chain(other).copied().collect();
        self.raw(method, path, &headers, body).unwrap()
    }

    pub fn post(&self, statements: &Value) -> Answer {
        self.send("POST", "/statements", &[], statements.to_string())
    }

    /// Posts what must be taken, and gives the ids.
    pub fn stored(&self, statements: &Value) -> Vec<String> {
        let answer = self.post(statements);
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub fn get(&self, query: &[(&str, &str)]) -> Answer {
        self.send("GET", &path(query), &[], "")
    }

    /// The ids of a list, in its order.
    pub fn ids(&self, query: &[(&str, &str)]) -> Vec<String> {
        ids(&self.get(query).json())
    }
}

/// A query string for the Statement Resource.
pub fn path(query: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("/statements?{query}")
}

pub fn ids(result: &Value) -> Vec<String> {
    let statements = result["statements"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {result}"));
    statements
        .iter()
        .map(|statement| statement["id"].as_str().unwrap().to_owned())
        .collect()
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error of a refusal with this status, which is always JSON.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert!(!body["error"].as_str().unwrap().is_empty());
        body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub fn id() -> String {
    Uuid::new_v4().to_string()
}

/// A small valid statement with this id.
pub fn statement(id: &str) -> Value {
    json!({
        "id": id,
        "actor": {"mbox": "mailto:ann@example.org", "name": "Ann"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": "http://example.org/activities/train"},
        "timestamp": "2026-03-01T10:00:00.000Z",
    })
}

/// A statement that voids another.
pub fn voiding(target: &str) -> Value {
    json!({
        "id": id(),
        "actor": {"mbox": "mailto:teacher@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": target},
    })
}
