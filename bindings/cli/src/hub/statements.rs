//! The Statement Resource: what each request does, without a socket.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pannier::statement::XapiVersion;
use uuid::Uuid;

use super::facts::{Attachment, Facts};
use super::format::{self, Canonical, Ids};
use super::multipart::{self, Outgoing};
use super::problem::Problem;
use super::query::{self, Filter, Format, Wanted};
use super::receive::{Delivery, Envelope, receive};
use super::splice;
use super::store::Store;
use super::time;

/// The Statement Resource for one user.
pub struct Statements {
    pub store: Store,
    /// The agent that vouches for what is stored, as JSON.
    pub authority: String,
    /// The most statements in one answer.
    pub page: usize,
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
    /// POST: the ids in the order of the request.
    pub fn post(&self, ask: &Ask, body: &[u8]) -> Result<Response, Problem> {
        query::post(ask.query)?;
        let delivery = self.take_in(ask, body, None)?;
        let ids = delivery
            .statements
            .iter()
            .map(|statement| splice::quote(&statement.id.to_string()));
        Ok(json(splice::array(ids)))
    }

    /// PUT: 204.
    pub fn put(&self, ask: &Ask, body: &[u8]) -> Result<Response, Problem> {
        let id = query::put(ask.query)?;
        self.take_in(ask, body, Some(id))?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    fn take_in(&self, ask: &Ask, body: &[u8], put: Option<Uuid>) -> Result<Delivery, Problem> {
        let envelope = Envelope {
            version: ask.version,
            content_type: ask.header(header::CONTENT_TYPE),
            authority: &self.authority,
            put,
        };
        let delivery = receive(&envelope, body)?;
        self.store.store(&delivery)?;
        Ok(delivery)
    }

    /// GET: one statement, or a page of them.
    pub fn get(&self, ask: &Ask) -> Result<Response, Problem> {
        let query = query::get(ask.query, ask.version)?;
        let found = match &query.wanted {
            Wanted::Statement(id) => self.one(*id, false, query.format, ask)?,
            Wanted::Voided(id) => self.one(*id, true, query.format, ask)?,
            Wanted::List(filter) => self.page(filter, query.format, ask)?,
        };
        let mut response = if query.attachments {
            let outgoing = self.attachments(&found.statements)?;
            let (content_type, body) = multipart::write(found.json.as_bytes(), &outgoing);
            ([(header::CONTENT_TYPE, content_type)], body).into_response()
        } else {
            json(found.json)
        };
        if let Some(date) = found
            .newest
            .and_then(|stored| time::http(stored).parse().ok())
        {
            response.headers_mut().insert(header::LAST_MODIFIED, date);
        }
        Ok(response)
    }

    fn one(&self, id: Uuid, voided: bool, format: Format, ask: &Ask) -> Result<Found, Problem> {
        match self.store.get(id)? {
            Some(found) if found.voided == voided => Ok(Found {
                json: self.show(&found.body, format, ask)?,
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

    /// A `StatementResult` (1.0.3 Data 2.5; 2.0.0 4.2.8).
    fn page(&self, filter: &Filter, format: Format, ask: &Ask) -> Result<Found, Problem> {
        let limit = filter
            .limit
            .filter(|limit| *limit > 0)
            .unwrap_or(self.page)
            .min(self.page);
        let page = self.store.list(filter, limit)?;
        let more = match page.statements.last() {
            Some((last, _)) if page.more => {
                format!("{}?{}", ask.path, query::more(ask.query, *last))
            }
            _ => String::new(),
        };
        let newest = page.statements.iter().map(|(stored, _)| *stored).max();
        let statements: Vec<String> = page.statements.into_iter().map(|(_, body)| body).collect();
        let shown: Vec<String> = statements
            .iter()
            .map(|body| self.show(body, format, ask))
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

    fn show(&self, statement: &str, format: Format, ask: &Ask) -> Result<String, Problem> {
        match format {
            Format::Exact => Ok(statement.to_owned()),
            Format::Ids => Ok(format::show(statement, &Ids)?),
            // A definition that cannot be read is shown as received.
            Format::Canonical => {
                let lens = Canonical {
                    accept: ask.header(header::ACCEPT_LANGUAGE).unwrap_or_default(),
                    definition: &|activity| self.store.definition(activity).ok().flatten(),
                    display: &|verb| self.store.display(verb).ok().flatten(),
                };
                Ok(format::show(statement, &lens)?)
            }
        }
    }

    /// The contents the hub has, each once.
    fn attachments(&self, statements: &[String]) -> Result<Vec<Outgoing>, Problem> {
        let mut outgoing: Vec<Outgoing> = Vec::new();
        for statement in statements {
            for Attachment {
                sha2, content_type, ..
            } in Facts::of(statement)?.attachments
            {
                if outgoing
                    .iter()
                    .any(|other| other.sha2.eq_ignore_ascii_case(&sha2))
                {
                    continue;
                }
                if let Some(content) = self.store.content(&sha2)? {
                    outgoing.push(Outgoing {
                        content_type,
                        sha2,
                        content,
                    });
                }
            }
        }
        Ok(outgoing)
    }
}

/// What a GET found.
struct Found {
    /// The answer, in the format asked for.
    json: String,
    /// The statements in it, as they are stored.
    statements: Vec<String>,
    /// The latest `stored` among them.
    newest: Option<i64>,
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
