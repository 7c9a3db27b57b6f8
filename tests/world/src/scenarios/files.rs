//! Files as people have them: with byte order marks, as arrays, pretty-printed, torn, in UTF-16.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::Scenario;
use crate::device::{Device, Ran, id, lines, number, sample};

pub const ALL: &[Scenario] = &[
    Scenario::new("a_byte_order_mark_before_a_file_is_skipped", || {
        both_read(&[b"\xef\xbb\xbf", &lines(&three())[..]].concat(), 3);
    }),
    Scenario::new("an_array_is_read", || {
        both_read(json!(three()).to_string().as_bytes(), 3);
    }),
    Scenario::new("an_array_after_a_byte_order_mark_is_read", || {
        both_read(format!("\u{feff}{}", json!(three())).as_bytes(), 3);
    }),
    Scenario::new("json_lines_are_read", || both_read(&lines(&three()), 3)),
    Scenario::new(
        "json_lines_with_empty_ones_and_carriage_returns_are_read",
        || {
            let text = three()
                .iter()
                .map(|one| format!("{one}\r\n\r\n"))
                .collect::<Vec<_>>()
                .concat();
            both_read(text.as_bytes(), 3);
        },
    ),
    Scenario::new(
        "pretty_printed_statements_one_after_another_are_read",
        || {
            let text = three()
                .iter()
                .map(|one| format!("{one:#}\n"))
                .collect::<Vec<_>>()
                .concat();
            both_read(text.as_bytes(), 3);
        },
    ),
    Scenario::new("an_lrss_answer_to_a_query_is_read", || {
        let answer = json!({"statements": three(), "more": "/xAPI/statements?more=2"});
        both_read(answer.to_string().as_bytes(), 3);
    }),
    Scenario::new("utf_16_is_named", utf_16_is_named),
    Scenario::new("a_torn_first_line_costs_itself_alone", || torn(0)),
    Scenario::new("a_torn_line_in_the_middle_costs_itself_alone", || torn(2)),
    Scenario::new("a_torn_last_line_costs_itself_alone", || torn(3)),
    Scenario::new("an_invalid_one_of_a_pretty_printed_file_is_skipped", || {
        let mut all = three();
        all.insert(1, json!({"actor": "nobody"}));
        let text = all
            .iter()
            .map(|one| format!("{one:#}\n"))
            .collect::<Vec<_>>()
            .concat();
        skips(text.as_bytes(), 3);
    }),
    Scenario::new("an_invalid_one_of_an_array_is_skipped", || {
        let mut all = three();
        all.insert(1, json!({"actor": "nobody"}));
        skips(json!(all).to_string().as_bytes(), 3);
    }),
    Scenario::new(
        "an_attachment_without_content_is_skipped",
        an_attachment_without_content,
    ),
    Scenario::new(
        "one_id_with_two_contents_is_skipped",
        one_id_with_two_contents,
    ),
    Scenario::new("without_skip_invalid_all_or_none_is_recorded", all_or_none),
    Scenario::new("a_million_numbers_are_told_of_in_a_page", a_million_numbers),
    Scenario::new(
        "a_language_tag_of_a_megabyte_takes_no_minute",
        a_long_language_tag,
    ),
    Scenario::new(
        "a_thousand_faults_under_a_long_name_take_no_minute",
        a_long_name,
    ),
    Scenario::new(
        "a_voiding_of_itself_is_refused",
        a_voiding_of_itself_is_refused,
    ),
    Scenario::new(
        "two_that_void_each_other_do_not_wait_for_ever",
        two_that_void_each_other,
    ),
    Scenario::new("iris_are_checked", iris_are_checked),
    Scenario::new("mailboxes_are_checked", mailboxes_are_checked),
    Scenario::new("empty_objects_are_warned_of", empty_objects_are_warned_of),
    Scenario::new(
        "the_basic_format_of_time_is_a_matter_of_the_version",
        the_basic_format,
    ),
];

