//! Statements with contents of attachments: they arrive whole, or wait; they hold up nobody, and nobody speaks for them.

use uuid::Uuid;

use super::device::{Device, START};
use super::lrs::{Fault, Lrs, OnContents, OnKnown, ShowsContents};
use crate::lrs::{Method, TransportError};
use crate::store::{HoldReason, Page, Problem, UpstreamId, WaitReason};
use crate::sync::Ended;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn contents_of(lrs: &Lrs, id: Uuid) -> Option<&[u8]> {
    let contents = lrs.contents.get(&id)?;
    assert_eq!(contents.len(), 1);
    Some(&contents[0])
}

#[test]
fn they_go_in_requests_of_their_own_and_in_order() {
    let mut device = Device::new();
    device.record(3);
    for n in 10..16 {
        device.record_with(n, format!("content {n}").as_bytes());
    }
    device.record_one(20, "", START - 1_000);
    assert_eq!(device.sync(), Ended::Emptied);
    // The first goes alone: whether the LRS takes any is not known yet.
    assert_eq!(device.lrs.posts, [3, 1, 5, 1]);
    assert_eq!(device.lrs.posts_with_contents, [(1, 1), (5, 5)]);
    assert_eq!(device.delivered(), 10);
    for n in 10..16 {
        let id = Uuid::from_u128(n | 0x4000_8000_0000_0000_0000);
        let expected = format!("content {n}");
        assert_eq!(contents_of(&device.lrs, id), Some(expected.as_bytes()));
    }
    assert_eq!(device.lrs.gets, 0);
    let learned = device.db.upstream(UpstreamId::MAIN).unwrap().learned;
    assert_eq!((learned.taken, learned.contents.taken), (4, 2));
}

#[test]
fn one_content_of_several_statements_travels_once() {
    let mut device = Device::new();
    for n in 1..=4 {
        device.record_with(n, if n == 3 { b"other" } else { b"same" });
    }
    device.sync();
    assert_eq!(device.lrs.posts_with_contents, [(1, 1), (3, 2)]);
    assert_eq!(device.delivered(), 4);
}

#[test]
fn their_bytes_bound_a_batch() {
    let mut device = Device::new();
    for n in 1..=5 {
        // Two of these are more than half a MiB.
        device.record_with(n, &vec![n as u8; 300_000]);
    }
    device.sync();
    assert_eq!(device.lrs.posts, [1, 1, 1, 1, 1]);
    assert_eq!(device.delivered(), 5);
}

#[test]
fn an_lrs_that_takes_none_holds_nothing_and_holds_nobody_up() {
    for refusal in [400, 403, 404, 415, 422, 500, 501, 503] {
        let mut device = Device::new();
        device.lrs.on_contents = OnContents::Refuse(refusal);
        device.booted_at = Some(START - 3_600_000);
        for n in 1..=8 {
            device.record_with(100 + n, &[n as u8; 50]);
            device.record_one(n, "", START - 1_000);
        }
        assert_eq!(device.sync(), Ended::Emptied, "{refusal}");
        assert_eq!(device.delivered(), 8, "{refusal}");
        // One was tried, and no plain batch is smaller for it: they were side by side in the log.
        assert_eq!(device.lrs.posts_with_contents.len(), 1, "{refusal}");
        assert_eq!(device.lrs.posts, [8], "{refusal}");
        assert_eq!(device.problem(), None, "{refusal}");
        // Days with others taken, which speak for none of these.
        let until = device.now + 3 * DAY;
        let mut n = 200;
        while device.now < until {
            n += 1;
            device.record_one(n, "", device.now);
            device.go_on_for(60 * MINUTE);
            device.now += 60 * MINUTE;
        }
        assert_eq!(device.held(), [], "{refusal}");
        let waiting = device.waiting();
        assert_eq!(waiting.len(), 8, "{refusal}");
        for (_, reason) in waiting {
            assert_eq!(reason, WaitReason::NoAttachments, "{refusal}");
        }
        let tried = device.lrs.posts_with_contents.len();
        assert!((5..=25).contains(&tried), "{refusal}: {tried}");
        // It learns it, and all arrive within a day.
        device.lrs.on_contents = OnContents::Take;
        device.now += DAY;
        device.sync_to_the_last();
        assert_eq!(device.waiting(), [], "{refusal}");
        assert_eq!(device.lrs.contents.len(), 8, "{refusal}");
    }
}

