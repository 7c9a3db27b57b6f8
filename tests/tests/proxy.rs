//! The network that misbehaves does so exactly as told: the other tests rely on it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use pannier_tests::proxy::{Fault, Proxy};

const BODY: &str = r#"{"id":"a"}"#;
const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nstored";

/// An LRS of one line: tells of every request and answers it. It ends with the test.
fn lrs() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}/xAPI", listener.local_addr().expect("bound"));
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (mut client, mut request) = (client, String::new());
            while !request.ends_with(BODY) {
                let mut part = [0; 1000];
                let n = client.read(&mut part).expect("the proxy sends");
                request.push_str(&String::from_utf8_lossy(&part[..n]));
            }
            if tell.send(request).is_err() {
                return;
            }
            client
                .write_all(ANSWER.as_bytes())
                .expect("the proxy reads");
        }
    });
    (base, told)
}

/// Sends a POST through the proxy and reads to the end of the connection.
fn post(proxy: &Proxy) -> std::io::Result<String> {
    let url = proxy.url("http://elsewhere/xAPI");
    let address = url.split('/').nth(2).expect("a host");
    let mut stream = TcpStream::connect(address)?;
    let length = BODY.len();
    write!(
        stream,
        "POST /xAPI/statements HTTP/1.1\r\nHost: x\r\nconnection: keep-alive\r\ncontent-length: {length}\r\n\r\n{BODY}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn refuses_until_connected_and_after_being_cut_off() {
    let (base, told) = lrs();
    let proxy = Proxy::unreachable();
    let refused = |answer: std::io::Result<String>| answer.expect_err("refused").kind();
    assert_eq!(refused(post(&proxy)), ErrorKind::ConnectionRefused);
    proxy.connect(&base);
    assert_eq!(post(&proxy).expect("connected"), ANSWER);
    proxy.cut_off();
    assert_eq!(refused(post(&proxy)), ErrorKind::ConnectionRefused);
    proxy.connect(&base);
    assert_eq!(post(&proxy).expect("connected again"), ANSWER);
    assert_eq!(told.try_iter().count(), 2);
}

#[test]
fn hands_through_what_it_gets() {
    let (base, told) = lrs();
    let proxy = Proxy::unreachable();
    proxy.connect(&base);
    post(&proxy).expect("connected");
    assert_eq!(
        told.recv().expect("it reached the LRS"),
        format!(
            "POST /xAPI/statements HTTP/1.1\r\nHost: x\r\ncontent-length: 10\r\nConnection: close\r\n\r\n{BODY}"
        )
    );
    assert_eq!(proxy.seen()[0].body, BODY.as_bytes());
    assert_eq!(proxy.seen()[0].target, "/xAPI/statements");
}

#[test]
fn misbehaves_once_as_told() {
    let (base, told) = lrs();
    let proxy = Proxy::unreachable();
    proxy.connect(&base);

    proxy.next_post(Fault::LoseAnswer);
    assert_eq!(post(&proxy).expect("closed in order"), "");
    assert_eq!(told.try_iter().count(), 1, "the LRS got it");

    proxy.next_post(Fault::CutAnswer);
    assert_eq!(
        post(&proxy).expect("closed in order"),
        ANSWER[..ANSWER.len() / 2]
    );
    assert_eq!(told.try_iter().count(), 1, "the LRS got it");

    proxy.next_post(Fault::Reset);
    assert_eq!(
        post(&proxy).expect_err("reset").kind(),
        ErrorKind::ConnectionReset
    );
    proxy.next_post(Fault::say(503, &["Retry-After: 7"], "later"));
    assert!(
        post(&proxy)
            .expect("answered")
            .ends_with("Retry-After: 7\r\nConnection: close\r\n\r\nlater")
    );
    proxy.refuse(r#""a""#);
    assert!(post(&proxy).expect("answered").starts_with("HTTP/1.1 400 "));
    assert_eq!(told.try_iter().count(), 0, "the LRS got nothing");
}

#[test]
fn holds_an_answer_back_and_notices_an_overlap() {
    let (base, _told) = lrs();
    let proxy = Proxy::unreachable();
    proxy.connect(&base);
    proxy.next_post(Fault::Hold);
    std::thread::scope(|threads| {
        let first = threads.spawn(|| post(&proxy).expect("connected"));
        proxy.wait_until_held();
        assert_eq!(post(&proxy).expect("connected"), ANSWER);
        assert!(!first.is_finished());
        assert_eq!(proxy.overlaps(), ["a"]);
        proxy.release();
        assert_eq!(first.join().expect("it got its answer"), ANSWER);
    });
    post(&proxy).expect("connected");
    assert_eq!(proxy.overlaps(), ["a"], "nothing is in flight any more");
    assert_eq!(proxy.most_at_once(), 2);
}
