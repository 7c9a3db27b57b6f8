//! A device with the real session and the real store, in a file of its own.
//!
//! What the LRS has of its statements is kept here too: no two devices have one in common. The file
//! is open only while the device does something, so that very many fit into a process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use pannier::HistoryPolicy;
use pannier::lrs::{Credentials, Endpoint, Method, Request, Response, TransportError};
use pannier::statement::{Fill, XapiVersion, prepare};
use pannier::store::{Db, Durability, Holder, Millis, UpstreamId};
use pannier::sync::{Session, SessionConfig, Step, Ticket};
use uuid::Uuid;

use super::light::session_rng;
use super::{Action, Scenario, Seen};
use crate::sim::disk::beside;

/// What all devices have in common: the file of one that has recorded everything.
pub(super) struct Template {
    folder: PathBuf,
    file: Vec<u8>,
    /// What is kept beside it.
    beside: Vec<u8>,
    config: SessionConfig,
    bodies: BTreeMap<Uuid, Vec<u8>>,
}

pub(super) struct Real {
    template: Rc<Template>,
    path: PathBuf,
    seed: u64,
    sessions: u32,
    session: Option<(Session, Ticket)>,
    requests: u32,
    under_way: BTreeMap<u32, Request>,
    answers: BTreeMap<u32, Response>,
    stored: BTreeSet<Uuid>,
}

/// A folder for the files, in memory where there is one.
pub(super) fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
}

impl Template {
    pub(super) fn new(folder: &Path, scenario: &Scenario) -> std::io::Result<Rc<Self>> {
        let path = folder.join("template.db");
        let endpoint = "https://lrs.example/xAPI";
        let mut bodies = BTreeMap::new();
        {
            let mut db = open(&path)?;
            db.set_endpoint(UpstreamId::MAIN, endpoint)
                .map_err(std::io::Error::other)?;
            let now_ms = super::START - 60_000;
            for n in 0..u128::from(scenario.statements) {
                let id = Uuid::from_u128((n + 1) | 0x7000_8000_0000_0000_0000);
                let text = format!(
                    r#"{{"actor":{{"mbox":"mailto:learner@example.com"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/answered"}},"object":{{"id":"http://example.com/exam/question-{n}"}},"result":{{"success":true,"score":{{"scaled":0.9}}}}}}"#
                );
                let fill = Fill { id, now_ms };
                let prepared = prepare(text.as_bytes(), XapiVersion::V2_0_0, &fill)
                    .map_err(std::io::Error::other)?;
                bodies.insert(id, prepared.body.clone());
                let appended = db.append(&[&vec![prepared]], now_ms).remove(0);
                appended.map_err(|why| std::io::Error::other(format!("{why:?}")))?;
            }
            if !scenario.new {
                db.relearn(UpstreamId::MAIN, |learned| {
                    learned.version = Some(XapiVersion::V1_0_3);
                    learned.version_at = Some(now_ms);
                })
                .map_err(std::io::Error::other)?;
            }
            db.checkpoint().map_err(std::io::Error::other)?;
        }
        let credentials = Credentials::Basic {
            user: "app".to_owned(),
            password: "secret".to_owned(),
        };
        let defaults = pannier::Config::new(endpoint, Some(credentials.clone()));
        Ok(Rc::new(Self {
            folder: folder.to_path_buf(),
            file: std::fs::read(&path)?,
            beside: std::fs::read(beside(&path))?,
            config: SessionConfig {
                upstream: UpstreamId::MAIN,
                name: "main".to_owned(),
                endpoint: Endpoint::parse(endpoint).map_err(std::io::Error::other)?,
                authorization: credentials.authorization().ok(),
                version: None,
                max_statements: defaults.max_statements,
                max_bytes: defaults.max_bytes,
                requests_in_flight: defaults.requests_in_flight,
                write_only: false,
                trust_lrs_clock: false,
                history: HistoryPolicy::None,
                by_hand: false,
            },
            bodies,
        }))
    }
}

impl Real {
    pub(super) fn new(template: &Rc<Template>, which: u32, seed: u64) -> Self {
        Self {
            path: template.folder.join(format!("{which}.db")),
            template: Rc::clone(template),
            seed,
            sessions: 0,
            session: None,
            requests: 0,
            under_way: BTreeMap::new(),
            answers: BTreeMap::new(),
            stored: BTreeSet::new(),
        }
    }

