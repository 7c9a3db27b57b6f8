//! An LRS in the process itself: no socket, no other process, and whoever asks hears what it stores
//! before it answers. It takes everything, and loses an answer now and then if it is told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use pannier::Uuid;
use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::transport::{Exchange, Transport};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Told of what is stored, before it is answered.
type Tell = Box<dyn Fn(&[Uuid]) + Send + Sync>;

/// The LRS.
pub struct MemoryLrs {
    state: Mutex<State>,
    tell: Tell,
    loses: usize,
    keeps: bool,
}

#[derive(Default)]
struct State {
    statements: BTreeMap<Uuid, String>,
    posts: usize,
}

#[derive(Deserialize)]
struct Sent {
    id: Uuid,
}

impl MemoryLrs {
    /// One that tells what it stores. Every so many-th POST is stored and its answer lost; 0: none.
    pub fn new(tell: impl Fn(&[Uuid]) + Send + Sync + 'static, loses: usize) -> Self {
        Self {
            state: Mutex::default(),
            tell: Box::new(tell),
            loses,
            keeps: true,
        }
    }

    /// One that takes statements and keeps nothing, so that it needs no memory.
    pub fn forgetful() -> Self {
        Self {
            keeps: false,
            ..Self::new(|_| {}, 0)
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics in here")
    }

    fn store(&self, body: &[u8]) -> Result<Response, TransportError> {
        let texts: Vec<&RawValue> = serde_json::from_slice(body)
            .or_else(|_| serde_json::from_slice(body).map(|one| vec![one]))
            .expect("a POST has statements in it");
        let mut ids = Vec::with_capacity(texts.len());
        let mut state = self.lock();
        state.posts += 1;
        let lost = self.loses > 0 && state.posts.is_multiple_of(self.loses);
        for text in texts {
            let sent: Sent = serde_json::from_str(text.get()).expect("it is sent with an id");
            if self.keeps {
                state.statements.insert(sent.id, text.get().to_owned());
            }
            ids.push(sent.id);
        }
        drop(state);
        (self.tell)(&ids);
        if lost {
            return Err(TransportError::Broken("the answer is lost".to_owned()));
        }
        Ok(says(200, json!(ids).to_string()))
    }

    fn show(&self, url: &str) -> Response {
        let id = url.split_once("tatementId=").map(|(_, id)| id);
        let Some(id) = id.and_then(|id| id.get(..36)) else {
            return says(200, r#"{"version":["1.0.3","2.0.0"]}"#.to_owned());
        };
        let id: Uuid = id.parse().expect("an id");
        match self.lock().statements.get(&id) {
            Some(text) => says(200, text.clone()),
            None => says(404, String::new()),
        }
    }
}

impl Transport for MemoryLrs {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        let answer = match request.method {
            Method::Get => Ok(self.show(&request.url)),
            Method::Post => self.store(request.body_bytes().unwrap_or_default()),
            other => panic!("{other:?} is not for statements"),
        };
        Box::pin(async move { answer })
    }
}

fn says(status: u16, body: String) -> Response {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Response {
        status,
        headers: vec![
            header("Content-Type", "application/json"),
            header("X-Experience-API-Version", "1.0.3"),
        ],
        body: body.into_bytes(),
        cut: false,
    }
}
