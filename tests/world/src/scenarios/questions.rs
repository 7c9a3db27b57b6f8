//! Questions that nobody answers, beside statements that are taken.

use std::time::Duration;

use super::Scenario;
use crate::device::Device;
use crate::http::{Response, Server};

pub const ALL: &[Scenario] = &[
    Scenario::slow("an_about_that_is_cut_stops_nothing", || {
        about_is(Response::none);
    }),
    Scenario::slow("an_about_that_is_busy_for_ever_stops_nothing", || {
        about_is(|| Response::page(503));
    }),
    Scenario::slow("look_ups_that_are_cut_stop_nothing", || {
        look_ups_are(Response::none);
    }),
    Scenario::slow("look_ups_that_are_redirected_stop_nothing", || {
        look_ups_are(|| Response::page(302).with("Location", "/login"));
    }),
    Scenario::slow("look_ups_that_are_too_many_stop_nothing", || {
        look_ups_are(|| Response::page(429));
    }),
];

/// `GET /about` gets this answer always.
fn about_is(says: impl Fn() -> Response + Send + Sync + 'static) {
    let server = Server::start(move |request, lrs| {
        if request.is_about() {
            return says();
        }
        lrs.plain(request)
    });
    let device = Device::with(20);
    device.drain(&server, Duration::from_secs(90)).ended(0);
    device.all_delivered(&server);
}

/// The answer to the first batch is lost, and each look-up gets this answer.
fn look_ups_are(says: impl Fn() -> Response + Send + Sync + 'static) {
    let server = Server::start(move |request, lrs| {
        if request.looks_for().is_some() {
            return says();
        }
        let answer = lrs.plain(request);
        if request.is_post() && lrs.posts() == 1 {
            return Response::none();
        }
        answer
    });
    let device = Device::with(20);
    let late = device.sync(&server);
    late.ended(4);
    device.record((100..110).map(crate::device::sample));
    device.drain(&server, Duration::from_secs(170)).ended(0);
    device.all_delivered(&server);
}
