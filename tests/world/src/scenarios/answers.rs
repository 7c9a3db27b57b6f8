//! Odd answers of good LRSs: packed, late to show, unwilling to be asked, strange at `/about`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::Scenario;
use crate::device::{Device, id, sample};
use crate::http::{Request, Response, Server};
use crate::lrs::Lrs;

pub const ALL: &[Scenario] = &[
    Scenario::new("packed_answers_are_read", || {
        delivers(Server::start(|request, lrs| packed(lrs.plain(request))));
    }),
    Scenario::slow("packed_copies_are_read", packed_copies_are_read),
    Scenario::new("a_byte_order_mark_before_an_answer_is_skipped", || {
        delivers(Server::start(|request, lrs| {
            lrs.plain(request)
                .remade(|body| [b"\xef\xbb\xbf", &body[..]].concat())
        }));
    }),
    Scenario::new("an_about_that_is_a_page_hinders_nothing", || {
        about(|| Response::page(200));
    }),
    Scenario::new("an_about_that_is_an_empty_object_hinders_nothing", || {
        about(|| Response::json(200, &json!({})).by_an_lrs());
    }),
    Scenario::new("an_about_that_has_moved_a_slash_hinders_nothing", || {
        about(|| Response::status(301).with("Location", "/xAPI/about/"));
    }),
    Scenario::new("an_about_behind_a_login_hinders_nothing", || {
        about(|| Response::status(302).with("Location", "https://login.example.com/"));
    }),
    Scenario::new("an_about_with_its_version_as_text_hinders_nothing", || {
        about(|| Response::json(200, &json!({"version": "2.0.0"})).by_an_lrs());
    }),
    Scenario::new("an_about_that_is_empty_hinders_nothing", || {
        about(|| Response::status(200));
    }),
    Scenario::new("an_about_that_is_404_hinders_nothing", || {
        about(|| Response::page(404));
    }),
    Scenario::new("an_about_that_is_500_hinders_nothing", || {
        about(|| Response::page(500));
    }),
    Scenario::new("an_about_that_asks_for_a_password_hinders_nothing", || {
        about(|| Response::page(401));
    }),
    Scenario::new("an_lrs_that_takes_one_of_two_versions_and_says_410", || {
        takes_one_of_two(false, || {
            Response::json(410, &json!({"error": "old"})).by_an_lrs()
        });
    }),
    Scenario::slow("an_lrs_that_takes_one_of_two_versions_and_says_500", || {
        takes_one_of_two(false, || {
            Response::json(500, &json!({"error": "oh"})).by_an_lrs()
        });
    }),
    Scenario::slow("an_lrs_that_takes_one_of_two_versions_behind_a_503", || {
        takes_one_of_two(false, || Response::page(503));
    }),
    Scenario::slow("an_lrs_that_takes_2_0_alone_and_does_not_say_so", || {
        takes_one_of_two(true, || Response::page(502));
    }),
    Scenario::slow("a_lost_answer_and_a_look_up_refused_by_405", || {
        lost_answer(|| Response::page(405));
    }),
    Scenario::slow("a_lost_answer_and_a_look_up_refused_by_400", || {
        lost_answer(|| Response::json(400, &json!({"error": "no queries"})).by_an_lrs());
    }),
    Scenario::slow("a_lost_answer_and_a_look_up_refused_by_406", || {
        lost_answer(|| Response::page(406));
    }),
    Scenario::slow("a_lost_answer_and_a_look_up_refused_by_403", || {
        lost_answer(|| Response::json(403, &json!({"error": "write only"})).by_an_lrs());
    }),
    Scenario::slow("a_lost_answer_and_a_look_up_refused_by_501", || {
        lost_answer(|| Response::page(501));
    }),
    Scenario::slow("a_large_copy_is_read", a_large_copy_is_read),
    Scenario::slow(
        "what_an_lrs_shows_later_is_waited_for",
        what_an_lrs_shows_later_is_waited_for,
    ),
    Scenario::slow(
        "what_an_lrs_knows_and_shows_later_is_no_conflict",
        what_an_lrs_knows_and_shows_later_is_no_conflict,
    ),
    Scenario::slow(
        "a_copy_that_is_no_statement_is_no_conflict",
        a_copy_that_is_no_statement_is_no_conflict,
    ),
    Scenario::new("an_lrs_of_one_version_only_is_spoken_to_in_it", || {
        one_version("1.0.3");
        one_version("2.0.0");
    }),
    Scenario::new(
        "what_needs_2_0_never_goes_to_an_lrs_of_1_0_3",
        what_needs_2_0_never_goes_to_an_lrs_of_1_0_3,
    ),
    Scenario::slow(
        "what_comes_back_from_held_is_not_stripped_either",
        what_comes_back_from_held_is_not_stripped_either,
    ),
];

/// Ten statements get there, each once.
fn delivers(server: Server) {
    let device = Device::with(10);
    device.drain(&server, Duration::from_mins(1)).ended(0);
    device.all_delivered(&server);
    drop(server);
}

