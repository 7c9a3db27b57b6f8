//! Whose fault an answer is: one statement's, the LRS's, or a stranger's. No status says.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scenario;
use crate::device::{Device, id, number, sample};
use crate::http::{Request, Response, Server};
use crate::lrs::Lrs;

pub const ALL: &[Scenario] = &[
    Scenario::slow("one_statement_answered_by_a_401_page_stops_nobody", || {
        one_stops_nobody(|| Response::page(401));
    }),
    Scenario::slow("one_statement_answered_by_402_stops_nobody", || {
        one_stops_nobody(|| Response::page(402));
    }),
    Scenario::slow("one_statement_answered_by_a_403_page_stops_nobody", || {
        one_stops_nobody(|| Response::page(403));
    }),
    Scenario::slow("one_statement_answered_by_404_stops_nobody", || {
        one_stops_nobody(|| Response::page(404));
    }),
    Scenario::slow("one_statement_answered_by_405_stops_nobody", || {
        one_stops_nobody(|| Response::page(405));
    }),
    Scenario::slow("one_statement_answered_by_406_stops_nobody", || {
        one_stops_nobody(|| Response::page(406));
    }),
    Scenario::slow("one_statement_answered_by_410_stops_nobody", || {
        one_stops_nobody(|| Response::page(410));
    }),
    Scenario::slow("one_statement_answered_by_412_stops_nobody", || {
        one_stops_nobody(|| Response::page(412));
    }),
    Scenario::slow("one_statement_answered_by_415_stops_nobody", || {
        one_stops_nobody(|| Response::page(415));
    }),
    Scenario::slow("one_statement_answered_by_451_stops_nobody", || {
        one_stops_nobody(|| Response::page(451));
    }),
    Scenario::slow("one_statement_answered_by_a_200_page_stops_nobody", || {
        one_stops_nobody(|| Response::page(200));
    }),
    Scenario::slow("one_statement_answered_by_a_redirect_stops_nobody", || {
        one_stops_nobody(|| Response::status(302).with("Location", "https://blocked.example.com/"));
    }),
    Scenario::slow("one_statement_answered_by_a_501_stops_nobody", || {
        one_stops_nobody(|| Response::page(501));
    }),
    Scenario::slow("one_statement_answered_by_an_lrss_401_stops_nobody", || {
        one_stops_nobody(|| Response::json(401, &json!({"error": "not for you"})).by_an_lrs());
    }),
    Scenario::slow("one_statement_answered_by_an_lrss_404_stops_nobody", || {
        one_stops_nobody(|| Response::json(404, &json!({"error": "no such course"})).by_an_lrs());
    }),
    Scenario::slow("one_statement_answered_by_an_lrss_412_stops_nobody", || {
        one_stops_nobody(|| Response::json(412, &json!({"error": "not so"})).by_an_lrs());
    }),
    Scenario::new(
        "one_statement_that_an_lrs_refuses_is_held_with_its_words",
        || {
            one_is_held_with_words(400, "its verb is unknown here");
        },
    ),
    Scenario::new(
        "one_statement_that_an_lrs_forbids_is_held_with_its_words",
        || {
            one_is_held_with_words(403, "no such right");
        },
    ),
    Scenario::slow(
        "a_single_statement_that_is_refused_can_be_taken_back",
        a_single_one_can_be_taken_back,
    ),
    Scenario::slow("a_refusal_under_200_shows_the_lrss_words", || {
        a_refusal_under_200_shows_the_lrss_words(true);
    }),
    Scenario::slow(
        "a_refusal_under_200_of_an_lrs_without_marks_shows_its_words",
        || {
            a_refusal_under_200_shows_the_lrss_words(false);
        },
    ),
    Scenario::slow(
        "a_401_page_is_no_matter_of_the_password",
        a_401_page_is_no_matter_of_the_password,
    ),
    Scenario::slow(
        "a_gateway_that_stops_two_of_three_by_403_convicts_nobody",
        || {
            comes_and_goes(|| Response::page(403));
        },
    ),
    Scenario::slow(
        "a_gateway_that_stops_two_of_three_by_406_convicts_nobody",
        || {
            comes_and_goes(|| Response::page(406));
        },
    ),
    Scenario::slow(
        "a_gateway_that_stops_two_of_three_by_400_json_convicts_nobody",
        || {
            comes_and_goes(|| Response::json(400, &json!({"message": "bad request"})));
        },
    ),
    Scenario::nightly(
        "a_gateway_that_stops_everything_for_three_minutes_is_waited_out",
        a_gateway_for_three_minutes,
    ),
    Scenario::slow(
        "an_lrs_that_refuses_everything_for_a_while_convicts_nobody",
        || {
            refuses_everything_for_a_while(|| {
                Response::json(400, &json!({"error": "quota"})).by_an_lrs()
            });
        },
    ),
    Scenario::slow(
        "an_lrs_that_forbids_everything_for_a_while_convicts_nobody",
        || {
            refuses_everything_for_a_while(|| {
                Response::json(403, &json!({"error": "read-only"})).by_an_lrs()
            });
        },
    ),
    Scenario::new(
        "a_wrong_password_holds_nothing_and_asks_the_app",
        a_wrong_password_holds_nothing,
    ),
    Scenario::new(
        "a_wrong_password_answered_by_400_holds_nothing",
        a_wrong_password_answered_by_400,
    ),
];

