//! HTTP over reqwest and rustls.
//!
//! One client, HTTP/1.1, certificates checked against the roots compiled in and those the app adds. The platform's own
//! trust store is not used: on Android it needs a Java part, and calls good certificates revoked.
//!
//! # A connection that breaks
//!
//! Servers close idle connections after 2 to 6 s, one at once, and a request that meets such a close
//! fails. What happens then:
//!
//! - The close arrived before the request was written: hyper gives the request back unsent, and
//!   its pool sends it on a fresh connection. Nobody notices.
//! - The close arrives after the first byte was written: hyper reports an error and sends nothing
//!   again. The request may have been processed (four LRSs of six store a batch whose connection
//!   breaks before the reply), so one that changes something is [`TransportError::Broken`]. A GET or
//!   HEAD does no harm twice and is sent once more.
//!
//! To make the second case rare, no connection idle for longer than [`IDLE`] is used again, and the
//! runtime polls its sockets before each request, so that it sees a close that arrived while the
//! sync thread was busy with the database. Once it has happened, or a request was not answered in time, the
//! next ones get a connection each.

mod no_client_keys;
mod proxies;
mod streaming;
#[cfg(test)]
mod tests;
mod trust;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONNECTION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Proxy};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use self::no_client_keys::NoClientKeys;
use self::streaming::sendable;
use super::{Exchange, Transport};
use crate::lrs::{Method, Request, Response, TransportError, is_this_device};

/// Longest time that a connection may be idle before it is used again: half of what the quickest of six LRSs grants,
/// except one that grants none.
const IDLE: Duration = Duration::from_secs(1);

/// Options of [`HttpTransport`].
///
/// `Debug` does not show the proxy, which may hold a password.
#[derive(Clone)]
pub struct HttpOptions {
    /// Certificates to trust besides the public ones: of a school's or company's own authority. Each entry is one
    /// certificate in DER or any number of them in PEM.
    pub extra_roots: Vec<Vec<u8>>,
    /// The `User-Agent` header; `pannier/VERSION` by default.
    pub user_agent: String,
    /// Time limit for name look-up, TCP and TLS handshake together; 20 s by default. Within a request's total time-out,
    /// so that a host that is not there counts as unreachable.
    pub connect_timeout: Duration,
    /// Proxy to go through: `http://` or `https://`, a host, perhaps a port, and before the host a user name and
    /// password if it asks for them. None by default.
    pub proxy: Option<String>,
    /// Goes through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name, where no
    /// [`proxy`](Self::proxy) is set. One that is named wrong is refused
    /// ([`InvalidHttpOptions::ProxyOfEnvironment`]): whoever names a proxy does not want to go around it. Off by default:
    /// an app's records do not go where its environment says.
    pub proxies_from_environment: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            extra_roots: Vec::new(),
            user_agent: concat!("pannier/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(20),
            proxy: None,
            proxies_from_environment: false,
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("extra_roots", &self.extra_roots.len())
            .field("user_agent", &self.user_agent)
            .field("connect_timeout", &self.connect_timeout)
            .field("has_proxy", &self.proxy.is_some())
            .field("proxies_from_environment", &self.proxies_from_environment)
            .finish()
    }
}

/// Reason why there can be no [`HttpTransport`] with these options.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidHttpOptions {
    /// An extra root that is no certificate. Counted from 0.
    #[error("extra root {0} holds no readable certificate; give it in PEM or DER")]
    NotACertificate(usize),
    /// A user agent that cannot stand in a header.
    #[error("the user agent must be plain text on one line")]
    UserAgent,
    /// A proxy that is not a proxy's URL. The message never repeats it.
    #[error("the proxy must be a URL such as http://proxy.example:3128")]
    Proxy,
    /// A proxy that the environment names otherwise than by its URL, or that is not gone through: the HTTP client would
    /// pass it over without a word. The message names the variable and never its value.
    #[error("{0}")]
    ProxyOfEnvironment(String),
    /// TLS or HTTP cannot be set up.
    #[error("HTTP cannot be set up: {0}")]
    SetUp(String),
}

/// Carries requests over HTTP/1.1, with TLS 1.2 or 1.3 for `https`.
///
/// May be shared between threads; needs a tokio runtime with time and I/O enabled.
pub struct HttpTransport {
    client: Client,
    /// Client for what is sent to this device, which goes through no proxy: to a proxy `localhost` is another host.
    direct: Option<Client>,
    /// Number of further requests that get a connection each.
    alone: AtomicU32,
}

/// Number of requests that get a connection each after one without an answer: something on the way may answer only the
/// first one of a connection, or close it some time after an answer without a word.
const ALONE_WITHOUT_AN_ANSWER: u32 = 50;

impl HttpTransport {
    /// Sets up a client. Nothing is connected yet.
    pub fn new(options: &HttpOptions) -> Result<Self, InvalidHttpOptions> {
        let agent = HeaderValue::from_str(&options.user_agent)
            .map_err(|_| InvalidHttpOptions::UserAgent)?;
        let tls = tls(&options.extra_roots)?;
        let unproxied = || {
            ClientBuilder::new()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(agent.clone())
                .connect_timeout(options.connect_timeout)
                .pool_idle_timeout(IDLE)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .http1_only()
        };
        let proxied = match &options.proxy {
            Some(proxy) => Some(unproxied().no_proxy().proxy(proxy_at(proxy)?)),
            None if options.proxies_from_environment => {
                proxies::check_environment()?;
                Some(unproxied())
            }
            None => None,
        };
        let build = |client: ClientBuilder| {
            client
                .build()
                .map_err(|error| InvalidHttpOptions::SetUp(cause(error)))
        };
        let direct = build(unproxied().no_proxy())?;
        Ok(match proxied {
            Some(client) => Self {
                client: build(client)?,
                direct: Some(direct),
                alone: AtomicU32::new(0),
            },
            None => Self {
                client: direct,
                direct: None,
                alone: AtomicU32::new(0),
            },
        })
    }