fn three() -> Vec<Value> {
    (0..3).map(sample).collect()
}

/// `check` and `record` read so many good ones in this file.
fn both_read(bytes: &[u8], count: usize) {
    let device = Device::new();
    let file = device.file("statements.json", bytes);
    let checked = device.run(&["check", &file]).ended(0);
    let valid = checked
        .lines()
        .into_iter()
        .filter(|line| line["valid"] == true);
    assert_eq!(valid.count(), count, "{checked}");
    let ran = device.run(&["record", &file]).ended(0);
    let ids: BTreeSet<_> = ran
        .lines()
        .iter()
        .map(|line| line["id"].to_string())
        .collect();
    assert_eq!(ids.len(), count, "{ran}");
    assert_eq!(number(&device.status()["queued"]), count as u64);
}

/// Just these ids are in the queue.
fn queued(device: &Device) -> BTreeSet<String> {
    let listed = device.run(&["queue"]).ended(0).lines();
    listed.iter().map(crate::http::id_of).collect()
}

/// `record --skip-invalid` takes so many good ones and says by its exit code that something is left.
fn skips(bytes: &[u8], good: usize) -> Ran {
    let device = Device::new();
    let file = device.file("statements.json", bytes);
    let ran = device.run(&["record", "--skip-invalid", &file]).ended(1);
    let expected: BTreeSet<_> = (0..good).map(id).collect();
    assert_eq!(queued(&device), expected, "{ran}");
    // Whatever it says of one, it says where: in this file, and at which line.
    let mut faults = ran.lines();
    faults.retain(|line| line["id"].is_null());
    assert!(!faults.is_empty(), "it says nothing of the others: {ran}");
    for fault in faults {
        let place = fault["place"].as_str().unwrap_or_default();
        assert!(place.contains("statements.json:"), "{fault}");
    }
    ran
}

fn torn(at: usize) {
    let mut all: Vec<String> = three().iter().map(ToString::to_string).collect();
    all.insert(
        at,
        r#"{"id": "5a3f1c2e-7b64-4d0a-9c11-0000000000ff", "actor": {"mbox": "mailto:le"#.into(),
    );
    let ran = skips(all.join("\n").as_bytes(), 3);
    let place = format!("statements.json:{}", at + 1);
    let named = ran
        .lines()
        .into_iter()
        .filter(|line| line["place"] == place.as_str());
    assert!(named.count() == 1 || ran.stdout.contains(&place), "{ran}");
}

fn utf_16_is_named() {
    let text = lines(&three());
    let text = String::from_utf8(text).expect("text");
    let little = text.encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(little).collect();
    let device = Device::new();
    let file = device.file("statements.json", bytes);
    for command in ["check", "record"] {
        let ran = device.run(&[command, &file]).ended(2);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("UTF-16"), "{ran}");
    }
}

/// It cannot be delivered whole, so it is not taken, and the others are.
fn an_attachment_without_content() {
    let mut one = sample(9);
    one["attachments"] = json!([{
        "usageType": "https://example.com/photo",
        "display": {"en": "photo"},
        "contentType": "image/png",
        "length": 5,
        "sha2": "0a1b".repeat(16),
    }]);
    let mut all = three();
    all.insert(1, one);
    let ran = skips(&lines(&all), 3);
    assert!(
        ran.stdout.contains("statements.json:2") || ran.stderr.contains("statements.json:2"),
        "{ran}"
    );
}

fn one_id_with_two_contents() {
    let mut other = sample(1);
    other["result"]["score"]["scaled"] = json!(0.75);
    let mut all = three();
    all.push(other);
    let ran = skips(&lines(&all), 3);
    assert!(
        ran.stdout.contains("statements.json:4") || ran.stderr.contains("statements.json:4"),
        "{ran}"
    );
}

