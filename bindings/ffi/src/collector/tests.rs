//! The app's own code behind the border: transport, provider and listener.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use uniffi::UnexpectedUniFFICallbackError;

use super::*;
use crate::{
    CredentialsError, Ended, Event, Header, ListenerError, Problem, Request, Response,
    TransportError,
};

const STATEMENT: &str = r#"{"actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"https://example.com/did"},"object":{"id":"https://example.com/it"}}"#;

/// What an app's code that throws looks like from here.
fn thrown() -> UnexpectedUniFFICallbackError {
    UnexpectedUniFFICallbackError::new("java.lang.IllegalStateException: oh\n\tat a.B")
}

struct Doors {
    open_to: &'static str,
}

impl Transport for Doors {
    fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let given = request.headers.iter().find(|h| h.name == "Authorization");
        if self.open_to.is_empty() {
            return Err(thrown().into());
        }
        let status = match given {
            Some(header) if header.value == self.open_to => 503,
            _ => 401,
        };
        Ok(Response {
            status,
            // Without it, it is somebody else who asks for credentials.
            headers: vec![Header {
                name: "X-Experience-API-Version".to_owned(),
                value: "2.0.0".to_owned(),
            }],
            body: Vec::new(),
            cut: false,
        })
    }
}

struct Throws;

impl CredentialsProvider for Throws {
    fn credentials(&self) -> Result<Option<Credentials>, CredentialsError> {
        Err(thrown().into())
    }
}

impl EventListener for Throws {
    fn on_event(&self, _: Event) -> Result<(), ListenerError> {
        Err(thrown().into())
    }
}

struct Gives;

impl CredentialsProvider for Gives {
    fn credentials(&self) -> Result<Option<Credentials>, CredentialsError> {
        Ok(Some(Credentials::Bearer {
            token: "new".to_owned(),
        }))
    }
}

struct Hears(Mutex<Sender<Event>>);

impl EventListener for Hears {
    fn on_event(&self, event: Event) -> Result<(), ListenerError> {
        self.0
            .lock()
            .unwrap()
            .send(event)
            .map_err(|_| ListenerError::Failed {
                reason: "nobody hears".to_owned(),
            })
    }
}

fn trouble(transport: Doors, provider: Option<Arc<dyn CredentialsProvider>>) -> crate::Trouble {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        endpoint: Some(Url("https://lrs.example/xAPI".to_owned())),
        ..Config::default()
    };
    let path = folder.path().join("queue.db").display().to_string();
    let collector =
        BlockingCollector::open(path, config, Some(Arc::new(transport)), provider).unwrap();
    collector.record_json(STATEMENT.to_owned()).unwrap();
    match collector.sync(None).unwrap().ended {
        Ended::Waiting {
            trouble: Some(trouble),
            ..
        }
        | Ended::NeedsApp { trouble } => trouble,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_provider_is_asked_and_one_that_throws_has_nothing_to_say() {
    let door = || Doors {
        open_to: "Bearer new",
    };
    assert_eq!(trouble(door(), None).problem, Problem::Credentials);
    assert_eq!(
        trouble(door(), Some(Arc::new(Throws))).problem,
        Problem::Credentials
    );
    assert_eq!(
        trouble(door(), Some(Arc::new(Gives))).problem,
        Problem::Busy
    );
}

#[test]
fn a_transport_that_throws_is_a_broken_connection() {
    let trouble = trouble(Doors { open_to: "" }, None);
    assert_eq!(trouble.problem, Problem::Broken);
    assert!(
        trouble.words.contains("IllegalStateException: oh") && !trouble.words.contains("a.B"),
        "{trouble:?}"
    );
}

#[test]
fn a_listener_that_throws_disturbs_nobody_and_a_cancelled_one_hears_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db").display().to_string();
    let collector = BlockingCollector::open(path, Config::default(), None, None).unwrap();
    let (sender, events) = channel();
    let (cancelled, none) = channel();
    collector.add_listener(Arc::new(Throws));
    collector
        .add_listener(Arc::new(Hears(Mutex::new(cancelled))))
        .cancel();
    collector.add_listener(Arc::new(Hears(Mutex::new(sender))));
    for _ in 0..2 {
        let id = collector.record_json(STATEMENT.to_owned()).unwrap().id;
        assert_eq!(events.recv().unwrap(), Event::Recorded { ids: vec![id] });
    }
    assert!(none.try_recv().is_err());
    drop(collector);
    assert!(events.recv().is_err(), "the thread ends with the collector");
}
