//! Probes of upstreams beside the first.

use super::*;
use crate::collector::NewUpstream;
use crate::lrs::Credentials;
use crate::store::Remainder;

const THERE: &str = "https://lrs.there/xAPI";

/// A collector whose LRS at [`THERE`] knows a token of its own and lets nobody else do anything.
fn stage_with_another() -> Stage {
    let stage = stage(|_| {});
    stage.lrs.instead(|request| {
        let mut headers = request.headers.iter();
        let knows = headers.any(|(name, sent)| *name == "Authorization" && sent == "Bearer there");
        let refused = request.url.starts_with(THERE) && !knows;
        refused.then(|| Ok(answer(401, "who are you?")))
    });
    stage
}

#[test]
fn each_upstream_is_asked_at_its_address_and_with_its_credentials() {
    let stage = stage_with_another();
    let token = Credentials::Bearer("there".to_owned());
    let new = NewUpstream::new("there", THERE, Some(token));
    let there = stage.collector.add_upstream(new).unwrap();
    let probe = there.probe().unwrap();
    assert_eq!(probe.endpoint, THERE);
    assert_eq!(finding(&probe, Examined::Credentials), Finding::Good);
    assert!(stage.lrs.stored.lock().unwrap().is_empty());

    let probe = there.probe_storing(statement(1)).unwrap();
    assert_eq!(probe.endpoint, THERE);
    assert_eq!(finding(&probe, Examined::Write), Finding::Good);
    assert_eq!(stage.lrs.stored.lock().unwrap().len(), 1);
    assert_eq!(there.status().unwrap().ledger.recorded, 0);

    let main = stage.collector.upstream("main").unwrap();
    assert_eq!(main.probe().unwrap(), stage.collector.probe().unwrap());
}

#[test]
fn one_that_is_not_opened_is_asked_without_credentials_and_stays_so() {
    let stage = stage_with_another();
    let elsewhere = open(stage.folder.path(), config(&stage.lrs));
    let new = NewUpstream::new("there", THERE, None);
    elsewhere.add_upstream(new).unwrap();
    let there = stage.collector.upstream("there").unwrap();
    let probe = there.probe().unwrap();
    assert_eq!(probe.endpoint, THERE);
    assert_eq!(finding(&probe, Examined::Credentials), Finding::Bad);
    assert!(!stage.collector.upstreams().unwrap()[1].opened);

    elsewhere
        .remove_upstream("there", Remainder::MustBeEmpty)
        .unwrap();
    assert!(matches!(there.probe(), Err(Error::NoUpstream { .. })));
}
