//! A small HTTP server on loopback that does as a scenario says, also what no good server does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lrs::Lrs;

/// A request as it came from the socket.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// What follows the question mark; empty without.
    pub query: String,
    /// The headers with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// When it had come.
    pub at: Instant,
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it asks for `/about`.
    pub fn is_about(&self) -> bool {
        self.path.ends_with("/about")
    }

    /// Whether it brings statements.
    pub fn is_post(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/statements")
    }

    /// The id that it looks for.
    pub fn looks_for(&self) -> Option<String> {
        if self.method != "GET" || !self.path.ends_with("/statements") {
            return None;
        }
        let asked = self.query.split('&');
        let asked = asked.filter_map(|one| one.split_once('='));
        asked
            .filter(|(key, _)| key.eq_ignore_ascii_case("statementId"))
            .map(|(_, id)| id.to_lowercase())
            .next()
    }

    /// The statements of its body; none where it is no JSON.
    pub fn statements(&self) -> Vec<Value> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Array(all)) => all,
            Ok(one @ Value::Object(_)) => vec![one],
            _ => Vec::new(),
        }
    }

    /// Whether its body is an array.
    pub fn is_batch(&self) -> bool {
        self.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
    }

    /// The ids of its statements.
    pub fn ids(&self) -> Vec<String> {
        self.statements().iter().map(id_of).collect()
    }

    /// Whether one of its statements has this id.
    pub fn brings(&self, id: &str) -> bool {
        self.ids().iter().any(|one| one == id)
    }
}

/// The id of a statement, empty where it has none.
pub fn id_of(statement: &Value) -> String {
    statement["id"].as_str().unwrap_or_default().to_lowercase()
}

/// What is sent back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status; none closes the connection without a word.
    pub status: Option<u16>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    most: usize,
    closes: Option<Duration>,
}

impl Response {
    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            headers: Vec::new(),
            body: Vec::new(),
            most: usize::MAX,
            closes: None,
        }
    }

    /// The connection ends without an answer.
    pub fn none() -> Self {
        Self {
            status: None,
            ..Self::status(0)
        }
    }

    /// JSON, by whomever.
    pub fn json(status: u16, body: &Value) -> Self {
        let mut answer = Self::status(status).with("Content-Type", "application/json");
        answer.body = body.to_string().into_bytes();
        answer
    }

    /// A web page.
    pub fn page(status: u16) -> Self {
        Self::text(
            status,
            "text/html; charset=utf-8",
            "<!DOCTYPE html><html><head><title>Notice</title></head><body>This request was stopped.</body></html>",
        )
    }

    /// Text of a kind.
    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        let mut answer = Self::status(status).with("Content-Type", kind);
        answer.body = body.as_bytes().to_vec();
        answer
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same as an LRS says it: with the header that every answer of an LRS has.
    #[must_use]
    pub fn by_an_lrs(self) -> Self {
        self.with("X-Experience-API-Version", "2.0.0")
    }

    /// The same as one LRS says it that leaves that header out of every answer.
    #[must_use]
    pub fn unmarked(mut self) -> Self {
        self.headers
            .retain(|(name, _)| name != "X-Experience-API-Version");
        self
    }

    /// The same with its body made anew.
    #[must_use]
    pub fn remade(mut self, make: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        self.body = make(self.body);
        self
    }

    /// The same, and the connection ends after so many bytes of its body.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// The same, and the connection is closed so much later, without a word of that and whatever has come by then.
    #[must_use]
    pub fn closing_after(mut self, time: Duration) -> Self {
        self.closes = Some(time);
        self
    }

    /// What goes through the socket, and whether the connection stays open.
    fn bytes(&self) -> (Vec<u8>, bool) {
        let Some(status) = self.status else {
            return (Vec::new(), false);
        };
        let mut out = format!("HTTP/1.1 {status} said\r\n").into_bytes();
        for (name, value) in &self.headers {
            out.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        if status != 204 && status != 304 {
            out.extend(format!("Content-Length: {}\r\n", self.body.len()).into_bytes());
        }
        out.extend(b"\r\n");
        let whole = self.body.len() <= self.most;
        out.extend(&self.body[..self.body.len().min(self.most)]);
        (out, whole)
    }
}

/// A server. It listens until it is dropped; what it is still doing then it does to the end.
#[derive(Debug)]
pub struct Server {
    port: u16,
    stop: Arc<AtomicBool>,
    /// What it has stored and seen.
    pub lrs: Arc<Lrs>,
}

impl Server {
    /// A server that answers like this. Each connection has a thread of its own.
    pub fn start(
        behaviour: impl Fn(&Request, &Arc<Lrs>) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::with(behaviour, Some)
    }

    /// A good LRS behind TLS.
    pub fn secure(tls: rustls::ServerConfig) -> Self {
        let tls = Arc::new(tls);
        Self::with(
            |request, lrs| lrs.plain(request),
            move |stream| {
                let session = rustls::ServerConnection::new(tls.clone()).ok()?;
                Some(rustls::StreamOwned::new(session, stream))
            },
        )
    }

    fn with<S: Read + Write>(
        behaviour: impl Fn(&Request, &Arc<Lrs>) -> Response + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let (stop, lrs) = (Arc::new(AtomicBool::new(false)), Arc::new(Lrs::default()));
        let (behaviour, wrap) = (Arc::new(behaviour), Arc::new(wrap));
        let (stopped, for_all) = (stop.clone(), lrs.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (behaviour, wrap, lrs) = (behaviour.clone(), wrap.clone(), for_all.clone());
                std::thread::spawn(move || {
                    let set = stream.set_nodelay(true);
                    set.and_then(|()| stream.set_write_timeout(Some(Duration::from_mins(1))))?;
                    match wrap(stream) {
                        // A client that hangs up is no failure of the server's.
                        Some(stream) => serve(stream, &lrs, |request| behaviour(request, &lrs)),
                        None => Ok(()),
                    }
                });
            }
        });
        Self { port, stop, lrs }
    }

    /// A good LRS.
    pub fn good() -> Self {
        Self::start(|request, lrs| lrs.plain(request))
    }

    /// The base URL of one behind TLS.
    pub fn secure_url(&self) -> String {
        format!("https://localhost:{}/xAPI", self.port)
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/xAPI", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that listens.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn serve(
    stream: impl Read + Write,
    lrs: &Lrs,
    behaviour: impl Fn(&Request) -> Response,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream)? {
        let number = lrs.begins(&request);
        let answer = behaviour(&request);
        lrs.answers(number, answer.status);
        let (bytes, stays) = answer.bytes();
        let to = stream.get_mut();
        to.write_all(&bytes)?;
        to.flush()?;
        if let Some(time) = answer.closes {
            std::thread::sleep(time);
        }
        if !stays || answer.closes.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        method,
        path,
        query,
        headers,
        body,
        at: Instant::now(),
    }))
}
