//! Storing a request's statements: all of them or none.

use pannier_xapi::statement::{Comparison, compare};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use uuid::Uuid;

use super::Store;
use super::canon::Lesson;
use crate::facts::Facts;
use crate::problem::{Conflicts, Problem};
use crate::receive::{Delivery, Incoming};
use crate::splice::{self, Members};
use crate::time;

impl Store {
    /// Stores the new statements. One that is stored already with the same content changes nothing; one with other
    /// content refuses the whole delivery (1.0.3 Communication 2.1.2; 2.0.0 4.1.6.1).
    pub fn store(&self, delivery: &Delivery) -> Result<(), Problem> {
        // A stored statement never changes, so a comparison without the lock stays true.
        let new = new(delivery.statements.iter().enumerate(), |incoming| {
            Ok(known(&*self.lock()?, incoming)?)
        })?;
        let lessons = self.lessons(new.iter().map(|(_, incoming)| &incoming.facts))?;
        Self::sync(&delivery.contents)?;

        let database = &mut *self.lock()?;
        let mut files = Vec::new();
        let stored = self.commit(database, delivery, new, &lessons, &mut files);
        if stored.is_err() {
            self.forget(database, &files);
            return stored;
        }
        // Where a restart finds it, and not only here.
        self.see_to(database)?;
        self.are_there(&files)
    }

    /// Stores the new statements of a delivery, and its contents.
    fn commit<'d>(
        &self,
        connection: &mut Connection,
        delivery: &'d Delivery,
        new: Vec<Placed>,
        lessons: &[Lesson],
        files: &mut Vec<&'d str>,
    ) -> Result<(), Problem> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another request may have brought one of them since.
        let new = self::new(new.into_iter(), |incoming| {
            Ok(known(&transaction, incoming)?)
        })?;
        let last =
            transaction.query_row("SELECT max(stored) FROM statement", [], |row| row.get(0))?;
        let storing = self.complete.begin(last);
        for (stored, (_, incoming)) in (storing.first..).zip(new) {
            insert(&transaction, incoming, stored)?;
        }
        for lesson in lessons {
            lesson.learn(&transaction)?;
        }
        self.keep(&transaction, &delivery.contents, files)?;
        transaction.commit()?;
        drop(storing);
        Ok(())
    }
}

/// A statement and its position in the request.
type Placed<'i, 'a> = (usize, &'i Incoming<'a>);

/// Returns the statements that are not stored yet, or the 409 for those that are stored with other content.
fn new<'i, 'a>(
    incoming: impl Iterator<Item = Placed<'i, 'a>>,
    known: impl Fn(&Incoming) -> Result<Option<String>, Problem>,
) -> Result<Vec<Placed<'i, 'a>>, Problem> {
    let mut new = Vec::new();
    let mut conflicts = Conflicts::default();
    for (index, incoming) in incoming {
        let Some(stored) = known(incoming)? else {
            new.push((index, incoming));
            continue;
        };
        match compare(incoming.sent.as_bytes(), stored.as_bytes()) {
            Comparison::Same => {}
            Comparison::Different(differences) => {
                conflicts.add(index, incoming.id.to_string(), differences);
            }
            Comparison::Unreadable => conflicts.add_unreadable(index, incoming.id.to_string()),
        }
        if conflicts.is_enough() {
            break;
        }
    }
    if conflicts.is_empty() {
        Ok(new)
    } else {
        Err(conflicts.refuse())
    }
}

/// Returns the statement that is stored under the same id.
fn known(connection: &Connection, incoming: &Incoming) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT body FROM statement WHERE id = ?")?
        .query_row([incoming.id.as_bytes()], |row| row.get(0))
        .optional()
}

fn insert(transaction: &Transaction, incoming: &Incoming, stored: i64) -> Result<(), Problem> {
    let Facts {
        verb,
        registration,
        target,
        voiding,
        agents,
        activities,
        ..
    } = &incoming.facts;
    // A voiding statement cannot be voided, and it may come before its target (1.0.3 Data 2.3.2; 2.0.0 4.2.5).
    let voided: bool = !voiding
        && transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM statement WHERE target = ? AND voiding)")?
            .query_row([incoming.id.as_bytes()], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT INTO statement (stored, id, verb, registration, target, voiding, voided, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            stored,
            incoming.id.as_bytes(),
            verb,
            registration.as_ref().map(Uuid::as_bytes),
            target.as_ref().map(Uuid::as_bytes),
            voiding,
            voided,
            body(incoming, stored)?
        ])?;
    if let (true, Some(target)) = (voiding, target) {
        transaction
            .prepare_cached("UPDATE statement SET voided = 1 WHERE id = ? AND NOT voiding")?
            .execute([target.as_bytes()])?;
    }
    for (identifier, near) in agents {
        transaction
            .prepare_cached("INSERT INTO agent (identifier, stored, near) VALUES (?, ?, ?)")?
            .execute(params![identifier, stored, near])?;
    }
    for (id, near) in activities {
        transaction
            .prepare_cached("INSERT INTO activity (id, stored, near) VALUES (?, ?, ?)")?
            .execute(params![id, stored, near])?;
    }
    Ok(())
}

