//! Wrong clocks. The device's is right here, and it is the LRS that says something else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::Scenario;
use crate::device::{Device, bare_sample, lines, number, sample};
use crate::http::{Response, Server};

pub const ALL: &[Scenario] = &[
    Scenario::new("an_lrs_in_2099_changes_no_timestamp", || {
        no_timestamp_is_changed("Tue, 01 Sep 2099 10:00:00 GMT");
    }),
    Scenario::new("an_lrs_a_month_behind_changes_no_timestamp", || {
        no_timestamp_is_changed(&http_date(-31));
    }),
    Scenario::new("an_lrs_a_day_ahead_changes_no_timestamp", || {
        no_timestamp_is_changed(&http_date(1));
    }),
    Scenario::new("an_lrs_in_1970_changes_no_timestamp", || {
        no_timestamp_is_changed("Thu, 01 Jan 1970 00:00:10 GMT");
    }),
    Scenario::new("an_lrs_without_a_date_changes_no_timestamp", || {
        no_timestamp_is_changed("soon");
    }),
    Scenario::slow(
        "an_lrs_behind_that_refuses_its_future_holds_nothing",
        an_lrs_behind_that_refuses_its_future_holds_nothing,
    ),
    Scenario::new(
        "the_difference_between_the_clocks_is_shown",
        the_difference_is_shown,
    ),
    Scenario::new(
        "a_timestamp_of_tomorrow_is_sent",
        a_timestamp_of_tomorrow_is_sent,
    ),
    Scenario::slow(
        "one_future_timestamp_that_an_lrs_refuses_stops_nobody",
        one_future_timestamp_that_an_lrs_refuses_stops_nobody,
    ),
    Scenario::new(
        "a_year_of_another_calendar_is_noticed",
        a_year_of_another_calendar_is_noticed,
    ),
];

