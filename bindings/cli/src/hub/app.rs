//! The hub as an axum router: paths, headers, credentials, versions; the work itself is in
//! [`super::statements`], on the threads for blocking work.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pannier::statement::XapiVersion;

use super::alternate;
use super::body;
use super::credential::Credential;
use super::problem::Problem;
use super::statements::{Ask, Statements};
use super::time;
use super::version::{self, VERSION};

/// Everything a request needs.
pub struct App {
    pub statements: Statements,
    pub credential: Credential,
    /// The largest body, in bytes.
    pub body_limit: usize,
}

/// The routes under `/xAPI`.
pub fn router(app: Arc<App>) -> Router {
    let statements = get(statements)
        .post(statements)
        .put(statements)
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(from_fn_with_state(app.clone(), consistent));
    let resources = Router::new()
        .route("/xAPI/statements", statements)
        .route("/xAPI/about", get(about))
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_such_path)
        .with_state(app.clone());
    // A layer of a router runs after the route is found, and an alternate request may name another method,
    // so this one is around the whole.
    Router::new()
        .fallback_service(resources)
        .layer(from_fn_with_state(app, unfold))
        .layer(axum::middleware::from_fn(speak))
}

/// Says the version on every answer: the one that was settled on, or else the one asked for, or else the latest.
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
    let unfolded = match body::read(form, app.body_limit).await {
        Ok(form) => alternate::unwrap(&Request::from_parts(parts, ()), &form),
        Err(problem) => Err(problem),
    };
    match unfolded {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Says how far the statements are complete. Asked before the work is done, so that nothing can be stored
/// between what a list shows and what this says about it.
async fn consistent(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let through = blocking(move || Ok(app.statements.store.consistent_through())).await;
    let mut response = next.run(request).await;
    if let Some(through) = through
        .ok()
        .and_then(|through| time::iso(through).parse().ok())
    {
        response
            .headers_mut()
            .insert("x-experience-api-consistent-through", through);
    }
    response
}

/// Lets only the hub's user in, and only with a version it speaks.
async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let checked = app
        .credential
        .check(request.headers())
        .and_then(|()| version::negotiate(request.headers()));
    match checked {
        Ok(version) => {
            request.extensions_mut().insert(version);
            let mut response = next.run(request).await;
            response
                .headers_mut()
                .insert(VERSION, HeaderValue::from_static(version.as_str()));
            response
        }
        Err(refusal) => {
            body::discard(request.into_body(), app.body_limit).await;
            refusal.into_response()
        }
    }
}

async fn statements(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let encoding = parts.headers.get(header::CONTENT_ENCODING);
    if let Some(encoding) =
        encoding.filter(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        body::discard(body, app.body_limit).await;
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("Content-Encoding {encoding:?} is not read here; send the body as it is"),
        ));
    }
    let body = body::read(body, app.body_limit).await?;
    blocking(move || {
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
            Method::POST => app.statements.post(&ask, &body),
            Method::PUT => app.statements.put(&ask, &body),
            _ => app.statements.get(&ask),
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the hub failed at this request; nothing was stored",
        ))
    })
}

/// The About Resource, which anybody may read in any version (1.0.3 Communication 2.8; 2.0.0 4.1.6.7).
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
