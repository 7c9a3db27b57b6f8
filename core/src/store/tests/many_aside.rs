//! However many wait aside, a batch costs the same.

use rusqlite::StatementStatus;

use crate::store::queue::next_batch::{
    SUSPECT, WAIT_FOR_ANOTHER_NODE, WAIT_FOR_TARGET, WAIT_FOR_TIME, WAIT_FOR_VERSION, WAIT_TOO_LONG,
};
use crate::store::tests::{
    MAIN, NOW, US, any_contents, check, clocks, file, open, settle, statement,
};
use crate::store::{Db, HistoryPolicy, Limits, NextBatch, Outcome, Row};

fn limits(speaks_2_0: bool) -> Limits {
    Limits {
        statements: 5,
        bytes: usize::MAX,
        speaks_2_0,
        contents: any_contents(),
        clocks: clocks(),
        after: 0,
        beside_others: false,
    }
}

/// One look, and whether there is more to look at.
fn look(db: &mut Db, speaks_2_0: bool) -> (Vec<Row>, bool) {
    match db
        .next_batch(MAIN, US, &limits(speaks_2_0), NOW, NOW + 60_000)
        .unwrap()
    {
        NextBatch::Rows { rows, more, .. } => (rows, more),
        NextBatch::LeaseLost => panic!("the lease is lost"),
    }
}

/// Returns how many of its own steps SQLite takes for it, and how many rows come of it.
fn steps(db: &Db, sql: &str, params: &[i64]) -> (i32, usize) {
    let mut query = db.conn.prepare(sql).unwrap();
    let mut rows = query.query(rusqlite::params_from_iter(params)).unwrap();
    let mut count = 0;
    while rows.next().unwrap().is_some() {
        count += 1;
    }
    drop(rows);
    (query.get_status(StatementStatus::VmStep), count)
}

/// So many statements, all aside for that reason; with voidings as many more, which wait for them.
fn aside(db: &mut Db, many: u128, held: bool, reason: &str, voidings: bool) {
    let mut all: Vec<_> = (1..=many).map(statement).collect();
    if voidings {
        all.extend((1..=many).map(|n| {
            let mut voiding = statement(many + n);
            voiding.voids = Some(statement(n).id);
            voiding
        }));
    }
    let count = all.len();
    db.append(&[&all], NOW).remove(0).unwrap();
    let (targets, held_code) = (many as i64, i64::from(held));
    db.conn
        .execute_batch(&format!(
            "INSERT INTO aside (seq, upstream, held, reason, since, due)
             SELECT seq, 1, {held_code}, '{reason}', {NOW}, iif('{reason}' IN ('suspect', 'retry', 'future'), {NOW}, NULL)
             FROM statement WHERE seq <= {targets};
             INSERT INTO aside (seq, upstream, held, reason, since)
             SELECT seq, 1, 0, 'target', {NOW} FROM statement WHERE seq > {targets};
             UPDATE upstream SET delivered_through = {count}, held = {held_code} * {targets},
                waiting = {count} - {held_code} * {targets},
                settled_bytes = (SELECT max(ends_at) FROM statement);"
        ))
        .unwrap();
    check(db);
    db.claim(MAIN, US, false, NOW, NOW + 60_000).unwrap();
}

/// One that was held is delivered all the same.
fn deliver_held(db: &mut Db, n: u128) {
    db.conn
        .execute_batch(&format!(
            "DELETE FROM aside WHERE seq = {n};
             UPDATE upstream SET held = held - 1, delivered = delivered + 1;"
        ))
        .unwrap();
}

