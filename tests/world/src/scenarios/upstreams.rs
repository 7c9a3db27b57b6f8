//! Several LRSs from one queue: what is the matter with one is no other's, and nothing goes where it should not.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Scenario, until};
use crate::device::{Device, Ran, Running, id, sample};
use crate::http::{Response, Server};
use crate::lrs::{PASSWORD, USER};

pub const ALL: &[Scenario] = &[
    Scenario::new(
        "an_lrs_whose_credentials_are_wrong_here_is_sent_nothing",
        wrong_credentials,
    ),
    Scenario::new(
        "the_others_are_delivered_to_where_what_is_given_for_main_is_wrong",
        wrong_settings_of_main,
    ),
    Scenario::new(
        "an_lrs_that_is_written_in_another_version_than_it_is_read_gets_everything",
        written_in_another_version,
    ),
    Scenario::new(
        "setting_an_address_that_the_environment_overrules_warns",
        overruled_address,
    ),
    Scenario::slow(
        "one_that_is_well_gets_what_is_recorded_while_another_is_waited_for",
        one_is_waited_for,
    ),
    Scenario::new(
        "one_that_is_added_during_a_sync_is_told_of",
        added_during_a_sync,
    ),
];

/// The command, with these credentials of the LRS that is called `second`.
fn start(device: &Device, main: &Server, (user, password): (&str, &str), more: &[&str]) -> Running {
    let url = main.url();
    let args = [&["sync", "--lrs", &url, "--json"], more].concat();
    let mut command = device.command(&args);
    command
        .env("PANNIER_LRS_SECOND_USER", user)
        .env("PANNIER_LRS_SECOND_PASSWORD", password);
    Running::start(command, b"")
}

fn add(device: &Device, url: &str) -> Ran {
    let args = ["upstream", "add", "second", "--endpoint", url, "--backfill"];
    device.run(&args).ended(0)
}

fn wrong_credentials() {
    let (main, second) = (Server::good(), Server::good());
    let device = Device::with(20);
    add(&device, &second.url());
    for user in ["with:colon", "with\nbreak"] {
        start(&device, &main, (user, PASSWORD), &[]).wait().ended(2);
    }
    assert!(second.lrs.seen().is_empty(), "it was asked something");
    device.all_delivered(&main);
    start(&device, &main, (USER, PASSWORD), &[]).wait().ended(0);
    device.all_delivered(&second);
}

fn wrong_settings_of_main() {
    let (main, second) = (Server::good(), Server::good());
    let device = Device::with(20);
    add(&device, &second.url());
    let url = main.url();
    let odd: &[&[(&str, &str)]] = &[
        &[("PANNIER_LRS_PASSWORD", "")],
        &[("PANNIER_LRS_USER", "with:colon")],
        &[("PANNIER_LRS_TOKEN", "too")],
        &[("PANNIER_LRS", "lrs.example")],
        &[("PANNIER_LRS", "http://lrs.example/xAPI")],
    ];
    for (round, odd) in odd.iter().enumerate() {
        let fresh = 100 * (round + 1)..100 * (round + 1) + 5;
        device.record(fresh.clone().map(sample));
        let mut command = device.command(&["sync", "--json"]);
        command
            .env("PANNIER_LRS", &url)
            .env("PANNIER_LRS_SECOND_USER", USER)
            .env("PANNIER_LRS_SECOND_PASSWORD", PASSWORD)
            .envs(odd.iter().copied());
        let ran = Running::start(command, b"").wait();
        assert!(
            fresh.clone().all(|n| second.lrs.has(&id(n))),
            "{odd:?}: {ran}"
        );
        assert_eq!(ran.last()["upstreams"][0]["name"], "main", "{ran}");
        assert_eq!(ran.last()["upstreams"][1]["left"]["queued"], 0, "{ran}");
        assert!(main.lrs.seen().is_empty(), "{odd:?}: {ran}");
        ran.ended(2);
        // With its own name, and where no other is there, nothing is done at all.
        let mut command = device.command(&["sync", "--upstream", "main"]);
        command.env("PANNIER_LRS", &url).envs(odd.iter().copied());
        Running::start(command, b"").wait().ended(2);
    }
    start(&device, &main, (USER, PASSWORD), &[]).wait().ended(0);
    assert!(main.lrs.has(&id(104)));
}

fn written_in_another_version() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && request.header("x-experience-api-version") != Some("1.0.3") {
            let words = json!("2.0.0 is not supported; use 1.0.3");
            return Response::json(400, &words).with("X-Experience-API-Version", "1.0.3");
        }
        lrs.plain(request)
    });
    let device = Device::with(120);
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}

fn overruled_address() {
    let (main, other) = (Server::good(), Server::good());
    let device = Device::with(1);
    for (variable, is_told) in [(main.url(), false), (other.url(), true)] {
        let url = main.url();
        let mut command = device.command(&["upstream", "set", "main", "--endpoint", &url]);
        command.env("PANNIER_LRS", variable);
        let ran = Running::start(command, b"").wait();
        assert_eq!(ran.to_string().contains("PANNIER_LRS"), is_told, "{ran}");
        ran.ended(0);
    }
}

fn one_is_waited_for() {
    let main = Server::good();
    let second = Server::start(|_, _| Response::status(503).by_an_lrs().with("Retry-After", "120"));
    let device = Device::with(20);
    add(&device, &second.url());
    let wait = start(&device, &main, (USER, PASSWORD), &["--wait", "15m"]);
    until(|| main.lrs.has(&id(19)) && !second.lrs.seen().is_empty());
    device.record((50..60).map(sample));
    let recorded = Instant::now();
    until(|| main.lrs.has(&id(59)));
    let late = recorded.elapsed();
    assert!(late < Duration::from_secs(15), "{late:?}");
    wait.signal("INT");
    wait.wait().ended(4);
}

fn added_during_a_sync() {
    let main = Server::start(|request, lrs| {
        if request.is_post() {
            std::thread::sleep(Duration::from_secs(3));
        }
        lrs.plain(request)
    });
    let second = Server::good();
    let device = Device::with(20);
    let sync = start(&device, &main, (USER, PASSWORD), &[]);
    until(|| main.lrs.posts() > 0);
    add(&device, &second.url());
    let ran = sync.wait();
    assert_eq!(ran.last()["left"]["queued"], 20, "{ran}");
    ran.ended(4);
    start(&device, &main, (USER, PASSWORD), &[]).wait().ended(0);
    device.all_delivered(&second);
}
