//! Endpoint, credentials, what was learned and what was sent there belong together.

use std::time::Duration;

use serde_json::json;

use super::{Scenario, until};
use crate::device::{Device, sample};
use crate::http::{Response, Server};
use crate::lrs::{PASSWORD, USER};

pub const ALL: &[Scenario] = &[
    Scenario::new(
        "a_new_lrs_does_not_wait_for_the_old_ones_retry_after",
        || {
            nothing_is_owed_to_the_old_one(|| {
                Response::json(503, &json!({"error": "closed"}))
                    .by_an_lrs()
                    .with("Retry-After", "86400")
            });
        },
    ),
    Scenario::new("a_new_lrs_does_not_wait_for_the_old_ones_password", || {
        nothing_is_owed_to_the_old_one(|| {
            Response::json(401, &json!({"error": "who?"})).by_an_lrs()
        });
    }),
    Scenario::new("a_new_lrs_does_not_wait_for_the_old_ones_outcome", || {
        nothing_is_owed_to_the_old_one(Response::none);
    }),
    Scenario::slow(
        "two_processes_with_two_lrss_keep_their_secrets_apart",
        two_processes_with_two_lrss_keep_their_secrets_apart,
    ),
    Scenario::slow(
        "an_old_session_writes_nothing_over_the_new_lrs",
        an_old_session_writes_nothing_over_the_new_lrs,
    ),
    Scenario::new(
        "no_secret_is_kept_for_another_host",
        no_secret_is_kept_for_another_host,
    ),
    Scenario::new("no_secret_follows_a_redirect", no_secret_follows_a_redirect),
    Scenario::new(
        "no_secret_goes_to_a_host_in_the_clear",
        no_secret_goes_to_a_host_in_the_clear,
    ),
];

fn nothing_is_owed_to_the_old_one(says: impl Fn() -> Response + Send + Sync + 'static) {
    let old = Server::start(move |request, lrs| {
        if request.is_post() {
            says()
        } else {
            lrs.plain(request)
        }
    });
    let new = Server::good();
    let device = Device::with(10);
    device.sync(&old).ended(4);
    let ran = device.sync_wait(&new, 3);
    assert_eq!(device.status()["trouble"], serde_json::Value::Null);
    ran.ended(0);
    device.all_delivered(&new);
}

/// One process is in the middle of a request to the first LRS when another one begins with the second
/// one and its credentials.
fn two_processes_with_two_lrss_keep_their_secrets_apart() {
    let first = Server::start(|request, lrs| {
        if request.is_post() {
            std::thread::sleep(Duration::from_secs(4));
        }
        lrs.plain(request)
    });
    let second = Server::start(|request, lrs| {
        let right = request.header("authorization");
        let mut known = request.clone();
        // `second:other` is whom it knows.
        if right == Some("Basic c2Vjb25kOm90aGVy") {
            known.headers.retain(|(name, _)| name != "authorization");
            let own = "Basic YXBwOnMzY3JldC1vZi10aGUtYXBw".to_owned();
            known.headers.push(("authorization".into(), own));
        } else {
            known.headers.retain(|(name, _)| name != "authorization");
        }
        lrs.plain(&known)
    });
    let device = Device::with(120);
    let one = device.start(&["sync", "--lrs", &first.url()]);
    until(|| first.lrs.posts() > 0);
    let url = second.url();
    let args = ["sync", "--lrs", &url, "--wait", "20"];
    device.start_as("second", "other", &args).wait();
    let before = first.lrs.posts();
    device.record((200..210).map(sample));
    one.wait();
    for _ in 0..3 {
        device.start_as("second", "other", &args).wait();
    }
    for secret in first.lrs.secrets() {
        assert_eq!(secret, format!("{USER}:{PASSWORD}"), "at the first one");
    }
    for secret in second.lrs.secrets() {
        assert_eq!(secret, "second:other", "at the second one");
    }
    let later = (200..210).filter(|n| first.lrs.has(&crate::device::id(*n)));
    assert_eq!(
        later.count(),
        0,
        "recorded after the switch, stored at the first one ({before})"
    );
    let status = device.status();
    assert_eq!(status["endpoint"], json!(url), "{status}");
    assert_eq!(status["queued"], 0, "{status}");
    assert!(second.lrs.has(&crate::device::id(205)));
}

/// The first LRS's answer comes when the queue belongs to the second one already.
fn an_old_session_writes_nothing_over_the_new_lrs() {
    let first = Server::start(|request, lrs| {
        if !request.is_post() {
            return lrs.plain(request);
        }
        std::thread::sleep(Duration::from_secs(4));
        Response::json(503, &json!({"error": "closed"}))
            .by_an_lrs()
            .with("Retry-After", "86400")
    });
    let second = Server::good();
    let device = Device::with(10);
    let one = device.start(&["sync", "--lrs", &first.url()]);
    until(|| first.lrs.posts() > 0);
    device.sync_wait(&second, 1);
    one.wait();
    device.sync_wait(&second, 3).ended(0);
    device.all_delivered(&second);
    assert_eq!(device.status()["trouble"], serde_json::Value::Null);
}

/// The second LRS is named without any credentials.
fn no_secret_is_kept_for_another_host() {
    let (first, second) = (Server::good(), Server::good());
    let device = Device::with(3);
    device.sync(&first).ended(0);
    device.record([sample(5)]);
    let mut command = device.command(&["sync", "--lrs", &second.url(), "--json"]);
    command
        .env_remove("PANNIER_LRS_USER")
        .env_remove("PANNIER_LRS_PASSWORD");
    Device::run_it(command).ended(4);
    assert!(
        second.lrs.secrets().is_empty(),
        "{:?}",
        second.lrs.secrets()
    );
    assert!(second.lrs.all().is_empty());
    device.sync(&second).ended(0);
    assert!(second.lrs.has(&crate::device::id(5)));
}

fn no_secret_follows_a_redirect() {
    let other = Server::good();
    let elsewhere = other.url().replace("127.0.0.1", "localhost");
    for status in [301, 302, 307, 308] {
        let elsewhere = elsewhere.clone();
        let first = Server::start(move |request, _| {
            let place = format!("{elsewhere}{}", request.path.trim_start_matches("/xAPI"));
            Response::status(status).with("Location", &place)
        });
        let device = Device::with(3);
        device.sync(&first).ended(4);
        assert!(other.lrs.secrets().is_empty(), "after a {status}");
        assert_eq!(device.status()["delivered"], 0);
    }
}

/// `0.0.0.0` reaches this machine and is not its loopback.
fn no_secret_goes_to_a_host_in_the_clear() {
    let server = Server::good();
    let device = Device::with(3);
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    device.run(&["sync", "--lrs", &url]).ended(2);
    assert!(
        server.lrs.secrets().is_empty(),
        "{:?}",
        server.lrs.secrets()
    );
    // Loopback is no network.
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}
