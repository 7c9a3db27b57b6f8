//! Who has shown no credentials costs little and cannot stay.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pannier_hub::{Hub, Options, Patience, Running};

use crate::client::{Lrs, id, statement};

/// How long a test waits for what must come: longer than anything takes, so that only a hub that keeps
/// somebody waiting fails it.
const DEADLINE: Duration = Duration::from_secs(20);

fn connect(hub: &Running) -> TcpStream {
    let stream = TcpStream::connect(hub.addr()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Says this and gives the first line of the answer.
fn answered(hub: &Running, text: &str) -> String {
    let mut stream = connect(hub);
    stream.write_all(text.as_bytes()).unwrap();
    first_line(&mut stream)
}

pub fn first_line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") && stream.read(&mut byte).expect("an answer in time") == 1 {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

const HEAD: &str = "POST /xAPI/statements HTTP/1.1\r\nHost: hub\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n";

#[test]
fn a_stranger_is_answered_before_a_body_comes() {
    let hub = Hub::start(&Options::new("me", "secret")).unwrap();
    let refused = "HTTP/1.1 401 Unauthorized";
    assert_eq!(answered(&hub, &format!("{HEAD}\r\n")), refused);
    let asking = format!("{HEAD}Expect: 100-continue\r\n\r\n");
    assert_eq!(answered(&hub, &asking), refused);
    // Somebody known is asked for it.
    let known = format!("{HEAD}Authorization: Basic bWU6c2VjcmV0\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(answered(&hub, &known), "HTTP/1.1 100 Continue");
}

#[test]
fn a_form_shows_its_credentials_first() {
    let hub = Hub::start(&Options::new("me", "secret")).unwrap();
    let head = "POST /xAPI/statements?method=POST HTTP/1.1\r\nHost: hub\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000000\r\n";
    let content = format!("content={}", "x".repeat(100_000));
    let refused = "HTTP/1.1 401 Unauthorized";
    assert_eq!(answered(&hub, &format!("{head}\r\n{content}")), refused);
    assert_eq!(
        answered(
            &hub,
            &format!("{head}\r\nAuthorization=Basic+bWU6d3Jvbmc%3D&{content}")
        ),
        refused
    );
    assert_eq!(
        answered(
            &hub,
            &format!("{head}Authorization: Basic bWU6d3Jvbmc=\r\n\r\n")
        ),
        refused
    );

    // With them it may be as large as any other request.
    let lrs = Lrs::of(hub);
    let mut large = statement(&id());
    large["result"] = serde_json::json!({"response": "x".repeat(200_000)});
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("Authorization", "Basic bWU6c2VjcmV0")
        .append_pair("X-Experience-API-Version", "1.0.3")
        .append_pair("content", &large.to_string())
        .finish();
    let form_headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = lrs
        .raw("POST", "/statements?method=POST", &form_headers, form)
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn impatient(change: impl FnOnce(&mut Patience)) -> Running {
    let mut options = Options::new("me", "secret");
    change(&mut options.patience);
    Hub::start(&options).unwrap()
}

/// Whether the hub ends the connection, whatever it says before.
fn is_ended(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

const SOON: Duration = Duration::from_millis(50);

#[test]
fn half_a_head_is_not_waited_for() {
    let hub = impatient(|patience| patience.head = SOON);
    let mut silent = connect(&hub);
    assert!(is_ended(&mut silent));
    let mut half = connect(&hub);
    half.write_all(b"GET /xAPI/about HTTP/1.1\r\nHo").unwrap();
    assert!(is_ended(&mut half));
}

#[test]
fn half_a_body_is_not_waited_for() {
    let hub = impatient(|patience| patience.body = SOON);
    let mut half = connect(&hub);
    let head = format!("{HEAD}Authorization: Basic bWU6c2VjcmV0\r\n\r\n[");
    half.write_all(head.as_bytes()).unwrap();
    assert_eq!(first_line(&mut half), "HTTP/1.1 408 Request Timeout");

    let hub = impatient(|patience| patience.stranger = SOON);
    let mut half = connect(&hub);
    let head = "POST /xAPI/statements?method=GET HTTP/1.1\r\nHost: hub\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nA";
    half.write_all(head.as_bytes()).unwrap();
    assert_eq!(first_line(&mut half), "HTTP/1.1 408 Request Timeout");
    // What is thrown away is not waited for either.
    let mut refused = connect(&hub);
    refused.write_all(format!("{HEAD}\r\n").as_bytes()).unwrap();
    assert!(is_ended(&mut refused));
}

#[test]
fn who_takes_no_answer_loses_the_connection() {
    let hub = impatient(|patience| patience.answer = SOON);
    let mut deaf = connect(&hub);
    let request = b"GET /xAPI/nothing HTTP/1.1\r\nHost: hub\r\n\r\n".repeat(1000);
    // Until the answers fill all there is between the two and no more requests are read: then it is cut.
    let cut = loop {
        if let Err(error) = deaf.write_all(&request) {
            break error;
        }
    };
    assert!(
        matches!(
            cut.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        ),
        "{cut}"
    );
}

fn few_connections() -> Running {
    let options = Options {
        connections: 4,
        ..Options::new("me", "secret")
    };
    Hub::start(&options).unwrap()
}

const ABOUT: &[u8] = b"GET /xAPI/about HTTP/1.1\r\nHost: hub\r\n\r\n";

/// Somebody known in the middle of a body.
fn sending(hub: &Running) -> TcpStream {
    let mut stream = connect(hub);
    let asking = format!("{HEAD}Authorization: Basic bWU6c2VjcmV0\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(asking.as_bytes()).unwrap();
    assert_eq!(first_line(&mut stream), "HTTP/1.1 100 Continue");
    assert_eq!(first_line(&mut stream), "");
    stream
}

#[test]
fn only_so_many_connections_are_served_at_a_time() {
    let hub = few_connections();
    let mut served: Vec<TcpStream> = (0..4).map(|_| sending(&hub)).collect();
    let mut next = connect(&hub);
    next.write_all(ABOUT).unwrap();
    next.set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let waiting = next.read(&mut [0]).unwrap_err();
    assert!(
        matches!(waiting.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{waiting}"
    );
    next.set_read_timeout(Some(DEADLINE)).unwrap();
    served.pop();
    assert_eq!(first_line(&mut next), "HTTP/1.1 200 OK");
    // Those at work are left at it.
    for stream in &mut served {
        stream.write_all(b"\r\n").unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(10)))
            .unwrap();
        let waiting = stream.read(&mut [0]).unwrap_err();
        assert!(
            matches!(waiting.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "{waiting}"
        );
    }
}

#[test]
fn who_never_comes_to_the_point_makes_room_for_others() {
    let form = "POST /xAPI/statements?method=GET HTTP/1.1\r\nHost: hub\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nA";
    let refused = format!("{HEAD}\r\n[");
    let idle = String::from_utf8(ABOUT.to_vec()).unwrap();
    let idle_then_half = format!("{idle}GET /xAPI/sta");
    for beginning in [
        "",
        "GET /xAPI/about HTTP/1.1\r\nHo",
        form,
        &refused,
        &idle,
        &idle_then_half,
    ] {
        let hub = few_connections();
        let mut strangers: Vec<TcpStream> = Vec::new();
        for _ in 0..10 {
            let mut stranger = connect(&hub);
            stranger.write_all(beginning.as_bytes()).unwrap();
            strangers.push(stranger);
        }
        // Well before anybody has been waited for long enough.
        let mut honest = connect(&hub);
        honest
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        honest.write_all(ABOUT).unwrap();
        assert_eq!(first_line(&mut honest), "HTTP/1.1 200 OK", "{beginning:?}");
    }
}

#[test]
fn who_is_known_and_idle_makes_room_without_losing_an_answer() {
    let hub = few_connections();
    let known = b"GET /xAPI/statements HTTP/1.1\r\nHost: hub\r\nX-Experience-API-Version: 2.0.0\r\nAuthorization: Basic bWU6c2VjcmV0\r\n\r\n";
    let mut all: Vec<TcpStream> = Vec::new();
    for _ in 0..12 {
        let mut stream = connect(&hub);
        stream.write_all(known).unwrap();
        assert_eq!(first_line(&mut stream), "HTTP/1.1 200 OK");
        all.push(stream);
    }
    for mut stream in all.drain(..8) {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        let rest = String::from_utf8(rest).unwrap();
        assert!(rest.contains("\"statements\""), "{rest}");
    }
}