fn all_or_none() {
    let mut all = three();
    all.push(json!({"verb": {}}));
    let device = Device::new();
    let file = device.file("statements.json", lines(&all));
    device.run(&["record", &file]).ended(1);
    device.feed(&["record", "-"], &lines(&[sample(7)])).ended(0);
    assert_eq!(queued(&device), BTreeSet::from([id(7)]));
}

/// A person is told the first faults and a count, not a hundred megabytes.
fn a_million_numbers() {
    let device = Device::new();
    let file = device.file("ones.json", "1\n".repeat(1_000_000));
    for command in ["record", "check"] {
        let ran = Device::run_it(device.command(&[command, &file])).ended(1);
        let said = ran.stdout.len() + ran.stderr.len();
        assert!(said < 1 << 13, "{command}: {said} bytes");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("ones.json:1: "), "{command}: {said}");
        let shown = said.matches("ones.json:").count();
        let left_out = format!("{} more faults", 1_000_000 - shown);
        assert!(said.contains(&left_out), "{command}: {said}");
        assert!(
            said.contains("--all-faults"),
            "how to see all of them: {said}"
        );
        // A program is told no more.
        let ran = device.run(&[command, &file]).ended(1);
        let told = ran.stdout.len() + ran.stderr.len();
        assert!(told < 1 << 15, "{command} --json: {told} bytes");
    }
    // Who asks for all of them gets all of them, each with its place.
    let file = device.file("some.json", "1\n".repeat(1_000));
    for command in ["record", "check"] {
        let ran = device.run(&[command, "--all-faults", &file]).ended(1);
        let told = ran.lines();
        let places = told.iter().filter_map(|line| line["place"].as_str());
        let places: BTreeSet<&str> = places.collect();
        assert_eq!(places.len(), 1_000, "{command}");
    }
}

/// It is no language; what counts is that somebody says so soon.
fn a_long_language_tag() {
    let mut one = sample(0);
    let variants = (0..120_000).map(|n| format!("-v{n:07}"));
    let tag = format!("en{}", variants.collect::<Vec<_>>().concat());
    one["context"] = json!({"language": tag});
    let device = Device::new();
    let file = device.file("one.json", one.to_string());
    let ran = device
        .start(&["check", &file])
        .wait_for(Duration::from_secs(40))
        .ended(1);
    let last = ran.last();
    assert_eq!(last["valid"], false, "{}", cut(&ran.stdout));
    assert!(
        ran.stdout.contains("context.language"),
        "{}",
        cut(&ran.stdout)
    );
}

fn cut(text: &str) -> String {
    text.chars().take(2000).collect()
}

