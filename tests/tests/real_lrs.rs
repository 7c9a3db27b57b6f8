//! Pannier against LRSs that others wrote. `tests/run lrs` installs them and runs these tests.

use pannier_tests::every_scenario;
use pannier_tests::lrs::Kind;

mod ralph {
    super::every_scenario!(super::Kind::Ralph, ignore = "left out: run tests/run lrs");
}

mod ralph_partial {
    super::every_scenario!(
        super::Kind::RalphPartial,
        ignore = "left out: run tests/run lrs"
    );
}

mod ralph_stock {
    #[test]
    #[ignore = "left out: run tests/run lrs"]
    fn an_lrs_that_breaks_keeps_everything() {
        pannier_tests::scenarios::an_lrs_that_breaks_keeps_everything(super::Kind::RalphStock);
    }
}

mod learning_locker {
    super::every_scenario!(
        super::Kind::LearningLocker,
        ignore = "left out: run tests/run lrs"
    );
}
