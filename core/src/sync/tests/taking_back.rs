//! What the LRS itself refused each time can be taken back; what it may have cannot.

use uuid::Uuid;

use super::device::Device;
use super::lrs::Fault;
use crate::lrs::{Method, TransportError};
use crate::store::{HoldReason, Unchanged, UpstreamId};
use crate::sync::Step;

const MAY_BE_THERE: Result<(), Unchanged> = Err(Unchanged::MayHaveBeenSent);

/// Has the LRS refuse this one alone, or after others of its batch that it takes; what waits then is due.
fn refused(status: u16, others: bool) -> (Device, Uuid) {
    let mut device = Device::new();
    let id = device.record(if others { 5 } else { 1 }).pop().unwrap();
    device.lrs.dislikes.insert(id, status);
    for _ in 0..4 {
        device.sync();
        device.now += 20 * 60_000;
    }
    (device, id)
}

#[test]
fn what_the_lrs_refused_each_time_can_be_taken_back() {
    for (status, others) in [
        (400, false),
        (400, true),
        (403, false),
        (413, true),
        (422, true),
    ] {
        let (mut device, id) = refused(status, others);
        let what = format!("{status}, with others: {others}");
        assert_eq!(device.held(), [], "{what}");
        let voiding = device.void(id);
        device.sync();
        assert_eq!(device.db.retract(id, device.now), Ok(()), "{what}");
        device.check();
        assert!(!device.lrs.stored.contains_key(&id), "{what}");
        // Nothing waits for it any more.
        assert_eq!(
            device.held(),
            [(voiding, HoldReason::TargetGivenUp)],
            "{what}"
        );
        let now = device.now;
        device.db.discard(UpstreamId::MAIN, voiding, now).unwrap();
        let ledger = device.db.ledger(UpstreamId::MAIN).unwrap();
        assert_eq!(
            (ledger.queued, ledger.waiting, ledger.held, ledger.retracted),
            (0, 0, 0, 1),
            "{what}"
        );
    }
}

#[test]
fn what_may_be_at_the_lrs_cannot_be_taken_back_whatever_it_says_afterwards() {
    let lost = Fault::LoseAnswer;
    let timed_out = Fault::Fail(TransportError::TimedOut);
    for (first, is_hidden) in [
        (lost.clone(), false),
        (lost, true),
        (timed_out, true),
        (Fault::Response(500, vec![], "failed"), true),
        (Fault::Stranger(403, "<html>Blocked</html>"), true),
    ] {
        let mut device = Device::new();
        let id = device.record(1)[0];
        // It can be looked up nowhere, and is refused from then on.
        device.lrs.may_read = !is_hidden;
        device.lrs.faults.extend([Fault::None, first]);
        device.sync();
        device.lrs.dislikes.insert(id, 400);
        for _ in 0..4 {
            if device.delivered() == 0 {
                assert_eq!(device.db.retract(id, device.now), MAY_BE_THERE);
            }
            device.now += 20 * 60_000;
            device.sync();
        }
        assert_eq!(device.delivered() == 1, !is_hidden);
    }
}

#[test]
fn what_the_lrs_fails_on_or_has_the_id_of_cannot_be_taken_back() {
    for status in [409, 500, 503] {
        for others in [false, true] {
            let (mut device, id) = refused(status, others);
            assert_eq!(device.db.retract(id, device.now), MAY_BE_THERE, "{status}");
        }
    }
}

#[test]
fn what_is_refused_cannot_be_taken_back_while_it_is_sent_or_once_another_lrs_may_have_it() {
    let (mut device, id) = refused(400, true);
    let mut session = device.session();
    let (ticket, request) = loop {
        match session.next(&mut device.db, device.now).unwrap() {
            Step::Send { ticket, request } if request.method == Method::Post => {
                break (ticket, request);
            }
            Step::Send { ticket, request } => {
                let outcome = device.lrs.perform(&request, device.now);
                session
                    .answered(&mut device.db, ticket, outcome, device.now)
                    .unwrap();
            }
            Step::Again => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(device.db.retract(id, device.now), MAY_BE_THERE);
    // Now it takes it, and the answer is lost with the process.
    drop((session, ticket, request));
    device.restart();
    assert_eq!(device.db.retract(id, device.now), MAY_BE_THERE);

    // One LRS, then another, which refuses it as well: what the first has nobody knows.
    let (mut device, id) = refused(400, true);
    for elsewhere in ["https://other.example/xAPI", "https://lrs.example/xAPI"] {
        device.db.set_endpoint(UpstreamId::MAIN, elsewhere).unwrap();
    }
    device.sync();
    assert_eq!(device.db.retract(id, device.now), MAY_BE_THERE);
}
