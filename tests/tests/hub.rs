//! Pannier against its own hub: what the real LRSs are put through, with nothing to install; and what its disk does to
//! the hub.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use pannier_hub::{Hub, Options, Running, Storage};
use pannier_tests::mounted::only_on_a_disk;

pannier_tests::every_scenario!(pannier_tests::lrs::Kind::Hub);

#[test]
fn one_of_two_in_trouble_keeps_the_other_from_nothing() {
    use pannier_tests::lrs::Kind::Hub;
    pannier_tests::two_lrss::one_in_trouble_keeps_the_other_from_nothing(Hub, Hub);
}

/// Set for this test's own process, on a disk of its own.
const ON_A_DISK: &str = "PANNIER_TEST_FOLDER";

/// Sends a statement with a content of so many bytes, and gives the answer and the status in it.
fn send(hub: &Running, content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    let hex: Vec<String> = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (sha2, length) = (hex.concat(), content.len());
    let statement = format!(
        r#"{{"actor":{{"mbox":"mailto:ada@example.com"}},"verb":{{"id":"http://v.example/"}},"object":{{"id":"http://o.example/"}},"attachments":[{{"usageType":"http://u.example/","display":{{"en":"a film"}},"contentType":"video/mp4","length":{length},"sha2":"{sha2}"}}]}}"#
    );
    let start = format!(
        "--b\r\nContent-Type: application/json\r\n\r\n{statement}\r\n--b\r\n\
         Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\n"
    );
    let end = "\r\n--b--";
    let head = format!(
        "POST /xAPI/statements HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\
         Authorization: Basic bWU6c2VjcmV0\r\nX-Experience-API-Version: 2.0.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\nContent-Length: {}\r\n\r\n",
        start.len() + length + end.len()
    );
    let mut stream = TcpStream::connect(hub.addr()).expect("the hub listens");
    for bytes in [head.as_bytes(), start.as_bytes(), content, end.as_bytes()] {
        stream.write_all(bytes).expect("sent");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

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
        ..Options::new("me", "secret")
    };
    let hub = Hub::start(&options).expect("a hub");
    let files = || {
        let entries = std::fs::read_dir(folder.join("hub.db.content")).expect("a folder");
        entries.count() - 1
    };
    assert!(send(&hub, &vec![1; 1 << 20]).starts_with("HTTP/1.1 200 "));
    assert_eq!(files(), 1);
    for seed in 0..3 {
        let answer = send(&hub, &vec![seed; 8 << 20]);
        assert!(answer.starts_with("HTTP/1.1 507 "), "{answer}");
        assert!(answer.contains("disk is full"), "{answer}");
        assert_eq!(files(), 1);
    }
    // There is as much room as before.
    assert!(send(&hub, &vec![2; 1 << 20]).starts_with("HTTP/1.1 200 "));
    assert_eq!(files(), 2);
}
