//! What may have reached an LRS may be at work there for as long as our own time-out allows, however
//! the connection ended. These LRSs have no unique key: what is sent again too soon is there twice.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scenario;
use crate::device::{Device, number};
use crate::http::{Response, Server};

pub const ALL: &[Scenario] = &[
    Scenario::slow(
        "an_lrs_that_closes_after_each_answer_without_a_word_is_drained",
        closes_without_a_word,
    ),
    Scenario::slow(
        "a_connection_that_breaks_while_the_lrs_goes_on_doubles_nothing",
        || {
            goes_on(Duration::from_secs(24), Response::none);
        },
    ),
    Scenario::slow("a_proxys_504_while_the_lrs_goes_on_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || Response::page(504));
    }),
    Scenario::slow("a_proxys_503_while_the_lrs_goes_on_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || Response::page(503));
    }),
    Scenario::slow("a_proxys_502_while_the_lrs_goes_on_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || Response::page(502));
    }),
    Scenario::slow("a_proxys_500_while_the_lrs_goes_on_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || Response::page(500));
    }),
    Scenario::slow("a_proxys_408_while_the_lrs_goes_on_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || Response::page(408));
    }),
    Scenario::slow("a_425_while_the_lrs_goes_on_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || Response::page(425));
    }),
    Scenario::slow("a_router_that_gives_up_soon_doubles_nothing", || {
        goes_on(Duration::from_secs(7), || Response::page(503));
    }),
    Scenario::slow(
        "an_answer_that_is_cut_while_the_lrs_goes_on_doubles_nothing",
        || {
            goes_on(Duration::from_secs(24), || {
                Response::json(200, &json!(["5a3f1c2e-7b64-4d0a-9c11-000000000000"])).cut_after(20)
            });
        },
    ),
    Scenario::slow("a_hasty_retry_after_of_a_proxy_doubles_nothing", || {
        goes_on(Duration::from_secs(24), || {
            Response::page(503).with("Retry-After", "1")
        });
    }),
    Scenario::slow(
        "a_page_under_200_while_the_lrs_goes_on_doubles_nothing",
        || {
            goes_on(Duration::from_secs(12), || Response::page(200));
        },
    ),
    Scenario::slow(
        "a_broken_connection_is_waited_out_and_said_so",
        a_broken_connection_is_waited_out_and_said_so,
    ),
    Scenario::new(
        "an_lrss_own_500_is_not_waited_out",
        an_lrss_own_500_is_not_waited_out,
    ),
    Scenario::new(
        "a_connection_refused_costs_no_wait",
        a_connection_refused_costs_no_wait,
    ),
    Scenario::slow("an_lrs_that_hangs_is_gone_on_with", an_lrs_that_hangs),
    Scenario::slow(
        "an_lrs_that_answers_slowly_has_each_once",
        an_lrs_that_answers_slowly_has_each_once,
    ),
];

/// The first batch gets this answer at once, and is stored so much later.
fn goes_on(after: Duration, says: impl Fn() -> Response + Send + Sync + 'static) {
    let server = Server::start(move |request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            lrs.keep_later(request, after);
            return says();
        }
        lrs.without_key(request, Duration::ZERO)
    });
    let device = Device::with(50);
    let ran = device.drain(&server, Duration::from_secs(110));
    // What is stored later than the last look would be there twice.
    let late = server.lrs.seen()[0].request.at + after + Duration::from_secs(1);
    std::thread::sleep(late.saturating_duration_since(Instant::now()));
    device.nothing_held();
    device.stored_right(&server);
    ran.ended(0);
    device.all_delivered(&server);
}

/// `status` says that the outcome is unknown, and until when; `--wait` waits for just that.
fn a_broken_connection_is_waited_out_and_said_so() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            lrs.keep_later(request, Duration::from_secs(15));
            return Response::none();
        }
        lrs.plain(request)
    });
    let device = Device::with(10);
    let first = device.sync(&server).ended(4).last();
    assert_eq!(first["why"], "outcome_unknown", "{first}");
    let status = device.status();
    assert_eq!(status["waiting_for"], "outcome_unknown", "{status}");
    let left = number(&status["waiting_until"]).saturating_sub(now_ms());
    assert!(left > 10_000, "the end of the wait is {left} ms from now");
    // By hand it keeps to it, too.
    device.sync(&server).ended(4);
    assert_eq!(server.lrs.posts(), 1);
    device.sync_wait(&server, 90).ended(0);
    device.all_delivered(&server);
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("it is after 1970").as_millis() as u64
}

/// It has ended its work: its mark is on the answer.
fn an_lrss_own_500_is_not_waited_out() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            return Response::json(500, &json!({"error": "deadlock detected"})).by_an_lrs();
        }
        lrs.plain(request)
    });
    let device = Device::with(10);
    let begun = Instant::now();
    device.drain(&server, Duration::from_mins(1)).ended(0);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    device.all_delivered(&server);
}

/// Nothing left the device, so there is nothing to wait for.
fn a_connection_refused_costs_no_wait() {
    let server = Server::good();
    let device = Device::with(10);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/xAPI", nobody.local_addr().expect("it listens"));
    drop(nobody);
    let ran = device.run(&["sync", "--lrs", &url]).ended(4);
    assert_eq!(ran.last()["trouble"]["problem"], "unreachable", "{ran}");
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}

/// Twelve seconds for every batch, and no unique key.
fn an_lrs_that_answers_slowly_has_each_once() {
    let server = Server::start(|request, lrs| lrs.without_key(request, Duration::from_secs(12)));
    let device = Device::with(120);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}

/// The first request is never answered, and stored all the same.
fn an_lrs_that_hangs() {
    let server = Server::start(|request, lrs| {
        let answer = lrs.plain(request);
        if request.is_post() && lrs.posts() == 1 {
            std::thread::sleep(Duration::from_mins(3));
        }
        answer
    });
    let device = Device::with(10);
    device.drain(&server, Duration::from_mins(2)).ended(0);
    device.all_delivered(&server);
}

/// What is sent on a connection that has been used is cut off, once.
fn closes_without_a_word() {
    let server =
        Server::start(|request, lrs| lrs.plain(request).closing_after(Duration::from_millis(20)));
    let device = Device::with(500);
    let began = Instant::now();
    device.sync_wait(&server, 120).ended(0);
    device.all_delivered(&server);
    let seconds = began.elapsed().as_secs();
    assert!(seconds < 60, "{seconds} s");
}