/// The `Date` of so many days from now, as HTTP writes it.
fn http_date(days: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.expect("it is after 1970").as_secs() as i64 + days * 86400;
    let (day, time) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let (year, month, date) = civil(day);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][day.rem_euclid(7) as usize];
    let name = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ][month as usize - 1];
    format!(
        "{weekday}, {date:02} {name} {year} {:02}:{:02}:{:02} GMT",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// The date of a day since 1970, by counting years and months.
fn civil(mut day: i64) -> (i64, i64, i64) {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut year = 1970;
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    loop {
        let days = match month {
            2 => 28 + i64::from(leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day < days {
            return (year, month, day + 1);
        }
        day -= days;
        month += 1;
    }
}

/// A timestamp of so many days from now.
fn timestamp(days: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("it is after 1970").as_secs() as i64 + days * 86400;
    let (year, month, date) = civil(now.div_euclid(86400));
    let time = now.rem_euclid(86400);
    format!(
        "{year}-{month:02}-{date:02}T{:02}:{:02}:{:02}.000Z",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

fn dated(date: String) -> Server {
    Server::start(move |request, lrs| lrs.plain(request).with("Date", &date))
}

/// Statements with and without timestamps, before and after the LRS has told its time, all get there
/// with the time of the device.
fn no_timestamp_is_changed(date: &str) {
    let server = dated(date.to_owned());
    let device = Device::new();
    device.record([bare_sample(0), bare_sample(1), sample(2)]);
    let mut now = sample(3);
    now["timestamp"] = json!(timestamp(0));
    device.record([now]);
    let before = queued(&device);
    device.sync(&server).ended(0);
    device.record([bare_sample(4), bare_sample(5)]);
    let mut all = queued(&device);
    all.extend(before);
    device.sync_wait(&server, 3).ended(0);
    device.all_delivered(&server);
    assert_eq!(all.len(), 6);
    for statement in all {
        let id = crate::http::id_of(&statement);
        assert_eq!(
            server.lrs.copies(&id)[0]["timestamp"],
            statement["timestamp"]
        );
    }
}

/// What is in the queue, as it was made when it was recorded.
fn queued(device: &Device) -> Vec<serde_json::Value> {
    let listed = device.run(&["queue"]).ended(0).lines();
    listed
        .into_iter()
        .map(|one| one["statement"].clone())
        .collect()
}

/// Nothing of now can be delivered there; nothing is anybody's fault, and when its clock is set all of
/// it is delivered, without anybody's doing.
fn an_lrs_behind_that_refuses_its_future_holds_nothing() {
    let begun = std::time::Instant::now();
    let server = Server::start(move |request, lrs| {
        let wrong = begun.elapsed() < Duration::from_secs(8);
        let now = timestamp(if wrong { -31 } else { 0 });
        let date = http_date(if wrong { -31 } else { 0 });
        let future =
            |one: &serde_json::Value| one["timestamp"].as_str().is_some_and(|t| t > &now[..]);
        if request.is_post() && wrong && request.statements().iter().any(future) {
            let words = json!({"error": "the timestamp lies in the future"});
            return Response::json(400, &words).by_an_lrs().with("Date", &date);
        }
        lrs.plain(request).with("Date", &date)
    });
    let device = Device::new();
    device.record((0..5).map(bare_sample));
    device.record([sample(7)]);
    device.sync(&server);
    device.nothing_held();
    device.drain(&server, Duration::from_secs(100)).ended(0);
    device.nothing_held();
    device.all_delivered(&server);
}

fn the_difference_is_shown() {
    let server = dated(http_date(-31));
    let device = Device::with(1);
    device.sync(&server).ended(0);
    let skew = device.status()["clock_skew_ms"].as_i64();
    let month = 31 * 86_400_000;
    assert!(
        skew.is_some_and(|skew| (skew + month).abs() < 60_000),
        "{skew:?}"
    );
}

/// An LRS should not refuse it (xAPI 2.0.0, 4.2.4.2.4), so it is not kept back.
fn a_timestamp_of_tomorrow_is_sent() {
    let server = Server::good();
    let device = Device::new();
    let mut tomorrow = sample(0);
    tomorrow["timestamp"] = json!(timestamp(1));
    device.record([tomorrow, sample(1)]);
    device.sync(&server).ended(0);
    device.all_delivered(&server);
}

fn one_future_timestamp_that_an_lrs_refuses_stops_nobody() {
    let now = timestamp(0);
    let server = Server::start(move |request, lrs| {
        let future =
            |one: &serde_json::Value| one["timestamp"].as_str().is_some_and(|t| t > &now[..]);
        if request.is_post() && request.statements().iter().any(future) {
            let words = json!({"error": "the timestamp lies in the future"});
            return Response::json(400, &words).by_an_lrs();
        }
        lrs.plain(request)
    });
    let device = Device::new();
    let mut tomorrow = sample(0);
    tomorrow["timestamp"] = json!(timestamp(1));
    device.record([tomorrow]);
    device.record((1..20).map(sample));
    let ran = device.drain_until(&server, Duration::from_secs(100), |status| {
        status["queued"] == 0
    });
    assert_eq!(device.stored_is_delivered(&server), 19, "{ran}");
    // It waits to be sent again, or it is held.
    let status = device.status();
    ran.ended(if status["held"] == 1 { 1 } else { 4 });
    assert_eq!(
        number(&status["waiting"]) + number(&status["held"]),
        1,
        "{status}"
    );
}

/// The year 2569 is 2026 in Thailand. It is refused or warned of.
fn a_year_of_another_calendar_is_noticed() {
    let device = Device::new();
    let mut thai = sample(0);
    thai["timestamp"] = json!("2569-03-01T09:00:00.000Z");
    let ran = device.feed(&["record", "-"], &lines(&[thai]));
    // Only what is noticed has its path named.
    assert!(ran.stdout.contains("timestamp"), "{ran}");
    assert!(matches!(ran.code, Some(0 | 1)), "{ran}");
    // One of now has nothing said of it.
    let ran = device.feed(&["record", "-"], &lines(&[sample(1)])).ended(0);
    assert!(!ran.stdout.contains("timestamp"), "{ran}");
}
