//! Probes of an LRS that is well, and of each thing that can be the matter.

mod agreeing;
mod upstreams;
mod way;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::tests::kit::{FakeLrs, TestClock, answer, config, open, statement, strangers};
use super::super::{Collector, Config};
use super::{Examined, Finding, Probe};
use crate::error::Error;
use crate::lrs::{Method, Request, Response, TransportError};
use crate::statement::XapiVersion;

struct Stage {
    lrs: Arc<FakeLrs>,
    collector: Collector,
    folder: tempfile::TempDir,
}

fn stage(change: impl FnOnce(&mut Config)) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let mut config = config(&lrs);
    change(&mut config);
    Stage {
        collector: open(folder.path(), config),
        lrs,
        folder,
    }
}

impl Stage {
    /// A probe where these answers come first.
    fn where_it_says(
        self,
        instead: impl Fn(&Request) -> Option<Result<Response, TransportError>> + Send + 'static,
    ) -> Probe {
        self.lrs.instead(instead);
        self.collector.probe().unwrap()
    }
}

fn finding(probe: &Probe, examined: Examined) -> Finding {
    probe.check(examined).unwrap().finding
}

fn sentence(probe: &Probe, examined: Examined) -> &str {
    &probe.check(examined).unwrap().sentence
}

fn is_look_up(request: &Request) -> bool {
    request.url.contains("statementId")
}

#[test]
fn all_is_well_and_nothing_is_stored_or_remembered() {
    let clock = TestClock::new();
    let stage = stage(|config| config.clock = Arc::clone(&clock) as _);
    *stage.lrs.clock.lock().unwrap() = Some(clock);
    let before = stage.collector.status().unwrap();
    let probe = stage.collector.probe().unwrap();
    assert_eq!(probe.worst(), Finding::Good, "{probe:#?}");
    assert_eq!(probe.checks.len(), 7);
    assert_eq!(probe.versions, ["2.0.0"]);
    assert_eq!(probe.speaks, Some(XapiVersion::V2_0_0));
    assert_eq!(probe.clock_difference_ms, Some(0));
    assert!(stage.lrs.stored.lock().unwrap().is_empty());
    assert_eq!(stage.collector.status().unwrap(), before);
    // Paused, too.
    stage.collector.pause().unwrap();
    assert_eq!(stage.collector.probe().unwrap(), probe);
    let told = serde_json::to_value(&probe).unwrap();
    assert_eq!(
        told["checks"][0],
        json!({"examined": "network", "finding": "good", "status": null, "sentence": "the host answers"})
    );
}

