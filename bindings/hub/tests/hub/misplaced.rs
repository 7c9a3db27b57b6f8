//! A store that somebody deletes or replaces while the hub has it open: what is answered 200 is there after a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pannier_hub::{Hub, Options, Storage};
use tempfile::TempDir;

use crate::attachments::{send, sha2};
use crate::client::{Lrs, id, statement};
use crate::contents::{contents_of, long, whole, with};

/// A hub with its store in a folder, and what it tells of that.
struct Kept {
    lrs: Lrs,
    told: Arc<Mutex<Vec<String>>>,
    desk: TempDir,
}

impl Kept {
    fn start() -> Self {
        let desk = tempfile::tempdir().unwrap();
        fs::create_dir(desk.path().join("data")).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let hearing = told.clone();
        let options = Options {
            notice: Some(Arc::new(move |what| {
                hearing.lock().unwrap().push(what.to_owned());
            })),
            ..options(&desk.path().join("data/hub.db"))
        };
        let lrs = Lrs::of(Hub::start(&options).unwrap());
        Self { lrs, told, desk }
    }

    fn folder(&self) -> PathBuf {
        self.desk.path().join("data")
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.folder().join(format!("hub.db{suffix}"))
    }

    fn delete(&self, suffixes: &[&str]) {
        for suffix in suffixes {
            fs::remove_file(self.file(suffix)).unwrap();
        }
    }

    /// Makes a copy of the store as it is now.
    fn older(&self) -> PathBuf {
        let older = self.desk.path().join("older.db");
        let connection = rusqlite::Connection::open(self.file("")).unwrap();
        let copied = connection.execute("VACUUM INTO ?", [older.to_str().unwrap()]);
        copied.unwrap();
        older
    }

    /// Takes in another statement, and returns its id.
    fn store(&self) -> String {
        let id = id();
        assert_eq!(self.lrs.stored(&statement(&id)), [id.as_str()]);
        id
    }

    /// Everything is refused, with a sentence that has these words.
    fn refuses(&self, words: &str) {
        for answer in [self.lrs.post(&statement(&id())), self.lrs.get(&[])] {
            let error = answer.refused(503)["error"].to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    /// Returns what was told since.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn told_once(&self, words: &str) {
        let told = self.told();
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    }

    /// Checks that these are all that is there, newest first, where the hub is killed now, and where it ends well.
    fn outlives(self, ids: &[String]) {
        let killed = self.desk.path().join("killed");
        fs::create_dir(&killed).unwrap();
        for suffix in ["", "-wal"] {
            let name = format!("hub.db{suffix}");
            fs::copy(self.file(suffix), killed.join(name)).unwrap();
        }
        assert_eq!(ids_in(&killed.join("hub.db")), ids);
        let file = self.file("");
        self.lrs.hub.shutdown().unwrap();
        assert_eq!(ids_in(&file), ids);
        let ended = rusqlite::Connection::open(&file).unwrap();
        let check = "PRAGMA integrity_check";
        let found = ended.query_row(check, [], |row| row.get::<_, String>(0));
        assert_eq!(found.unwrap(), "ok");
        for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains("again"), "{name} was left");
        }
    }
}

fn options(store: &Path) -> Options {
    Options {
        storage: Storage::File(store.to_owned()),
        ..Options::new("me", "secret")
    }
}

/// Starts another hub on a store, and returns the ids in it.
fn ids_in(store: &Path) -> Vec<String> {
    Lrs::of(Hub::start(&options(store)).unwrap()).ids(&[])
}

#[test]
fn a_deleted_store_is_put_back_with_all_that_was_in_it() {
    for deleted in [
        &[""][..],
        &["", "-wal", "-shm"],
        &["", "-wal"],
        &["", "-shm"],
    ] {
        let kept = Kept::start();
        let before = kept.store();
        kept.delete(deleted);
        let at_once = kept.store();
        kept.told_once("was deleted while the hub had it open, and is written again");
        let later = kept.store();
        assert_eq!(kept.lrs.ids(&[]).len(), 3);
        assert_eq!(kept.told(), [""; 0], "{deleted:?}");
        kept.outlives(&[later, at_once, before]);
    }
}

/// Pages of a log that was begun again after a thousand have other places in what is written again.
#[test]
fn a_log_that_is_left_is_not_read_into_what_is_put_back() {
    let kept = Kept::start();
    let mut before: Vec<String> = (0..300).map(|_| id()).collect();
    for ids in before.chunks(10) {
        let long = ids.iter().map(|id| {
            let mut long = statement(id);
            long["result"] = serde_json::json!({"response": "x".repeat(20_000)});
            long
        });
        kept.lrs.stored(&long.collect());
    }
    kept.delete(&[""]);
    before.push(kept.store());
    before.reverse();
    kept.outlives(&before);
}

