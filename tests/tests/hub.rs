//! Pannier against its own hub: what the real LRSs are put through, with nothing to install.

pannier_tests::every_scenario!(pannier_tests::lrs::Kind::Hub);

#[test]
fn one_of_two_in_trouble_keeps_the_other_from_nothing() {
    use pannier_tests::lrs::Kind::Hub;
    pannier_tests::two_lrss::one_in_trouble_keeps_the_other_from_nothing(Hub, Hub);
}
