//! Pannier against its own hub: what the real LRSs are put through, with nothing to install.

pannier_tests::every_scenario!(pannier_tests::lrs::Kind::Hub);