#[test]
fn each_gets_its_turn_where_the_first_is_at_fault() {
    let mut device = Device::new();
    let ids = [1, 2, 3].map(|n| device.record_with(n, &[n as u8]));
    device.lrs.dislikes.insert(ids[0], 400);
    device.sync();
    assert_eq!((device.delivered(), device.held()), (0, vec![]));
    device.go_on_for(DAY);
    // Others with contents were taken since it was refused, so it is held for the next refusal, as any other is.
    assert_eq!(device.delivered(), 2);
    assert_eq!(device.held(), [(ids[0], HoldReason::Refused)]);
}

#[test]
fn plain_statements_that_are_taken_convict_none() {
    let mut device = Device::new();
    device.record_with(1, b"first");
    device.sync();
    assert_eq!(device.delivered(), 1);
    let refused = device.record_with(2, b"refused");
    device.lrs.dislikes.insert(refused, 400);
    for n in 100..200 {
        device.record_one(n, "", device.now);
        device.go_on_for(30 * MINUTE);
    }
    assert_eq!(device.held(), []);
    assert_eq!(device.waiting(), [(refused, WaitReason::Suspect)]);
    assert_eq!(device.delivered(), 101);
}

/// As one real LRS: no answer to so much and more, and the statement is there without its content.
#[test]
fn what_it_gives_no_answer_to_waits_and_the_rest_goes_on() {
    let mut device = Device::new();
    device.lrs.on_contents = OnContents::HangFrom(16_384);
    device.lrs.shows_contents = ShowsContents::Fails(500);
    let small = device.record_with(1, &[b'x'; 16_383]);
    let long = device.record_with(2, &[b'x'; 16_384]);
    device.record_with(3, &[b'y'; 16_383]);
    let longer = device.record_with(4, &vec![b'z'; 20_000]);
    device.record_one(5, "", START);
    assert_eq!(device.sync(), Ended::Emptied);
    // The second batch was [2, 3, 4], of which none was answered: each comes again alone.
    assert!(device.lrs.contents.contains_key(&small));
    let plain = Uuid::from_u128(5 | 0x4000_8000_0000_0000_0000);
    assert!(
        device.lrs.stored.contains_key(&plain),
        "within the same sync"
    );
    device.go_on_for(10 * DAY);
    let mut held = device.held();
    held.sort_unstable();
    let mut without = vec![
        (long, HoldReason::ContentMissing),
        (longer, HoldReason::ContentMissing),
    ];
    if !device
        .lrs
        .contents
        .contains_key(&Uuid::from_u128(3 | 0x4000_8000_0000_0000_0000))
    {
        without.push((
            Uuid::from_u128(3 | 0x4000_8000_0000_0000_0000),
            HoldReason::ContentMissing,
        ));
    }
    without.sort_unstable();
    assert_eq!(held, without);
    // The content stays on the device.
    let first = device.db.held(UpstreamId::MAIN, Page::default()).unwrap();
    assert!(first.iter().all(|one| one.content_bytes > 16_000));
    assert_eq!(device.waiting(), []);
}

#[test]
fn shorter_ones_do_not_wait_for_one_that_is_too_long() {
    let mut device = Device::new();
    device.lrs.on_contents = OnContents::HangFrom(1_000);
    for (n, long, delivered) in [(1, 100, 1), (2, 5_000, 1), (3, 100, 2), (4, 5_000, 2)] {
        device.record_with(n, &vec![n as u8; long]);
        device.sync();
        assert_eq!(device.delivered(), delivered, "{n}");
    }
    // The second long one was not tried: it waits with the first.
    assert_eq!(device.lrs.posts_with_contents.len(), 3);
    assert_eq!(device.waiting().len(), 2);
}

