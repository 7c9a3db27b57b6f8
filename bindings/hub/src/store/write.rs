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
            known(&self.lock(), incoming)
        })?;
        let lessons = self.lessons(new.iter().map(|(_, incoming)| &incoming.facts))?;
        Self::sync(&delivery.contents)?;

        let connection = &mut *self.lock();
        let mut files = Vec::new();
        let stored = self.commit(connection, delivery, new, &lessons, &mut files);
        if stored.is_err() {
            self.forget(connection, &files);
        }
        stored
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
        let new = self::new(new.into_iter(), |incoming| known(&transaction, incoming))?;
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
    known: impl Fn(&Incoming) -> rusqlite::Result<Option<String>>,
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
