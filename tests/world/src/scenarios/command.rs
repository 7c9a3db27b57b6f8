//! The command itself: exit codes, listings, and what the library can and the command must, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::Scenario;
use crate::device::{Device, Ran, contents, id, number, sample};
use crate::http::{Request, Response, Server};
use crate::lrs::Lrs;

pub const ALL: &[Scenario] = &[
    Scenario::slow(
        "a_failing_lrs_is_more_urgent_than_a_held_one",
        a_failing_lrs_is_more_urgent,
    ),
    Scenario::new(
        "a_queue_of_held_lists_them_with_the_queue_named_last",
        the_queue_named_last,
    ),
    Scenario::new("history_shows_the_newest", history_shows_the_newest),
    Scenario::new(
        "an_emptied_queue_has_no_trouble",
        an_emptied_queue_has_no_trouble,
    ),
    Scenario::new(
        "a_queue_with_nothing_to_deliver_has_no_trouble",
        nothing_to_deliver_is_no_trouble,
    ),
    Scenario::new("lists_show_who_did_it", lists_show_who_did_it),
    Scenario::new(
        "doctor_finds_a_good_lrs_good_and_stores_nothing",
        doctor_finds_good,
    ),
    Scenario::new("doctor_finds_a_wrong_password", || {
        doctor_finds_bad("credentials", |request, lrs| {
            let mut request = request.clone();
            request.headers.retain(|(name, _)| name != "authorization");
            lrs.plain(&request)
        });
    }),
    Scenario::new("doctor_finds_a_portal", || {
        doctor_finds_bad("lrs", |_, _| Response::page(200));
    }),
    Scenario::new("doctor_finds_a_beacon", doctor_doubts_a_beacon),
    Scenario::new("doctor_finds_no_common_version", || {
        doctor_finds_bad("version", |request, _| {
            if request.is_about() {
                return Response::json(200, &json!({"version": ["0.95"]})).by_an_lrs();
            }
            Response::json(400, &json!({"error": "0.95 only"})).by_an_lrs()
        });
    }),
    Scenario::new("doctor_finds_nobody", doctor_finds_nobody),
    Scenario::new("retract_takes_back_what_was_never_sent", retract_takes_back),
    Scenario::new(
        "retract_takes_back_what_a_stranger_never_had",
        retract_after_unreachable,
    ),
    Scenario::new("void_takes_back_what_was_delivered", void_takes_back),
    Scenario::new("erase_leaves_no_trace_of_a_person", erase_leaves_no_trace),
    Scenario::new("speak_fixes_the_version", speak_fixes_the_version),
    Scenario::new("a_proxy_is_used_where_it_is_named", a_proxy_is_used),
    Scenario::new(
        "a_proxy_gets_nothing_for_this_device",
        a_proxy_gets_nothing_for_this_device,
    ),
    Scenario::new("a_ready_basic_value_is_sent_as_it_is", a_ready_basic_value),
    Scenario::new(
        "an_authority_of_ones_own_is_trusted_where_it_is_named",
        an_authority_of_ones_own,
    ),
    Scenario::new("the_demo_asks_before_it_fills_a_real_lrs", the_demo_asks),
    Scenario::new("usage_errors_are_2_and_change_nothing", usage_errors),
];

/// One is held, and then the LRS is down for the others: 4, not 1.
fn a_failing_lrs_is_more_urgent() {
    let full = Arc::new(AtomicBool::new(false));
    let server = Server::start({
        let full = full.clone();
        move |request, lrs| {
            if request.is_post() && full.load(Ordering::Relaxed) {
                let words = json!({"error": "full"});
                return Response::json(503, &words)
                    .by_an_lrs()
                    .with("Retry-After", "3600");
            }
            if request.is_post() && request.brings(&id(0)) {
                return Response::json(400, &json!({"error": "no"})).by_an_lrs();
            }
            lrs.plain(request)
        }
    });
    let device = Device::with(20);
    device.drain(&server, Duration::from_mins(1)).ended(1);
    assert_eq!(device.held().len(), 1);
    full.store(true, Ordering::Relaxed);
    device.record((100..120).map(sample));
    for _ in 0..2 {
        let ran = device.sync(&server).ended(4);
        assert_eq!(ran.last()["ended"], "waiting", "{ran}");
        assert_eq!(number(&device.status()["held"]), 1);
    }
    assert_eq!(device.stored_is_delivered(&server), 19);
}