fn body(incoming: &Incoming, stored: i64) -> serde_json::Result<String> {
    let stored = splice::quote(&time::iso(stored));
    let mut members = Members::of(&incoming.body)?;
    if incoming.untimed {
        members.0.push(("timestamp".into(), &stored));
    }
    members.0.push(("stored".into(), &stored));
    Ok(splice::object(members.0))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;
    use pannier_xapi::statement::XapiVersion;

    use super::*;
    use crate::attachments::Contents;
    use crate::hash::Hasher;
    use crate::receive::{self, Envelope};
    use crate::store::Storage;

    const STATEMENT: &[u8] = br#"{"id":"0190f7a4-0000-7000-8000-000000000001",
        "actor":{"mbox":"mailto:ada@example.com"},"verb":{"id":"http://v.example/"},"object":{"id":"http://o.example/"}}"#;

    fn delivery() -> Delivery<'static> {
        let envelope = Envelope {
            version: XapiVersion::V2_0_0,
            authority: r#"{"mbox":"mailto:me@example.com"}"#,
            put: None,
        };
        let nowhere = Store::open(&Storage::Memory, None).unwrap();
        receive::receive(&envelope, STATEMENT, None, nowhere.spool().unwrap()).unwrap()
    }

    /// Has something done in the midst of the next commits, after everything that is asked before them.
    fn at_commit(store: &Store, act: impl Fn() + Send + 'static) {
        let mut database = store.lock().unwrap();
        let hook = move || {
            act();
            false
        };
        database.commit_hook(Some(hook)).unwrap();
    }

    fn status_of(problem: Problem) -> StatusCode {
        problem.into_response().status()
    }

    fn is_in(path: &Path) -> bool {
        let again = Store::open(&Storage::File(path.to_owned()), None).unwrap();
        let delivery = delivery();
        again.get(delivery.statements[0].id).unwrap().is_some()
    }

    #[test]
    fn what_is_deleted_while_a_statement_is_stored_is_put_back_before_it_counts_as_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let store = Store::open(&Storage::File(path.clone()), None).unwrap();
        let deleted = path.clone();
        at_commit(&store, move || fs::remove_file(&deleted).unwrap());
        store.store(&delivery()).unwrap();
        assert!(path.exists());
        drop(store);
        assert!(is_in(&path));
    }

    #[test]
    fn what_is_replaced_while_a_statement_is_stored_does_not_count_as_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let (other, name) = (folder.path().join("other.db"), path.clone());
        drop(Store::open(&Storage::File(other.clone()), None).unwrap());
        let store = Store::open(&Storage::File(path.clone()), None).unwrap();
        at_commit(&store, move || fs::rename(&other, &name).unwrap());
        let refused = store.store(&delivery()).unwrap_err();
        assert_eq!(status_of(refused), StatusCode::SERVICE_UNAVAILABLE);
        drop(store);
        assert!(!is_in(&path));
    }

    #[test]
    fn a_content_that_is_deleted_while_it_is_stored_does_not_count_as_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let store = Store::open(&Storage::File(path.clone()), None).unwrap();
        let bytes = vec![7; 100_000];
        let keep = || {
            let mut spool = store.spool()?;
            let mut coming = spool.begin(Hasher::like(&"0".repeat(64)).unwrap());
            coming.put(&bytes).unwrap();
            let (content, named) = coming.finish().unwrap();
            let mut delivery = delivery();
            delivery.contents = Contents([(named, content)].into());
            store.store(&delivery)
        };
        let deleted = folder.path().join("hub.db.content");
        at_commit(&store, move || fs::remove_dir_all(&deleted).unwrap());
        let refused = keep().unwrap_err();
        assert_eq!(status_of(refused), StatusCode::SERVICE_UNAVAILABLE);
        at_commit(&store, || {});
        keep().unwrap();
    }
}
