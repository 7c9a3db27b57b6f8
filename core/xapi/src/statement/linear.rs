//! No text costs more steps than its length allows: twice the text, twice the steps. Steps are counted, so no
//! busy machine changes what is said here.

use super::{Fill, Statement, XapiVersion, check, compare, prepare};
use crate::steps;

/// A statement with these members.
fn with(members: &str) -> String {
    format!(
        r#"{{"id":"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c","actor":{{"mbox":"mailto:a@example.com"}},"verb":{{"id":"http://example.com/did"}},"object":{{"id":"http://example.com/it"}},{members}}}"#
    )
}

/// Something `n` times, with commas between.
fn list(n: usize, one: impl Fn(usize) -> String) -> String {
    let all: Vec<String> = (0..n).map(one).collect();
    all.join(",")
}

/// Members with an extension.
fn inside(json: &str) -> String {
    format!(r#""result":{{"extensions":{{"http://e.example/x":{json}}}}}"#)
}

/// Members that make a statement about `n` bytes longer by a long name or by many, each a way to cost more than
/// that.
fn long_names(n: usize) -> Vec<(&'static str, String)> {
    let long = "k".repeat(n);
    let tag = |n| format!("en{}", list(n, |at| format!("-v{at:05}")).replace(',', ""));
    vec![
        (
            "a language tag",
            format!(r#""context":{{"language":"{}"}}"#, tag(n / 7)),
        ),
        (
            "language tags as names",
            format!(
                r#""attachments":[{{"display":{{{}}}}}]"#,
                list(n / 240, |at| format!(r#""{}-x-{at}":"""#, tag(30)))
            ),
        ),
        (
            "faults below a long name",
            inside(&format!(
                r#"{{"{long}":[{}]}}"#,
                list(200, |_| r#""\u0000""#.to_owned())
            )),
        ),
        (
            "faults below a long name in escapes",
            inside(&format!(
                r#"{{"{}":[{}]}}"#,
                r"\u006b".repeat(n / 6),
                list(200, |_| r#""\u0000""#.to_owned())
            )),
        ),
        (
            "a short name again and again beside a long one that looks like it",
            // 4,096 bytes of the long one are a whole number of times 256, and 256 is what a byte can say.
            inside(&format!(
                r#"{{"{}":1,{}}}"#,
                "k".repeat(n / 256 * 256 + 3),
                list(n / 8, |_| r#""kkk":1"#.to_owned())
            )),
        ),
        (
            "many names",
            inside(&format!(
                "{{{}}}",
                list(n / 14, |at| format!(r#""name{at:06}":1"#))
            )),
        ),
    ]
}

/// Members with many things in about `n` bytes, likewise.
fn many_things(n: usize) -> Vec<(&'static str, String)> {
    let activities = |one: &dyn Fn(usize) -> String, each: usize| {
        format!(
            r#""context":{{"contextActivities":{{"other":[{}]}}}}"#,
            list(n / each, one)
        )
    };
    vec![
        (
            "many faults",
            format!(r#""attachments":[{}]"#, list(n / 2, |_| "1".to_owned())),
        ),
        (
            "many warnings",
            activities(
                &|_| r#"{"id":"http://example.com/a","definition":{}}"#.to_owned(),
                48,
            ),
        ),
        (
            "many objects with two types",
            activities(
                &|_| r#"{"id":"http://example.com/a","objectType":"Activity"}"#.to_owned(),
                55,
            ),
        ),
        (
            "many members of a group",
            format!(
                r#""context":{{"team":{{"objectType":"Group","member":[{}]}}}}"#,
                list(n / 45, |at| format!(
                    r#"{{"mbox":"mailto:someone{at:06}@example.com"}}"#
                ))
            ),
        ),
        (
            "many attachments",
            format!(
                r#""attachments":[{}]"#,
                list(n / 190, |at| format!(
                    r#"{{"usageType":"http://example.com/u","display":{{"en":"x"}},"contentType":"text/plain","length":1,"sha2":"{at:064}","fileUrl":"http://e.example/f"}}"#
                ))
            ),
        ),
    ]
}

/// Members with single values of about `n` bytes, likewise.
fn long_values(n: usize) -> Vec<(&'static str, String)> {
    vec![
        (
            "a long number",
            inside(&format!("1{}", "0".repeat(n.min(300)))),
        ),
        (
            "many numbers",
            inside(&format!("[{}]", list(n / 12, |at| format!("1{at:010}")))),
        ),
        (
            "a long fraction",
            format!(r#""result":{{"score":{{"raw":0.{}}}}}"#, "3".repeat(n)),
        ),
        (
            "a long duration",
            format!(r#""result":{{"duration":"PT{}S"}}"#, "1".repeat(n)),
        ),
        (
            "a long address",
            format!(
                r#""context":{{"instructor":{{"mbox":"mailto:{}@example.com"}}}}"#,
                list(n / 2, |_| "a".to_owned()).replace(',', ".")
            ),
        ),
        (
            "a long IRI",
            format!(
                r#""context":{{"instructor":{{"openid":"http://example.com/{}"}}}}"#,
                "%41".repeat(n / 3)
            ),
        ),
        (
            "a long media type",
            format!(
                r#""attachments":[{{"contentType":"a/b{}"}}]"#,
                "; c=d".repeat(n / 5)
            ),
        ),
        (
            "a long timestamp",
            format!(r#""timestamp":"2024-05-04T17:00:00.{}Z""#, "1".repeat(n)),
        ),
        ("white space", inside(&format!("{}1", " ".repeat(n)))),
        (
            "a deep value",
            inside(&format!(
                "{}{}",
                "[".repeat(n.min(200)),
                "]".repeat(n.min(200))
            )),
        ),
    ]
}

const FILL: Fill = Fill {
    id: uuid::Uuid::nil(),
    now_ms: 0,
};

/// The steps for each of the costly texts, made with about `n` bytes.
fn measured(n: usize, work: impl Fn(&[u8])) -> Vec<(&'static str, u64, usize)> {
    let texts = [long_names(n), many_things(n), long_values(n)]
        .concat()
        .into_iter();
    texts
        .map(|(what, members)| {
            let text = with(&members);
            let ((), steps) = steps::during(|| work(text.as_bytes()));
            (what, steps, text.len())
        })
        .collect()
}

/// Twice the text may cost twice the steps and a tenth more; and no byte costs more than `most`.
fn grows_with_the_text(most: u64, work: impl Fn(&[u8])) {
    const SIZE: usize = 64 << 10;
    let (once, twice) = (measured(SIZE, &work), measured(2 * SIZE, &work));
    for ((what, steps, bytes), (_, doubled, _)) in once.into_iter().zip(twice) {
        assert!(steps > 0, "{what}: nothing was counted");
        assert!(
            doubled * 10 <= steps * 22,
            "{what}: {steps} steps, then {doubled}"
        );
        assert!(
            steps <= most * bytes as u64,
            "{what}: {steps} steps for {bytes} bytes"
        );
    }
}

#[test]
fn checking_takes_steps_as_the_text_is_long() {
    for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
        grows_with_the_text(80, |text| drop(check(text, version)));
    }
}

#[test]
fn preparing_takes_steps_as_the_text_is_long() {
    grows_with_the_text(80, |text| drop(prepare(text, XapiVersion::V2_0_0, &FILL)));
}

#[test]
fn reading_takes_steps_as_the_text_is_long() {
    grows_with_the_text(80, |text| {
        drop(Statement::from_json(str::from_utf8(text).expect("text")));
    });
}

#[test]
fn comparing_takes_steps_as_the_texts_are_long() {
    grows_with_the_text(40, |text| drop(compare(text, text)));
    let other = with(r#""result":{"duration":"PT1S"}"#);
    grows_with_the_text(40, |text| drop(compare(text, other.as_bytes())));
    grows_with_the_text(40, |text| drop(compare(other.as_bytes(), text)));
    // All the values of two deep and wide ones differ.
    let wide = |n: usize, value: usize| {
        let name = format!(r#"{{"{}":"#, "name ".repeat(18));
        let values = list(n / 4, |at| (2 * (at % 10) + value).to_string());
        with(&format!(
            r#""result":{{"extensions":{{"http://e.example/x":{}[{values}]{}}}}}"#,
            name.repeat(90),
            "}".repeat(90)
        ))
    };
    let steps = |n| {
        let (ours, theirs) = (wide(n, 0), wide(n, 1));
        steps::during(|| compare(ours.as_bytes(), theirs.as_bytes())).1
    };
    let (once, twice) = (steps(200_000), steps(400_000));
    assert!(twice * 10 <= once * 22, "{once} steps, then {twice}");
}