/// The same answer packed by gzip, as a proxy does to whoever does not forbid it.
fn packed(answer: Response) -> Response {
    answer
        .remade(|plain| gzip(&plain))
        .with("Content-Encoding", "gzip")
}

/// RFC 1952, with blocks that are only stored.
fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = plain.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(plain).to_le_bytes());
    out.extend((plain.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

/// Stores the first batch and loses the answer; then a good LRS but for look-ups.
fn loses_an_answer(look: impl Fn(&Request, &Lrs) -> Response + Send + Sync + 'static) -> Server {
    let lost = AtomicBool::new(false);
    Server::start(move |request: &Request, lrs: &Arc<Lrs>| {
        if request.looks_for().is_some() {
            return look(request, lrs);
        }
        let answer = lrs.plain(request);
        if request.is_post() && !lost.swap(true, Ordering::Relaxed) {
            return Response::none();
        }
        answer
    })
}

fn packed_copies_are_read() {
    let server = loses_an_answer(|request, lrs| packed(lrs.plain(request)));
    let device = Device::with(10);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}

fn lost_answer(says: impl Fn() -> Response + Send + Sync + 'static) {
    let server = loses_an_answer(move |_, _| says());
    let device = Device::with(10);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}

/// Whatever is at `/about`: the POST tells an LRS.
fn about(says: impl Fn() -> Response + Send + Sync + 'static) {
    delivers(Server::start(move |request, lrs| {
        if request.is_about() {
            says()
        } else {
            lrs.plain(request)
        }
    }));
}

/// A statement of two megabytes, which the LRS stores and answers by its own 500, and then shows with
/// so much space between its words that the copy has five.
fn a_large_copy_is_read() {
    let server = Server::start(|request, lrs| {
        let answer = lrs.plain(request);
        if request.is_post() && lrs.posts() == 1 {
            return Response::json(500, &json!({"error": "deadlock detected"})).by_an_lrs();
        }
        answer.remade(|body| {
            let spaces = vec![b' '; 3 << 20];
            [&body[..1], &spaces, &body[1..]].concat()
        })
    });
    let device = Device::new();
    let mut large = sample(0);
    large["result"]["response"] = json!("abcdefgh".repeat(1 << 18));
    device.record([large, sample(1), sample(2)]);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}

/// An answer of an LRS that says up to when it shows what it has: the year before, as long as something
/// is stored that does not show yet.
fn behind(answer: Response) -> Response {
    answer.by_an_lrs().with(
        "X-Experience-API-Consistent-Through",
        "2025-12-31T00:00:00.000Z",
    )
}

/// The statement as an LRS shows it that is so much behind.
fn shown_after(request: &Request, lrs: &Lrs, seconds: u64) -> Response {
    let hidden = |asked: String| {
        let age = lrs.age(&asked)?;
        (age < Duration::from_secs(seconds)).then_some(())
    };
    match request.looks_for().and_then(hidden) {
        Some(()) => behind(Response::json(404, &json!({"error": "there is none"}))),
        None => lrs.plain(request),
    }
}

/// The LRS takes the statements without naming them, and shows them ten seconds later.
fn what_an_lrs_shows_later_is_waited_for() {
    let server = Server::start(|request, lrs| {
        let answer = lrs.plain(request);
        if request.is_post() && answer.status == Some(200) {
            return behind(Response::status(204));
        }
        shown_after(request, lrs, 10)
    });
    let device = Device::with(3);
    let ran = device.drain(&server, Duration::from_secs(110));
    device.nothing_held();
    ran.ended(0);
    device.all_delivered(&server);
}

/// The same file was delivered by another device a moment ago. The LRS answers 409 to what it knows,
/// and does not show it yet; what is new to it it takes.
fn what_an_lrs_knows_and_shows_later_is_no_conflict() {
    let server = Server::start(|request, lrs| {
        if !lrs.has(&id(0)) {
            lrs.keep(&[sample(0), sample(1)]);
        }
        if request.is_post() && request.ids().iter().any(|id| lrs.has(id)) {
            return behind(Response::json(409, &json!({"error": "known"})));
        }
        if request.is_post() {
            return lrs.plain(request);
        }
        shown_after(request, lrs, 15)
    });
    let device = Device::with(10);
    let ran = device.drain(&server, Duration::from_secs(110));
    device.nothing_held();
    ran.ended(0);
    device.all_delivered(&server);
}

/// The LRS knows the ids, and for a while it shows an object that is no statement.
fn a_copy_that_is_no_statement_is_no_conflict() {
    let server = Server::start(|request, lrs| {
        if let Some(asked) = request.looks_for()
            && lrs
                .age(&asked)
                .is_some_and(|age| age < Duration::from_secs(10))
        {
            let soon = json!({"id": asked, "status": "processing"});
            return Response::json(200, &soon).by_an_lrs();
        }
        if request.is_post() && request.ids().iter().any(|id| lrs.has(id)) {
            return Response::json(409, &json!({"error": "known"})).by_an_lrs();
        }
        let answer = lrs.plain(request);
        if request.is_post() && answer.status == Some(200) {
            return Response::json(409, &json!({"error": "known"})).by_an_lrs();
        }
        answer
    });
    let device = Device::with(1);
    let ran = device.drain(&server, Duration::from_secs(110));
    device.nothing_held();
    ran.ended(0);
    device.all_delivered(&server);
}

fn speaks(version: &'static str) -> impl Fn(&Request, &Arc<Lrs>) -> Response {
    move |request, lrs| {
        let marked = |answer: Response| answer.with("X-Experience-API-Version", version);
        if request.is_about() {
            return marked(Response::json(200, &json!({"version": [version]})));
        }
        let asked = request.header("x-experience-api-version").unwrap_or("");
        if asked.get(..1) != version.get(..1) {
            return marked(Response::json(400, &json!({"error": "another version"})));
        }
        lrs.plain(request)
    }
}

/// It lists both versions and takes nothing in the newer one, by whatever it says so.
fn takes_one_of_two(says_nothing: bool, answers: fn() -> Response) {
    let server = Server::start(move |request, lrs| {
        if request.is_about() {
            let lists = || Response::json(200, &json!({"version": ["1.0.3", "2.0.0"]}));
            return if says_nothing {
                Response::status(404)
            } else {
                lists()
            };
        }
        let taken = if says_nothing { "2.0.0" } else { "1.0.3" };
        let asked = request.header("x-experience-api-version");
        if request.is_post() && asked != Some(taken) {
            return answers();
        }
        lrs.plain(request)
    });
    let device = Device::with(3);
    let ran = device.run(&["doctor", "--lrs", &server.url()]);
    let examined = ran.lines().into_iter().find_map(|line| {
        let mut checks = line["checks"].as_array()?.clone().into_iter();
        checks.find(|check| check["examined"] == "version")
    });
    let finding = examined.unwrap_or_default()["finding"].clone();
    assert_ne!(finding, "good", "{ran}");
    let ran = device.drain(&server, Duration::from_secs(150));
    ran.ended(0);
    device.nothing_held();
    device.all_delivered(&server);
}

fn one_version(version: &'static str) {
    delivers(Server::start(speaks(version)));
}

/// A group in the context, which xAPI 1.0.3 does not know.
fn of_2_0(n: usize) -> Value {
    let mut statement = sample(n);
    statement["context"] = json!({"contextAgents": [{
        "objectType": "contextAgent",
        "agent": {"objectType": "Agent", "mbox": "mailto:trainer@example.com"},
        "relevantTypes": ["https://example.com/trainer"],
    }]});
    statement
}

/// The LRS does not mind and would strip it.
fn what_needs_2_0_never_goes_to_an_lrs_of_1_0_3() {
    let server = Server::start(speaks("1.0.3"));
    let device = Device::new();
    // RFC 3339 has small letters too, ISO 8601 only large ones.
    let mut small = sample(3);
    small["timestamp"] = json!("2026-03-01t09:00:00z");
    let file = device.file("small.json", small.to_string());
    device.run(&["check", "--xapi", "1.0.3", &file]).ended(1);
    device.record([sample(0), of_2_0(1), sample(2), small]);
    // Two wait.
    device.sync_wait(&server, 3).ended(4);
    assert_eq!(device.stored_is_delivered(&server), 2);
    let status = device.status();
    assert_eq!(status["waiting"], 2, "{status}");
    let waiting = device.run(&["queue"]).ended(0).lines();
    assert_eq!(waiting.len(), 2, "{waiting:?}");
    for (one, what) in waiting
        .iter()
        .zip(["$.context.contextAgents", "$.timestamp"])
    {
        let words = one["words"].as_str().unwrap_or_default();
        assert!(words.starts_with(what), "it says what needs 2.0.0: {one}");
        assert!(
            one["recorded_at"].is_i64() && one["since"].is_i64(),
            "{one}"
        );
    }
    device.nothing_held();
}

/// An LRS of 2.0.0 refuses it; then it is set back to 1.0.3, and the app tries again.
fn what_comes_back_from_held_is_not_stripped_either() {
    let old = Arc::new(AtomicBool::new(false));
    let server = Server::start({
        let old = old.clone();
        move |request, lrs| {
            if old.load(Ordering::Relaxed) {
                return speaks("1.0.3")(request, lrs);
            }
            if request.is_post() && request.brings(&id(1)) {
                return Response::json(400, &json!({"error": "no"})).by_an_lrs();
            }
            lrs.plain(request)
        }
    });
    let device = Device::new();
    device.record([sample(0), of_2_0(1), sample(2), sample(3)]);
    device.drain(&server, Duration::from_secs(100)).ended(1);
    old.store(true, Ordering::Relaxed);
    device.record([sample(4)]);
    device.sync_wait(&server, 5);
    device.run(&["held", "retry", "--all"]).ended(0);
    device.sync_wait(&server, 5);
    let stripped = server.lrs.seen().into_iter().map(|seen| seen.request);
    let stripped = stripped.filter(|request| {
        request.is_post()
            && request.brings(&id(1))
            && request.header("x-experience-api-version") != Some("2.0.0")
    });
    assert_eq!(stripped.count(), 0, "it went under another version");
    assert_eq!(device.stored_is_delivered(&server), 4);
}