    /// Returns the client for this URL, and whether it may go through a proxy.
    fn client_for(&self, url: &str) -> (&Client, bool) {
        let is_for_this_device = || url::Url::parse(url).is_ok_and(|url| is_this_device(&url));
        match &self.direct {
            Some(direct) if is_for_this_device() => (direct, false),
            direct => (&self.client, direct.is_some()),
        }
    }

    /// Gives the next requests a connection each after one that had no answer, and counts them otherwise.
    fn count_alone(&self, outcome: &Result<Response, TransportError>) {
        if let Err(TransportError::TimedOut | TransportError::Broken(_)) = outcome {
            self.alone.store(ALONE_WITHOUT_AN_ANSWER, Ordering::Relaxed);
        } else {
            let fewer = |left: u32| left.checked_sub(1);
            let _ = self
                .alone
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        }
    }

    async fn exchange_once(
        &self,
        request: Request,
        until: Instant,
    ) -> Result<Response, TransportError> {
        let left = until.saturating_duration_since(Instant::now());
        let (client, proxied) = self.client_for(&request.url);
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut sending = client
            .request(method, &request.url)
            .timeout(left)
            .headers(headers(&request.headers)?);
        if self.alone.load(Ordering::Relaxed) > 0 {
            sending = sending.header(CONNECTION, "close");
        }
        if let Some(body) = request.body {
            // A body of known length goes with Content-Length.
            sending = sending.body(sendable(body)?);
        }
        let response = sending.send().await.map_err(|error| match failure(error) {
            TransportError::Unreachable(why) if proxied => {
                TransportError::Unreachable(format!("{why}; a proxy is set, and it may be that"))
            }
            failure => failure,
        })?;
        receive(response, request.longest_answer).await
    }
}

impl Transport for HttpTransport {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            let until = Instant::now() + request.timeout;
            let again = request.method.is_safe().then(|| request.clone());
            // Yielding polls the sockets, so that connections that have ended leave the pool.
            tokio::task::yield_now().await;
            let first = self.exchange_once(request, until).await;
            self.count_alone(&first);
            match (first, again) {
                (Err(TransportError::Broken(_)), Some(again)) => {
                    self.exchange_once(again, until).await
                }
                (outcome, _) => outcome,
            }
        })
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

fn tls(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, InvalidHttpOptions> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for (at, given) in extra_roots.iter().enumerate() {
        let unreadable = InvalidHttpOptions::NotACertificate(at);
        for certificate in certificates(given).ok_or_else(|| unreadable.clone())? {
            roots.add(certificate).map_err(|_| unreadable.clone())?;
        }
    }
    let provider = CryptoProvider {
        key_provider: &NoClientKeys,
        ..rustls::crypto::ring::default_provider()
    };
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidHttpOptions::SetUp(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn proxy_at(text: &str) -> Result<Proxy, InvalidHttpOptions> {
    let url = url::Url::parse(text.trim()).map_err(|_| InvalidHttpOptions::Proxy)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(InvalidHttpOptions::Proxy);
    }
    Proxy::all(url).map_err(|_| InvalidHttpOptions::Proxy)
}

/// Returns all certificates of a PEM text, at least one, or what may be one in DER.
fn certificates(given: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let Some(begin) = given.windows(10).position(|part| part == b"-----BEGIN") else {
        return Some(vec![CertificateDer::from(given.to_vec())]);
    };
    // A byte order mark may stand before it on its line.
    let all: Vec<_> = CertificateDer::pem_slice_iter(&given[begin..])
        .collect::<Result<_, _>>()
        .ok()?;
    (!all.is_empty()).then_some(all)
}

fn headers(pairs: &[(&'static str, String)]) -> Result<HeaderMap, TransportError> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, text) in pairs {
        let mut value = HeaderValue::from_str(text).map_err(|_| {
            TransportError::Unreachable(format!("the header {name} cannot be sent"))
        })?;
        value.set_sensitive(name.eq_ignore_ascii_case("Authorization"));
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            TransportError::Unreachable(format!("the header {name} cannot be sent"))
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

async fn receive(
    mut response: reqwest::Response,
    longest: usize,
) -> Result<Response, TransportError> {
    let mut answer = Response {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect(),
        body: Vec::new(),
        cut: false,
    };
    while answer.body.len() <= longest {
        match response.chunk().await {
            Ok(Some(chunk)) => answer.body.extend_from_slice(&chunk),
            Ok(None) => return Ok(answer),
            // A refusal is known by its status; the body only explains it. A server that refuses a big body often
            // breaks the connection while it is still being sent.
            Err(_) if answer.status >= 300 => {
                answer.cut = true;
                return Ok(answer);
            }
            Err(error) => return Err(failure(error)),
        }
    }
    answer.body.truncate(longest);
    answer.cut = true;
    Ok(answer)
}

fn failure(error: reqwest::Error) -> TransportError {
    // Before the time-out: a connection that is not made in time is not made at all.
    if let Some(why) = trust::broken(&error) {
        TransportError::untrusted(why)
    } else if error.is_connect() || error.is_builder() {
        TransportError::Unreachable(cause(error))
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Broken(cause(error))
    }
}

/// Returns the innermost reason, such as "Connection refused (os error 111)". The outer ones add only that a request
/// failed, and the URL.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
