//! The collector as an app uses it, over a transport that answers from memory.

mod contents;
mod defaults;
pub(crate) mod kit;
mod robust;
mod several_upstreams;
mod timestamps;
mod troubles;

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use uuid::Uuid;

use self::kit::{FakeLrs, TestClock, answer, config, open, statement};
use crate::collector::{Collector, Config, CredentialsProvider, EventStream, SyncPolicy};
use crate::error::Error;
use crate::event::Event;
use crate::lrs::Credentials;
use crate::statement::model::{Agent, Ifi, XapiActivity};
use crate::statement::{Statement, XapiVersion, vocabulary::verbs};
use crate::store::{HistoryPolicy, Page, StoreError, UpstreamId};
use crate::sync::{Ended, SyncReport};

const LONG: Duration = Duration::from_secs(30);

/// How many statements these events say were recorded, and how many delivered.
fn recorded_and_delivered(seen: &[Event]) -> (usize, usize) {
    let recorded: usize = seen
        .iter()
        .map(|e| {
            if let Event::Recorded { ids } = e {
                ids.len()
            } else {
                0
            }
        })
        .sum();
    let delivered: usize = seen
        .iter()
        .map(|e| {
            if let Event::Delivered { ids, .. } = e {
                ids.len()
            } else {
                0
            }
        })
        .sum();
    (recorded, delivered)
}

#[test]
fn records_offline_and_delivers_when_the_lrs_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    *lrs.down.lock().unwrap() = true;
    // It stands still, so that the wait does not end before the test has seen it.
    let clock = TestClock::new();
    let collector = open(
        folder.path(),
        Config {
            clock,
            ..config(&lrs)
        },
    );
    let events = collector.events();
    let mut ids: Vec<_> = (0..70)
        .map(|n| collector.record(statement(n)).unwrap().id)
        .collect();
    ids.push(collector.record(statement(70).to_json()).unwrap().id);
    let report = collector.sync().unwrap();
    assert!(matches!(report.ended, Ended::Waiting { .. }), "{report:?}");
    let status = collector.status().unwrap();
    assert_eq!((status.ledger.queued, status.ledger.delivered), (71, 0));
    assert!(
        status.trouble.is_some()
            && status.waiting_until.is_some()
            && status.ledger.queued_bytes > 0
    );

    *lrs.down.lock().unwrap() = false;
    let report = collector.sync().unwrap();
    assert_eq!((report.delivered, report.ended), (71, Ended::Emptied));
    let status = collector.status().unwrap();
    assert_eq!(
        (
            status.ledger.queued,
            status.ledger.delivered,
            status.trouble
        ),
        (0, 71, None)
    );
    assert!(
        ids.iter()
            .all(|id| lrs.stored.lock().unwrap().contains_key(id))
    );

    drop(collector);
    let seen: Vec<Event> = events.collect();
    assert_eq!(recorded_and_delivered(&seen), (71, 71));
    assert!(seen.iter().any(|e| matches!(e, Event::WaitingUntil { .. })));
    assert!(matches!(seen.last(), Some(Event::Synced { .. })));
}

#[test]
fn what_was_recorded_before_is_no_news() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    let events = collector.events();
    let [one, two] = [1, 2].map(|n| statement(n).id(Uuid::from_u128(n as u128)));
    let each = collector.record_all([&one, &two]).unwrap();
    assert!(each.iter().all(|recorded| recorded.is_new));
    let three = statement(3).id(Uuid::from_u128(3));
    let each = collector.record_all([&two, &three, &one]).unwrap();
    let each = each.into_iter().map(|one| (one.id.as_u128(), one.is_new));
    assert!(each.eq([(2, false), (3, true), (1, false)]));
    let again = collector.record(&three).unwrap();
    assert_eq!((again.id.as_u128(), again.is_new), (3, false));
    let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
    drop(collector);
    let told: Vec<Event> = events.collect();
    let recorded = |ids: &[Uuid]| Event::Recorded { ids: ids.to_vec() };
    assert_eq!(told, [recorded(&[one, two]), recorded(&[three])]);
}