/// It has the statement without its contents, gets it again, and says 204 to what it has.
#[test]
fn its_word_is_not_enough_where_it_may_have_had_the_statement_without_them() {
    let mut device = Device::new();
    device.lrs.on_contents = OnContents::HangFrom(0);
    let id = device.record_with(1, b"content");
    device.sync();
    device.lrs.on_contents = OnContents::Take;
    device.lrs.on_known = OnKnown::NoContent;
    device.now += 10 * MINUTE;
    // It lets nobody look before, asked with the contents and without.
    let no = || Fault::Response(403, vec![], "not now");
    device.lrs.faults.extend([no(), no()]);
    device.sync();
    assert_eq!(device.lrs.posts_with_contents.len(), 2, "it was sent again");
    assert_eq!(device.delivered(), 0);
    device.go_on_for(3 * DAY);
    assert_eq!(device.held(), [(id, HoldReason::ContentMissing)]);
}

#[test]
fn a_lost_answer_is_looked_up_with_the_contents() {
    let mut device = Device::new();
    let id = device.record_with(1, b"content");
    device.record(1);
    device.lrs.faults.extend([Fault::None, Fault::LoseAnswer]);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 1, "the plain one");
    assert_eq!(device.waiting(), [(id, WaitReason::NoAttachments)]);
    device.go_on_for(DAY);
    assert_eq!((device.delivered(), device.waiting()), (2, vec![]));
    // One look-up, and no second upload.
    assert_eq!(device.lrs.posts_with_contents.len(), 1);
    assert_eq!(device.lrs.gets, 1);
}

#[test]
fn a_break_before_it_came_is_sent_again() {
    let mut device = Device::new();
    let id = device.record_with(1, b"content");
    let broken = TransportError::Broken("in the middle".into());
    device.lrs.faults.extend([Fault::None, Fault::Fail(broken)]);
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(
        device.problem(),
        Some(Problem::Broken),
        "nothing else tells"
    );
    device.go_on_for(DAY);
    assert_eq!(contents_of(&device.lrs, id), Some(&b"content"[..]));
    assert_eq!(device.problem(), None);
    assert_eq!(device.delivered(), 1);
}

#[test]
fn what_is_shown_without_its_contents_is_held_and_never_counts_as_delivered() {
    for shows in [
        ShowsContents::None,
        ShowsContents::All,
        ShowsContents::Fails(500),
        ShowsContents::Fails(403),
        ShowsContents::Fails(400),
    ] {
        let mut device = Device::new();
        device.lrs.on_contents = OnContents::HangFrom(0);
        device.lrs.shows_contents = shows;
        let id = device.record_with(1, b"content");
        device.sync();
        device.record_one(5, "", START);
        device.go_on_for(3 * DAY);
        assert_eq!(
            device.held(),
            [(id, HoldReason::ContentMissing)],
            "{shows:?}"
        );
        assert_eq!(device.delivered(), 1, "{shows:?}");
        assert_eq!(device.lrs.posts_with_contents.len(), 1, "{shows:?}");
        // It is asked once more when the app says so, and the contents may be there by then.
        device.lrs.contents.insert(id, vec![b"content".to_vec()]);
        device.lrs.shows_contents = ShowsContents::All;
        device.db.retry(UpstreamId::MAIN, id, device.now).unwrap();
        device.go_on_for(DAY);
        assert_eq!(device.delivered(), 2, "{shows:?}");
    }
}

#[test]
fn refusals_before_do_not_count_as_shown_without_contents() {
    let mut device = Device::new();
    device.lrs.on_contents = OnContents::Refuse(415);
    let id = device.record_with(1, b"content");
    device.go_on_for(DAY);
    assert_eq!(device.waiting(), [(id, WaitReason::NoAttachments)]);
    // It comes there without its content, by an answer that is lost.
    device.lrs.on_contents = OnContents::HangFrom(0);
    device.lrs.shows_contents = ShowsContents::None;
    for shown in 0..2 {
        device.go_to_the_next_due();
        device.sync();
        assert_eq!(device.held(), [], "shown {shown} times");
    }
    device.go_on_for(DAY);
    assert_eq!(device.held(), [(id, HoldReason::ContentMissing)]);
}

