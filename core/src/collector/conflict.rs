//! Conflicts: the LRS has another statement under the same id, and the app decides what to do.
//!
//! The standard does not allow overwriting a statement (xAPI 1.0.3 Data 2.3.1; IEEE 9274.1.1, 4.2), so there are three
//! ways out: theirs stays, ours is sent under a new id, or, where the LRS was mistaken, ours is tried again
//! ([`Collector::retry`]).
//!
//! Either of the first two holds a voiding of the statement that is still to be sent: retry that ([`Collector::retry`])
//! to void what the LRS has under the old id, or discard it.

use serde::Serialize;
use uuid::Uuid;

use super::Collector;
use crate::error::Error;
use crate::statement::{self, Comparison, Difference, Differences};
use crate::store::HeldStatement;

/// Two statements under one id, for somebody who may see them; `Debug` leaves their contents out.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The id.
    pub id: Uuid,
    /// Statement that was recorded here, JSON.
    pub ours: String,
    /// Statement that the LRS has, JSON; `None` where it says that it knows the id and shows nothing.
    pub theirs: Option<String>,
    /// Differences between the two in what an LRS must not change. Empty where there is nothing to compare.
    pub differences: Vec<Difference>,
    /// Number of differences beyond those listed, which are a hundred at most.
    pub more_differences: usize,
}

impl std::fmt::Debug for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conflict")
            .field("id", &self.id)
            .field("differences", &self.differences)
            .finish_non_exhaustive()
    }
}

impl Conflict {
    /// Returns the conflict that a statement is held for, if it is held for one.
    pub fn of(held: &HeldStatement) -> Option<Self> {
        if !held.reason.is_conflict() {
            return None;
        }
        let comparison = held
            .theirs
            .as_ref()
            .map(|theirs| statement::compare(held.statement.as_bytes(), theirs.as_bytes()));
        let Differences { listed, more } = match comparison {
            Some(Comparison::Different(differences)) => differences,
            _ => Differences::default(),
        };
        Some(Self {
            id: held.id,
            ours: held.statement.clone(),
            theirs: held.theirs.clone(),
            differences: listed,
            more_differences: more,
        })
    }
}

impl Collector {
    /// Returns both copies of a statement that is held as a conflict, and where they differ.
    pub fn conflict(&self, id: Uuid) -> Result<Conflict, Error> {
        self.main.conflict(id)
    }

    /// Gives our copy up: what the LRS has under this id stays as it is. Counted as discarded.
    pub fn keep_theirs(&self, id: Uuid) -> Result<(), Error> {
        self.main.keep_theirs(id)
    }

