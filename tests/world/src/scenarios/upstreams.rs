//! Several LRSs from one queue: what is the matter with one is no other's, and nothing goes where it should not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
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
        "the_others_are_delivered_to_where_main_is_to_be_spoken_to_in_an_unknown_version",
        unknown_version_for_main,
    ),
    Scenario::new(
        "what_was_given_up_at_one_lrs_and_is_recorded_again_goes_there",
        given_up_and_recorded_again,
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

fn unknown_version_for_main() {
    let (main, second) = (Server::good(), Server::good());
    let device = Device::with(5);
    add(&device, &second.url());
    let login = (USER, PASSWORD);
    for (round, version) in ["3.0", "1.0.4", "", "latest"].into_iter().enumerate() {
        let fresh = 100 * (round + 1);
        device.record([sample(fresh)]);
        let ran = start(&device, &main, login, &["--speak", version]).wait();
        assert!(second.lrs.has(&id(fresh)), "{version}: {ran}");
        assert!(main.lrs.seen().is_empty(), "{version}: {ran}");
        assert!(ran.stderr.contains("--speak"), "{version}: {ran}");
        assert_eq!(ran.last()["upstreams"][0]["name"], "main", "{ran}");
        ran.ended(2);
    }
    // It is about main, and nothing is left out without a word.
    let args = ["--speak", "2.0.0", "--upstream", "second"];
    start(&device, &main, login, &args).wait().ended(2);
    start(&device, &main, login, &["--speak", "2.0.0"])
        .wait()
        .ended(0);
    device.all_delivered(&main);
}

/// Main refuses one of them at first, and the other LRS has it or has it still to get.
fn given_up_and_recorded_again() {
    for other_has_it in [true, false] {
        let refuses = Arc::new(AtomicBool::new(true));
        let still = Arc::clone(&refuses);
        let main = Server::start(move |request, lrs| {
            let is_it = String::from_utf8_lossy(&request.body).contains(&id(3));
            if still.load(Relaxed) && request.is_post() && is_it {
                return Response::json(400, &json!("no such question")).by_an_lrs();
            }
            lrs.plain(request)
        });
        let second = Server::good();
        let device = Device::with(10);
        add(&device, &second.url());
        let login = if other_has_it { PASSWORD } else { "wrong" };
        device.drain(&main, Duration::from_secs(30));
        start(&device, &main, (USER, login), &[]).wait();
        assert_eq!(device.held().len(), 1, "{}", device.status());
        device.run(&["held", "discard", &id(3)]).ended(0);
        assert_eq!(second.lrs.has(&id(3)), other_has_it);
        let ran = device.feed(&["record", "-"], sample(3).to_string().as_bytes());
        assert_eq!(ran.last()["new"], true, "{ran}");
        ran.ended(0);
        let ran = device.feed(&["record", "-"], sample(3).to_string().as_bytes());
        assert_eq!(ran.last()["new"], false, "{ran}");
        let status = device.status();
        assert_eq!(
            (&status["recorded"], &status["waiting"]),
            (&json!(11), &json!(1))
        );
        refuses.store(false, Relaxed);
        start(&device, &main, (USER, PASSWORD), &[]).wait().ended(0);
        device.all_delivered(&main);
        assert_eq!(second.lrs.copies(&id(3)).len(), 1);
    }
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
