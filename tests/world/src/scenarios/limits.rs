//! What an LRS bears is learned, so that one with limits is drained at its own speed.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scenario;
use crate::device::{Device, id, number};
use crate::http::{Response, Server};

pub const ALL: &[Scenario] = &[
    Scenario::slow("an_lrs_without_batches_is_drained_at_its_own_speed", || {
        without_batches(
            || Response::json(500, &json!({"error": "no arrays"})).by_an_lrs(),
            Duration::from_mins(1),
        );
    }),
    Scenario::slow("something_without_batches_and_marks_is_drained", || {
        without_batches(
            || Response::text(500, "text/plain", "error"),
            Duration::from_secs(110),
        );
    }),
    Scenario::nightly(
        "three_hundred_at_something_without_batches_and_marks",
        || {
            drained_without_batches(
                300,
                || Response::text(500, "text/plain", "error"),
                Duration::from_mins(5),
            );
        },
    ),
    Scenario::slow("an_lrs_that_refuses_batches_by_400_is_drained", || {
        without_batches(
            || Response::json(400, &json!({"error": "no arrays"})).by_an_lrs(),
            Duration::from_mins(1),
        );
    }),
    Scenario::slow(
        "three_poisonous_ones_among_300_cost_little",
        three_poisonous_ones_cost_little,
    ),
    Scenario::new("an_lrs_of_small_requests_is_drained", || {
        small_requests(|| Response::page(413));
    }),
    Scenario::new("an_lrs_of_small_requests_that_says_400_is_drained", || {
        small_requests(|| Response::json(400, &json!({"error": "too big"})).by_an_lrs());
    }),
    Scenario::slow(
        "retry_after_is_kept_to_and_then_it_goes_on",
        retry_after_is_kept_to,
    ),
    Scenario::slow(
        "a_500_to_what_is_stored_is_found_out",
        a_500_to_what_is_stored,
    ),
];

/// Any array is answered so; a single statement takes 20 ms.
fn without_batches(says: impl Fn() -> Response + Send + Sync + 'static, within: Duration) {
    drained_without_batches(40, says, within);
}

fn drained_without_batches(
    count: usize,
    says: impl Fn() -> Response + Send + Sync + 'static,
    within: Duration,
) {
    let server = Server::start(move |request, lrs| {
        if !request.is_post() {
            return lrs.plain(request);
        }
        if request.is_batch() && request.statements().len() > 1 {
            return says();
        }
        std::thread::sleep(Duration::from_millis(20));
        lrs.plain(request)
    });
    let device = Device::with(count);
    let begun = Instant::now();
    let ran = device.drain(&server, within);
    let took = begun.elapsed();
    assert_eq!(device.stored_is_delivered(&server), count, "{ran}");
    ran.ended(0);
    assert!(took < within, "{took:?}");
}

/// The LRS itself fails on three of them with its own 500, in every batch and alone.
fn three_poisonous_ones_cost_little() {
    let poison = [id(20), id(133), id(290)];
    let server = Server::start({
        let poison = poison.clone();
        move |request, lrs| {
            if request.is_post() && poison.iter().any(|id| request.brings(id)) {
                return Response::json(500, &json!({"error": "oops"})).by_an_lrs();
            }
            lrs.plain(request)
        }
    });
    let device = Device::with(300);
    let begun = Instant::now();
    device.drain_until(&server, Duration::from_secs(100), |status| {
        status["delivered"] == 297
    });
    let (took, requests) = (begun.elapsed(), server.lrs.seen().len());
    assert_eq!(device.stored_is_delivered(&server), 297);
    assert!(
        took < Duration::from_secs(20) && requests < 60,
        "the good ones took {took:?} and {requests} requests"
    );
    device.drain(&server, Duration::from_secs(30));
    let status = device.status();
    assert_eq!(
        number(&status["held"]) + number(&status["waiting"]),
        3,
        "{status}"
    );
}

/// Requests of more than 4,000 bytes are refused.
fn small_requests(says: impl Fn() -> Response + Send + Sync + 'static) {
    let server = Server::start(move |request, lrs| {
        if request.is_post() && request.body.len() > 4000 {
            return says();
        }
        lrs.plain(request)
    });
    let device = Device::with(100);
    device.drain(&server, Duration::from_mins(1)).ended(0);
    device.all_delivered(&server);
}

fn retry_after_is_kept_to() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            return Response::json(429, &json!({"error": "slowly"}))
                .by_an_lrs()
                .with("Retry-After", "8");
        }
        lrs.plain(request)
    });
    let device = Device::with(10);
    let first = device.sync(&server).ended(4).last();
    assert_eq!(first["why"], "retry_after", "{first}");
    device.sync(&server).ended(4);
    device.sync_wait(&server, 60).ended(0);
    let posts = server
        .lrs
        .seen()
        .into_iter()
        .filter(|seen| seen.request.is_post());
    let at: Vec<_> = posts.map(|seen| seen.request.at).collect();
    assert!(
        at[1] - at[0] >= Duration::from_secs(8),
        "{:?}",
        at[1] - at[0]
    );
    device.all_delivered(&server);
}

/// The way of `MiniXapi`: each is stored, and the answer is a 500 without any mark.
fn a_500_to_what_is_stored() {
    let server = Server::start(|request, lrs| {
        let answer = lrs.plain(request);
        if request.is_post() {
            return Response::text(500, "text/plain", "error");
        }
        answer
    });
    let device = Device::with(5);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}
