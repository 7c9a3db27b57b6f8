//! The hub as an axum router: paths, headers, credentials and versions. The work itself is in
//! [`super::statements`], on the threads for blocking work.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body::Body as _;
use pannier_xapi::statement::XapiVersion;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::alternate;
use super::body::{self, Reading, Refused};
use super::credential::Credential;
use super::log::{Served, Watch};
use super::parts::AHEAD;
use super::places::Place;
use super::problem::Problem;
use super::receive::{Sent, has_parts};
use super::room::Room;
use super::serve::Patience;
use super::statements::{Ask, Statements};
use super::time;
use super::version::{self, VERSION};

/// Everything a request needs.
pub struct App {
    pub statements: Statements,
    pub credential: Credential,
    /// The largest body of statements alone, in bytes.
    pub body_limit: usize,
    /// The largest body of statements and contents.
    pub contents_limit: u64,
    pub patience: Patience,
    pub room: Room,
    pub watch: Option<Watch>,
}

/// Bytes of a form that are read before its credentials must have come.
const FORM_HEAD: usize = 64 * 1024;

/// Bytes of a refused body that are read and dropped, in multiples of the largest body.
const DISCARDED: u64 = 2;

impl App {
    /// Answers with a refusal while the refused body is read and dropped.
    fn refuse(&self, headers: &HeaderMap, body: Body, problem: Problem) -> Response {
        let most = self.contents_limit.max(self.body_limit as u64);
        let most = most.saturating_mul(DISCARDED);
        body::discard(headers, body, most, self.patience.stranger);
        problem.into_response()
    }
}

/// Returns the routes under `/xAPI`.
pub fn router(app: Arc<App>) -> Router {
    let statements = get(statements).post(statements).put(statements);
    let resources = Router::new()
        .route("/xAPI/statements", statements)
        .route("/xAPI/about", get(about))
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_such_path)
        .with_state(app.clone());
    // A layer of a router runs after the route is found, and an alternate request may name another method, so these
    // layers are around the whole.
    Router::new()
        .fallback_service(resources)
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(from_fn_with_state(app.clone(), consistent))
        .layer(from_fn_with_state(app.clone(), unfold))
        .layer(axum::middleware::from_fn(speak))
        .layer(from_fn_with_state(app, tell))
}

/// Reports each request to the observer.
async fn tell(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(watch) = &app.watch else {
        return next.run(request).await;
    };
    let (begun, at) = (Served::begin(&request), Instant::now());
    let response = next.run(request).await;
    watch(&Served::end(begun, &response, at.elapsed()));
    response
}

/// Sets the version header of every answer: the version settled on, or else the one asked for, or else the latest.
async fn speak(request: Request, next: Next) -> Response {
    let version = version::negotiate(request.headers()).unwrap_or(XapiVersion::V2_0_0);
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .entry(VERSION)
        .or_insert(HeaderValue::from_static(version.as_str()));
    response
}

/// Turns an alternate request of 1.0.3 into the one it stands for.
async fn unfold(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !alternate::is_alternate(&request) {
        return next.run(request).await;
    }
    let (parts, form) = request.into_parts();
    let large = form.size_hint().upper();
    let mut form = Reading::new(form);
    // A header may identify the sender, or a field, which has to be among the first.
    let known = |headers: &HeaderMap| {
        app.credential
            .check(headers)
            .map(|()| known_at(&parts.extensions))
    };
    let may_go_on = if parts.headers.contains_key(header::AUTHORIZATION) {
        known(&parts.headers)
    } else {
        match form.beginning(FORM_HEAD, app.patience.stranger).await {
            // The form is complete; the credentials are checked once it is opened.
            Ok(true) => Ok(()),
            Ok(false) => known(&alternate::credentials(form.bytes())),
            Err(problem) => Err(problem),
        }
    };
    if let Err(problem) = may_go_on {
        return app.refuse(&parts.headers, form.rest(), problem);
    }
    let place = parts.extensions.get::<Arc<Place>>().cloned();
    let _room = app.room.take(large).await;
    match form.whole(app.body_limit, app.patience.body).await {
        Ok(form) => match alternate::unwrap(&Request::from_parts(parts, ()), &form) {
            Ok(mut request) => {
                if let Some(place) = place {
                    request.extensions_mut().insert(place);
                }
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        },
        Err(Refused(problem, rest)) => app.refuse(&parts.headers, rest, problem),
    }
}

/// Notes that the sender of a request has shown credentials: the connection keeps its place until it is answered.
fn known_at(extensions: &Extensions) {
    if let Some(place) = extensions.get::<Arc<Place>>() {
        place.works();
    }
}

/// Admits only the hub's user, and only with a version it speaks, whatever the request: nobody else may learn what
/// exists and what does not. About and paths outside `/xAPI/` are open to all.
async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let open = path == "/xAPI/about" || !path.starts_with("/xAPI/");
    let checked = app
        .credential
        .check(request.headers())
        .and_then(|()| version::negotiate(request.headers()));
    match checked {
        _ if open => next.run(request).await,
        Err(refusal) => {
            let (parts, body) = request.into_parts();
            app.refuse(&parts.headers, body, refusal)
        }
        Ok(version) => {
            known_at(request.extensions());
            request.extensions_mut().insert(version);
            let mut response = next.run(request).await;
            let version = HeaderValue::from_static(version.as_str());
            response.headers_mut().insert(VERSION, version);
            response
        }
    }
}