#[test]
fn a_store_without_its_log_gets_another() {
    for deleted in [&["-wal"][..], &["-shm"], &["-wal", "-shm"]] {
        let kept = Kept::start();
        let before = kept.store();
        kept.delete(deleted);
        let at_once = kept.store();
        kept.told_once("no statement is lost");
        assert!(deleted.iter().all(|suffix| kept.file(suffix).exists()));
        let later = kept.store();
        assert_eq!(kept.told(), [""; 0], "{deleted:?}");
        kept.outlives(&[later, at_once, before]);
    }
}

/// However often it happens, and whoever asks first.
#[test]
fn a_look_up_puts_it_back_too() {
    let kept = Kept::start();
    let mut ids = vec![kept.store()];
    for deleted in [
        &["", "-wal", "-shm"][..],
        &[""],
        &["-wal"],
        &["", "-wal", "-shm"],
    ] {
        kept.delete(deleted);
        assert_eq!(kept.lrs.ids(&[]), ids);
        assert!(kept.file("").exists() && kept.file("-wal").exists());
        assert_eq!(kept.told().len(), 1);
        ids.insert(0, kept.store());
    }
    kept.outlives(&ids);
}

#[test]
fn only_its_owner_may_read_what_is_put_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let kept = Kept::start();
    kept.store();
    fs::remove_dir_all(kept.folder()).unwrap();
    kept.store();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(kept.folder()), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(kept.file(suffix)), 0o600, "{suffix}");
    }
}

/// Contents in files have no copy in the open database: those that are gone are named, and can be sent again.
#[test]
fn a_folder_that_is_gone_is_put_back_but_for_contents() {
    let kept = Kept::start();
    let (one, two) = (long(1), long(2));
    let lost = with(&[&one]);
    assert_eq!(send(&kept.lrs, whole(&lost, &[&one])).status, 200);
    fs::remove_dir_all(kept.folder()).unwrap();
    let at_once = kept.store();
    kept.told_once(&format!("contents lost or damaged: 1 ({})", sha2(&one)));
    let after = with(&[&two]);
    let sent = send(&kept.lrs, whole(&after, &[&two]));
    assert_eq!(sent.status, 200, "{}", sent.text());
    let ask = || {
        kept.lrs
            .get(&[("attachments", "true"), ("ascending", "true")])
    };
    assert_eq!(contents_of(&ask()), std::slice::from_ref(&two));
    assert_eq!(send(&kept.lrs, whole(&lost, &[&one])).status, 200);
    assert_eq!(contents_of(&ask()), [one, two]);
    let id_of = |statement: &serde_json::Value| statement["id"].as_str().unwrap().to_owned();
    kept.outlives(&[id_of(&after), at_once, id_of(&lost)]);
}

#[test]
fn a_request_with_contents_puts_it_back_too() {
    let kept = Kept::start();
    let before = kept.store();
    fs::remove_dir_all(kept.folder()).unwrap();
    let content = long(1);
    let statement = with(&[&content]);
    let sent = send(&kept.lrs, whole(&statement, &[&content]));
    assert_eq!(sent.status, 200, "{}", sent.text());
    kept.told_once("is written again");
    kept.outlives(&[statement["id"].as_str().unwrap().to_owned(), before]);
}

#[test]
fn contents_that_are_deleted_alone_can_be_sent_again() {
    let kept = Kept::start();
    let content = long(1);
    let statement = with(&[&content]);
    assert_eq!(send(&kept.lrs, whole(&statement, &[&content])).status, 200);
    fs::remove_dir_all(kept.file(".content")).unwrap();
    assert_eq!(send(&kept.lrs, whole(&statement, &[&content])).status, 200);
    let answer = kept.lrs.get(&[("attachments", "true")]);
    assert_eq!(contents_of(&answer), [content]);
}

#[test]
fn another_file_in_its_place_is_left_alone_and_everything_is_refused() {
    for suffix in ["", "-wal", "-shm"] {
        let kept = Kept::start();
        let before = kept.store();
        let (file, aside) = (kept.file(suffix), kept.folder().join("aside"));
        fs::rename(&file, &aside).unwrap();
        fs::write(&file, "somebody else's").unwrap();
        kept.refuses(&format!("another file is in the place of hub.db{suffix}"));
        kept.refuses("put back the one that was there, or start the hub again");
        kept.told_once("every request is refused");
        assert_eq!(fs::read(&file).unwrap(), b"somebody else's");
        fs::rename(&aside, &file).unwrap();
        let after = kept.store();
        kept.told_once("is in place");
        kept.outlives(&[after, before]);
    }
}

