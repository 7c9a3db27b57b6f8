//! Asks an LRS what it has, as a third party would: over HTTP, with none of Pannier's code.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;
use uuid::Uuid;

/// A client of one LRS.
#[derive(Debug)]
pub struct Ask {
    base: String,
    user: String,
    password: String,
    page: usize,
    client: Client,
}

impl Ask {
    /// A client of the LRS at a base URL like `http://127.0.0.1:8080/xAPI`, which lists so many
    /// statements at once.
    pub fn new(base: &str, user: &str, password: &str, page: usize) -> Self {
        // Whether another test has installed one before makes no difference.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(2))
            .build()
            .expect("a client without special wishes");
        Self {
            base: base.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            page,
            client,
        }
    }

    /// The statement with this id, if the LRS has it and it is not voided. Some LRSs answer with
    /// `null` or an empty list where others have a 404, some wrap the statement in a list.
    pub fn get(&self, id: Uuid) -> Option<Value> {
        let answer = self.send(
            self.client
                .get(self.statements(&format!("?statementId={id}"))),
        );
        if answer.status() == 404 {
            return None;
        }
        let mut found = json(answer);
        match found.get_mut("statements") {
            Some(list) => list.as_array_mut().expect("a list of statements").pop(),
            None => Some(found).filter(|found| !found.is_null()),
        }
    }

    /// Everything the LRS lists, page after page, by id. An id that is listed twice is a failure.
    pub fn all_statements(&self) -> BTreeMap<Uuid, Value> {
        let mut all = BTreeMap::new();
        let first = self.statements(&format!("?limit={}", self.page));
        let mut page = json(self.send(self.client.get(first)));
        loop {
            for statement in page["statements"]
                .as_array_mut()
                .expect("a list of statements")
            {
                let id = statement["id"]
                    .as_str()
                    .and_then(|id| id.parse().ok())
                    .expect("a statement has an id");
                let before = all.insert(id, statement.take());
                assert!(
                    before.is_none(),
                    "the LRS has one statement twice: {before:?}"
                );
            }
            match page["more"].as_str() {
                None | Some("") => return all,
                Some(more) => page = json(self.send(self.client.get(self.absolute(more)))),
            }
        }
    }

    /// Stores statements directly, past any collector.
    pub fn post(&self, statements: &Value) {
        let request = self
            .client
            .post(self.statements(""))
            .header("Content-Type", "application/json");
        let answer = self.send(request.body(statements.to_string()));
        assert!(
            answer.status().is_success(),
            "{} to a POST of {statements}",
            answer.status()
        );
    }

    fn statements(&self, query: &str) -> String {
        format!("{}/statements{query}", self.base)
    }

    /// `more` is a path on some LRSs and a whole address on others.
    fn absolute(&self, more: &str) -> reqwest::Url {
        let base = reqwest::Url::parse(&self.base).expect("the base is an address");
        base.join(more).expect("a link to more statements")
    }

    fn send(&self, request: RequestBuilder) -> Response {
        request
            .basic_auth(&self.user, Some(&self.password))
            .header("X-Experience-API-Version", "1.0.3")
            .send()
            .expect("the LRS answers")
    }
}

fn json(answer: Response) -> Value {
    let (status, text) = (
        answer.status(),
        answer.text().expect("the LRS answers with text"),
    );
    assert!(status.is_success(), "{status} to a GET: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
