//! Pannier against its own hub: what the real LRSs are put through, with nothing to install; and what its disk does to
//! the hub.

use std::path::Path;

use pannier_hub::{Hub, Options, Storage};
use pannier_tests::contents::{options, send};
use pannier_tests::mounted::only_on_a_disk;

pannier_tests::every_scenario!(pannier_tests::lrs::Kind::Hub);

#[test]
fn one_of_two_in_trouble_keeps_the_other_from_nothing() {
    use pannier_tests::lrs::Kind::Hub;
    pannier_tests::two_lrss::one_in_trouble_keeps_the_other_from_nothing(Hub, Hub);
}

/// Set for this test's own process, on a disk of its own.
const ON_A_DISK: &str = "PANNIER_TEST_FOLDER";

#[test]
fn a_content_for_which_the_disk_has_no_room_is_refused_in_words_and_leaves_nothing() {
    if let Some(folder) = std::env::var_os(ON_A_DISK) {
        return on_a_small_disk(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = format!(r#"{ON_A_DISK}="$0" exec "$HUB_TEST" --exact "$HUB_TEST_NAME""#);
    let Some(mut command) = only_on_a_disk("size=4096k", folder.path(), &script) else {
        return;
    };
    let name = "a_content_for_which_the_disk_has_no_room_is_refused_in_words_and_leaves_nothing";
    let command = command
        .env("HUB_TEST", std::env::current_exe().expect("this program"))
        .env("HUB_TEST_NAME", name);
    let output = command.output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

fn on_a_small_disk(folder: &Path) {
    let options = Options {
        storage: Storage::File(folder.join("hub.db")),
        ..options()
    };
    let hub = Hub::start(&options).expect("a hub");
    let files = || {
        let entries = std::fs::read_dir(folder.join("hub.db.content")).expect("a folder");
        entries.count() - 1
    };
    assert!(send(&hub, 1, &vec![1; 1 << 20]).starts_with("HTTP/1.1 200 "));
    assert_eq!(files(), 1);
    for seed in 0..3 {
        let answer = send(&hub, 2, &vec![seed; 8 << 20]);
        assert!(answer.starts_with("HTTP/1.1 507 "), "{answer}");
        assert!(answer.contains("disk is full"), "{answer}");
        assert_eq!(files(), 1);
    }
    // There is as much room as before.
    assert!(send(&hub, 9, &vec![2; 1 << 20]).starts_with("HTTP/1.1 200 "));
    assert_eq!(files(), 2);
}