#[test]
fn the_file_remembers_where_to_deliver_to() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    drop(open(folder.path(), config(&lrs)));
    let collector = open(
        folder.path(),
        Config {
            endpoint: None,
            ..config(&lrs)
        },
    );
    collector.record(statement(1)).unwrap();
    assert_eq!(collector.sync().unwrap().delivered, 1);
}

#[test]
fn an_invalid_statement_is_refused_with_all_its_faults_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let bad = r#"{"actor":{"mbox":"ada"},"verb":{},"object":{"id":"x y"}}"#;
    let Err(Error::Invalid(invalid)) = collector.record(bad) else {
        panic!("accepted")
    };
    assert!(invalid.faults.len() >= 3, "{invalid}");
    let good = statement(1).to_json();
    let Err(Error::Invalid(invalid)) = collector.record_all([good.as_str(), bad, good.as_str()])
    else {
        panic!("accepted")
    };
    assert!(
        invalid
            .faults
            .iter()
            .all(|fault| fault.index == Some(1) && !fault.path.starts_with("$[1]")),
        "{invalid}"
    );
    assert_eq!(collector.status().unwrap().ledger.recorded, 0);
    assert_eq!(collector.record_all([&good, &good]).unwrap().len(), 2);
    assert!(matches!(collector.sync(), Err(Error::NoEndpoint)));
}

#[test]
fn what_is_known_to_be_recordable_is_completed_when_it_is_recorded_and_not_checked_again() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let parts = r#""actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/it"}"#;
    let known = |members: &str, rules| {
        let text = format!("{{{parts}{members}}}");
        crate::collector::Recordable::check(text.as_bytes(), rules).unwrap()
    };
    let own = Uuid::new_v4();
    let with_id = known(&format!(r#","id":"{own}""#), XapiVersion::V2_0_0);
    assert_eq!(with_id.id(), Some(own));
    assert_eq!(collector.record(&with_id).unwrap().id, own);

    let bare = known("", XapiVersion::V2_0_0);
    assert_eq!(bare.id(), None);
    let recorded = collector.record_all([&bare, &bare]).unwrap();
    let ids = [recorded[0].id, recorded[1].id];
    assert_ne!(ids[0], ids[1]);
    let queued = collector.queued(Page::default()).unwrap();
    assert_eq!(queued.len(), 3);
    for (listed, id) in queued.iter().zip([own, ids[0], ids[1]]) {
        let statement = Statement::from_json(&listed.statement).unwrap();
        assert_eq!((listed.id, statement.id), (id, Some(id)));
        let timestamp = statement.timestamp.unwrap().duration_since(UNIX_EPOCH);
        let recorded_at = Duration::from_millis(listed.recorded_at.unsigned_abs());
        let apart = timestamp.unwrap().abs_diff(recorded_at);
        assert!(apart < Duration::from_secs(1), "{apart:?}");
    }

    // Without a zone it is a timestamp of 1.0.3 alone, and this collector's rules are those of 2.0.0.
    let older = r#","timestamp":"2024-05-04T17:00:00""#;
    let text = format!("{{{parts}{older}}}");
    assert!(matches!(collector.record(&text), Err(Error::Invalid(_))));
    collector.record(known(older, XapiVersion::V1_0_3)).unwrap();
}

#[test]
fn the_same_id_again_is_nothing_new_and_another_statement_under_it_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let id = Uuid::new_v4();
    let first = statement(1).id(id);
    let recorded = collector.record(&first).unwrap();
    assert_eq!((recorded.id, recorded.is_new), (id, true));
    assert_eq!(
        collector.record(&first).unwrap().id,
        id,
        "only the timestamp that we made differs"
    );
    assert!(
        matches!(collector.record(statement(2).id(id)), Err(Error::OtherContent { id: other }) if other == id)
    );
    // What the queue shows is what it has, and a timestamp of the app's is not the one that we made.
    let shown = collector
        .queued(Page::default())
        .unwrap()
        .remove(0)
        .statement;
    assert_eq!(collector.record(&shown).unwrap().id, id);
    let timed = first.clone().timestamp(std::time::SystemTime::UNIX_EPOCH);
    assert!(
        matches!(collector.record(&timed), Err(Error::OtherContent { id: other }) if other == id)
    );
    // All or nothing: the new one before the conflict is not kept.
    assert!(
        collector
            .record_all([statement(3), statement(2).id(id)])
            .is_err()
    );
    assert_eq!(collector.status().unwrap().ledger.recorded, 1);
}

