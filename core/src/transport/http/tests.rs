//! Against small TCP servers that behave as real ones do.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions::default()).expect("the default options are good")
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/xAPI/statements", address(&listener));
    (listener, url)
}

fn address(listener: &TcpListener) -> std::net::SocketAddr {
    listener.local_addr().expect("a bound socket")
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.expect("a connection").0
}

fn request(method: Method, url: &str, body: Option<Vec<u8>>) -> Request {
    Request {
        method,
        url: url.to_owned(),
        headers: vec![("X-Experience-API-Version", "1.0.3".to_owned())],
        body: body.map(Into::into),
        timeout: Duration::from_secs(10),
        longest_answer: 1 << 20,
    }
}

fn post(url: &str) -> Request {
    request(Method::Post, url, Some(b"{\"a\":1}".to_vec()))
}

fn get(url: &str) -> Request {
    request(Method::Get, url, None)
}

/// Reads one request to its end: its head, and the size of its body.
async fn read_request(stream: &mut TcpStream) -> (String, usize) {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.expect("a readable socket");
        assert_ne!(count, 0, "the client closed in mid-request");
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        if body.len() >= length {
            return (head.to_owned(), body.len());
        }
    }
}

/// Reads a request and writes what comes back.
async fn answer_with(stream: &mut TcpStream, answer: &[u8]) -> String {
    let (head, _) = read_request(stream).await;
    stream.write_all(answer).await.expect("a writable socket");
    head
}

/// Closes with a reset, as a server that was killed does.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().expect("a socket option");
}

fn is_broken(outcome: &Result<Response, TransportError>) -> bool {
    matches!(outcome, Err(TransportError::Broken(_)))
}

mod requests {
    use super::*;

    #[tokio::test]
    async fn a_post_goes_whole_with_its_length_and_our_headers() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            answer_with(&mut stream, OK).await
        };
        let mut request = post(&url);
        request
            .headers
            .push(("Accept", "application/json".to_owned()));
        let (head, answer) = tokio::join!(server, transport.exchange(request));
        let mut lines: Vec<String> = head.lines().map(str::to_lowercase).collect();
        assert_eq!(lines.remove(0), "post /xapi/statements http/1.1");
        lines.sort();
        assert_eq!(
            lines,
            [
                "accept: application/json".to_owned(),
                "content-length: 7".to_owned(),
                format!("host: {}", address(&listener)),
                format!("user-agent: pannier/{}", env!("CARGO_PKG_VERSION")),
                "x-experience-api-version: 1.0.3".to_owned(),
            ]
        );
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"[]"[..]));
        assert_eq!(answer.header("Content-Length"), Some("2"));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            let to = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
            answer_with(&mut stream, to.as_bytes()).await;
        };
        let ((), answer) = tokio::join!(server, transport.exchange(post(&url)));
        let answer = answer.expect("an answer");
        assert_eq!(
            (answer.status, answer.header("Location")),
            (302, Some("/login"))
        );
    }

    #[tokio::test]
    async fn no_cookie_is_kept() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            let set = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n";
            answer_with(&mut stream, set).await;
            answer_with(&mut stream, OK).await
        };
        let client = async {
            transport.exchange(get(&url)).await.expect("an answer");
            transport.exchange(get(&url)).await.expect("an answer");
        };
        let (head, ()) = tokio::join!(server, client);
        assert!(!head.to_lowercase().contains("cookie"), "{head}");
    }

    #[tokio::test]
    async fn an_answer_longer_than_asked_for_is_cut_says_so_and_is_not_waited_for() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            answer_with(&mut stream, b"HTTP/1.1 500 No\r\n\r\n").await;
            let block = vec![b'x'; 1 << 20];
            while stream.write_all(&block).await.is_ok() {}
        };
        let asked = Request {
            longest_answer: 3 << 20,
            ..post(&url)
        };
        let ((), answer) = tokio::join!(server, transport.exchange(asked));
        let answer = answer.expect("an answer");
        assert_eq!((answer.body.len(), answer.cut), (3 << 20, true));
    }

    #[tokio::test]
    async fn an_answer_just_as_long_as_asked_for_is_whole() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            answer_with(&mut accept(&listener).await, OK).await;
        };
        let asked = Request {
            longest_answer: 2,
            ..post(&url)
        };
        let ((), answer) = tokio::join!(server, transport.exchange(asked));
        let answer = answer.expect("an answer");
        assert_eq!((answer.body.as_slice(), answer.cut), (&b"[]"[..], false));
    }
}