/// Each of them has to be found beside a name of eight megabytes.
fn a_long_name() {
    let faults = (0..1000).map(|n| format!(r#""x{n}": 1"#));
    let (faults, name) = (faults.collect::<Vec<_>>().join(","), "n".repeat(8 << 20));
    let device = Device::new();
    let file = device.file("one.json", format!(r#"{{"{name}": 1, {faults}}}"#));
    let ran = device
        .start(&["check", &file])
        .wait_for(Duration::from_secs(40))
        .ended(1);
    let said = ran.stdout.len() + ran.stderr.len();
    assert!(said < 4 << 20, "{said} bytes");
}

fn voiding(n: usize, target: usize) -> Value {
    let mut one = sample(n);
    one["verb"] = json!({"id": "http://adlnet.gov/expapi/verbs/voided"});
    one["object"] = json!({"objectType": "StatementRef", "id": id(target)});
    one
}

fn a_voiding_of_itself_is_refused() {
    let device = Device::new();
    let ran = device.feed(&["record", "-"], &lines(&[voiding(0, 0)]));
    ran.ended(1);
}

/// They are refused, or they get there.
fn two_that_void_each_other() {
    let server = crate::http::Server::good();
    let device = Device::new();
    let ran = device.feed(
        &["record", "-"],
        &lines(&[voiding(0, 1), voiding(1, 0), sample(2)]),
    );
    if ran.code == Some(0) {
        device.sync_wait(&server, 5).ended(0);
        assert_eq!(server.lrs.all().len(), 3);
    } else {
        ran.ended(1);
    }
}

/// Whether a statement with this done to it is valid by this version.
fn valid(xapi: &str, change: impl Fn(&mut Value)) -> (bool, Ran) {
    let mut one = sample(0);
    change(&mut one);
    let device = Device::new();
    let file = device.file("one.json", one.to_string());
    let ran = device.run(&["check", "--xapi", xapi, &file]);
    (ran.last()["valid"] == true, ran)
}

/// RFC 3987 and RFC 3986, 3.2: a port is digits, a host in brackets is an address, `http` has a host.
fn iris_are_checked() {
    let good = [
        "http://example.com/",
        "http://example.com:8080/a",
        "http://example.com:/a",
        "http://user:pass@example.com/a",
        "http://[2001:db8::1]:80/a",
        "http://bücher.example/größe",
        "urn:uuid:5a3f1c2e-7b64-4d0a-9c11-000000000000",
        "tag:example.com,2026:quiz",
        "https://例え.jp/テスト",
    ];
    let bad = [
        "http://My quiz/1",
        "http://NAME-urn:scormdriver:5419",
        "http://example.com:80a/",
        "http://[example.com]/",
        "http://exa[mple.com/",
        "http://a@b@example.com/",
        "http:///path",
        "http://",
        "no-scheme",
    ];
    for iri in good {
        let (valid, ran) = valid("2.0.0", |one| one["object"]["id"] = json!(iri));
        assert!(valid, "{iri}: {ran}");
    }
    for iri in bad {
        let (valid, ran) = valid("2.0.0", |one| one["object"]["id"] = json!(iri));
        assert!(!valid, "{iri}: {ran}");
    }
}

/// RFC 6068 and RFC 5321.
fn mailboxes_are_checked() {
    let good = [
        "mailto:kim@example.com",
        "mailto:kim.o'neil+quiz@example.co.uk",
        "mailto:o%27neil@example.com",
        "mailto:x@sub.example.museum",
    ];
    let bad = [
        "mailto:kim.@example.com",
        "mailto:.kim@example.com",
        "mailto:kim..lee@example.com",
        "mailto:mailto:kim@example.com",
        "mailto:kim@lee@example.com",
        "mailto:kim",
        "mailto:@example.com",
        "kim@example.com",
        "mailto:kim@",
    ];
    for mbox in good {
        let (valid, ran) = valid("2.0.0", |one| one["actor"]["mbox"] = json!(mbox));
        assert!(valid, "{mbox}: {ran}");
    }
    for mbox in bad {
        let (valid, ran) = valid("2.0.0", |one| one["actor"]["mbox"] = json!(mbox));
        assert!(!valid, "{mbox}: {ran}");
    }
}

/// Valid, but some LRSs refuse or drop them (xAPI 2.0.0, 4.1.3: they should not be sent).
fn empty_objects_are_warned_of() {
    let changes: [fn(&mut Value); 3] = [
        |one| one["context"] = json!({"contextActivities": {}}),
        |one| one["result"]["extensions"] = json!({}),
        |one| one["result"] = json!({}),
    ];
    for change in changes {
        let (valid, ran) = valid("2.0.0", change);
        assert!(valid, "{ran}");
        let warnings = ran.last()["warnings"]["listed"]
            .as_array()
            .map_or(0, Vec::len);
        assert!(warnings > 0, "{ran}");
    }
    let (_, ran) = valid("2.0.0", |_| {});
    let warnings = ran.last()["warnings"]["listed"]
        .as_array()
        .map_or(0, Vec::len);
    assert_eq!(warnings, 0, "{ran}");
}

/// xAPI 1.0.3 asks for ISO 8601, xAPI 2.0.0 for RFC 3339.
fn the_basic_format() {
    let basic = |one: &mut Value| one["timestamp"] = json!("20240504T170000Z");
    assert!(valid("1.0.3", basic).0);
    assert!(!valid("2.0.0", basic).0);
}