#[test]
fn retract_takes_back_only_what_was_never_sent() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(
        folder.path(),
        Config {
            history: HistoryPolicy::Forever,
            ..config(&lrs)
        },
    );
    let sent = collector.record(statement(1)).unwrap().id;
    collector.sync().unwrap();
    let unsent = collector.record(statement(2)).unwrap().id;
    collector.retract(unsent).unwrap();
    assert!(matches!(
        collector.retract(unsent),
        Err(Error::Unknown { .. })
    ));
    let refused = collector.retract(sent).unwrap_err();
    assert!(
        matches!(refused, Error::MayHaveBeenSent { .. }) && refused.to_string().contains("void")
    );
    let voiding = collector
        .void(sent, Agent::mbox("mailto:ada@example.com"))
        .unwrap();
    collector.sync().unwrap();
    assert_eq!(
        lrs.stored.lock().unwrap()[&voiding]["object"]["id"],
        json!(sent)
    );
    let status = collector.status().unwrap();
    assert_eq!(
        (
            status.ledger.recorded,
            status.ledger.retracted,
            status.ledger.delivered
        ),
        (3, 1, 2)
    );
    assert_eq!(collector.history(Page::default()).unwrap().len(), 2);
}

#[test]
fn erase_forgets_a_person_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(
        folder.path(),
        Config {
            history: HistoryPolicy::Forever,
            ..config(&lrs)
        },
    );
    let other = || {
        Statement::new(
            Agent::mbox("mailto:eve@example.com"),
            verbs::COMPLETED,
            XapiActivity::new("https://example.com/secret"),
        )
    };
    collector.record(statement(1)).unwrap();
    collector.record(other()).unwrap();
    collector.sync().unwrap();
    collector.record(other()).unwrap();
    collector.record(statement(2)).unwrap();
    let erased = collector
        .erase(&Ifi::Mbox("mailto:eve@EXAMPLE.com".into()))
        .unwrap();
    assert_eq!(
        (erased.undelivered, erased.maybe_sent, erased.history),
        (1, 0, 1)
    );
    let status = collector.status().unwrap();
    assert_eq!(
        (
            status.ledger.recorded,
            status.ledger.erased,
            status.ledger.queued
        ),
        (4, 1, 1)
    );
    drop(collector);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes.windows(15).any(|w| w == b"eve@example.com"),
            "her address is still in the file"
        );
    }
}

#[test]
fn interrupt_ends_a_sync_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    // Nothing is under way: nothing happens.
    collector.interrupt();
    collector.record(statement(1)).unwrap();
    *lrs.hangs.lock().unwrap() = true;
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| collector.sync().unwrap());
        lrs.wait_until_asked();
        collector.interrupt();
        assert_eq!(sync.join().unwrap().ended, Ended::Interrupted);
    });
    collector.record(statement(2)).unwrap();
    assert_eq!(collector.status().unwrap().ledger.queued, 2);
}

