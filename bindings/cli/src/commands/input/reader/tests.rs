use super::super::packed;
use super::*;

/// Places and texts; of a fault what is wrong.
fn found(text: &[u8]) -> Vec<(String, String)> {
    let read = |piece| {
        let mut reader = Reader {
            piece,
            ..Reader::new("f", text)
        };
        let mut all = Vec::new();
        while let Some(Item { place, text }) = reader.next().unwrap() {
            let text = match text {
                Ok(text) => String::from_utf8_lossy(&text).into_owned(),
                Err(fault) => fault.problem,
            };
            all.push((place, text));
        }
        all
    };
    let whole = read(PIECE);
    // Every value is met half at first.
    assert_eq!(whole, read(1), "{}", String::from_utf8_lossy(text));
    whole
}

fn is(text: &str, wanted: &[(&str, &str)]) {
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(place, text)| ((*place).to_owned(), (*text).to_owned()))
        .collect();
    assert_eq!(found(text.as_bytes()), wanted, "{text:?}");
}

#[test]
fn one_an_array_and_lines() {
    is("\n{\n \"a\": 1\n}\n", &[("f:2", "{\n \"a\": 1\n}")]);
    is(
        "[{\"a\":1.0},\n {}]",
        &[("f:1[0]", "{\"a\":1.0}"), ("f:2[1]", "{}")],
    );
    is("{}\r\n\n{ }\n", &[("f:1", "{}"), ("f:3", "{ }")]);
    is(
        "{}\n[{},{}]\n{}",
        &[
            ("f:1", "{}"),
            ("f:2[0]", "{}"),
            ("f:2[1]", "{}"),
            ("f:3", "{}"),
        ],
    );
    is("", &[]);
    is("[]\n", &[]);
    is(
        "12 \"a\"\nnull",
        &[("f:1", "12"), ("f:1", "\"a\""), ("f:2", "null")],
    );
}

#[test]
fn pretty_ones_one_after_the_other() {
    is(
        "{\n  \"a\": [\n    {\n    }\n  ]\n}\n{\n  \"b\": 1\n}\n",
        &[
            ("f:1", "{\n  \"a\": [\n    {\n    }\n  ]\n}"),
            ("f:7", "{\n  \"b\": 1\n}"),
        ],
    );
}

