//! The Statement Resource: what each request does, without a socket.

use std::cell::Cell;
use std::collections::HashSet;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pannier_xapi::lrs::BodyPiece;
use pannier_xapi::lrs::multipart::{self, Boundary, Content};
use pannier_xapi::statement::XapiVersion;
use uuid::Uuid;

use super::facts::Facts;
use super::format::{self, Canonical, Ids};
use super::log::{Count, Lost};
use super::problem::Problem;
use super::query::{self, Filter, Format, Query, Wanted};
use super::receive::{self, Envelope, Opened, Sent};
use super::room::Room;
use super::splice;
use super::store::{Kept, Page, Store};
use super::streamed::Streamed;
use super::time;

/// The Statement Resource for one user.
pub struct Statements {
    pub store: Store,
    /// Agent that vouches for what is stored, as JSON.
    pub authority: String,
    /// Most statements in one answer.
    pub page: usize,
    /// Most bytes of statements in a request, and of each part of an answer that lies in memory: statements, what
    /// `canonical` adds to them, and short contents count separately. One statement is always given whole.
    pub answer: usize,
    /// Most bytes of contents in an answer that are sent from files. Those of one statement are always given.
    pub contents: u64,
    pub room: Room,
}

/// The parts of a request that matter here.
pub struct Ask<'a> {
    pub version: XapiVersion,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

impl Ask<'_> {
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Statements {
    /// Answers a POST with the ids in the order of the request.
    pub fn post(&self, ask: &Ask, sent: Sent) -> Result<Response, Problem> {
        query::post(ask.query)?;
        let ids = self.take_in(ask, sent, None)?;
        let count = ids.len();
        let ids = ids.iter().map(|id| splice::quote(&id.to_string()));
        Ok(counted(json(splice::array(ids)), count))
    }

    /// Answers a PUT with 204.
    pub fn put(&self, ask: &Ask, sent: Sent) -> Result<Response, Problem> {
        let id = query::put(ask.query)?;
        self.take_in(ask, sent, Some(id))?;
        Ok(counted(StatusCode::NO_CONTENT.into_response(), 1))
    }

    /// Stores what was sent, and returns the ids.
    fn take_in(&self, ask: &Ask, sent: Sent, put: Option<Uuid>) -> Result<Vec<Uuid>, Problem> {
        let content_type = ask.header(header::CONTENT_TYPE).unwrap_or_default();
        let opened = receive::open(content_type, sent, self.answer, &self.room)?;
        let Opened {
            json,
            taken: _room,
            parts,
        } = opened;
        let envelope = Envelope {
            version: ask.version,
            authority: &self.authority,
            put,
        };
        let delivery = receive::receive(&envelope, &json, parts, self.store.spool()?)?;
        self.store.store(&delivery)?;
        let statements = delivery.statements.iter();
        Ok(statements.map(|statement| statement.id).collect())
    }

    /// Answers a GET with one statement, or a page of them.
    pub fn get(&self, ask: &Ask) -> Result<Response, Problem> {
        let query = query::get(ask.query, ask.version)?;
        let mut found = match &query.wanted {
            Wanted::Statement(id) => self.one(*id, false, query.format, ask)?,
            Wanted::Voided(id) => self.one(*id, true, query.format, ask)?,
            Wanted::List(filter) => self.page(filter, &query, ask)?,
        };
        let mut response = if query.attachments {
            self.with_attachments(&found)?
        } else {
            json(std::mem::take(&mut found.json))
        };
        if let Some(date) = found
            .newest
            .and_then(|stored| time::http(stored).parse().ok())
        {
            response.headers_mut().insert(header::LAST_MODIFIED, date);
        }
        Ok(counted(response, found.statements.len()))
    }

    fn one(&self, id: Uuid, voided: bool, format: Format, ask: &Ask) -> Result<Found, Problem> {
        match self.store.get(id)? {
            Some(found) if found.voided == voided => Ok(Found {
                json: self.show(&found.body, format, ask, &Cell::new(self.answer))?,
                newest: Some(found.at),
                statements: vec![found.body],
            }),
            Some(_) if voided => Err(Problem::not_found(format!(
                "the statement {id} is not voided; ask by statementId"
            ))),
            Some(_) => Err(Problem::not_found(format!(
                "the statement {id} is voided; ask by voidedStatementId"
            ))),
            None => Err(Problem::not_found(format!("there is no statement {id}"))),
        }
    }

    /// Returns a `StatementResult` (1.0.3 Data 2.5; 2.0.0 4.2.8).
    fn page(&self, filter: &Filter, query: &Query, ask: &Ask) -> Result<Found, Problem> {
        let limit = filter
            .limit
            .filter(|limit| *limit > 0)
            .unwrap_or(self.page)
            .min(self.page);
        let mut page = self.store.list(filter, limit, self.answer)?;
        if query.attachments {
            let fitting = self.with_contents(&page)?;
            page.more |= fitting < page.statements.len();
            page.statements.truncate(fitting);
        }
        let more = match page.statements.last() {
            Some((last, _)) if page.more => {
                format!("{}?{}", ask.path, query::more(ask.query, *last))
            }
            _ => String::new(),
        };
        let newest = page.statements.iter().map(|(stored, _)| *stored).max();
        let statements: Vec<String> = page.statements.into_iter().map(|(_, body)| body).collect();
        let room = Cell::new(self.answer);
        let shown: Vec<String> = statements
            .iter()
            .map(|body| self.show(body, query.format, ask, &room))
            .collect::<Result<_, _>>()?;
        let json = splice::object([
            ("statements", splice::array(shown)),
            ("more", splice::quote(&more)),
        ]);
        Ok(Found {
            json,
            statements,
            newest,
        })
    }

    /// Returns a statement in the format asked for; what is known beyond it is added as long as there is room.
    fn show(
        &self,
        statement: &str,
        format: Format,
        ask: &Ask,
        room: &Cell<usize>,
    ) -> Result<String, Problem> {
        match format {
            Format::Exact => Ok(statement.to_owned()),
            Format::Ids => Ok(format::show(statement, &Ids)?),
            // A definition that cannot be read is shown as received.
            Format::Canonical => {
                let lens = Canonical {
                    accept: ask.header(header::ACCEPT_LANGUAGE).unwrap_or_default(),
                    definition: &|activity| self.store.definition(activity).ok().flatten(),
                    display: &|verb| self.store.display(verb).ok().flatten(),
                    room,
                };
                Ok(format::show(statement, &lens)?)
            }
        }
    }

    /// Returns the number of statements, at least one, whose contents fit into one answer.
    fn with_contents(&self, page: &Page) -> Result<usize, Problem> {
        let mut counted = HashSet::new();
        let mut weight = Weight::default();
        for (index, (_, statement)) in page.statements.iter().enumerate() {
            for attachment in Facts::of(statement)?.attachments {
                let sha2 = attachment.sha2.to_ascii_lowercase();
                if let Some(Kept::There(content)) = self.store.content(&sha2)?
                    && counted.insert(sha2)
                {
                    weight.add(&content);
                }
            }
            if self.is_too_much(&weight) && index > 0 {
                return Ok(index);
            }
        }
        Ok(page.statements.len())
    }

    fn is_too_much(&self, weight: &Weight) -> bool {
        weight.in_memory > self.answer as u64 || weight.on_disk > self.contents
    }

    /// Answers with statements and the contents that the hub has, each once. If they would be too much, those with a
    /// `fileUrl` are left out; the others can be had nowhere else. What is lost or damaged is left out and named.
    fn with_attachments(&self, found: &Found) -> Result<Response, Problem> {
        let mut outgoing = Vec::new();
        let mut damaged = Damaged::default();
        let mut given = HashSet::new();
        let mut weight = Weight::default();
        for statement in &found.statements {
            for attachment in Facts::of(statement)?.attachments {
                let sha2 = attachment.sha2.to_ascii_lowercase();
                let elsewhere = attachment.file_url.is_some();
                if given.contains(&sha2) || elsewhere && self.is_too_much(&weight) {
                    continue;
                }
                let Some(content) = self.store.content(&sha2)? else {
                    continue;
                };
                if let Some(content) = content.whole(&sha2) {
                    weight.add(&content);
                    outgoing.push((attachment, content));
                } else {
                    damaged.0.push(sha2.clone());
                }
                given.insert(sha2);
            }
        }
        let boundary = Boundary::random(Uuid::new_v4());
        let contents = outgoing.iter_mut().map(|(attachment, content)| Content {
            content_type: &attachment.content_type,
            sha2: &attachment.sha2,
            octets: std::mem::replace(content, BodyPiece::Bytes(Vec::new())),
        });
        let body = multipart::write(&boundary, found.json.as_bytes(), contents);
        let body = body
            .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let headers = [(header::CONTENT_TYPE, boundary.content_type())];
        let mut response = (headers, Body::new(Streamed::new(body))).into_response();
        damaged.tell(&mut response);
        Ok(response)
    }
}