/// The database is gone, and somebody else's file has the name of its log.
#[test]
fn another_log_beside_a_deleted_store_is_left_alone() {
    let kept = Kept::start();
    let before = kept.store();
    kept.delete(&["", "-wal", "-shm"]);
    fs::write(kept.file("-wal"), "somebody else's").unwrap();
    kept.refuses("another file is in the place of hub.db-wal");
    assert_eq!(fs::read(kept.file("-wal")).unwrap(), b"somebody else's");
    assert!(!kept.file("").exists());
    kept.delete(&["-wal"]);
    let after = kept.store();
    kept.outlives(&[after, before]);
}

#[test]
fn an_older_store_in_its_place_is_another_file() {
    let kept = Kept::start();
    let before = kept.store();
    let older = kept.older();
    kept.store();
    fs::rename(&older, kept.file("")).unwrap();
    kept.refuses("another file is in the place of hub.db");
    kept.told_once("every request is refused");
    // Whoever starts the hub again has what was put there, and no page of the log that belongs to the other one.
    kept.outlives(&[before]);
}

/// Nobody asks between that and the end.
#[test]
fn no_log_is_left_beside_an_older_store() {
    let kept = Kept::start();
    let before = kept.store();
    let older = kept.older();
    kept.store();
    fs::rename(&older, kept.file("")).unwrap();
    let file = kept.file("");
    let length = |suffix| fs::metadata(kept.file(suffix)).map_or(0, |found| found.len());
    assert!(length("-wal") > 0);
    let Kept { lrs, desk, .. } = kept;
    lrs.hub.shutdown().unwrap();
    assert_eq!(ids_in(&file), [before]);
    drop(desk);
}

/// What a program that has the store open would read and write is not taken away from under it.
#[test]
fn a_store_without_its_log_that_others_have_open_waits_for_them() {
    let kept = Kept::start();
    let before = kept.store();
    let other = rusqlite::Connection::open(kept.file("")).unwrap();
    let read = "SELECT count(*) FROM statement";
    let count = |other: &rusqlite::Connection| other.query_row(read, [], |row| row.get(0));
    assert_eq!(count(&other), Ok(1));
    kept.delete(&["-wal"]);
    kept.refuses(
        "the log of hub.db was deleted while the hub has it open, and cannot be begun again",
    );
    kept.refuses("another program has it open; see to that, or start the hub again");
    kept.told_once("every request is refused");
    drop(other);
    let after = kept.store();
    kept.told_once("no statement is lost");
    kept.outlives(&[after, before]);
}

#[test]
fn what_cannot_be_put_back_is_refused_until_it_can() {
    let kept = Kept::start();
    let before = kept.store();
    fs::remove_dir_all(kept.folder()).unwrap();
    fs::write(kept.folder(), "no folder").unwrap();
    kept.refuses("hub.db was deleted while the hub has it open, and cannot be put back");
    kept.refuses("see to that before the hub stops, or its statements are gone");
    kept.told_once("every request is refused");
    fs::remove_file(kept.folder()).unwrap();
    let after = kept.store();
    kept.told_once("is written again");
    kept.outlives(&[after, before]);
}

/// As where a disk was taken away, and what would be written in its place is hidden once it is there again.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_put_back_on_another_disk() {
    use std::os::unix::fs::MetadataExt as _;
    let kept = Kept::start();
    let before = kept.store();
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    let disk = |path: &Path| fs::metadata(path).unwrap().dev();
    assert_ne!(
        disk(other.path()),
        disk(&kept.file("")),
        "there is one disk"
    );
    fs::remove_dir_all(kept.folder()).unwrap();
    std::os::unix::fs::symlink(other.path(), kept.folder()).unwrap();
    kept.refuses("its folder is on another disk now");
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    fs::remove_file(kept.folder()).unwrap();
    let after = kept.store();
    kept.outlives(&[after, before]);
}

/// Names are not made over, whatever a link leads to.
#[test]
fn a_store_behind_a_link_is_put_back_where_it_was() {
    let desk = tempfile::tempdir().unwrap();
    let (real, link) = (desk.path().join("real.db"), desk.path().join("link.db"));
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let lrs = Lrs::of(Hub::start(&options(&link)).unwrap());
    let (one, two) = (id(), id());
    lrs.stored(&statement(&one));
    fs::remove_file(&real).unwrap();
    lrs.stored(&statement(&two));
    assert!(real.exists());
    lrs.hub.shutdown().unwrap();
    assert_eq!(ids_in(&link), [two, one]);
}