fn the_queue_named_last() {
    let device = Device::with(1);
    let queue = device.queue().to_string_lossy().into_owned();
    let mut command = device.bare(&["held", "list", "--queue", &queue, "--json"]);
    command.env_remove("PANNIER_QUEUE");
    Device::run_it(command).ended(0);
    for args in [
        ["status", "--queue"],
        ["queue", "--queue"],
        ["history", "--queue"],
    ] {
        Device::run_it(device.bare(&[&args[..], &[&queue, "--json"]].concat())).ended(0);
        // Before the command as well.
        Device::run_it(device.bare(&["--json", "--queue", &queue, args[0]])).ended(0);
    }
}

fn history_shows_the_newest() {
    let server = Server::good();
    let device = Device::with(10);
    device.sync(&server).ended(0);
    let listed = device.run(&["history", "--limit", "2"]).ended(0).lines();
    let ids: Vec<_> = listed.iter().map(crate::http::id_of).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&id(9)) && ids.contains(&id(8)), "{ids:?}");
}

fn an_emptied_queue_has_no_trouble() {
    let server = Server::good();
    let device = Device::with(1);
    device
        .run(&["sync", "--lrs", "http://127.0.0.1:9/xAPI"])
        .ended(4);
    device.sync(&server).ended(0);
    let status = device.status();
    assert_eq!(status["trouble"], Value::Null, "{status}");
}

/// What could not be sent is taken back; and a sync with nothing to send, whoever is not there.
fn nothing_to_deliver_is_no_trouble() {
    let device = Device::with(1);
    device
        .run(&["sync", "--lrs", "http://127.0.0.1:9/xAPI"])
        .ended(4);
    device.run(&["retract", &id(0)]).ended(0);
    let taken_back = device.status();
    assert_eq!(number(&taken_back["retracted"]), 1, "{taken_back}");
    device
        .run(&["sync", "--lrs", "http://127.0.0.1:9/xAPI"])
        .ended(0);
    for status in [taken_back, device.status()] {
        assert_eq!(status["trouble"], Value::Null, "{status}");
        assert_eq!(status["waiting_for"], Value::Null, "{status}");
    }
}

fn lists_show_who_did_it() {
    let device = Device::with(1);
    let ran = Device::run_it(device.command(&["queue"])).ended(0);
    assert!(ran.stdout.contains("learner0@example.com"), "{ran}");
}

fn doctor_finds_good() {
    let server = Server::good();
    let device = Device::new();
    let ran = device.run(&["doctor", "--lrs", &server.url()]).ended(0);
    for examined in ["network", "lrs", "version", "credentials"] {
        assert_eq!(finding(&ran, examined), "good", "{examined}: {ran}");
    }
    assert!(server.lrs.all().is_empty(), "it stores nothing unasked");
    assert!(!server.lrs.secrets().is_empty(), "it tries the credentials");
}

/// Nothing would be delivered like this, and it is this that is bad.
fn doctor_finds_bad(
    examined: &str,
    behaviour: impl Fn(&Request, &Arc<Lrs>) -> Response + Send + Sync + 'static,
) {
    doctor_finds(4, &[("network", "good"), (examined, "bad")], behaviour);
}

/// It might be an LRS that may only be written and tells nothing of itself: somebody should look.
fn doctor_doubts_a_beacon() {
    let found = [
        ("network", "good"),
        ("lrs", "unknown"),
        ("credentials", "warning"),
        ("write", "unknown"),
    ];
    doctor_finds(1, &found, |request, _| {
        Response::status(if request.is_post() { 204 } else { 403 })
    });
}