#[test]
fn pause_ends_a_sync_closes_the_file_and_resume_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    collector.record(statement(1)).unwrap();
    *lrs.hangs.lock().unwrap() = true;
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| collector.sync().unwrap());
        lrs.wait_until_asked();
        collector.pause().unwrap();
        assert_eq!(sync.join().unwrap().ended, Ended::Interrupted);
    });
    assert!(
        !folder.path().join("queue.db-wal").exists(),
        "nothing is left open"
    );
    collector.record(statement(2)).unwrap();
    collector
        .void(Uuid::from_u128(9), Agent::mbox("mailto:a@example.com"))
        .unwrap();
    assert!(
        !folder.path().join("queue.db-wal").exists(),
        "nor is it by what is recorded meanwhile"
    );
    assert!(matches!(
        collector.status(),
        Err(Error::Store(StoreError::Paused))
    ));
    collector.resume().unwrap();
    *lrs.hangs.lock().unwrap() = false;
    // The first may be under way still, so nothing is sent at once.
    let report = collector.sync().unwrap();
    assert!(matches!(report.ended, Ended::Waiting { .. }), "{report:?}");
    assert_eq!(collector.status().unwrap().ledger.queued, 3);
}

struct Tokens(Mutex<Vec<&'static str>>);

impl CredentialsProvider for Tokens {
    fn credentials(&self) -> Option<Credentials> {
        Some(Credentials::Bearer(
            self.0.lock().unwrap().pop()?.to_owned(),
        ))
    }
}

/// From now on the LRS lets nobody in but the bearer of this token.
fn lets_in(lrs: &FakeLrs, token: &str) {
    let wanted = ("Authorization", format!("Bearer {token}"));
    lrs.instead(move |request| (!request.headers.contains(&wanted)).then(|| Ok(answer(401, ""))));
}

#[test]
fn a_sync_with_expired_credentials_asks_for_new_ones_once_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    lets_in(&lrs, "third");
    let tokens = Arc::new(Tokens(Mutex::new(vec!["third", "second"])));
    let collector = open(
        folder.path(),
        Config {
            credentials_provider: Some(Arc::clone(&tokens) as Arc<dyn CredentialsProvider>),
            ..config(&lrs)
        },
    );
    collector.record(statement(1)).unwrap();
    let report = collector.sync().unwrap();
    assert!(
        matches!(report.ended, Ended::NeedsApp { .. }),
        "the second is no good either: {report:?}"
    );
    assert_eq!(tokens.0.lock().unwrap().len(), 1);
    let report = collector.sync().unwrap();
    assert_eq!((report.delivered, report.ended), (1, Ended::Emptied));

    // None to be had: it says so, and loses nothing.
    lets_in(&lrs, "fourth");
    collector.record(statement(2)).unwrap();
    let report = collector.sync().unwrap();
    assert!(matches!(report.ended, Ended::NeedsApp { .. }), "{report:?}");
    assert_eq!(collector.status().unwrap().ledger.queued, 1);
}

#[test]
fn record_and_every_list_go_on_while_the_lrs_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(folder.path(), config(&lrs));
    collector.record(statement(0)).unwrap();
    *lrs.hangs.lock().unwrap() = true;
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| collector.sync().unwrap());
        lrs.wait_until_asked();
        // The request hangs until we say so: each of these returns before.
        for n in 1..=20 {
            collector.record(statement(n)).unwrap();
        }
        assert_eq!(collector.queued(Page::default()).unwrap().len(), 21);
        let status = collector.status().unwrap();
        assert!(status.syncing);
        assert_eq!(status.ledger.queued, 21);
        assert!(collector.held(Page::default()).unwrap().is_empty());
        *lrs.hangs.lock().unwrap() = false;
        assert_eq!(sync.join().unwrap().delivered, 21);
    });
}

#[test]
fn an_automatic_sync_starts_by_count_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let sync = SyncPolicy::Automatic {
        count: 5,
        age: Duration::from_hours(1),
    };
    let collector = open(
        folder.path(),
        Config {
            sync,
            ..config(&lrs)
        },
    );
    let events = collector.events();
    // All at once: the sync that begins with the collector takes none of them, or all.
    collector.record_all((0..5).map(statement)).unwrap();
    let mut delivered = 0;
    while delivered < 5 {
        if let Event::Delivered { ids, .. } = events
            .next_within(Duration::from_secs(20))
            .unwrap()
            .expect("nothing happens")
        {
            delivered += ids.len();
        }
    }
    assert_eq!(collector.status().unwrap().ledger.delivered, 5);
}

