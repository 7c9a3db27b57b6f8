//! Storing a request's statements: all of them or none.

use pannier::statement::{Comparison, compare};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use uuid::Uuid;

use super::{Store, canon, now};
use crate::hub::facts::Facts;
use crate::hub::problem::{Apart, Conflict, Problem};
use crate::hub::receive::{Delivery, Incoming};
use crate::hub::splice::{self, Members};
use crate::hub::time;

impl Store {
    /// Stores what is new. A statement that is stored already with the same content changes nothing;
    /// one with other content refuses the whole delivery (1.0.3 Communication 2.1.2; 2.0.0 4.1.6.1).
    pub fn store(&self, delivery: &Delivery) -> Result<(), Problem> {
        let inner = &mut *self.lock();
        let complete_through = inner.consistent_through;
        let transaction = inner
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut new = Vec::new();
        let mut conflicts = Vec::new();
        for (index, incoming) in delivery.statements.iter().enumerate() {
            match known(&transaction, incoming)? {
                None => new.push(incoming),
                Some(differences) if differences.is_empty() => {}
                Some(differences) => {
                    conflicts.push(Conflict {
                        statement: index,
                        id: incoming.id.to_string(),
                        differences,
                    });
                }
            }
        }
        if !conflicts.is_empty() {
            return Err(Problem::conflict(conflicts));
        }
        let last: Option<i64> =
            transaction.query_row("SELECT max(stored) FROM statement", [], |row| row.get(0))?;
        // Strictly increasing, also when the clock goes back, and never before what was called complete.
        let first = now()
            .max(last.unwrap_or_default() + 1)
            .max(complete_through);
        for (stored, incoming) in (first..).zip(new) {
            insert(&transaction, incoming, stored)?;
        }
        for (sha2, content) in &delivery.contents {
            transaction
                .prepare_cached(
                    "INSERT INTO attachment (sha2, content) VALUES (?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![sha2, content])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Where a statement differs from the one that is stored under its id; `None` if there is none.
fn known(transaction: &Transaction, incoming: &Incoming) -> rusqlite::Result<Option<Vec<Apart>>> {
    let mut query = transaction.prepare_cached("SELECT body FROM statement WHERE id = ?")?;
    let stored: Option<String> = query
        .query_row([incoming.id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(stored.map(
        |stored| match compare(incoming.sent.as_bytes(), stored.as_bytes()) {
            Comparison::Same => Vec::new(),
            Comparison::Different(differences) => {
                differences.listed.into_iter().map(Apart::from).collect()
            }
            Comparison::Unreadable => vec![Apart::unreadable()],
        },
    ))
}

fn insert(transaction: &Transaction, incoming: &Incoming, stored: i64) -> Result<(), Problem> {
    let Facts {
        verb,
        registration,
        target,
        voiding,
        agents,
        activities,
        definitions,
        display,
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
    for (activity, definition) in definitions {
        canon::learn_definition(transaction, activity, definition)?;
    }
    if let Some(display) = display {
        canon::learn_display(transaction, verb, display)?;
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