mod failures {
    use super::*;

    #[tokio::test]
    async fn a_refused_connection_is_unreachable() {
        let (listener, url) = listen().await;
        drop(listener);
        let outcome = transport()
            .exchange(post(&format!("{url}?agent=ada")))
            .await;
        let Err(TransportError::Unreachable(why)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(why.to_lowercase().contains("refused"), "{why}");
        assert!(!why.contains("ada") && !why.contains("xAPI"), "{why}");
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_unreachable() {
        // RFC 6761, section 6.4: "invalid" never resolves.
        let outcome = transport().exchange(post("http://lrs.invalid/xAPI")).await;
        assert!(
            matches!(outcome, Err(TransportError::Unreachable(_))),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_unreachable() {
        let mut request = post("http://127.0.0.1:1/");
        request.headers.push(("Accept", "a\r\nb".to_owned()));
        let outcome = transport().exchange(request).await;
        assert!(
            matches!(outcome, Err(TransportError::Unreachable(_))),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn what_changes_something_is_broken_when_closed_before_the_answer_and_not_sent_again() {
        let methods = [Method::Post, Method::Put, Method::Delete];
        for (with_reset, method) in [false, true]
            .into_iter()
            .flat_map(|it| methods.map(|method| (it, method)))
        {
            let (listener, url) = listen().await;
            let transport = transport();
            let server = async {
                let mut stream = accept(&listener).await;
                read_request(&mut stream).await;
                if with_reset {
                    reset(&stream);
                }
                drop(stream);
                // Nothing more may come.
                tokio::time::timeout(Duration::from_millis(200), listener.accept()).await
            };
            let body = (method != Method::Delete).then(|| b"{}".to_vec());
            let sent = transport.exchange(request(method, &url, body));
            let (again, outcome) = tokio::join!(server, sent);
            assert!(is_broken(&outcome), "{outcome:?}");
            assert!(again.is_err(), "the {method:?} was sent twice");
        }
    }

    #[tokio::test]
    async fn what_only_asks_is_sent_again_once() {
        for method in [Method::Get, Method::Head] {
            let (listener, url) = listen().await;
            let transport = transport();
            let server = async {
                read_request(&mut accept(&listener).await).await;
                answer_with(&mut accept(&listener).await, OK).await;
                for _ in 0..2 {
                    read_request(&mut accept(&listener).await).await;
                }
            };
            let client = async {
                let first = transport.exchange(request(method, &url, None)).await;
                (first, transport.exchange(request(method, &url, None)).await)
            };
            let ((), (first, second)) = tokio::join!(server, client);
            assert_eq!(first.map(|answer| answer.status), Ok(200));
            assert!(is_broken(&second), "{second:?}");
        }
    }

    #[tokio::test]
    async fn closed_in_the_middle_of_an_answer_is_broken_unless_it_refuses() {
        for status in [200, 413, 503] {
            let (listener, url) = listen().await;
            let transport = transport();
            let server = async {
                let part = format!("HTTP/1.1 {status} Is\r\nContent-Length: 99\r\n\r\npart");
                answer_with(&mut accept(&listener).await, part.as_bytes()).await;
            };
            let ((), outcome) = tokio::join!(server, transport.exchange(post(&url)));
            if status == 200 {
                assert!(is_broken(&outcome), "{outcome:?}");
            } else {
                let answer = outcome.expect("an answer");
                let read = (answer.status, answer.body.as_slice(), answer.cut);
                assert_eq!(read, (status, &b"part"[..], true));
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_http_is_broken() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            answer_with(&mut accept(&listener).await, b"SSH-2.0-OpenSSH_9.2\r\n").await;
        };
        let ((), outcome) = tokio::join!(server, transport.exchange(post(&url)));
        assert!(is_broken(&outcome), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_times_out() {
        let (listener, url) = listen().await;
        let mut request = post(&url);
        request.timeout = Duration::from_millis(100);
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            read_request(&mut stream).await;
            stream.read(&mut [0; 1]).await.map_err(|error| error.kind())
        };
        let (end, outcome) = tokio::join!(server, transport.exchange(request));
        assert_eq!(outcome, Err(TransportError::TimedOut));
        assert_eq!(end, Ok(0), "the connection is closed on a time-out");
    }

    #[tokio::test]
    async fn who_answers_the_first_request_of_a_connection_alone_is_asked_by_new_ones() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut kept = Vec::new();
            // The second request of the first connection is read and never answered.
            let mut first = accept(&listener).await;
            answer_with(&mut first, OK).await;
            read_request(&mut first).await;
            kept.push(first);
            for _ in 0..3 {
                let mut stream = accept(&listener).await;
                answer_with(&mut stream, OK).await;
                kept.push(stream);
            }
        };
        let client = async {
            let mut outcomes = Vec::new();
            for _ in 0..5 {
                let mut request = post(&url);
                request.timeout = Duration::from_millis(400);
                outcomes.push(transport.exchange(request).await);
            }
            outcomes
        };
        let ((), outcomes) = tokio::join!(server, client);
        assert_eq!(outcomes[1], Err(TransportError::TimedOut));
        let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(answered, 4, "{outcomes:?}");
    }

    #[tokio::test]
    async fn an_answer_that_trickles_times_out_in_total() {
        let (listener, url) = listen().await;
        let mut request = post(&url);
        request.timeout = Duration::from_millis(150);
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            answer_with(
                &mut stream,
                b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
            )
            .await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ((), outcome) = tokio::join!(server, transport.exchange(request));
        assert_eq!(outcome, Err(TransportError::TimedOut));
    }

    #[tokio::test]
    async fn a_connection_that_is_not_made_in_time_is_unreachable() {
        let (listener, url) = listen().await;
        let url = url.replace("http:", "https:");
        let transport = HttpTransport::new(&HttpOptions {
            connect_timeout: Duration::from_millis(100),
            ..HttpOptions::default()
        })
        .expect("good options");
        // TCP connects; the TLS handshake is never answered.
        let server = async {
            let mut stream = accept(&listener).await;
            while stream
                .read(&mut [0; 1024])
                .await
                .is_ok_and(|count| count > 0)
            {}
        };
        let ((), outcome) = tokio::join!(server, transport.exchange(post(&url)));
        assert!(
            matches!(outcome, Err(TransportError::Unreachable(_))),
            "{outcome:?}"
        );
    }
}

mod connections {
    use super::*;

    /// Answers one request, closes, and answers another on a new connection.
    async fn close_between(listener: &TcpListener, closed: &AtomicUsize) {
        answer_with(&mut accept(listener).await, OK).await;
        closed.fetch_add(1, Ordering::SeqCst);
        answer_with(&mut accept(listener).await, OK).await;
    }

    #[tokio::test]
    async fn a_connection_is_used_again() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            answer_with(&mut stream, OK).await;
            answer_with(&mut stream, OK).await;
        };
        let client = async {
            transport.exchange(post(&url)).await.expect("an answer");
            transport.exchange(post(&url)).await.expect("an answer");
        };
        tokio::join!(server, client);
    }

    /// It answers each request on a connection of its own, and closes when a second one comes, as one that closes some
    /// time after an answer without a word: all but one of five get through, and a look-up loses none.
    #[tokio::test]
    async fn after_one_that_broke_each_request_has_its_own() {
        for method in [Method::Post, Method::Get] {
            let (listener, url) = listen().await;
            let transport = transport();
            let server = async {
                loop {
                    let mut stream = accept(&listener).await;
                    answer_with(&mut stream, OK).await;
                    let _ = stream.read(&mut [0; 1]).await;
                }
            };
            let client = async {
                let mut answered = 0;
                for _ in 0..5 {
                    let body = (method == Method::Post).then(|| b"{}".to_vec());
                    let outcome = transport.exchange(request(method, &url, body)).await;
                    answered += usize::from(outcome.is_ok());
                }
                answered
            };
            let answered = tokio::select! {
                () = server => unreachable!("it goes on"),
                answered = client => answered,
            };
            assert!(
                answered >= 4 + usize::from(method == Method::Get),
                "{method:?}: {answered}"
            );
        }
    }

    #[tokio::test]
    async fn one_that_ended_while_idle_is_not() {
        let (listener, url) = listen().await;
        let transport = transport();
        let closed = AtomicUsize::new(0);
        let client = async {
            transport.exchange(post(&url)).await.expect("an answer");
            while closed.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            transport.exchange(post(&url)).await
        };
        let ((), second) = tokio::join!(close_between(&listener, &closed), client);
        assert_eq!(second.map(|answer| answer.status), Ok(200));
    }

    /// The runtime's one thread is busy with something else while the server closes, so that
    /// nothing has noticed the end when the next request is about to go.
    #[test]
    fn one_that_ended_while_the_thread_was_busy_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("a bound socket"));
        let (closed, has_closed) = std::sync::mpsc::channel();
        let server = std::thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut head = Vec::new();
                while !head.ends_with(b"{\"a\":1}") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).expect("a request");
                    head.push(byte[0]);
                }
                stream.write_all(OK).expect("a writable socket");
                drop(stream);
                closed.send(()).expect("a test that waits");
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let second = runtime.block_on(async {
            let transport = transport();
            transport.exchange(post(&url)).await.expect("an answer");
            has_closed.recv().expect("a server that runs");
            transport.exchange(post(&url)).await
        });
        assert_eq!(second.map(|answer| answer.status), Ok(200));
        server.join().expect("a server that ends well");
    }

