//! Some thousands of inputs for each reader, the same on every run; `tests/nightly fuzz` makes new ones for
//! minutes.

use pannier_tests::fuzz::{Fuzzer, Target};

fn holds(name: &str, executions: u64) {
    let target = Target::named(name).expect("a target");
    let mut fuzzer = Fuzzer::new(target, 20_260_301);
    let begun_with = fuzzer.corpus().len();
    for _ in 0..executions {
        if let Err(failure) = fuzzer.step() {
            let input = String::from_utf8_lossy(&failure.input).into_owned();
            panic!("input {}: {}\n{input}", fuzzer.executions, failure.said);
        }
    }
    assert!(
        fuzzer.corpus().len() > begun_with,
        "nothing new in {executions} inputs"
    );
}

#[test]
fn statements() {
    holds("prepare", 2_000);
}

#[test]
fn statements_of_the_types() {
    holds("typed", 2_000);
}

#[test]
fn copies() {
    holds("compare", 2_000);
}

#[test]
fn answers() {
    holds("answers", 2_000);
}

#[test]
fn bodies_of_several_parts() {
    holds("multipart", 2_000);
}

#[test]
fn signatures() {
    holds("signature", 2_000);
}

#[test]
fn queue_files() {
    holds("queue", 60);
}

#[test]
fn requests_to_the_hub() {
    holds("hub", 400);
}

/// A fuzzer that made other inputs on another run could not be believed when it found nothing.
#[test]
fn the_same_seed_makes_the_same_inputs() {
    let kept = |seed| {
        let mut fuzzer = Fuzzer::new(Target::named("prepare").expect("a target"), seed);
        let all = (0..300).map(|_| fuzzer.step().map_err(|failure| failure.said));
        assert_eq!(all.collect::<Result<Vec<_>, _>>().map(drop), Ok(()));
        fuzzer.corpus().to_vec()
    };
    assert_eq!(kept(7), kept(7));
    assert_ne!(kept(7), kept(8));
}