/// An LRS behind something that answers one statement, alone or in a batch, and takes the others.
fn behind(culprit: String, says: impl Fn() -> Response + Send + Sync + 'static) -> Server {
    Server::start(move |request, lrs| {
        if request.is_post() && request.brings(&culprit) {
            says()
        } else {
            lrs.plain(request)
        }
    })
}

/// Forty good ones go by one that something answers so, the first one of all.
fn one_stops_nobody(says: impl Fn() -> Response + Send + Sync + 'static) {
    let server = behind(id(0), says);
    let device = Device::with(41);
    let ran = device.drain_until(&server, Duration::from_secs(100), |status| {
        status["delivered"] == 40
    });
    assert_eq!(device.stored_is_delivered(&server), 40, "{ran}");
    assert!(!server.lrs.has(&id(0)));
    // It is held, or not delivered yet.
    let held = number(&device.status()["held"]) == 1;
    ran.ended(if held { 1 } else { 4 });
    // Nothing of the kind stops those that come later.
    device.record((100..110).map(sample));
    device.drain_until(&server, Duration::from_secs(40), |status| {
        status["delivered"] == 50
    });
    assert_eq!(device.stored_is_delivered(&server), 50);
}

fn one_is_held_with_words(status: u16, words: &'static str) {
    let server = behind(id(7), move || {
        Response::json(status, &json!({"error": words})).by_an_lrs()
    });
    let device = Device::with(20);
    let ran = device.drain(&server, Duration::from_secs(100));
    assert_eq!(device.stored_is_delivered(&server), 19, "{ran}");
    ran.ended(1);
    let held = device.held();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["id"], id(7));
    assert!(held[0].to_string().contains(words), "{}", held[0]);
    // The app settles it.
    device.run(&["held", "discard", &id(7)]).ended(0);
    device.sync(&server).ended(0);
    assert_eq!(number(&device.status()["held"]), 0);
}

/// Ralph's partial success: the others are stored, and one is refused in so many words. Ralph marks no
/// answer and has no `/about`.
fn a_refusal_under_200_shows_the_lrss_words(marks: bool) {
    let words = "the score is out of range";
    let server = Server::start(move |request, lrs| {
        let answer = if request.is_post() {
            let all = request.statements();
            let mut kept = all.clone();
            kept.retain(|one| one["id"] != *id(2));
            lrs.keep(&kept);
            let named: Vec<_> = kept.iter().map(|one| one["id"].clone()).collect();
            let at = all.iter().position(|one| one["id"] == *id(2));
            let errors = at.map(|at| json!({"index": at, "reason": words}));
            let errors: Vec<_> = errors.into_iter().collect();
            let report = json!({"inserted": kept.len(), "rejected": errors.len(), "ids": named, "errors": errors});
            Response::json(200, &report).by_an_lrs()
        } else if request.is_about() && !marks {
            Response::json(404, &json!({"detail": "Not Found"}))
        } else {
            lrs.plain(request)
        };
        if marks { answer } else { answer.unmarked() }
    });
    let device = Device::with(6);
    device.drain(&server, Duration::from_secs(100)).ended(1);
    assert_eq!(device.stored_is_delivered(&server), 5);
    let held = device.held();
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held[0].to_string().contains(words), "{}", held[0]);
}

