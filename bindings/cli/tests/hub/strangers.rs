//! Who has shown no credentials costs little and cannot stay.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pannier_cli::hub::{Hub, Options, Patience, Running};

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

fn first_line(stream: &mut TcpStream) -> String {
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

#[test]
fn only_so_many_connections_are_served_at_a_time() {
    let options = Options {
        connections: 2,
        ..Options::new("me", "secret")
    };
    let hub = Hub::start(&options).unwrap();
    let about = b"GET /xAPI/about HTTP/1.1\r\nHost: hub\r\n\r\n";
    let mut served: Vec<TcpStream> = (0..2).map(|_| connect(&hub)).collect();
    for stream in &mut served {
        stream.write_all(about).unwrap();
        assert_eq!(first_line(stream), "HTTP/1.1 200 OK");
    }
    let mut third = connect(&hub);
    third.write_all(about).unwrap();
    third
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let waiting = third.read(&mut [0]).unwrap_err();
    assert!(
        matches!(waiting.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{waiting}"
    );
    third.set_read_timeout(Some(DEADLINE)).unwrap();
    served.pop();
    assert_eq!(first_line(&mut third), "HTTP/1.1 200 OK");
}
