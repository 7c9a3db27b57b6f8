//! The hub, which is an LRS for others, spoken to through a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Scenario;
use crate::device::{Device, id, sample};

pub const ALL: &[Scenario] = &[
    Scenario::new(
        "the_hub_authenticates_before_it_reads",
        authenticates_before_it_reads,
    ),
    Scenario::slow(
        "the_hub_ends_a_connection_that_says_nothing",
        ends_what_says_nothing,
    ),
    Scenario::slow(
        "the_hubs_answer_to_two_million_faults_is_short",
        two_million_faults,
    ),
    Scenario::slow(
        "the_hubs_answer_to_a_wide_conflict_is_short",
        a_wide_conflict,
    ),
    Scenario::new(
        "the_hub_refuses_a_length_beyond_64_bits",
        a_length_beyond_64_bits,
    ),
    Scenario::slow(
        "the_hub_merges_many_languages_without_making_others_wait",
        many_languages,
    ),
    Scenario::new("the_hub_listens_where_it_is_told", listens_where_it_is_told),
    Scenario::new("the_hubs_ids_are_ids_only", ids_are_ids_only),
    Scenario::new(
        "the_hub_looks_at_the_version_first",
        looks_at_the_version_first,
    ),
    Scenario::new(
        "the_hub_takes_what_the_command_sends",
        takes_what_the_command_sends,
    ),
    Scenario::slow(
        "the_hub_needs_no_memory_for_contents",
        needs_no_memory_for_contents,
    ),
];

/// A hub that ends with the test.
struct Hub {
    child: Child,
    port: u16,
    device: Device,
}

impl Hub {
    fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    fn at(listen: &str) -> Self {
        let device = Device::new();
        let mut command = device.bare(&["--json", "hub", "--listen", listen]);
        let mut child = command
            .env("PANNIER_HUB_USER", "me")
            .env("PANNIER_HUB_PASSWORD", "s3cret")
            // It is killed in the end, and may leave long contents there.
            .env("TMPDIR", device.folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .expect("the command starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it can be read");
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let url = said["url"].as_str().unwrap_or_default().to_owned();
        let port = url
            .split(':')
            .nth(2)
            .and_then(|rest| rest.split('/').next()?.parse().ok());
        let Some(port) = port else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("--listen {listen}: it said {line:?}");
        };
        Self {
            child,
            port,
            device,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_mins(2)))
            .expect("a time-out");
        stream
    }

    /// One request with these headers, and its answer: the status and the body.
    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let mut stream = self.connect();
        let headers = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = format!(
            "{method} /xAPI{path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n",
            headers.collect::<Vec<_>>().concat(),
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        // It may answer and close without reading all of it.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&answer)));
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status"), answer[end + 4..].to_vec())
    }

    fn post(&self, body: &Value) -> (u16, Vec<u8>) {
        self.ask(
            "POST",
            "/statements",
            &[(AUTH, &auth()), VERSION, JSON],
            body.to_string().as_bytes(),
        )
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const AUTH: &str = "Authorization";
const VERSION: (&str, &str) = ("X-Experience-API-Version", "2.0.0");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn auth() -> String {
    format!("Basic {}", BASE64_STANDARD.encode("me:s3cret"))
}

/// Sixteen megabytes are promised and none comes.
fn authenticates_before_it_reads() {
    let hub = Hub::start();
    let mut stream = hub.connect();
    let head = "POST /xAPI/statements HTTP/1.1\r\nHost: hub\r\nX-Experience-API-Version: 2.0.0\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 16000000\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time-out");
    let mut first = [0; 12];
    stream
        .read_exact(&mut first)
        .expect("it answers before the body comes");
    assert_eq!(&first, b"HTTP/1.1 401");
}

fn ends_what_says_nothing() {
    let hub = Hub::start();
    let begun = Instant::now();
    for says in ["", "GET /xAPI/about HTTP/1.1\r\nHost: h"] {
        let mut stream = hub.connect();
        stream.write_all(says.as_bytes()).expect("it is sent");
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .expect("a time-out");
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        assert!(
            end.is_ok(),
            "after {says:?} it is open for {:?}",
            begun.elapsed()
        );
    }
}

fn two_million_faults() {
    let hub = Hub::start();
    let body = format!("[{}{{}}]", "{},".repeat(2_000_000));
    let (status, answer) = hub.ask(
        "POST",
        "/statements",
        &[(AUTH, &auth()), VERSION, JSON],
        body.as_bytes(),
    );
    assert!(matches!(status, 400 | 413), "{status}");
    assert!(answer.len() < 1 << 20, "{} bytes", answer.len());
}

/// Thousands of differences, each below long names.
fn a_wide_conflict() {
    let hub = Hub::start();
    let one = |value: usize| {
        let wide = (0..40_000).map(|n| (format!("n{n}"), json!(n + value)));
        let mut inner = Value::Object(wide.collect());
        for _ in 0..60 {
            inner = json!({"a-name-that-is-long-enough-to-be-noticed".repeat(20): inner});
        }
        let mut one = sample(0);
        one["result"]["extensions"] = json!({"https://example.com/wide": inner});
        one
    };
    assert_eq!(hub.post(&one(0)).0, 200);
    let (status, answer) = hub.post(&one(1));
    assert_eq!(status, 409);
    assert!(answer.len() < 4 << 20, "{} bytes", answer.len());
}

