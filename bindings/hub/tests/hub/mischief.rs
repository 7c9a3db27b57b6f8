//! Each deed, done once and then no more.

use std::time::Duration;

use pannier_hub::mischief::{Deed, Mischief, Whom};
use pannier_hub::{Hub, Options};
use serde_json::json;

use crate::client::{Lrs, USUAL, id, statement, voiding};

fn mischievous() -> (Lrs, Mischief) {
    let mischief = Mischief::new();
    let hub = Hub::start_around(&Options::new("me", "secret"), |router| {
        mischief.around(router)
    })
    .unwrap();
    (Lrs::of(hub), mischief)
}

#[test]
fn it_is_well_until_told_otherwise_and_again_afterwards() {
    let (lrs, mischief) = mischievous();
    lrs.stored(&statement(&id()));
    mischief.next(2, Whom::Anyone, &Deed::Unavailable(Some(7)));
    mischief.next(1, Whom::Senders, &Deed::TooMany(3));
    mischief.next(1, Whom::Anyone, &Deed::Answer(502, "<html>".into()));
    let busy = lrs.get(&[]);
    assert_eq!((busy.status, busy.header("retry-after")), (503, "7"));
    assert_eq!(lrs.post(&statement(&id())).status, 503);
    assert_eq!(lrs.get(&[]).status, 502, "the 429 is for senders");
    let many = lrs.post(&statement(&id()));
    assert_eq!((many.status, many.header("retry-after")), (429, "3"));
    assert_eq!(lrs.ids(&[]).len(), 1);
    assert_eq!(mischief.done(), 4);
    mischief.next(5, Whom::Anyone, &Deed::Unavailable(None));
    mischief.stop();
    assert_eq!(lrs.get(&[]).status, 200);
    assert_eq!(mischief.done(), 4);
}

#[test]
fn an_answer_is_lost_after_storing_and_a_request_before() {
    let (lrs, mischief) = mischievous();
    let (stored, lost) = (id(), id());
    let post = |id: &str| lrs.raw("POST", "/statements", USUAL, statement(id).to_string());
    mischief.next(1, Whom::Senders, &Deed::LoseAnswer);
    assert!(post(&stored).is_err());
    mischief.next(1, Whom::Senders, &Deed::LoseRequest);
    assert!(post(&lost).is_err());
    assert_eq!(lrs.ids(&[]), [stored]);
    assert_eq!(post(&lost).unwrap().status, 200);
}

#[test]
fn a_statement_it_dislikes_sinks_its_batch() {
    let (lrs, mischief) = mischievous();
    let disliked = id();
    mischief.refuse(&disliked, "no trains here");
    let refused = lrs.post(&json!([statement(&id()), statement(&disliked)]));
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (400, "no trains here")
    );
    let spaced = format!("{:#}", statement(&disliked.to_uppercase()));
    assert_eq!(lrs.send("POST", "/statements", &[], spaced).status, 400);
    lrs.stored(&voiding(&disliked));
    assert_eq!(lrs.ids(&[]).len(), 1, "to speak of it is allowed");
    mischief.stop();
    lrs.stored(&statement(&disliked));
}

#[test]
fn a_hub_that_hangs_can_still_be_stopped() {
    let (lrs, mischief) = mischievous();
    mischief.next(1, Whom::Anyone, &Deed::Hang);
    let impatient = reqwest::Client::builder()
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async {
        impatient
            .get(format!("{}/about", lrs.hub.url()))
            .send()
            .await
    });
    assert!(answer.unwrap_err().is_timeout());
    drop((runtime, impatient));
    lrs.hub.shutdown().unwrap();
}
