//! The alternate request syntax of 1.0.3 (Communication 1.3): a POST that carries another request in a form, for
//! browsers that could not send it otherwise. 2.0.0 has dropped it.

use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri};
use pannier_xapi::statement::XapiVersion;
use url::form_urlencoded;

use super::problem::Problem;
use super::version;

/// The form fields that stand for headers; `content` stands for the body, all else for parameters.
const HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    version::VERSION,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
];

/// Tells whether a request carries another one.
pub fn is_alternate(request: &Request<Body>) -> bool {
    let form = |value: &HeaderValue| {
        value
            .as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    };
    request.method() == Method::POST
        && request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(form)
        && form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .any(|(name, _)| name == "method")
}

/// Returns the credentials in the fields of a form of which only the beginning is there.
pub fn credentials(beginning: &[u8]) -> HeaderMap {
    // The last field may be cut off.
    let whole = beginning.iter().rposition(|byte| *byte == b'&');
    let fields = &beginning[..whole.unwrap_or_default()];
    let given = form_urlencoded::parse(fields)
        .find(|(name, _)| name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str()));
    let given = given.and_then(|(_, value)| value.parse().ok());
    given
        .map(|given| (header::AUTHORIZATION, given))
        .into_iter()
        .collect()
}

/// Returns the request that the form of `outer` carries.
pub fn unwrap(outer: &Request<()>, form: &[u8]) -> Result<Request<Body>, Problem> {
    let parameters: Vec<_> =
        form_urlencoded::parse(outer.uri().query().unwrap_or_default().as_bytes()).collect();
    let [(_, method)] = &parameters[..] else {
        return Err(Problem::bad_request(
            "only the parameter method may stand beside a form; put the others into it",
        ));
    };
    let method: Method = method
        .parse()
        .map_err(|_| Problem::bad_request(format!("{method:?} is not a method")))?;

    let mut headers = HeaderMap::new();
    for name in [header::AUTHORIZATION, version::VERSION] {
        headers.extend(
            outer
                .headers()
                .get(&name)
                .map(|value| (name, value.clone())),
        );
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut body = String::new();
    for (name, value) in form_urlencoded::parse(form) {
        if name == "content" {
            body = value.into_owned();
        } else if let Some(header) = HEADERS
            .iter()
            .find(|header| name.eq_ignore_ascii_case(header.as_str()))
        {
            let value = value
                .parse()
                .map_err(|_| Problem::bad_request(format!("the field {name} is not a header")))?;
            headers.insert(header, value);
        } else {
            query.append_pair(&name, &value);
        }
    }
    if version::negotiate(&headers)? != XapiVersion::V1_0_3 {
        return Err(Problem::bad_request(
            "2.0.0 has no alternate request syntax; send the request itself",
        ));
    }
    let uri: Uri = format!("{}?{}", outer.uri().path(), query.finish())
        .parse()
        .map_err(|_| Problem::bad_request("the fields of the form are too long for parameters"))?;
    let mut request = Request::new(Body::from(body));
    (
        *request.method_mut(),
        *request.uri_mut(),
        *request.headers_mut(),
    ) = (method, uri, headers);
    Ok(request)
}