    pub(super) fn step(&mut self, now: Millis, seen: Option<Seen>, refusal: &Response) -> Action {
        let mut db = self.open();
        let under_way = self.session.take().unzip();
        let mut session = under_way.0.unwrap_or_else(|| {
            Session::new(
                self.template.config.clone(),
                Holder(u128::from(self.seed).to_be_bytes()),
                session_rng(self.seed, self.sessions),
            )
        });
        if let (Some(seen), Some(ticket)) = (seen, under_way.1) {
            let number = self.requests - 1;
            let outcome = match seen {
                Seen::Answered => Ok(self.answers.remove(&number).expect("it was served")),
                Seen::Refused => Ok(refusal.clone()),
                Seen::TimedOut => Err(TransportError::TimedOut),
            };
            if seen == Seen::Refused {
                self.under_way.remove(&number);
            }
            session
                .answered(&mut db, ticket, outcome, now)
                .expect("the file can be written");
        }
        let mut next = || session.next(&mut db, now).expect("the file can be written");
        let mut step = next();
        while step == Step::Again {
            step = next();
        }
        match step {
            Step::Send { ticket, request } => {
                self.under_way.insert(self.requests, request);
                self.requests += 1;
                self.session = Some((session, ticket));
                Action::Ask
            }
            Step::Again | Step::Await => {
                panic!("the answer has just come, and nothing else is under way")
            }
            Step::Wait { until, .. } => {
                self.sessions += 1;
                Action::Wait(until)
            }
            Step::Done(_) => {
                drop(db);
                for end in ["", "-wal", "-shm"] {
                    // What is left goes with the folder.
                    let _ = std::fs::remove_file(format!("{}{end}", self.path.display()));
                }
                Action::Done
            }
        }
    }

    /// The first time, from the template.
    fn open(&self) -> Db {
        if !self.path.exists() {
            std::fs::write(&self.path, &self.template.file).expect("there is room for the file");
            std::fs::write(beside(&self.path), &self.template.beside).expect("there is room");
        }
        open(&self.path).expect("the file can be opened")
    }

    pub(super) fn timeout(&self) -> Millis {
        let number = self.requests - 1;
        self.under_way[&number].timeout.as_millis() as Millis
    }

    /// The LRS does what that request asks for.
    pub(super) fn served(&mut self, number: u32) {
        if let Some(request) = self.under_way.remove(&number) {
            let answer = self.answer(&request);
            self.answers.insert(number, answer);
        }
    }

    fn answer(&mut self, request: &Request) -> Response {
        if let (Method::Post, Some(body)) = (request.method, request.body_bytes()) {
            let ids = ids(body);
            self.stored.extend(&ids);
            return json(200, serde_json::to_string(&ids).unwrap_or_default());
        }
        let Some((_, id)) = request.url.split_once("tatementId=") else {
            return json(200, r#"{"version":["1.0.3","2.0.0"]}"#.to_owned());
        };
        let found = id.parse().ok().filter(|id| self.stored.contains(id));
        match found.and_then(|id| self.template.bodies.get(&id)) {
            Some(body) => json(200, String::from_utf8_lossy(body).into_owned()),
            None => json(404, "{}".to_owned()),
        }
    }
}

fn open(path: &Path) -> std::io::Result<Db> {
    let opened = Db::open(path, Durability::ProcessCrash, super::START);
    Ok(opened.map_err(std::io::Error::other)?.db)
}

fn ids(body: &[u8]) -> Vec<Uuid> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Uuid,
    }
    let batch: Result<Vec<Named>, _> = serde_json::from_slice(body);
    let batch = batch.or_else(|_| serde_json::from_slice(body).map(|one| vec![one]));
    batch.unwrap_or_default().iter().map(|one| one.id).collect()
}

fn json(status: u16, body: String) -> Response {
    Response {
        status,
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("X-Experience-API-Version".to_owned(), "2.0.0".to_owned()),
        ],
        body: body.into_bytes(),
        cut: false,
    }
}
