//! A collector where the process may open no more files: an error that says so, and all is well again
//! afterwards. Here tokio is built with signals, which makes it panic for want of a descriptor.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::process::Command;

use pannier::statement::model::{Agent, XapiActivity};
use pannier::statement::vocabulary::verbs;
use pannier::{Collector, Config, Credentials, Error, Statement};

/// Set for the process that may open few files.
const FEW: &str = "PANNIER_TEST_FEW_FILES";

#[test]
fn too_few_files_are_an_error_that_says_so() {
    if std::env::var_os(FEW).is_some() {
        return with_few_files();
    }
    // A limit of its own needs a process of its own.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "too_few_files_are_an_error_that_says_so",
            "--nocapture",
        ])
        .env(FEW, "1");
    let ended = limited.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

/// Takes every file that may be opened.
fn take_all() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// Nobody listens there.
fn config() -> Config {
    let credentials = Credentials::Basic {
        user: "me".to_owned(),
        password: "secret".to_owned(),
    };
    Config::new("http://127.0.0.1:9/xAPI", Some(credentials))
}

fn with_few_files() {
    let folder = tempfile::tempdir().unwrap();
    let open = |n| Collector::open(folder.path().join(format!("{n}.db")), config()).unwrap();
    let statement = Statement::new(
        Agent::mbox("mailto:ada@example.com"),
        verbs::COMPLETED,
        XapiActivity::new("https://example.com/lessons/1"),
    );
    let (mut refused, mut done) = (0, 0);
    for free in 0..24 {
        let collector = open(free);
        collector.record(statement.clone()).unwrap();
        let mut taken = take_all();
        taken.truncate(taken.len() - free);
        // What it needs may be there already: then it tries, and nobody is there.
        for outcome in [
            collector.sync().map(drop),
            collector.probe().map(drop),
            collector.sync().map(drop),
        ] {
            match outcome {
                Ok(()) => done += 1,
                Err(Error::Transport(words)) => {
                    assert!(words.contains("Too many open files"), "{free}: {words}");
                    refused += 1;
                }
                // A queue that cannot open one of its files says that itself.
                Err(Error::Store(_)) => {}
                Err(other) => panic!("{free}: {other:?}"),
            }
        }
        drop(taken);
        collector.sync().unwrap();
        collector.probe().unwrap();
        assert_eq!(collector.status().unwrap().ledger.queued, 1);
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
}