fn doctor_finds(
    code: i32,
    found: &[(&str, &str)],
    behaviour: impl Fn(&Request, &Arc<Lrs>) -> Response + Send + Sync + 'static,
) {
    let server = Server::start(behaviour);
    let device = Device::new();
    let ran = device.run(&["doctor", "--lrs", &server.url()]).ended(code);
    for (examined, expected) in found {
        assert_eq!(finding(&ran, examined), *expected, "{examined}: {ran}");
    }
    assert!(!server.lrs.seen().is_empty(), "{ran}");
}

fn doctor_finds_nobody() {
    let ran = Device::new().run(&["doctor", "--lrs", "http://127.0.0.1:9/xAPI"]);
    let ran = ran.ended(4);
    assert_eq!(finding(&ran, "network"), "bad", "{ran}");
}

/// What was found of what was examined.
fn finding(ran: &Ran, examined: &str) -> Value {
    let last = ran.last();
    let checks = last["checks"].as_array();
    let checks = checks.unwrap_or_else(|| panic!("no checks: {ran}"));
    let check = checks.iter().find(|check| check["examined"] == examined);
    check.unwrap_or_else(|| panic!("no {examined}: {ran}"))["finding"].clone()
}

fn retract_takes_back() {
    let server = Server::good();
    let device = Device::with(3);
    device.run(&["retract", &id(1)]).ended(0);
    device.sync(&server).ended(0);
    assert!(!server.lrs.has(&id(1)));
    assert_eq!(server.lrs.all().len(), 2);
    assert_eq!(number(&device.status()["retracted"]), 1);
    // What was delivered cannot be taken back this way.
    device.run(&["retract", &id(0)]).ended(1);
}

/// Looks that found no network, and a batch that leapt over others, sent none of these.
fn retract_after_unreachable() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            return Response::none();
        }
        lrs.plain(request)
    });
    let device = Device::with(300);
    device.sync(&server).ended(4);
    device
        .run(&["sync", "--lrs", "http://127.0.0.1:9/xAPI"])
        .ended(4);
    device
        .run(&["sync", "--lrs", "http://127.0.0.1:9/xAPI"])
        .ended(4);
    let sent = server
        .lrs
        .seen()
        .iter()
        .flat_map(|seen| seen.request.ids())
        .collect::<Vec<_>>();
    let never = device.ids().into_iter().filter(|id| !sent.contains(id));
    let never: Vec<_> = never.collect();
    assert!(never.len() > 200, "{}", never.len());
    for id in [&never[0], &never[100], &never[never.len() - 1]] {
        device.run(&["retract", id]).ended(0);
    }
}

fn void_takes_back() {
    let server = Server::good();
    let device = Device::with(2);
    device.sync(&server).ended(0);
    device
        .run(&["void", &id(0), "--mbox", "teacher@example.com"])
        .ended(0);
    device.sync(&server).ended(0);
    let voidings = server
        .lrs
        .all()
        .into_keys()
        .flat_map(|id| server.lrs.copies(&id));
    let voidings =
        voidings.filter(|one| one["verb"]["id"] == "http://adlnet.gov/expapi/verbs/voided");
    let voidings: Vec<_> = voidings.collect();
    assert_eq!(voidings.len(), 1);
    assert_eq!(voidings[0]["object"]["objectType"], "StatementRef");
    assert_eq!(voidings[0]["object"]["id"], id(0));
}