#[test]
fn an_automatic_sync_without_an_endpoint_is_no_failure_and_begins_once_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let sync = SyncPolicy::Automatic {
        count: 1,
        age: Duration::ZERO,
    };
    let there = config(&lrs).endpoint.unwrap();
    let collector = open(
        folder.path(),
        Config {
            sync,
            endpoint: None,
            ..config(&lrs)
        },
    );
    let events = collector.events();
    // By hand it is one, each time.
    for n in 0..20 {
        collector.record(statement(n)).unwrap();
        assert!(matches!(collector.sync(), Err(Error::NoEndpoint)));
    }
    collector.set_endpoint(&there).unwrap();
    let (mut failed, mut delivered) = (0, 0);
    while delivered < 20 {
        let wait = Duration::from_secs(20);
        match events.next_within(wait).unwrap().expect("nothing happens") {
            Event::SyncFailed { .. } => failed += 1,
            Event::Delivered { ids, .. } => delivered += ids.len(),
            _ => {}
        }
    }
    assert_eq!(failed, 20);
}

#[test]
fn a_network_that_is_back_ends_the_backoff() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    *lrs.down.lock().unwrap() = true;
    let sync = SyncPolicy::Automatic {
        count: 1,
        age: Duration::ZERO,
    };
    let collector = open(
        folder.path(),
        Config {
            sync,
            ..config(&lrs)
        },
    );
    let events = collector.events();
    let wait_for = |wanted: &dyn Fn(&Event) -> bool| {
        let wait = Duration::from_secs(20);
        while !wanted(&events.next_within(wait).unwrap().expect("nothing happens")) {}
    };
    collector.record(statement(1)).unwrap();
    wait_for(&|event| matches!(event, Event::WaitingUntil { .. }));
    collector.set_network(false);
    // Failures enough for a backoff that no test would wait for.
    let store = &collector.inner.store;
    store
        .with(0, |db| {
            db.relearn(UpstreamId::MAIN, |learned| {
                learned.waits.backoff = learned.waits.backoff.map(|until| until + 600_000);
            })
        })
        .unwrap();
    *lrs.down.lock().unwrap() = false;
    collector.set_network(true);
    wait_for(&|event| matches!(event, Event::Delivered { .. }));
}

#[test]
fn without_a_network_an_automatic_sync_ends_after_the_request_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let collector = open(
        folder.path(),
        Config {
            sync: AT_ONCE,
            max_statements: 1,
            ..config(&lrs)
        },
    );
    let events = collector.events();
    *lrs.hangs.lock().unwrap() = true;
    collector.record_all([statement(1), statement(2)]).unwrap();
    lrs.wait_until_asked();
    collector.set_network(false);
    *lrs.hangs.lock().unwrap() = false;
    let report = next_report(&events);
    assert_eq!((report.delivered, &report.ended), (1, &Ended::Interrupted));
    assert_eq!(*lrs.posts.lock().unwrap(), 1);
    assert_eq!(collector.status().unwrap().waiting_for, None);
    // By hand it is the app's own word.
    collector.record(statement(3)).unwrap();
    assert_eq!(collector.sync().unwrap().delivered, 2);
    assert_eq!(next_report(&events).delivered, 2);
    collector.record(statement(4)).unwrap();
    collector.set_network(true);
    assert_eq!(next_report(&events).delivered, 1);
}

