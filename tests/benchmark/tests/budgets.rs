//! What may never grow unnoticed, in numbers that no busy machine changes: allocations, requests,
//! bytes on the wire, bytes written, the size of the file. What it costs in time: `tests/bench`.

mod counting;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pannier::lrs::{Method, Request, Response};
use pannier::statement::{self, Fill};
use pannier::transport::{Exchange, Transport};
use pannier::{Collector, Config, Uuid, XapiVersion};
use pannier_bench::data::{Shape, Statements};
use serde_json::Value;

const VERSIONS: [XapiVersion; 2] = [XapiVersion::V1_0_3, XapiVersion::V2_0_0];

#[test]
fn checking_a_valid_statement_allocates_nothing() {
    for shape in [Shape::Bare, Shape::Complete] {
        for text in Statements::new(7, shape).take(300) {
            for version in VERSIONS {
                let allocated = counting::during(|| {
                    statement::check(&text, version).expect("a valid statement");
                });
                assert_eq!(allocated, 0, "{}", String::from_utf8_lossy(&text));
            }
        }
    }
}

#[test]
fn preparing_a_complete_statement_allocates_its_body_and_nothing_else() {
    let fill = Fill {
        id: Uuid::nil(),
        now_ms: 0,
    };
    for text in Statements::new(7, Shape::Complete).take(300) {
        for version in VERSIONS {
            let mut prepared = None;
            let allocated = counting::during(|| {
                prepared = statement::prepare(&text, version, &fill).ok();
            });
            assert_eq!(prepared.expect("a valid statement").body, text);
            assert_eq!(allocated, 1, "{}", String::from_utf8_lossy(&text));
        }
    }
}

/// An LRS without a network that stores everything.
#[derive(Default)]
struct Lrs {
    requests: AtomicUsize,
    /// Lengths of method, URL, headers and body.
    bytes: AtomicUsize,
    posted: Mutex<Vec<usize>>,
}

impl Transport for Lrs {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            let body = request.body_bytes().unwrap_or_default();
            let headers: usize = request
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len() + ": \r\n".len())
                .sum();
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.bytes
                .fetch_add(request.url.len() + headers + body.len(), Ordering::Relaxed);
            let answer = match request.method {
                other @ (Method::Head | Method::Put | Method::Delete) => {
                    panic!("{other:?} is not for statements")
                }
                Method::Get => r#"{"version":["2.0.0"]}"#.to_owned(),
                Method::Post => {
                    let batch: Vec<Value> = serde_json::from_slice(body).expect("an array");
                    self.posted.lock().expect("no panic").push(batch.len());
                    batch
                        .iter()
                        .map(|one| one["id"].clone())
                        .collect::<Value>()
                        .to_string()
                }
            };
            Ok(Response {
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: answer.into_bytes(),
                cut: false,
            })
        })
    }
}

#[test]
fn a_sync_makes_one_request_a_batch_and_sends_little_but_the_statements() {
    let folder = tempfile::tempdir().expect("a folder");
    let lrs = Arc::new(Lrs::default());
    let collector = collector(&folder.path().join("queue.db"), &lrs);
    let statements: Vec<_> = Statements::new(7, Shape::Complete).take(2_000).collect();
    collector.record_all(&statements).expect("recorded");
    let report = collector.sync().expect("synced");
    assert_eq!(report.delivered, 2_000);
    assert_eq!(*lrs.posted.lock().expect("no panic"), [50; 40]);
    // And one that asks for the version.
    assert_eq!(lrs.requests.load(Ordering::Relaxed), 41);
    let own: usize = statements.iter().map(Vec::len).sum();
    let sent = lrs.bytes.load(Ordering::Relaxed);
    assert!(sent * 1_000 <= own * 1_010, "{sent} bytes for {own}");
}

#[test]
fn the_file_shrinks_to_nearly_nothing_after_a_sync() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("queue.db");
    let collector = collector(&db, &Arc::default());
    let statements: Vec<_> = Statements::new(7, Shape::Bare).take(3_000).collect();
    collector.record_all(&statements).expect("recorded");
    collector.pause().expect("paused");
    let full = size(&db);
    collector.resume().expect("resumed");
    collector.sync().expect("synced");
    let wal = size(&folder.path().join("queue.db-wal"));
    let left = size(&db) + wal;
    assert!(left * 20 < full, "{left} bytes of {full} are left");
}

/// Counted for this thread alone, on which a lone recorder commits.
#[cfg(target_os = "linux")]
#[test]
fn a_record_writes_at_most_six_times_its_bytes_in_eleven_pieces() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = collector(&folder.path().join("queue.db"), &Arc::default());
    let statements: Vec<_> = Statements::new(7, Shape::Bare).take(3_000).collect();
    let (bytes, pieces) = written();
    for statement in &statements {
        collector.record(statement).expect("recorded");
    }
    let (bytes, pieces) = (written().0 - bytes, written().1 - pieces);
    let own: usize = statements.iter().map(Vec::len).sum();
    assert!(bytes > own, "the counter counts");
    assert!(bytes <= own * 6, "{bytes} bytes for {own}");
    assert!(pieces <= statements.len() * 11, "{pieces} system calls");
}

/// Bytes that this thread has handed to the file system, and in how many pieces.
#[cfg(target_os = "linux")]
fn written() -> (usize, usize) {
    let counters = std::fs::read_to_string("/proc/thread-self/io").expect("counters");
    let counter = |name| {
        counters
            .lines()
            .find_map(|line| line.strip_prefix(name)?.parse().ok())
            .expect("a number")
    };
    (counter("wchar: "), counter("syscw: "))
}

fn collector(db: &Path, lrs: &Arc<Lrs>) -> Collector {
    let mut config = Config::new("http://lrs.test/xAPI", None);
    config.transport = Some(Arc::clone(lrs) as Arc<dyn Transport>);
    Collector::open(db, config).expect("opened")
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |meta| meta.len())
}