/// The LRS's words about one of her statements name her.
fn erase_leaves_no_trace() {
    let server = Server::start(|request, lrs| {
        if request.is_post() && request.brings(&id(1)) {
            let words = json!({"error": "learner1@example.com is not enrolled"});
            return Response::json(400, &words).by_an_lrs();
        }
        lrs.plain(request)
    });
    let device = Device::with(10);
    device.drain(&server, Duration::from_mins(1)).ended(1);
    let told = |device: &Device| {
        let files = contents(device.folder());
        let needle = b"learner1@example.com";
        let found = files
            .iter()
            .filter(|(_, bytes)| bytes.windows(needle.len()).any(|part| part == needle));
        found.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert!(!told(&device).is_empty());
    device
        .run(&["erase", "--mbox", "learner1@example.com", "--yes"])
        .ended(0);
    assert_eq!(told(&device), Vec::<String>::new());
    assert_eq!(number(&device.status()["held"]), 0);
}

fn speak_fixes_the_version() {
    let server = Server::good();
    let device = Device::with(3);
    let url = server.url();
    device
        .run(&["sync", "--lrs", &url, "--speak", "1.0.3"])
        .ended(0);
    device.all_delivered(&server);
    let posts = server
        .lrs
        .seen()
        .into_iter()
        .filter(|seen| seen.request.is_post());
    for seen in posts {
        assert_eq!(
            seen.request.header("x-experience-api-version"),
            Some("1.0.3")
        );
    }
}

/// The proxy is spoken to for a host that does not exist, and answers in the LRS's place.
fn a_proxy_is_used() {
    let proxy = Server::start(|request, lrs| {
        let mut request = request.clone();
        if let Some(rest) = request.path.strip_prefix("http://lrs.invalid") {
            request.path = rest.to_owned();
        }
        lrs.plain(&request)
    });
    let device = Device::with(3);
    let by = proxy.url().replace("/xAPI", "");
    let there = ["--lrs", "http://lrs.invalid/xAPI", "--allow-cleartext"];
    device
        .run(&[&["sync", "--proxy", &by], &there[..]].concat())
        .ended(0);
    device.all_delivered(&proxy);
}

/// What is for this device does not leave it, with the credentials in the clear at that.
fn a_proxy_gets_nothing_for_this_device() {
    let proxy = Server::start(|request, lrs| lrs.plain(request));
    let lrs = Server::start(|request, lrs| lrs.plain(request));
    let by = proxy.url().replace("/xAPI", "");
    for host in ["127.0.0.1", "localhost"] {
        let device = Device::with(3);
        let url = lrs.url().replace("127.0.0.1", host);
        device
            .run(&["sync", "--lrs", &url, "--proxy", &by])
            .ended(0);
        device.all_delivered(&lrs);
    }
    assert_eq!(proxy.lrs.seen().len(), 0);
}

/// A vendor's console shows the value of the header, ready to be copied.
fn a_ready_basic_value() {
    let server = Server::good();
    let device = Device::with(3);
    let mut command = device.command(&["sync", "--lrs", &server.url(), "--json"]);
    command
        .env_remove("PANNIER_LRS_USER")
        .env_remove("PANNIER_LRS_PASSWORD")
        .env("PANNIER_LRS_BASIC", "YXBwOnMzY3JldC1vZi10aGUtYXBw");
    Device::run_it(command).ended(0);
    device.all_delivered(&server);
}

/// A school's own authority has signed the LRS's certificate. Nobody trusts it unasked.
fn an_authority_of_ones_own() {
    let authority = rcgen::KeyPair::generate().expect("a key");
    let mut about = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = about.self_signed(&authority).expect("a certificate");
    let issuer = rcgen::Issuer::new(about, authority);
    let key = rcgen::KeyPair::generate().expect("a key");
    let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let own = own.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("they fit");
    let server = Server::secure(tls);
    let device = Device::with(3);
    let url = server.secure_url();
    let ran = device.run(&["sync", "--lrs", &url]).ended(4);
    assert_eq!(ran.last()["trouble"]["problem"], "unreachable", "{ran}");
    assert!(server.lrs.seen().is_empty());
    let ca = device.file("school.pem", root.pem());
    device.run(&["sync", "--lrs", &url, "--ca", &ca]).ended(0);
    device.all_delivered(&server);
}

fn the_demo_asks() {
    let server = Server::good();
    let device = Device::new();
    let ran = device.run(&["demo", "--lrs", &server.url()]).ended(2);
    assert!(server.lrs.seen().is_empty(), "{ran}");
}

fn usage_errors() {
    let device = Device::with(1);
    let before = contents(device.folder());
    for args in [
        &["sync", "--lrs", "no address"][..],
        &["sync", "--nonsense"],
        &["record", "/there/is/no/such/file.json"],
        &["nonsense"],
        &["held", "show", "no-id"],
        &["sync", "--lrs", "ftp://127.0.0.1/xAPI"],
    ] {
        let ran = device.run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran}");
    }
    let after = contents(device.folder());
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    assert!(before == after, "the same files, with other bytes in them");
}