fn a_length_beyond_64_bits() {
    let hub = Hub::start();
    let mut one = sample(0).to_string();
    let attachment = format!(
        r#","attachments":[{{"usageType":"https://example.com/a","display":{{}},"contentType":"text/plain","length":36893488147419103232,"sha2":"{}","fileUrl":"https://example.com/f"}}]}}"#,
        "0a1b".repeat(16)
    );
    one.pop();
    one += &attachment;
    let headers = [(AUTH, &auth()[..]), VERSION, JSON];
    let (status, answer) = hub.ask("POST", "/statements", &headers, one.as_bytes());
    assert!(
        matches!(status, 200 | 400),
        "{status} {}",
        String::from_utf8_lossy(&answer)
    );
    // The command and the hub are of one mind.
    let file = hub.device.file("one.json", &one);
    let checked = hub.device.run(&["check", &file]);
    assert_eq!(checked.code, Some(i32::from(status != 200)), "{checked}");
}

/// A name in 150,000 languages, twice.
fn many_languages() {
    let hub = Hub::start();
    let display = |first: usize| {
        let all = (first..first + 150_000).map(|n| (format!("en-x-{n:x}"), json!("a name")));
        Value::Object(all.collect())
    };
    let mut begun = Instant::now();
    for n in 0..2 {
        let mut one = sample(n);
        one["object"] =
            json!({"id": "https://example.com/many", "definition": {"name": display(n * 75_000)}});
        begun = Instant::now();
        let (status, answer) = hub.post(&one);
        assert!(
            matches!(status, 200 | 400 | 413),
            "{status} {}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

fn listens_where_it_is_told() {
    for listen in ["localhost:0", ":0", "127.0.0.1:0"] {
        let hub = Hub::at(listen);
        let (status, _) = hub.ask("GET", "/about", &[VERSION], b"");
        assert_eq!(status, 200, "{listen}");
    }
}

/// xAPI 2.0.0, 4.2.7: the minimum that identifies an activity is its id.
fn ids_are_ids_only() {
    let hub = Hub::start();
    let mut one = sample(0);
    one["object"]["definition"] = json!({"name": {"en": "a question"}});
    assert_eq!(hub.post(&one).0, 200);
    let path = format!("/statements?statementId={}&format=ids", id(0));
    let (status, answer) = hub.ask("GET", &path, &[(AUTH, &auth()), VERSION], b"");
    assert_eq!(status, 200);
    let shown: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(shown["object"], json!({"id": one["object"]["id"]}));
}

fn looks_at_the_version_first() {
    let hub = Hub::start();
    for path in ["/nowhere", "/activities/state/nowhere"] {
        let (status, _) = hub.ask("GET", path, &[(AUTH, &auth())], b"");
        assert_eq!(status, 400, "{path} without a version");
        let (status, _) = hub.ask("GET", path, &[(AUTH, &auth()), VERSION], b"");
        assert_eq!(status, 404, "{path} with a version");
    }
}

fn takes_what_the_command_sends() {
    let hub = Hub::start();
    let device = Device::with(120);
    let url = format!("http://127.0.0.1:{}/xAPI", hub.port);
    let ran = device
        .start_as("me", "s3cret", &["sync", "--lrs", &url])
        .wait()
        .ended(0);
    assert_eq!(ran.last()["delivered"], 120, "{ran}");
    let path = format!("/statements?statementId={}", id(119));
    assert_eq!(
        hub.ask("GET", &path, &[(AUTH, &auth()), VERSION], b"").0,
        200
    );
}

/// Most kibibytes that the hub has had in memory at once, where the system tells.
fn most_kib(hub: &Hub) -> Option<u64> {
    let status = format!("/proc/{}/status", hub.child.id());
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// 200 MiB of the letter a go in and come out.
fn needs_no_memory_for_contents() {
    const SHA2: &str = "50062bf0d2f6a20192d786e2ba041b4682779374aa8cb334f4a3adc4b6558ad1";
    let piece = [b'a'; 1 << 14];
    let length = 200 << 20;
    let hub = Hub::start();
    let mut one = sample(0);
    one["attachments"] = json!([{
        "usageType": "https://example.com/film", "display": {"en": "a film"},
        "contentType": "video/mp4", "length": length, "sha2": SHA2,
    }]);
    let begin = format!(
        "--film\r\nContent-Type: application/json\r\n\r\n{one}\r\n--film\r\nContent-Type: video/mp4\r\n\
         Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {SHA2}\r\n\r\n"
    );
    let end = "\r\n--film--\r\n";
    let head = |method: &str, headers: &str| {
        format!(
            "{method} /xAPI/statements?attachments=true HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\
             Authorization: {}\r\nX-Experience-API-Version: 2.0.0\r\n{headers}\r\n",
            auth()
        )
    };
    let whole = begin.len() + length + end.len();
    let headers =
        format!("Content-Type: multipart/mixed; boundary=film\r\nContent-Length: {whole}\r\n");
    // A first one, so that what any request needs is there.
    assert_eq!(hub.post(&sample(1)).0, 200);
    let before = most_kib(&hub);

    let mut stream = hub.connect();
    let head_of_post = head("POST", &headers).replace("?attachments=true", "");
    stream
        .write_all(head_of_post.as_bytes())
        .expect("it is sent");
    stream.write_all(begin.as_bytes()).expect("it is sent");
    for _ in 0..length / piece.len() {
        stream.write_all(&piece).expect("it is taken");
    }
    stream.write_all(end.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    let mut stream = hub.connect();
    stream
        .write_all(head("GET", "").as_bytes())
        .expect("it is sent");
    let (mut came, mut bytes) = (0, vec![0; 1 << 16]);
    loop {
        let read = stream.read(&mut bytes).expect("an answer");
        if read == 0 {
            break;
        }
        came += read;
    }
    assert!((length..length + 10_000).contains(&came), "{came}");

    let (before, after) = (
        before.unwrap_or_default(),
        most_kib(&hub).unwrap_or_default(),
    );
    assert!(
        after - before < 8 << 10,
        "{before} KiB before and {after} after"
    );
    assert!(after > 0 || !cfg!(target_os = "linux"));
}