/// Tells on every answer of the Statement Resource how far the statements are complete. The instant is taken before
/// the work is done, so that nothing can be stored between it and what a list shows.
async fn consistent(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let asked = request.uri().path() == "/xAPI/statements";
    let through = time::iso(app.statements.store.consistent_through());
    let mut response = next.run(request).await;
    if let (true, Ok(through)) = (asked, through.parse()) {
        response
            .headers_mut()
            .insert("x-experience-api-consistent-through", through);
    }
    response
}

async fn statements(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let encoding = parts.headers.get(header::CONTENT_ENCODING);
    if let Some(encoding) =
        encoding.filter(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let problem = Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("Content-Encoding {encoding:?} is not read here; send the body as it is"),
        );
        return app.refuse(&parts.headers, body, problem);
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|it| it.to_str().ok());
    if content_type.is_some_and(has_parts) {
        return in_parts(&app, parts, body).await;
    }
    let _room = app.room.take(body.size_hint().upper()).await;
    let reading = Reading::new(body);
    match reading.whole(app.body_limit, app.patience.body).await {
        Ok(body) => answer(work(app.clone(), parts, Sent::Whole(body)).await).into_response(),
        Err(Refused(problem, rest)) => app.refuse(&parts.headers, rest, problem),
    }
}

/// Answers a request whose body is worked on while it comes, so that it needs no memory for its contents.
async fn in_parts(app: &Arc<App>, parts: Parts, body: Body) -> Response {
    let headers = parts.headers.clone();
    let (into, coming) = mpsc::channel(AHEAD);
    let working = work(app.clone(), parts, Sent::Parts(coming));
    let poured = body::pour(body, app.contents_limit, app.patience.body, into).await;
    // Without more to come, it ends.
    let answered = answer(working.await);
    match (poured, answered) {
        (Err(Refused(problem, rest)), _) | (Ok(rest), Err(problem)) => {
            app.refuse(&headers, rest, problem)
        }
        (Ok(_), Ok(response)) => response,
    }
}

/// Begins to do what a request asks for, on a thread for blocking work.
fn work(app: Arc<App>, parts: Parts, sent: Sent) -> JoinHandle<Result<Response, Problem>> {
    spawn_blocking(move || {
        let ask = Ask {
            version: parts
                .extensions
                .get()
                .copied()
                .unwrap_or(XapiVersion::V2_0_0),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
        };
        match parts.method {
            Method::POST => app.statements.post(&ask, sent),
            Method::PUT => app.statements.put(&ask, sent),
            _ => app.statements.get(&ask),
        }
    })
}

/// Returns what came of the work, which may have panicked.
fn answer(worked: Result<Result<Response, Problem>, JoinError>) -> Result<Response, Problem> {
    worked.unwrap_or_else(|_| {
        Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the hub failed at this request; nothing was stored",
        ))
    })
}

/// Answers for the About Resource, which anybody may read in any version (1.0.3 Communication 2.8; 2.0.0 4.1.6.7).
async fn about() -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        r#"{"version":["2.0.0","1.0.3"]}"#,
    )
        .into_response()
}

async fn no_such_method(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here"),
    )
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!(
        "there is no resource {}; the hub has /xAPI/statements and /xAPI/about",
        uri.path()
    ))
}