#[test]
fn an_answer_of_an_lrs() {
    let both = [("f:1[0]", "{\"a\":1}"), ("f:2[1]", "{}")];
    is("{\"statements\":[{\"a\":1},\n{}],\"more\":\"\"}", &both);
    is(
        "{\"more\": \"/x?y\" ,\"statements\" : [{\"a\":1},\n{}]}\n",
        &both,
    );
    is("{\"statements\": [], \"more\": \"\"}", &[]);
    // A statement is one, whatever it has beside.
    let odd = "{\"actor\":{},\"statements\":[1]}";
    is(odd, &[("f:1", odd)]);
    is("{\"statements\":{}}", &[("f:1", "{\"statements\":{}}")]);
    is(
        "{\"statements\":[{}",
        &[("f:1[0]", "{}"), ("f:1", "is an array that is not closed")],
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_statement() {
    is("\u{feff}{}\n{}", &[("f:1", "{}"), ("f:2", "{}")]);
    // Two such files, joined.
    is(
        "\u{feff}{}\n\u{feff}[{}]",
        &[("f:1", "{}"), ("f:2[0]", "{}")],
    );
}

#[test]
fn a_torn_line_is_one_bad_statement_wherever_it_stands() {
    is(
        "{\"a\":\n{\"b\":1}\n{}",
        &[("f:1", "{\"a\":"), ("f:2", "{\"b\":1}"), ("f:3", "{}")],
    );
    is(
        "{}\n{\"a\":\"x\n{}\n{\"b\":[1,",
        &[
            ("f:1", "{}"),
            ("f:2", "{\"a\":\"x"),
            ("f:3", "{}"),
            ("f:4", "{\"b\":[1,"),
        ],
    );
    is("what\never\n{}", &[("f:1", "what\never"), ("f:3", "{}")]);
    is(
        "{} and\n{}",
        &[("f:1", "{}"), ("f:1", "and"), ("f:2", "{}")],
    );
}

#[test]
fn a_torn_one_of_several_lines_ends_where_the_next_begins() {
    is(
        "{\n  \"a\": {\n  \"b\": }\n}\n{\n  \"c\": 1\n}\n",
        &[
            ("f:1", "{\n  \"a\": {\n  \"b\": }\n}"),
            ("f:5", "{\n  \"c\": 1\n}"),
        ],
    );
    is(
        "[\n  {\n    \"a\": [\n      {]\n  },\n  {\n    \"b\": 1\n  }\n]\n{}",
        &[
            ("f:2[0]", "{\n    \"a\": [\n      {]\n  },"),
            ("f:6[1]", "{\n    \"b\": 1\n  }"),
            ("f:10", "{}"),
        ],
    );
    is(
        "[\n{},\n{\"a\"\n]\n{}",
        &[("f:2[0]", "{}"), ("f:3[1]", "{\"a\""), ("f:5", "{}")],
    );
}

#[test]
fn an_array_that_is_none_is_told() {
    is(
        "[{}\n{}]",
        &[
            ("f:1[0]", "{}"),
            ("f:2", "is an array in which a comma is missing here"),
            ("f:2[1]", "{}"),
        ],
    );
    is(
        "[{},",
        &[("f:1[0]", "{}"), ("f:1", "is an array that is not closed")],
    );
    let no_more = "is an array with a comma that nothing follows";
    is("[{},]", &[("f:1[0]", "{}"), ("f:1", no_more)]);
    is(
        "[{},{} , \n\n]\n{}",
        &[
            ("f:1[0]", "{}"),
            ("f:1[1]", "{}"),
            ("f:1", no_more),
            ("f:4", "{}"),
        ],
    );
    is(
        "{\"statements\":[{}\n,],\"more\":\"\"}",
        &[("f:1[0]", "{}"), ("f:2", no_more)],
    );
}

#[test]
fn what_is_used_leaves_memory() {
    let many = "{\"a\":1}\n".repeat(1 << 18);
    for text in [many.clone(), format!("[{}{{}}]", many.replace('\n', ",\n"))] {
        let mut reader = Reader::new("f", text.as_bytes());
        let mut count = 0;
        while reader.next().unwrap().is_some() {
            count += 1;
            assert!(reader.buffer.len() <= 4 * PIECE, "{}", reader.buffer.len());
        }
        assert!(count >= 1 << 18, "{count}");
    }
}

#[test]
fn what_is_no_utf_8_is_named() {
    let utf_16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    for (begins, with) in [
        (utf_16("\u{feff}{}"), "UTF-16"),
        (utf_16("{}"), "UTF-16"),
        (b"\xfe\xff\0{\0}".to_vec(), "UTF-16"),
        (b"\xff\xfe\0\0{\0\0\0".to_vec(), "UTF-32"),
        (b"\x1f\x8b\x08\0".to_vec(), "gzip"),
        (b"PK\x03\x04".to_vec(), "ZIP"),
    ] {
        assert!(
            packed::what(&begins).is_some_and(|what| what.contains(with)),
            "{with}"
        );
    }
    assert_eq!(packed::what(b"\xef\xbb\xbf{}"), None);
    assert_eq!(packed::what(b""), None);
}

/// Nothing of more than so many bytes is kept; how much was.
fn found_within(longest: usize, piece: usize, text: &[u8]) -> (Vec<String>, usize) {
    let mut reader = Reader {
        piece,
        longest,
        ..Reader::new("f", text)
    };
    let (mut all, mut most) = (Vec::new(), 0);
    while let Some(Item { place, text }) = reader.next().unwrap() {
        most = most.max(reader.buffer.capacity());
        all.push(match text {
            Ok(text) => format!("{place} {}", String::from_utf8_lossy(&text)),
            Err(fault) => format!("{place} {}", fault.problem),
        });
    }
    (all, most)
}

#[test]
fn what_is_too_long_costs_itself_and_no_memory() {
    let long = "x".repeat(300_000);
    let spaces = " ".repeat(300_000);
    for endless in [
        format!("{{\"a\":\"{long}\"}}"),
        // No JSON, not closed, and an answer's beginning that never comes.
        format!("no {long}"),
        format!("{{\"a\":\"{long}"),
        format!("{{{spaces}\"statements\":"),
    ] {
        let text = format!("{{\"n\":1}}\n{endless}\n  {{\"not\":0}}\n{{\"n\":2}}\n");
        let (all, most) = found_within(100, 16, text.as_bytes());
        assert_eq!(
            all[..2],
            ["f:1 {\"n\":1}", "f:2 is longer than a statement may be"],
        );
        assert_eq!(all.last().unwrap(), "f:4 {\"n\":2}", "{all:?}");
        assert!(most < 10_000, "{most}");
    }
    // In an array the others come, too.
    let array = format!("[\n{{\"n\":1}},\n{{\"a\":\"{long}\"}},\n{{\"n\":2}}\n]");
    let (all, _) = found_within(100, 16, array.as_bytes());
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(all[2], "f:4[2] {\"n\":2}");
    let blank = format!("{spaces}{{\"n\":1}}{spaces}{{\"n\":2}}");
    let (all, most) = found_within(100, 16, blank.as_bytes());
    assert_eq!(all, ["f:1 {\"n\":1}", "f:1 {\"n\":2}"]);
    assert!(most < 10_000, "{most}");
}

/// However many begin and have no end: looking for it costs a bounded multiple of the text, and each is told.
#[test]
fn what_never_ends_is_looked_through_so_often_and_no_more() {
    for line in [
        "{\"a\":\n",
        "{\"actor\":{\"mbox\":\n",
        "{\"a\":[\n",
        "{\"b\":{\"c\":\n",
    ] {
        let text = line.repeat(4_000) + "{\"n\":1}\n";
        let mut reader = Reader::new("f", text.as_bytes());
        let mut all = Vec::new();
        while let Some(Item { text, .. }) = reader.next().unwrap() {
            all.push(text.unwrap());
        }
        assert_eq!(all.len(), 4_001, "{line}");
        assert_eq!(all.last().unwrap(), b"{\"n\":1}", "{line}");
        // What one look may cost beyond it is the text once.
        let most = 20 * text.len() as u64;
        assert!(reader.in_vain <= most, "{line}: {}", reader.in_vain);
    }
}

#[test]
fn statements_of_an_answer_that_come_twice_are_told() {
    let text = br#"{"statements":[{"n":1}],"more":"","statements":[{"n":2}]}"#;
    let (all, _) = found_within(1000, 16, text);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[1].contains("second member `statements`"), "{all:?}");
    // That an answer has the word elsewhere is nothing.
    let text = br#"{"statements":[{"n":1}],"more":"statements"}"#;
    assert_eq!(found_within(1000, 16, text).0.len(), 1);
}