/// Hashes of the contents that an answer lacks, as they are no longer the ones that came.
#[derive(Default)]
struct Damaged(Vec<String>);

impl Damaged {
    /// Tells it to the client, in a `Warning` (RFC 7234, section 5.5), and to the log.
    fn tell(self, response: &mut Response) {
        let Some(lost) = Lost::of(&self.0) else {
            return;
        };
        let warning = format!("199 - \"{lost}\"").parse();
        if let Ok(warning) = warning {
            response.headers_mut().insert(header::WARNING, warning);
        }
        response.extensions_mut().insert(lost);
    }
}

/// Bytes of the contents of an answer.
#[derive(Default)]
struct Weight {
    in_memory: u64,
    on_disk: u64,
}

impl Weight {
    fn add(&mut self, content: &BodyPiece) {
        match content {
            BodyPiece::File(file) => self.on_disk += file.len(),
            other => self.in_memory += other.len(),
        }
    }
}

/// Result of a GET.
struct Found {
    /// The answer, in the format asked for.
    json: String,
    /// The statements in it, as they are stored.
    statements: Vec<String>,
    /// The latest `stored` among them.
    newest: Option<i64>,
}

/// Adds to the answer the number of statements, for the log.
fn counted(mut response: Response, statements: usize) -> Response {
    response.extensions_mut().insert(Count(statements));
    response
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
