//! Where statements go, in a file that has gone back in time or is damaged.

use super::older_copy::{files, lost, put_back, record};
use super::two_upstreams::damage_schema;
use super::voidings::{copy_of, put};
use crate::store::tests::{MAIN, NOW, append, file, open};
use crate::store::{Db, Remainder, Route};

/// Something that an app changes about where statements go.
type Change = fn(&mut Db);

/// Credentials must not go where an LRS was given up: who changed that said it to a file that is gone.
#[test]
fn where_statements_go_is_asked_again_after_an_older_copy() {
    let exams = Route::all().of_verbs(["http://example.com/passed"]);
    let changes: [Change; 5] = [
        |db| db.set_endpoint(MAIN, "https://new.example/xAPI").unwrap(),
        |db| {
            let second = db.named("second").unwrap();
            db.set_endpoint(second, "https://new.example/xAPI").unwrap();
        },
        |db| {
            let second = db.named("second").unwrap();
            db.set_route(second, &Route::all()).unwrap();
        },
        |db| {
            let removed = db.remove_upstream("second", Remainder::Discard, NOW);
            assert!(removed.is_ok());
        },
        |db| {
            let third = "https://third.example/xAPI";
            db.add_upstream_at("third", third, &Route::all()).unwrap();
        },
    ];
    for change in changes {
        let (folder, path) = file();
        let mut db = open(&path);
        db.set_endpoint(MAIN, "https://old.example/xAPI").unwrap();
        db.add_upstream_at("second", "https://second.example/xAPI", &exams)
            .unwrap();
        record(&mut db, 1..=2);
        db.checkpoint().unwrap();
        let older = files(folder.path());
        change(&mut db);
        db.keep_numbers();
        // The same copy may be put back again.
        for _ in 0..2 {
            db = put_back(db, folder.path(), &older);
            for upstream in db.upstreams().unwrap() {
                assert_eq!(db.upstream(upstream).unwrap().endpoint, None);
            }
            let told = db.loss().unwrap().unwrap();
            assert_eq!((told.saved, told.lost), (0, 0));
            assert!(
                told.damage.contains("address has to be given again"),
                "{told:?}"
            );
        }
        // Told anew, it is as it was told; one that has no endpoint is not another one.
        let second = db
            .add_upstream_at("second", "https://newer.example/xAPI", &Route::all())
            .unwrap();
        db.set_endpoint(MAIN, "https://newer.example/xAPI").unwrap();
        db.keep_numbers();
        drop(db);
        let db = open(&path);
        for upstream in [MAIN, second] {
            let known = db.upstream(upstream).unwrap();
            assert_eq!(
                known.endpoint.as_deref(),
                Some("https://newer.example/xAPI")
            );
            assert!(known.route.is_all());
        }
    }
}

/// What was recorded since says nothing of where statements go.
#[test]
fn an_older_copy_of_the_same_endpoints_keeps_them() {
    let (folder, path) = file();
    let mut db = open(&path);
    let endpoint = "https://lrs.example/xAPI";
    db.set_endpoint(MAIN, endpoint).unwrap();
    record(&mut db, 1..=2);
    db.checkpoint().unwrap();
    let older = files(folder.path());
    record(&mut db, 3..=4);
    // As each opening says it.
    db.set_endpoint(MAIN, endpoint).unwrap();
    db.keep_numbers();
    let db = put_back(db, folder.path(), &older);
    assert_eq!(
        db.upstream(MAIN).unwrap().endpoint.as_deref(),
        Some(endpoint)
    );
    assert_eq!(lost(&db), Some((0, 2)));
}

type Damage = fn(&mut [u8]);

/// Of a page that has statements and nothing else.
fn damage_page(file: &mut [u8]) {
    let word = b"http://example.com/30\"";
    let at = file.windows(word.len()).position(|part| part == word);
    let page = at.unwrap() / 4096 * 4096;
    file[page..page + 8].fill(0xff);
}

/// The first is met once the file is open, the second before.
const DAMAGES: [Damage; 2] = [damage_page, damage_schema];

#[test]
fn a_damaged_file_keeps_endpoints_and_routes_unless_it_is_older() {
    let ages = [false, true].into_iter();
    for (is_older, damage) in ages.flat_map(|older| DAMAGES.map(|damage| (older, damage))) {
        let (_folder, path) = file();
        let mut db = open(&path);
        let route = Route::all().of_activities(["http://example.com/"]);
        db.set_endpoint(MAIN, "https://lrs.example/xAPI").unwrap();
        db.set_route(MAIN, &route).unwrap();
        db.add_upstream_at("second", "https://second.example/xAPI", &route)
            .unwrap();
        for n in 1..=60 {
            append(&mut db, n).unwrap();
        }
        let mut bytes = copy_of(&mut db, &path);
        if is_older {
            db.set_endpoint(MAIN, "https://new.example/xAPI").unwrap();
            db.keep_numbers();
        }
        drop(db);
        damage(&mut bytes);
        let db = put(&path, &bytes);
        let told = db.loss().unwrap().unwrap();
        assert!(told.saved > 40, "{told:?}");
        let asks = told.damage.contains("address has to be given again");
        assert_eq!(asks, is_older, "{told:?}");
        for (upstream, endpoint) in [
            (MAIN, "https://lrs.example/xAPI"),
            (db.named("second").unwrap(), "https://second.example/xAPI"),
        ] {
            let known = db.upstream(upstream).unwrap();
            assert_eq!(known.endpoint.as_deref(), (!is_older).then_some(endpoint));
            assert_eq!(known.route, route);
        }
    }
}