    #[tokio::test]
    async fn a_refusal_that_comes_while_a_big_body_is_sent_is_read() {
        let (listener, url) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            let _ = stream.read(&mut [0; 1024]).await;
            let no = b"HTTP/1.1 413 Too Large\r\nContent-Length: 7\r\n\r\ntoo big";
            stream.write_all(no).await.expect("a writable socket");
            // Dropped with most of the request unread, which resets the connection.
        };
        let request = request(Method::Post, &url, Some(vec![b' '; 8 << 20]));
        let ((), outcome) = tokio::join!(server, transport.exchange(request));
        let answer = outcome.expect("an answer");
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (413, &b"too big"[..])
        );
    }
}

mod proxies {
    use super::*;

    #[tokio::test]
    async fn a_request_goes_through_the_proxy_that_is_set() {
        let (listener, _) = listen().await;
        let transport = HttpTransport::new(&HttpOptions {
            // RFC 7617, section 2.
            proxy: Some(format!(
                "http://Aladdin:open%20sesame@{}",
                address(&listener)
            )),
            ..HttpOptions::default()
        })
        .expect("good options");
        let server = async { answer_with(&mut accept(&listener).await, OK).await };
        // A name that never resolves: nobody but the proxy can be asked.
        let request = post("http://lrs.invalid/xAPI/statements");
        let (head, answer) = tokio::join!(server, transport.exchange(request));
        assert_eq!(answer.map(|answer| answer.status), Ok(200));
        let head = head.to_lowercase();
        // RFC 9112, section 3.2.2.
        assert!(
            head.starts_with("post http://lrs.invalid/xapi/statements http/1.1"),
            "{head}"
        );
        let known = "proxy-authorization: basic qwxhzgrpbjpvcgvuihnlc2ftzq==";
        assert!(head.contains(known), "{head}");
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_is_named() {
        let (listener, _) = listen().await;
        let nobody = address(&listener);
        drop(listener);
        let transport = HttpTransport::new(&HttpOptions {
            proxy: Some(format!("http://{nobody}")),
            ..HttpOptions::default()
        })
        .expect("good options");
        let request = post("http://lrs.invalid/xAPI/statements");
        let Err(TransportError::Unreachable(why)) = transport.exchange(request).await else {
            panic!("nobody is there");
        };
        assert!(why.contains("proxy"), "{why}");
    }

    #[tokio::test]
    async fn what_is_for_this_device_goes_through_no_proxy() {
        let (proxy, _) = listen().await;
        let (lrs, _) = listen().await;
        let transport = HttpTransport::new(&HttpOptions {
            proxy: Some(format!("http://{}", address(&proxy))),
            ..HttpOptions::default()
        })
        .expect("good options");
        for host in ["127.0.0.1", "localhost"] {
            let port = address(&lrs).port();
            let server = async { answer_with(&mut accept(&lrs).await, OK).await };
            let asked = transport.exchange(post(&format!("http://{host}:{port}/xAPI/statements")));
            let (head, answer) = tokio::join!(server, asked);
            assert_eq!(answer.map(|answer| answer.status), Ok(200), "{host}");
            let head = head.to_lowercase();
            assert!(head.starts_with("post /xapi/statements http/1.1"), "{head}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_repeated() {
        for text in [
            "proxy.example:3128",
            "socks5://s3cret@proxy.example",
            "",
            "http://",
        ] {
            let options = HttpOptions {
                proxy: Some(text.to_owned()),
                ..HttpOptions::default()
            };
            let error = HttpTransport::new(&options).err();
            assert_eq!(error, Some(InvalidHttpOptions::Proxy), "{text}");
            assert!(!format!("{options:?} {error:?}").contains("s3cret"));
        }
    }
}

mod tls {
    use super::*;

    struct Lrs {
        url: String,
        certificate: rcgen::CertifiedKey<rcgen::KeyPair>,
    }

    /// A server on a thread of its own that answers one request after a TLS handshake, if there
    /// is one.
    fn lrs() -> Lrs {
        let certificate =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let key =
            rustls::pki_types::PrivateKeyDer::try_from(certificate.signing_key.serialize_der())
                .expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(
            rustls::crypto::ring::default_provider().into(),
        )
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .expect("a server certificate");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!(
            "https://{}/",
            listener.local_addr().expect("a bound socket")
        );
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            let session = rustls::ServerConnection::new(Arc::new(config)).expect("a session");
            let mut stream = rustls::StreamOwned::new(session, stream);
            if stream.read(&mut [0; 1024]).is_ok() {
                let _ = stream.write_all(OK);
            }
        });
        Lrs { url, certificate }
    }

    fn trusting(root: Vec<u8>) -> HttpTransport {
        HttpTransport::new(&HttpOptions {
            extra_roots: vec![root],
            ..HttpOptions::default()
        })
        .expect("good options")
    }

    #[tokio::test]
    async fn an_extra_root_is_trusted_in_pem_and_der() {
        let lrs_1 = lrs();
        let pem = lrs_1.certificate.cert.pem().into_bytes();
        let answer = trusting(pem).exchange(get(&lrs_1.url)).await;
        assert_eq!(answer.map(|answer| answer.status), Ok(200));
        let lrs_3 = lrs();
        let marked = format!(
            "\u{feff}{}",
            lrs_3.certificate.cert.pem().replace('\n', "\r\n")
        );
        let answer = trusting(marked.into()).exchange(get(&lrs_3.url)).await;
        assert_eq!(answer.map(|answer| answer.status), Ok(200));
        let lrs_2 = lrs();
        let der = lrs_2.certificate.cert.der().to_vec();
        let answer = trusting(der).exchange(get(&lrs_2.url)).await;
        assert_eq!(answer.map(|answer| answer.status), Ok(200));
    }

    #[tokio::test]
    async fn a_certificate_nobody_vouches_for_is_unreachable() {
        let outcome = transport().exchange(post(&lrs().url)).await;
        let failure = outcome.expect_err("trusted");
        assert!(failure.is_tls(), "{failure:?}");
        let why = failure.to_string();
        assert!(
            why.contains("vouches") && why.contains("extra_roots"),
            "{why}"
        );
    }

    #[test]
    fn options_that_cannot_be_used_are_refused() {
        let with = |change: fn(&mut HttpOptions)| {
            let mut options = HttpOptions::default();
            change(&mut options);
            HttpTransport::new(&options).err()
        };
        let pem: fn(&mut HttpOptions) = |options| {
            options.extra_roots = vec![b"-----BEGIN NOTHING-----\n".to_vec()];
        };
        assert_eq!(with(pem), Some(InvalidHttpOptions::NotACertificate(0)));
        let der: fn(&mut HttpOptions) = |options| options.extra_roots = vec![vec![0x30, 0]];
        assert_eq!(with(der), Some(InvalidHttpOptions::NotACertificate(0)));
        let agent: fn(&mut HttpOptions) = |options| options.user_agent = "a\nb".to_owned();
        assert_eq!(with(agent), Some(InvalidHttpOptions::UserAgent));
    }
}
