//! Delivered is what an LRS is seen to have; no status, silence or missing name is proof.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::Scenario;
use crate::device::{Device, id, number};
use crate::http::{Response, Server};
use crate::lrs::Lrs;

pub const ALL: &[Scenario] = &[
    Scenario::new("a_beacon_that_says_204_and_403_delivers_nothing", || {
        nothing_is_delivered(&beacon(|| Response::status(204), || Response::page(403)));
    }),
    Scenario::new("a_beacon_that_says_an_empty_list_delivers_nothing", || {
        nothing_is_delivered(&beacon(
            || Response::json(200, &json!([])),
            || Response::json(403, &json!({"error": "forbidden"})),
        ));
    }),
    Scenario::new("an_empty_list_to_everything_delivers_nothing", || {
        nothing_is_delivered(&beacon(
            || Response::json(200, &json!([])),
            || Response::json(200, &json!([])),
        ));
    }),
    Scenario::new("a_204_to_everything_delivers_nothing", || {
        nothing_is_delivered(&beacon(|| Response::status(204), || Response::status(204)));
    }),
    Scenario::new(
        "an_lrs_that_says_204_and_shows_none_of_it_delivers_nothing",
        || {
            for status in [404, 500] {
                let server = Server::start(move |request, lrs| match request.looks_for() {
                    Some(_) => Response::json(status, &json!({"error": "none"})).by_an_lrs(),
                    None if request.is_post() => Response::status(204).by_an_lrs(),
                    None => lrs.plain(request),
                });
                nothing_is_delivered(&server);
            }
        },
    ),
    Scenario::new("a_page_to_everything_delivers_nothing", || {
        nothing_is_delivered(&beacon(|| Response::page(200), || Response::page(200)));
    }),
    Scenario::new("a_redirect_to_a_login_delivers_nothing", || {
        let login = || Response::status(302).with("Location", "https://login.example.com/");
        nothing_is_delivered(&beacon(login, login));
    }),
    Scenario::new(
        "an_lrs_that_may_only_be_written_is_delivered_to",
        an_lrs_that_may_only_be_written_is_delivered_to,
    ),
    Scenario::slow(
        "what_a_partial_keeper_did_not_name_is_not_delivered",
        what_a_partial_keeper_did_not_name_is_not_delivered,
    ),
    Scenario::slow(
        "an_lrs_that_names_only_new_ids_has_each_once",
        an_lrs_that_names_only_new_ids_has_each_once,
    ),
    Scenario::new(
        "what_one_lrs_may_have_is_no_proof_at_another",
        what_one_lrs_may_have_is_no_proof_at_another,
    ),
];

/// Something that takes whatever is posted, stores nothing, and is no LRS.
fn beacon(
    to_post: impl Fn() -> Response + Send + Sync + 'static,
    to_get: impl Fn() -> Response + Send + Sync + 'static,
) -> Server {
    Server::start(move |request, _| {
        if request.is_post() {
            to_post()
        } else {
            to_get()
        }
    })
}

fn nothing_is_delivered(server: &Server) {
    let device = Device::with(10);
    for _ in 0..3 {
        device.sync_wait(server, 3).ended(4);
    }
    let status = device.status();
    assert_eq!(number(&status["delivered"]), 0, "{status}");
    assert_eq!(number(&status["recorded"]), 10, "{status}");
    device.nothing_held();
}

/// A device whose credentials may write and not read: the LRS's mark on its answers is the proof.
fn an_lrs_that_may_only_be_written_is_delivered_to() {
    let server = Server::start(|request, lrs| {
        if request.looks_for().is_some() {
            let words = json!({"error": "these credentials may not read"});
            return Response::json(403, &words).by_an_lrs();
        }
        let answer = lrs.plain(request);
        if request.is_post() && answer.status == Some(200) {
            return Response::status(204).by_an_lrs();
        }
        answer
    });
    let device = Device::with(10);
    device.drain(&server, Duration::from_secs(30)).ended(0);
    device.all_delivered(&server);
}

/// The first request breaks off and stores nothing; the second one stores all but one without a word
/// about that one, as an LRS does that keeps what it can.
fn what_a_partial_keeper_did_not_name_is_not_delivered() {
    let lost = id(3);
    let server = Server::start({
        let lost = lost.clone();
        move |request, lrs| {
            if !request.is_post() {
                return lrs.plain(request);
            }
            match lrs.posts() {
                1 => Response::none(),
                2 => {
                    let kept = request.statements();
                    let kept = kept.into_iter().filter(|one| one["id"] != *lost);
                    let kept: Vec<_> = kept.collect();
                    lrs.keep(&kept);
                    let named: Vec<_> = kept.iter().map(|one| one["id"].clone()).collect();
                    Response::json(200, &json!(named)).by_an_lrs()
                }
                _ => lrs.plain(request),
            }
        }
    });
    let device = Device::with(10);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}

/// Ralph's way: 200 with the ids of what is new, and 204 where nothing is.
fn an_lrs_that_names_only_new_ids_has_each_once() {
    let cut = AtomicBool::new(false);
    let server = Server::start(move |request, lrs| {
        if !request.is_post() {
            return lrs.plain(request);
        }
        let new = lrs.unknown(request);
        // Of the first batch a half is stored when the connection breaks.
        if !cut.swap(true, Ordering::Relaxed) {
            lrs.keep(&new[..new.len() / 2]);
            return Response::none();
        }
        lrs.keep(&new);
        let named: Vec<_> = new.iter().map(|one| one["id"].clone()).collect();
        if named.is_empty() {
            Response::status(204)
        } else {
            Response::json(200, &json!(named))
        }
    });
    let device = Device::with(20);
    device.drain(&server, Duration::from_secs(110)).ended(0);
    device.all_delivered(&server);
}

/// The first LRS breaks off; the second one keeps all but two, and names only what it keeps.
fn what_one_lrs_may_have_is_no_proof_at_another() {
    let first = Server::start(|request, lrs| {
        if request.is_post() {
            Response::none()
        } else {
            lrs.plain(request)
        }
    });
    let forgets = |lrs: &Lrs, request: &crate::http::Request| {
        let kept = request.statements();
        let kept = kept
            .into_iter()
            .filter(|one| ![id(1), id(2)].contains(&crate::http::id_of(one)));
        let kept: Vec<_> = kept.collect();
        lrs.keep(&kept);
        let named: Vec<_> = kept.iter().map(|one| one["id"].clone()).collect();
        Response::json(200, &json!(named)).by_an_lrs()
    };
    let second = Server::start(move |request, lrs| {
        if request.is_post() && lrs.posts() == 1 {
            forgets(lrs, request)
        } else {
            lrs.plain(request)
        }
    });
    let device = Device::with(5);
    device.sync(&first).ended(4);
    device.sync(&second);
    device.stored_is_delivered(&second);
    device.drain(&second, Duration::from_mins(1)).ended(0);
    device.all_delivered(&second);
}