/// A gateway asks for a password of its own for some seconds. Nobody has to set a new one.
fn a_401_page_is_no_matter_of_the_password() {
    let begun = Instant::now();
    let server = Server::start(move |request, lrs| {
        if begun.elapsed() < Duration::from_secs(6) {
            return Response::page(401).with("WWW-Authenticate", "Basic realm=\"gateway\"");
        }
        lrs.plain(request)
    });
    let device = Device::with(10);
    let first = device.sync(&server).ended(4).last();
    assert_ne!(first["trouble"]["problem"], "credentials", "{first}");
    assert_ne!(first["ended"], "needs_app", "{first}");
    // One command, which waits: nobody does anything in between.
    device.sync_wait(&server, 60).ended(0);
    device.all_delivered(&server);
}

/// A gateway stops two of three POSTs for twenty seconds.
fn comes_and_goes(says: impl Fn() -> Response + Send + Sync + 'static) {
    let begun = Instant::now();
    let server = Server::start(move |request, lrs| {
        let stops =
            request.is_post() && begun.elapsed() < Duration::from_secs(20) && lrs.posts() % 3 != 0;
        if stops { says() } else { lrs.plain(request) }
    });
    let device = Device::with(20);
    let last = device.drain(&server, Duration::from_secs(100));
    device.nothing_held();
    last.ended(0);
    device.all_delivered(&server);
}

/// One command waits for as long as the gateway is there, and goes on by itself.
fn a_gateway_for_three_minutes() {
    let begun = Instant::now();
    let server = Server::start(move |request, lrs| {
        if begun.elapsed() < Duration::from_mins(3) {
            return Response::page(if lrs.seen().len() % 2 == 0 { 403 } else { 401 });
        }
        lrs.plain(request)
    });
    let device = Device::with(60);
    let args = ["sync", "--lrs", &server.url(), "--wait", "1200"];
    let ran = device.start(&args).wait_for(Duration::from_mins(15));
    device.nothing_held();
    ran.ended(0);
    device.all_delivered(&server);
}

fn refuses_everything_for_a_while(says: impl Fn() -> Response + Send + Sync + 'static) {
    let begun = Instant::now();
    let server = Server::start(move |request, lrs| {
        if request.is_post() && begun.elapsed() < Duration::from_secs(15) {
            return says();
        }
        lrs.plain(request)
    });
    let device = Device::with(20);
    device.sync(&server).ended(4);
    device.nothing_held();
    device.drain(&server, Duration::from_secs(100)).ended(0);
    device.nothing_held();
    device.all_delivered(&server);
}

fn a_wrong_password_holds_nothing() {
    let server = Server::good();
    let device = Device::with(10);
    let args = ["sync", "--lrs", &server.url()];
    let ran = device.start_as("app", "wrong", &args).wait().ended(4);
    assert_eq!(ran.last()["trouble"]["problem"], "credentials", "{ran}");
    assert_eq!(device.status()["waiting_for"], "app");
    device.nothing_held();
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}

/// Two real LRSs say 400 to a POST with a wrong password, and 401 only to a GET.
fn a_wrong_password_answered_by_400() {
    let server = Server::start(|request: &Request, lrs: &std::sync::Arc<Lrs>| {
        let answer = lrs.plain(request);
        if request.is_post() && answer.status == Some(401) {
            return Response::json(400, &json!({"error": "bad"})).by_an_lrs();
        }
        answer
    });
    let device = Device::with(10);
    let args = ["sync", "--lrs", &server.url()];
    device.start_as("app", "wrong", &args).wait().ended(4);
    device.nothing_held();
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}

/// Nothing else is taken that would show whose fault it is, so it is never held. Who has lost the answer to it is another
/// matter.
fn a_single_one_can_be_taken_back() {
    for is_lost in [false, true] {
        let begun = std::sync::atomic::AtomicBool::new(false);
        let server = Server::start(move |request, lrs| {
            if !request.is_post() {
                return lrs.plain(request);
            }
            if is_lost && !begun.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return Response::page(502);
            }
            Response::json(400, &json!({"error": "its verb is unknown"})).by_an_lrs()
        });
        let device = Device::with(1);
        let one = id(0);
        for _ in 0..3 {
            device.sync_wait(&server, 10);
        }
        let voided = device.run(&["void", &one, "--mbox", "mailto:ada@example.com"]);
        let taken_back = device.run(&["retract", &one]);
        if is_lost {
            taken_back.ended(1);
            continue;
        }
        taken_back.ended(0);
        voided.ended(0);
        let status = device.status();
        assert_eq!(
            (number(&status["retracted"]), number(&status["undelivered"])),
            (1, 1),
            "{status}"
        );
        // What was to void it voids nothing.
        assert_eq!(device.held()[0]["reason"], "target_given_up");
    }
}