    /// Records what our copy says under a new id, which is returned, at the end of the queue. The new statement links
    /// to the old id by `context.statement`, or, where that is taken, by the extension
    /// [`TAKES_THE_PLACE_OF`](crate::statement::vocabulary::extensions::TAKES_THE_PLACE_OF). It keeps the old
    /// `timestamp`. The old one counts as replaced. The new id follows from the old statement and the upstream's name,
    /// so that two copies of one queue make the same one and the LRS has it once.
    pub fn send_as_new(&self, id: Uuid) -> Result<Uuid, Error> {
        self.main.send_as_new(id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::Config;
    use super::*;
    use crate::clock::Clock;
    use crate::collector::tests::kit::{
        FakeLrs, TestClock, answer, config, open, posts, statement,
    };
    use crate::store::{HoldReason, Page};

    struct Stage {
        lrs: Arc<FakeLrs>,
        clock: Arc<TestClock>,
        collector: Collector,
        id: Uuid,
        folder: tempfile::TempDir,
    }

    /// A statement that is held, because the LRS has another one under its id.
    fn stage() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let lrs = Arc::new(FakeLrs::default());
        let clock = TestClock::new();
        let config = Config {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..config(&lrs)
        };
        let collector = open(folder.path(), config);
        let id = Uuid::new_v4();
        lrs.stored.lock().unwrap().insert(id, under(id, 1));
        collector.record(under(id, 2).to_string()).unwrap();
        assert_eq!(collector.sync().unwrap().held, 1);
        Stage {
            lrs,
            clock,
            collector,
            id,
            folder,
        }
    }

    fn under(id: Uuid, lesson: usize) -> Value {
        let mut statement: Value = serde_json::from_str(&statement(lesson).to_json()).unwrap();
        statement["id"] = json!(id);
        statement["timestamp"] = json!("2026-03-01T10:00:00.000Z");
        statement
    }

    /// Where all statements are: held, discarded, replaced, queued, delivered.
    fn places(collector: &Collector) -> [u64; 5] {
        let ledger = collector.status().unwrap().ledger;
        let [held, discarded] = [ledger.held, ledger.discarded];
        [
            held,
            discarded,
            ledger.replaced,
            ledger.queued,
            ledger.delivered,
        ]
    }

    #[test]
    fn both_copies_and_their_differences_are_shown() {
        let Stage {
            collector,
            id,
            folder: _folder,
            ..
        } = stage();
        let conflict = collector.conflict(id).unwrap();
        assert!(conflict.ours.contains("lessons/2"));
        assert!(conflict.theirs.as_ref().unwrap().contains("lessons/1"));
        let [object] = conflict.differences.as_slice() else {
            panic!("{conflict:?}")
        };
        assert_eq!(object.path, "$.object.id");
        assert_eq!(
            object.ours.as_deref(),
            Some(r#""https://example.com/lessons/2""#)
        );
        assert_eq!(
            object.theirs.as_deref(),
            Some(r#""https://example.com/lessons/1""#)
        );
        let shown = format!("{conflict:?}");
        assert!(!shown.contains("lessons"), "{shown}");
    }

    #[test]
    fn theirs_can_be_kept() {
        let Stage {
            lrs,
            collector,
            id,
            folder: _folder,
            ..
        } = stage();
        collector.keep_theirs(id).unwrap();
        assert_eq!(places(&collector), [0, 1, 0, 0, 0]);
        assert!(matches!(
            collector.keep_theirs(id),
            Err(Error::Unknown { .. })
        ));
        assert_eq!(collector.sync().unwrap().requests, 0);
        assert_eq!(lrs.stored.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_longer_what_was_recorded_is_not_sent_under_a_new_id() {
        let stage = stage();
        let file = stage.folder.path().join("queue.db");
        let disk = rusqlite::Connection::open(file).unwrap();
        let hit = disk.execute(
            "UPDATE statement SET body = CAST(replace(CAST(body AS TEXT), 'lessons/2', 'lessons/3') AS BLOB)",
            [],
        );
        assert_eq!(hit, Ok(1));
        let told = stage
            .collector
            .send_as_new(stage.id)
            .unwrap_err()
            .to_string();
        assert!(told.contains("replace it with the right one"), "{told}");
        assert_eq!(places(&stage.collector), [1, 0, 0, 0, 0]);
        assert_eq!(stage.lrs.stored.lock().unwrap().len(), 1);
    }

    #[test]
    fn ours_can_be_sent_under_a_new_id_that_links_to_the_old_one() {
        let Stage {
            lrs,
            collector,
            id,
            folder: _folder,
            ..
        } = stage();
        let held = collector.held_one(id).unwrap().statement;
        let new = collector.send_as_new(id).unwrap();
        assert_eq!(places(&collector), [0, 0, 1, 1, 0]);
        assert!(matches!(
            collector.send_as_new(id),
            Err(Error::NotHeld { .. })
        ));
        assert_eq!(collector.sync().unwrap().delivered, 1);
        assert_eq!(places(&collector), [0, 0, 1, 0, 1]);
        let mut expected: Value = serde_json::from_str(&held).unwrap();
        expected["id"] = json!(new);
        expected["context"] = json!({"statement": {"objectType": "StatementRef", "id": id}});
        assert_eq!(lrs.stored.lock().unwrap()[&new], expected);
    }

    /// A queue that was pulled to another machine and delivered there, too.
    #[test]
    fn two_copies_of_a_queue_send_ours_under_one_new_id() {
        let stage = stage();
        stage.collector.pause().unwrap();
        let copied = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(stage.folder.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copied.path().join(file.file_name())).unwrap();
        }
        stage.collector.resume().unwrap();
        let other = open(copied.path(), config(&stage.lrs));
        let new = stage.collector.send_as_new(stage.id).unwrap();
        assert_eq!(other.send_as_new(stage.id).unwrap(), new);
        for collector in [&stage.collector, &other] {
            assert_eq!(collector.sync().unwrap().delivered, 1);
        }
        let stored = stage.lrs.stored.lock().unwrap();
        assert_eq!(stored.len(), 2);
        assert!(stored.contains_key(&new) && stored.contains_key(&stage.id));
    }

    /// What the former LRS has under the id is no reason to give anything up at another one.
    #[test]
    fn another_lrs_is_asked_what_it_has() {
        let stage = stage();
        let collector = &stage.collector;
        stage.lrs.stored.lock().unwrap().clear();
        collector
            .set_endpoint("https://another.example/xAPI")
            .unwrap();
        assert!(matches!(
            collector.keep_theirs(stage.id),
            Err(Error::NotHeld { .. })
        ));
        assert_eq!(collector.sync().unwrap().delivered, 1);
        assert!(stage.lrs.stored.lock().unwrap().contains_key(&stage.id));
        assert!(collector.held(Page::default()).unwrap().is_empty());
    }

    #[test]
    fn one_that_the_lrs_does_not_show_has_the_same_ways_out() {
        let Stage {
            lrs,
            collector,
            id,
            folder: _folder,
            clock,
        } = stage();
        lrs.stored.lock().unwrap().clear();
        lrs.instead(move |request| {
            posts(request, &id.to_string()).then(|| Ok(answer(409, "known")))
        });
        collector.retry(id).unwrap();
        // It may be slow to show what it has: that is asked more than once.
        let mut held = 0;
        for n in 3.. {
            collector.record(statement(n)).unwrap();
            clock.pass(Duration::from_hours(1));
            held += collector.sync().unwrap().held;
            if held > 0 {
                break;
            }
            assert!(n < 20);
        }
        assert_eq!(
            collector.held_one(id).unwrap().reason,
            HoldReason::ConflictUnseen
        );
        let conflict = collector.conflict(id).unwrap();
        assert_eq!((conflict.theirs, conflict.differences), (None, Vec::new()));
        // The new statement names the old id too, and the LRS is itself again.
        lrs.behave();
        let new = collector.send_as_new(id).unwrap();
        assert_eq!(collector.sync().unwrap().delivered, 1);
        assert!(lrs.stored.lock().unwrap().contains_key(&new));
    }

    #[test]
    fn what_is_held_for_another_reason_is_no_conflict() {
        let Stage {
            lrs,
            collector,
            id,
            folder: _folder,
            clock,
        } = stage();
        lrs.instead(|request| {
            posts(request, "lessons/8").then(|| Ok(answer(400, "no such lesson")))
        });
        let refused = collector.record(statement(8)).unwrap().id;
        collector.record(statement(9)).unwrap();
        collector.sync().unwrap();
        clock.pass(Duration::from_hours(1));
        assert_eq!(collector.sync().unwrap().held, 1);
        let outcomes = [
            collector.conflict(refused).map(drop),
            collector.keep_theirs(refused),
            collector.send_as_new(refused).map(drop),
        ];
        for outcome in outcomes {
            assert!(matches!(outcome, Err(Error::NotInConflict { id }) if id == refused));
        }
        assert_eq!(places(&collector), [2, 0, 0, 0, 1]);
        collector.discard(id).unwrap();
        let left: Vec<Uuid> = collector
            .held(Page::default())
            .unwrap()
            .iter()
            .map(|one| one.id)
            .collect();
        assert_eq!(left, [refused]);
    }

    #[test]
    fn a_successor_that_is_refused_leaves_the_old_one_held() {
        let folder = tempfile::tempdir().unwrap();
        let lrs = Arc::new(FakeLrs::default());
        let rules = crate::XapiVersion::V1_0_3;
        let lenient = Config {
            rules,
            ..config(&lrs)
        };
        let id = Uuid::new_v4();
        lrs.stored.lock().unwrap().insert(id, under(id, 1));
        {
            let collector = open(folder.path(), lenient);
            // A timestamp without a zone: 1.0.3 takes it, 2.0.0 does not.
            let mut old = under(id, 2);
            old["timestamp"] = json!("2026-03-01T10:00:00");
            collector.record(old.to_string()).unwrap();
            assert_eq!(collector.sync().unwrap().held, 1);
        }
        let collector = open(folder.path(), config(&lrs));
        assert!(matches!(collector.send_as_new(id), Err(Error::Invalid(_))));
        assert_eq!(places(&collector), [1, 0, 0, 0, 0]);
    }
}