#[test]
fn a_setting_that_means_nothing_is_refused_by_its_name() {
    type Change = fn(&mut Config);
    let folder = tempfile::tempdir().unwrap();
    let changes: [(&str, Change); 6] = [
        ("max_statements", |config| config.max_statements = 0),
        ("max_bytes", |config| config.max_bytes = 0),
        ("requests_in_flight", |config| config.requests_in_flight = 0),
        ("requests_in_flight", |config| config.requests_in_flight = 5),
        ("count", |config| {
            config.sync = SyncPolicy::Automatic {
                count: 0,
                age: LONG,
            };
        }),
        ("age", |config| config.history = HistoryPolicy::For(-1)),
    ];
    for (name, change) in changes {
        let mut config = Config::default();
        change(&mut config);
        let refused = Collector::open(folder.path().join("queue.db"), config).unwrap_err();
        assert!(matches!(refused, Error::Config { .. }), "{refused:?}");
        assert!(refused.to_string().contains(name), "{refused}");
    }
    assert!(!folder.path().join("queue.db").exists(), "nothing is made");
}

#[test]
fn opened_without_a_network_nothing_is_sent_until_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    open(folder.path(), Config::default())
        .record(statement(1))
        .unwrap();
    let config = Config {
        sync: AT_ONCE,
        network: false,
        ..config(&lrs)
    };
    let collector = open(folder.path(), config);
    let events = collector.events();
    collector.record(statement(2)).unwrap();
    assert!(!collector.status().unwrap().network);
    let short = Duration::from_millis(200);
    assert!(matches!(
        events.next_within(LONG),
        Ok(Some(Event::Recorded { .. }))
    ));
    assert_eq!(events.next_within(short).unwrap(), None);
    collector.set_network(true);
    assert_eq!(next_report(&events).delivered, 2);
}

/// Every statement starts a sync.
const AT_ONCE: SyncPolicy = SyncPolicy::Automatic {
    count: 1,
    age: Duration::ZERO,
};

fn next_report(events: &EventStream) -> SyncReport {
    loop {
        if let Event::Synced { report, .. } =
            events.next_within(LONG).unwrap().expect("no sync ends")
        {
            return report;
        }
    }
}

#[test]
#[cfg(unix)]
fn an_open_queue_stays_where_it_is_though_a_link_to_its_folder_leads_elsewhere() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["one", "other"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    symlink(at("one"), at("current")).unwrap();
    let open = |name: &str| {
        Collector::open(at(name).join("queue.db"), Config::default()).expect("it can be opened")
    };
    let collector = open("current");
    collector.record(statement(1)).unwrap();
    std::fs::remove_file(at("current")).unwrap();
    symlink(at("other"), at("current")).unwrap();
    open("current").record(statement(2)).unwrap();
    collector.record(statement(3)).unwrap();
    drop(collector);
    for (name, there) in [("one", 2), ("other", 1)] {
        let status = open(name).status().unwrap();
        assert_eq!(status.ledger.queued, there, "{name}");
    }
}

#[test]
fn records_from_many_threads_are_all_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let collector = open(folder.path(), Config::default());
    let mut ids: Vec<Uuid> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..100)
                        .map(|n| collector.record(statement(n)).unwrap().id)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut listed: Vec<Uuid> = Vec::new();
    let mut page = Page {
        after: 0,
        limit: 100,
    };
    loop {
        let some = collector.queued(page).unwrap();
        let Some(last) = some.last() else { break };
        page.after = last.seq;
        listed.extend(some.iter().map(|one| one.id));
    }
    ids.sort();
    listed.sort();
    assert_eq!(ids, listed);
}

#[test]
fn no_secret_and_no_statement_shows_in_debug_or_errors() {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let config = config(&lrs);
    let shown = format!("{config:?}");
    let collector = open(folder.path(), config);
    collector.record(statement(1)).unwrap();
    let listed = collector.queued(Page::default()).unwrap();
    let shown = format!(
        "{shown} {collector:?} {listed:?} {:?}",
        collector.status().unwrap()
    );
    assert!(
        !shown.contains("secret") && !shown.contains("ada@"),
        "{shown}"
    );
    collector.sync().unwrap();
    drop(collector);
    let bytes = std::fs::read(folder.path().join("queue.db")).unwrap();
    for secret in ["secret", "YXBwOnNlY3JldA=="] {
        assert!(
            !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
            "a credential is in the file"
        );
    }
}
