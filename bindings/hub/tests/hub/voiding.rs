//! Voiding takes a statement out of the results and out of nothing else.

use serde_json::json;

use crate::client::{Lrs, id, statement, voiding};

fn seen(lrs: &Lrs, id: &str) -> (u16, u16) {
    (
        lrs.get(&[("statementId", id)]).status,
        lrs.get(&[("voidedStatementId", id)]).status,
    )
}

#[test]
fn a_voided_statement_is_found_by_its_own_parameter_only() {
    let lrs = Lrs::start();
    let (gone, stays) = (id(), id());
    lrs.stored(&json!([statement(&gone), statement(&stays)]));
    assert_eq!(seen(&lrs, &gone), (200, 404));
    let voids = lrs.stored(&voiding(&gone)).remove(0);
    assert_eq!(seen(&lrs, &gone), (404, 200));
    assert_eq!(seen(&lrs, &stays), (200, 404));
    assert_eq!(lrs.ids(&[]), [voids, stays]);
    assert!(
        lrs.get(&[("statementId", &gone)]).refused(404)["error"]
            .as_str()
            .unwrap()
            .contains("voided")
    );
    assert_eq!(
        lrs.stored(&statement(&gone)),
        [gone.as_str()],
        "it can be sent again, and stays voided"
    );
    assert_eq!(seen(&lrs, &gone), (404, 200));
}

#[test]
fn the_order_of_voiding_and_target_does_not_matter() {
    let lrs = Lrs::start();
    let (later, with, before) = (id(), id(), id());
    lrs.stored(&voiding(&later));
    assert_eq!(seen(&lrs, &later), (404, 404));
    lrs.stored(&statement(&later));
    assert_eq!(seen(&lrs, &later), (404, 200));
    lrs.stored(&json!([
        statement(&with),
        voiding(&with),
        voiding(&before),
        statement(&before)
    ]));
    assert_eq!(seen(&lrs, &with), (404, 200));
    assert_eq!(seen(&lrs, &before), (404, 200));
}

#[test]
fn a_voiding_cannot_be_voided() {
    let lrs = Lrs::start();
    let target = id();
    lrs.stored(&statement(&target));
    let voids = lrs.stored(&voiding(&target)).remove(0);
    let in_vain = lrs.stored(&voiding(&voids)).remove(0);
    let again = lrs.stored(&voiding(&target)).remove(0);
    assert_eq!(seen(&lrs, &voids), (200, 404));
    assert_eq!(seen(&lrs, &target), (404, 200));
    assert_eq!(lrs.ids(&[]), [again, in_vain, voids]);
    let (first, second) = (id(), voiding(&id()));
    lrs.stored(&voiding(second["id"].as_str().unwrap()));
    lrs.stored(&json!([second, statement(&first)]));
    assert_eq!(
        seen(&lrs, second["id"].as_str().unwrap()),
        (200, 404),
        "nor when it comes later"
    );
}

#[test]
fn what_refers_to_a_voided_statement_is_still_found_by_it() {
    let lrs = Lrs::start();
    let target = id();
    lrs.stored(&statement(&target));
    let voids = lrs.stored(&voiding(&target)).remove(0);
    let by_verb = [("verb", "http://adlnet.gov/expapi/verbs/experienced")];
    assert_eq!(lrs.ids(&by_verb), [voids]);
}