#[test]
fn a_statement_is_stored_only_where_one_is_given() {
    let stage = stage(|_| {});
    let probe = stage.collector.probe_storing(statement(1)).unwrap();
    assert_eq!(finding(&probe, Examined::Write), Finding::Good);
    assert_eq!(stage.lrs.stored.lock().unwrap().len(), 1);
    assert_eq!(stage.collector.status().unwrap().ledger.recorded, 0);
    assert!(matches!(
        stage.collector.probe_storing("{}"),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn without_an_endpoint_there_is_nothing_to_try() {
    let stage = stage(|config| config.endpoint = None);
    assert!(matches!(stage.collector.probe(), Err(Error::NoEndpoint)));
}

#[test]
fn no_network_is_told_from_no_trust() {
    let refused = TransportError::Unreachable("Connection refused (os error 111)".to_owned());
    let probe = stage(|_| {}).where_it_says(move |_| Some(Err(refused.clone())));
    assert_eq!(finding(&probe, Examined::Network), Finding::Bad);
    assert_eq!(finding(&probe, Examined::Write), Finding::Unknown);
    assert!(sentence(&probe, Examined::Network).contains("refused"));
    assert_eq!(probe.speaks, None);

    let untrusted = TransportError::untrusted("its certificate has expired");
    let probe = stage(|_| {}).where_it_says(move |_| Some(Err(untrusted.clone())));
    assert_eq!(finding(&probe, Examined::Network), Finding::Good);
    assert_eq!(finding(&probe, Examined::Encryption), Finding::Bad);
    assert!(sentence(&probe, Examined::Encryption).contains("expired"));
}

#[test]
fn a_wrong_password_is_found_with_nothing_in_the_queue() {
    let probe = stage(|_| {}).where_it_says(|request| {
        let open = request.url.ends_with("/about");
        (!open).then(|| Ok(answer(401, "who are you?")))
    });
    assert_eq!(finding(&probe, Examined::Lrs), Finding::Good);
    assert_eq!(finding(&probe, Examined::Credentials), Finding::Bad);
    assert_eq!(finding(&probe, Examined::Write), Finding::Unknown);
    assert_eq!(
        probe.check(Examined::Credentials).unwrap().status,
        Some(401)
    );
    assert!(sentence(&probe, Examined::Credentials).contains("who are you?"));
}

#[test]
fn a_right_to_read_only_and_one_to_write_only_are_found() {
    let refuses = |method| {
        move |request: &Request| {
            let refused = request.method == method && !request.url.ends_with("/about");
            refused.then(|| Ok(answer(403, "no")))
        }
    };
    let probe = stage(|_| {}).where_it_says(refuses(Method::Post));
    assert_eq!(finding(&probe, Examined::Credentials), Finding::Good);
    assert_eq!(finding(&probe, Examined::Write), Finding::Bad);
    let probe = stage(|_| {}).where_it_says(refuses(Method::Get));
    assert_eq!(finding(&probe, Examined::Credentials), Finding::Warning);
    assert_eq!(finding(&probe, Examined::Write), Finding::Good);
}

#[test]
fn an_lrs_that_refuses_an_empty_list_leaves_it_open() {
    let probe = stage(|_| {}).where_it_says(|request| {
        (request.method == Method::Post).then(|| Ok(answer(400, "empty")))
    });
    assert_eq!(finding(&probe, Examined::Write), Finding::Unknown);
    assert!(sentence(&probe, Examined::Write).contains("storing a statement"));
}

#[test]
fn what_is_no_lrs_is_not_taken_for_one() {
    let page = || {
        let mut page = strangers(200, "<html><title>Log in</title></html>");
        page.headers
            .push(("Content-Type".to_owned(), "text/html".to_owned()));
        page
    };
    let portal = stage(|_| {}).where_it_says(move |_| Some(Ok(page())));
    assert_eq!(finding(&portal, Examined::Lrs), Finding::Bad);
    assert_eq!(finding(&portal, Examined::Write), Finding::Bad);
    assert!(sentence(&portal, Examined::Lrs).contains("Log in"));

    // A web server that knows no such path, and a beacon that takes anything.
    let nothing = stage(|_| {}).where_it_says(|request| {
        let get = request.method == Method::Get;
        Some(Ok(strangers(if get { 404 } else { 204 }, "")))
    });
    assert_eq!(finding(&nothing, Examined::Lrs), Finding::Unknown);
    assert_eq!(finding(&nothing, Examined::Write), Finding::Unknown);
}

#[test]
fn an_lrs_whose_about_is_a_page_is_one_all_the_same() {
    let probe = stage(|_| {}).where_it_says(|request| {
        let mut odd = answer(404, "");
        if request.url.ends_with("/about") {
            odd = answer(200, "<html></html>");
            odd.headers
                .push(("Content-Type".to_owned(), "text/html".to_owned()));
        } else if request.method == Method::Post {
            return None;
        } else {
            let mark = ("X-Experience-API-Version".to_owned(), "1.0.3".to_owned());
            odd.headers.push(mark);
        }
        Some(Ok(odd))
    });
    assert_eq!(finding(&probe, Examined::Lrs), Finding::Good, "{probe:#?}");
    assert_eq!(finding(&probe, Examined::Write), Finding::Good);
}

#[test]
fn versions_and_clocks_that_do_not_fit_are_found() {
    let clock = TestClock::new();
    let stage = stage(|config| config.clock = Arc::clone(&clock) as _);
    *stage.lrs.clock.lock().unwrap() = Some(Arc::clone(&clock));
    clock.set_wrong_by(-(Duration::from_hours(24 * 30).as_millis() as i64));
    let probe = stage.where_it_says(|request| {
        let about = request.url.ends_with("/about");
        about.then(|| Ok(answer(200, r#"{"version":["0.95"]}"#)))
    });
    // It takes what is sent in a version that it does not list.
    assert_eq!(finding(&probe, Examined::Version), Finding::Warning);
    assert_eq!(finding(&probe, Examined::Clock), Finding::Warning);
    assert!(sentence(&probe, Examined::Clock).contains("30 days ahead"));
}

#[test]
fn an_lrs_that_refuses_another_patch_of_its_version_is_found() {
    let probe = stage(|_| {}).where_it_says(|request| {
        if request.url.ends_with("/about") {
            return Some(Ok(answer(200, r#"{"version":["1.0.1","1.0.2"]}"#)));
        }
        Some(Ok(answer(400, "unsupported version")))
    });
    assert_eq!(finding(&probe, Examined::Version), Finding::Bad);
    let said = sentence(&probe, Examined::Version);
    assert!(said.contains("1.0.1, 1.0.2 and refuses 1.0.3"), "{said}");
}

#[test]
fn a_version_in_which_nothing_is_taken_is_not_called_good() {
    let lists = |versions: &str| answer(200, &format!(r#"{{"version":{versions}}}"#));
    let asked_in = |request: &Request, version: &str| {
        let mut headers = request.headers.iter();
        headers.any(|(name, value)| *name == "X-Experience-API-Version" && value == version)
    };
    // By whatever it refuses what is sent in one of its versions, and looks for statements in both.
    for status in [400, 402, 403, 404, 406, 415, 426, 500, 501, 503, 505] {
        let probe = stage(|_| {}).where_it_says(move |request| {
            if request.url.ends_with("/about") {
                return Some(Ok(lists(r#"["1.0.3","2.0.0"]"#)));
            }
            let is_refused = request.method == Method::Post && asked_in(request, "2.0.0");
            is_refused.then(|| Ok(answer(status, "no")))
        });
        assert_eq!(finding(&probe, Examined::Version), Finding::Warning);
        assert_eq!(probe.speaks, Some(XapiVersion::V1_0_3), "{status}");
        assert_eq!(finding(&probe, Examined::Write), Finding::Good, "{status}");

        let probe = stage(|_| {}).where_it_says(move |request| {
            let is_post = request.method == Method::Post;
            is_post.then(|| Ok(answer(status, "no")))
        });
        assert_eq!(
            finding(&probe, Examined::Version),
            Finding::Unknown,
            "{status}: {probe:#?}"
        );
        assert_ne!(finding(&probe, Examined::Write), Finding::Good, "{status}");
    }
    // A version that the app has set is not exchanged for another.
    let fixed = |config: &mut Config| config.speak = Some(XapiVersion::V2_0_0);
    let probe = stage(fixed).where_it_says(move |request| {
        let is_refused = request.method == Method::Post && asked_in(request, "2.0.0");
        is_refused.then(|| Ok(answer(415, "no")))
    });
    assert_eq!(finding(&probe, Examined::Version), Finding::Unknown);
    assert_eq!(probe.speaks, Some(XapiVersion::V2_0_0));
}

#[test]
fn an_lrs_that_takes_nothing_now_is_bad_whatever_it_says_to_that() {
    for status in [429, 500, 502, 503, 504] {
        let probe = stage(|_| {}).where_it_says(move |_| Some(Ok(answer(status, "maintenance"))));
        assert_eq!(probe.worst(), Finding::Bad, "{status}: {probe:#?}");
        assert!(sentence(&probe, Examined::Write).contains("maintenance"));
    }
    let empty = stage(|_| {}).where_it_says(|_| Some(Ok(answer(200, "{}"))));
    assert_eq!(finding(&empty, Examined::Write), Finding::Bad, "{empty:#?}");

    // It can tell what it has: perhaps it is the empty list alone that it stumbles over.
    for (status, body) in [(500, "oops"), (200, "{}")] {
        let probe = stage(|_| {}).where_it_says(move |request| {
            (request.method == Method::Post).then(|| Ok(answer(status, body)))
        });
        assert_eq!(probe.worst(), Finding::Warning, "{status}: {probe:#?}");
    }
}

#[test]
fn a_connection_that_breaks_on_the_way_is_worth_a_look() {
    let broken = TransportError::Broken("reset".to_owned());
    let probe = stage(|_| {})
        .where_it_says(move |request| is_look_up(request).then(|| Err(broken.clone())));
    assert_eq!(finding(&probe, Examined::Credentials), Finding::Warning);
}