/// Whoever answered need not be the LRS, which may be at it; and nobody answers the question whether it has it.
#[test]
fn another_session_waits_for_what_may_be_at_work_though_look_ups_fail() {
    let mut device = Device::new();
    let id = device.record_with(1, b"content");
    device.lrs.faults.extend([
        Fault::None,
        Fault::Stranger(204, ""),
        Fault::Response(408, vec![], "no"),
        Fault::Response(408, vec![], "no"),
    ]);
    device.sync();
    let posts = device.lrs.posts.len();
    assert_eq!(device.waiting(), [(id, WaitReason::NoAttachments)]);
    device.now += 20_000;
    device.record_one(2, "", device.now);
    device.sync();
    assert_eq!(device.lrs.posts.len(), posts + 1, "the plain one alone");
    device.go_on_for(10 * MINUTE);
    assert_eq!(device.delivered(), 2);
}

#[test]
fn contents_that_are_shown_changed_prove_nothing() {
    let mut device = Device::new();
    let id = device.record_with(1, b"caf\xe9");
    device.lrs.faults.extend([Fault::None, Fault::LoseAnswer]);
    device.sync();
    device
        .lrs
        .contents
        .insert(id, vec!["café".as_bytes().to_vec()]);
    device.record_one(5, "", START);
    device.go_on_for(3 * DAY);
    assert_eq!(device.held(), [(id, HoldReason::ContentMissing)]);
}

#[test]
fn the_lrss_own_word_is_enough_where_it_names_nothing() {
    let mut device = Device::new();
    device.lrs.on_known = OnKnown::Nothing;
    device.lrs.shows_contents = ShowsContents::None;
    device.record_with(1, b"content");
    device.sync_all();
    assert_eq!((device.delivered(), device.held()), (1, vec![]));
}

#[test]
fn retry_asks_at_once() {
    let mut device = Device::new();
    device.lrs.on_contents = OnContents::Refuse(400);
    let ids = [1, 2].map(|n| device.record_with(n, &[n as u8]));
    device.sync();
    assert_eq!(device.waiting().len(), 2);
    device.lrs.on_contents = OnContents::Take;
    assert_eq!(device.sync(), Ended::Emptied);
    assert_eq!(device.delivered(), 0, "not yet");
    device
        .db
        .retry(UpstreamId::MAIN, ids[1], device.now)
        .unwrap();
    device.sync();
    // One is taken, so the other one goes as well.
    assert_eq!(device.delivered(), 2);
}

#[test]
fn retry_waits_for_what_may_be_at_work() {
    let mut device = Device::new();
    let id = device.record_with(1, b"content");
    let timed_out = TransportError::TimedOut;
    device
        .lrs
        .faults
        .extend([Fault::None, Fault::Fail(timed_out)]);
    device.sync();
    device.db.retry(UpstreamId::MAIN, id, device.now).unwrap();
    let requests = device.lrs.requests;
    device.sync();
    assert_eq!(device.lrs.requests, requests, "it may be at work on it");
    device.now += 31_000;
    device.sync();
    assert_eq!(device.delivered(), 1);
}

#[test]
fn beside_others_none_leaves() {
    let mut device = Device::new();
    device.in_flight = 4;
    device.record(120);
    device.record_with(500, b"content");
    device.record(100);
    let mut session = device.session();
    device.run(&mut session);
    assert_eq!(device.delivered(), 221);
    assert_eq!(device.lrs.posts_with_contents, [(1, 1)]);
}

#[test]
fn a_look_up_asks_for_contents_only_where_there_are_any() {
    let mut device = Device::new();
    device.record(1);
    device.lrs.faults.extend([Fault::None, Fault::LoseAnswer]);
    device.lrs.instead = Box::new(|request, _| {
        assert!(request.method == Method::Post || !request.url.contains("attachments"));
        None
    });
    device.sync_all();
    assert_eq!(device.delivered(), 1);
}
