//! `pannier demo` as a person runs it: its table adds up, and where it does not the exit code says so.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use pannier_hub::{Hub, Options};
use serde_json::Value;

const USER: &str = "tester";
const PASSWORD: &str = "secret";

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pannier"))
        .arg("demo")
        .args(arguments)
        .env("PANNIER_LRS_USER", USER)
        .env("PANNIER_LRS_PASSWORD", PASSWORD)
        .env_remove("PANNIER_LRS_TOKEN")
        .output()
        .expect("the program runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let (out, err) = (&output.stdout, &output.stderr);
        panic!(
            "{error}: {}{}",
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(err)
        )
    })
}

/// The figures of all devices together, after checking that each adds up.
fn together(tally: &Value) -> [u64; 5] {
    let mut together = [0; 5];
    for row in tally["devices"].as_array().expect("a list of devices") {
        let figure = |name: &str| row[name].as_u64().expect("a figure");
        let held = row["held"].as_array().expect("a list").len() as u64;
        let figures = [
            figure("recorded"),
            figure("delivered"),
            held,
            figure("queued"),
            figure("lrs_has"),
        ];
        assert_eq!(figures[0], figures[1] + figures[2] + figures[3], "{row}");
        assert_eq!(figures[1], figures[4], "{row}");
        for (sum, figure) in together.iter_mut().zip(figures) {
            *sum += figure;
        }
    }
    together
}

fn reason(tally: &Value) -> &Value {
    let rows = tally["devices"].as_array().expect("a list of devices");
    let mut held = rows
        .iter()
        .flat_map(|row| row["held"].as_array().expect("a list"));
    let reason = &held.next().expect("one is held")["reason"];
    assert!(held.next().is_none(), "one is held");
    reason
}

#[test]
fn it_adds_up_to_the_last_statement_and_leaves_the_queues_where_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = folder.path().join("queues");
    let output = demo(&["--json", "--keep", keep.to_str().expect("a plain name")]);
    let tally = json(&output);
    assert_eq!(tally["exact"], true, "{tally}");
    assert_eq!(together(&tally), [1_500, 1_499, 1, 0, 1_499]);
    assert_eq!(*reason(&tally), "refused");
    assert_eq!(output.status.code(), Some(0));
    for queue in ["phone.db", "headset.db", "tablet.db"] {
        assert!(keep.join(queue).is_file(), "{queue}");
    }
    let again = demo(&["--keep", keep.to_str().expect("a plain name")]);
    assert_eq!(again.status.code(), Some(2), "a folder is not used twice");
}

#[test]
fn it_adds_up_on_a_real_lrs_and_ends_with_a_table() {
    let hub = Hub::start(&Options::new(USER, PASSWORD)).expect("a hub");
    let output = demo(&["--yes", "--lrs", &hub.url()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "VR headset: killed after",
        "the answer is thrown away",
        "│ together         ┆     1500 ┆      1499 ┆    1 ┆      0 ┆        1499 │",
        "(conflict)",
        "exact: 1500 recorded = 1499 delivered + 1 held + 0 queued, and the LRS has 1499",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}

#[test]
fn a_statement_that_the_lrs_lost_makes_it_fail() {
    let lossy = |router: Router| {
        let batches = Arc::new(AtomicUsize::new(0));
        Router::new()
            .fallback_service(router)
            .layer(from_fn(move |request, next| {
                lose_one(Arc::clone(&batches), request, next)
            }))
    };
    let hub = Hub::start_around(&Options::new(USER, PASSWORD), lossy).expect("a hub");
    let output = demo(&["--json", "--yes", "--lrs", &hub.url()]);
    let tally = json(&output);
    assert_eq!(output.status.code(), Some(1), "{tally}");
    assert_eq!(tally["exact"], false);
    let wrong: Vec<&str> = tally["devices"]
        .as_array()
        .expect("a list of devices")
        .iter()
        .flat_map(|row| row["wrong"].as_array().expect("a list"))
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].starts_with("the LRS does not have"), "{wrong:?}");
}

/// Takes the last statement out of the fifth batch of fifty, and answers as if it had stored it. The
/// first one of each device would not do: its answer is thrown away, so it is looked up and mended.
async fn lose_one(batches: Arc<AtomicUsize>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let mut batch: Vec<Value> = serde_json::from_slice(&body).unwrap_or_default();
    if batch.len() < 50 || batches.fetch_add(1, Ordering::SeqCst) != 4 {
        return next.run(Request::from_parts(parts, body.into())).await;
    }
    let ids: Vec<Value> = batch
        .iter()
        .map(|statement| statement["id"].clone())
        .collect();
    batch.pop();
    parts.headers.remove("content-length");
    let rest = Value::from(batch).to_string();
    let response = next.run(Request::from_parts(parts, rest.into())).await;
    if !response.status().is_success() {
        // The batch with the conflict: it takes nothing of it, and the next one will do.
        batches.fetch_sub(1, Ordering::SeqCst);
        return response;
    }
    let json = [("content-type", "application/json")];
    (json, Value::from(ids).to_string()).into_response()
}

#[test]
fn an_lrs_that_is_not_there_or_does_not_know_us_is_told_before_anything_is_recorded() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!(
        "http://{}/xAPI",
        closed.local_addr().expect("a bound socket")
    );
    drop(closed);
    let output = demo(&["--yes", "--lrs", &url]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be reached"));

    let hub = Hub::start(&Options::new(USER, "another")).expect("a hub");
    let output = demo(&["--yes", "--lrs", &hub.url()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("401"));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_real_lrs_is_not_filled_without_a_word() {
    let hub = Hub::start(&Options::new(USER, PASSWORD)).expect("a hub");
    let output = Command::new(env!("CARGO_BIN_EXE_pannier"))
        .args(["demo", "--lrs", &hub.url()])
        .env("PANNIER_LRS_USER", USER)
        .env("PANNIER_LRS_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1,500 invented statements"), "{said}");
    assert!(said.contains("--yes") && output.stdout.is_empty(), "{said}");
}