#[test]
fn a_look_costs_the_same_however_many_wait_aside() {
    // What each asks for is bounded by the bound that is documented for one transaction.
    let most = 500;
    for (sql, params, reason, held, voidings) in [
        (WAIT_FOR_TARGET, vec![0, most, 1], "refused", true, true),
        (WAIT_FOR_VERSION, vec![most, 1], "version", false, false),
        (WAIT_FOR_TIME, vec![NOW, most, 1], "future", false, false),
        (
            WAIT_FOR_ANOTHER_NODE,
            vec![NOW, most, 1],
            "version",
            false,
            false,
        ),
        (
            WAIT_TOO_LONG,
            vec![NOW - 1, most, 1],
            "future",
            false,
            false,
        ),
        (SUSPECT, vec![NOW, NOW + 1, 1], "suspect", false, false),
        (SUSPECT, vec![NOW, NOW + 1, 1], "retry", false, false),
    ] {
        let cost = [1_000, 6_000].map(|many| {
            let (_folder, path) = file();
            let mut db = open(&path);
            aside(&mut db, many, held, reason, voidings);
            if sql == WAIT_FOR_ANOTHER_NODE {
                let due = format!("UPDATE aside SET due = {NOW}");
                db.conn.execute_batch(&due).unwrap();
            }
            let plan: Vec<String> = db
                .conn
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map(rusqlite::params_from_iter(&params), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let looks = plan.iter().filter(|step| step.contains(" aside"));
            for look in looks {
                assert!(
                    look.contains("SEARCH aside USING COVERING INDEX"),
                    "{plan:?}"
                );
            }
            steps(&db, sql, &params)
        });
        assert_eq!(cost[0], cost[1], "{reason}");
        assert!(cost[0].1 > 0, "{reason}");
    }
}

#[test]
fn no_more_are_looked_at_than_one_transaction_may() {
    for reason in ["version", "future"] {
        let (_folder, path) = file();
        let mut db = open(&path);
        aside(&mut db, 1_200, true, "refused", true);
        db.conn
            .execute_batch(&format!(
                "UPDATE aside SET reason = '{reason}', due = iif('{reason}' = 'future', {NOW}, NULL) WHERE held = 0"
            ))
            .unwrap();
        // Each must wait for its target now, which is written down.
        assert_eq!(look(&mut db, true), (Vec::new(), true));
        let changed: i64 = db
            .conn
            .query_row(
                "SELECT count(*) FROM aside WHERE reason = 'target'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(changed, 500, "{reason}");
    }
}

/// What looking again and again finds, in a few looks.
fn found(db: &mut Db) -> Vec<uuid::Uuid> {
    for _ in 0..20 {
        let (rows, more) = look(db, true);
        if !rows.is_empty() || !more {
            return rows.iter().map(|row| row.id).collect();
        }
    }
    panic!("it goes round and round");
}

#[test]
fn of_many_voidings_the_one_whose_target_is_delivered_is_found() {
    let many = 1_700;
    for lucky in [1, 499, 500, 501, 1_000, 1_700] {
        let (_folder, path) = file();
        let mut db = open(&path);
        aside(&mut db, many, true, "refused", true);
        // The walk is in the middle when the target is delivered.
        db.append(&[&vec![statement(100_000)]], NOW)
            .remove(0)
            .unwrap();
        let (rows, _) = look(&mut db, true);
        assert_eq!(rows.len(), 1);
        settle(
            &mut db,
            &[rows[0].seq],
            &Outcome::Delivered,
            HistoryPolicy::None,
        );
        deliver_held(&mut db, lucky);
        let ids = found(&mut db);
        assert_eq!(ids, [statement(many + lucky).id], "{lucky}");
    }
}

#[test]
fn voidings_that_waited_for_the_version_make_room_for_others() {
    let (_folder, path) = file();
    let mut db = open(&path);
    aside(&mut db, 1_200, true, "refused", true);
    db.conn
        .execute_batch("UPDATE aside SET reason = 'version' WHERE held = 0")
        .unwrap();
    deliver_held(&mut db, 1_200);
    assert_eq!(look(&mut db, false), (Vec::new(), false));
    let ids = found(&mut db);
    assert_eq!(ids, [statement(2_400).id]);
    check(&db);
}
