//! Finds the JSON path of what stands at a byte of the text. Rules note faults by their offset, which costs
//! nothing while a statement is valid; the paths are made afterwards, in one pass for all faults.

use super::text::read_escape;
use crate::steps;

/// Longest property name that a path shows whole, in characters.
const LONGEST_NAME: usize = 100;

/// Longest path that is shown whole, in bytes; the middle of a longer one is left out.
const LONGEST_PATH: usize = 500;

/// A step into an object or an array.
#[derive(Clone, Copy)]
pub(crate) enum Segment<'a> {
    Member(&'a str),
    Element(usize),
}

/// Returns the path of what stands at each of the `offsets`, which must be in ascending order. The text may be
/// broken at or after the last one.
pub(crate) fn paths(text: &str, offsets: &[usize]) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut paths = Vec::with_capacity(offsets.len());
    let mut frames: Vec<Frame<'_>> = Vec::new();
    let mut at = 0;
    while paths.len() < offsets.len() && at < bytes.len() {
        let end = token_end(text, at);
        if let (b'"', Some(Frame::Object(name @ None))) = (bytes[at], frames.last_mut()) {
            *name = Some(&text[at..end]);
        }
        while offsets.get(paths.len()).is_some_and(|offset| *offset < end) {
            paths.push(render(&frames));
        }
        match bytes[at] {
            b'{' => frames.push(Frame::Object(None)),
            b'[' => frames.push(Frame::Array(0)),
            b'}' | b']' => drop(frames.pop()),
            b',' => match frames.last_mut() {
                Some(Frame::Object(name)) => *name = None,
                Some(Frame::Array(index)) => *index += 1,
                None => {}
            },
            _ => {}
        }
        at = end;
    }
    paths.resize_with(offsets.len(), || render(&frames));
    paths
}

/// Returns the path that leads through these segments.
pub(crate) fn path(segments: &[Segment<'_>]) -> String {
    join(segments.iter().map(|segment| match segment {
        Segment::Member(name) => member(name),
        Segment::Element(index) => format!("[{index}]"),
    }))
}

/// Returns the segment of a path for the property `name`; reads no more of the name than it shows.
pub(crate) fn member(name: &str) -> String {
    let (shown, is_cut) = start(name, LONGEST_NAME);
    steps::add(shown.len());
    let plain = !is_cut
        && shown.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && shown.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        format!(".{shown}")
    } else {
        format!("[{}]", quoted(name, LONGEST_NAME))
    }
}

/// Joins segments to a path; of a long one keeps the start and the end, which help most.
fn join(segments: impl Iterator<Item = String>) -> String {
    let segments: Vec<String> = segments.collect();
    let length: usize = segments.iter().map(String::len).sum();
    steps::add(length);
    if length < LONGEST_PATH {
        return format!("${}", segments.concat());
    }
    let few = |lengths: &mut dyn Iterator<Item = usize>| {
        let mut room = LONGEST_PATH / 2;
        let fits = |length: &usize| room.checked_sub(*length).map(|left| room = left).is_some();
        lengths.take_while(fits).count()
    };
    let first = few(&mut segments.iter().map(String::len));
    let last = few(&mut segments.iter().rev().map(String::len)).max(1);
    let last = segments.len() - last.min(segments.len() - first);
    format!(
        "${}…{}",
        segments[..first].concat(),
        segments[last..].concat()
    )
}

/// Returns the first `longest` characters of a text, and whether anything was cut.
fn start(text: &str, longest: usize) -> (&str, bool) {
    match text.char_indices().nth(longest) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// Returns `text` in JSON quotes, cut after `longest` characters.
pub(crate) fn quoted(text: &str, longest: usize) -> String {
    let cut = match start(text, longest) {
        (start, true) => format!("{start}…"),
        (whole, false) => whole.to_owned(),
    };
    serde_json::Value::from(cut).to_string()
}

/// An object or array around the current byte, and the position in it: a name, as written, or an element.
enum Frame<'a> {
    Object(Option<&'a str>),
    Array(usize),
}

fn render(frames: &[Frame<'_>]) -> String {
    join(frames.iter().filter_map(|frame| match frame {
        Frame::Object(name) => name.map(|token| member(&shown(token))),
        Frame::Array(index) => Some(format!("[{index}]")),
    }))
}

/// Returns where the token that starts at `at` ends: a whole string, or a single byte of anything else.
fn token_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    if bytes[at] != b'"' {
        return at + 1;
    }
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'"' => {
                steps::add(end - at);
                return end + 1;
            }
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

/// Decodes as much of a string token as a path shows, and one character more if it goes on. A malformed string
/// stays as written.
fn shown(token: &str) -> String {
    let inner = token.strip_prefix('"').unwrap_or(token);
    let mut rest = inner.strip_suffix('"').unwrap_or(inner);
    let mut shown = String::new();
    for _ in 0..=LONGEST_NAME {
        let Some(first) = rest.chars().next() else {
            break;
        };
        let escape = read_escape(rest.as_bytes()).filter(|_| first == '\\');
        let (character, length) = escape.map_or((first, first.len_utf8()), |escape| {
            (escape.character(), escape.length)
        });
        shown.push(character);
        rest = &rest[length..];
    }
    steps::add(shown.len());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_path() {
        let text = r#"{"a": {"b c": [1, {"d": true}]}, "e\u0066": "x,{"}"#;
        let at = |needle: &str| text.find(needle).expect("in the text");
        let path = |needle| paths(text, &[at(needle)]).remove(0);
        assert_eq!(path("{\"a\""), "$");
        assert_eq!(path("\"a\""), "$.a");
        assert_eq!(path("{\"b c\""), "$.a");
        assert_eq!(path("[1"), r#"$.a["b c"]"#);
        assert_eq!(path("1,"), r#"$.a["b c"][0]"#);
        assert_eq!(path("true"), r#"$.a["b c"][1].d"#);
        assert_eq!(path("ue}"), r#"$.a["b c"][1].d"#);
        assert_eq!(path("x,{"), "$.ef");
        assert_eq!(
            paths(text, &[0, at("1,"), text.len()]),
            ["$", r#"$.a["b c"][0]"#, "$"]
        );
    }

    #[test]
    fn broken_text_still_has_paths() {
        assert_eq!(paths(r#"{"a": [1, 2, "#, &[13]), ["$.a[2]"]);
        assert_eq!(paths(r#"{"a\"#, &[4]), [r#"$["a\\"]"#]);
        assert_eq!(paths("]]}", &[2]), ["$"]);
        assert_eq!(paths("", &[0]), ["$"]);
    }

    #[test]
    fn long_names_are_cut() {
        for name in ["é".repeat(500), r"\u00e9".repeat(500)] {
            let path = paths(&format!("{{\"{name}\": 1}}"), &[1]).remove(0);
            assert_eq!(path, format!("$[\"{}…\"]", "é".repeat(100)));
        }
        let just = "a".repeat(100);
        assert_eq!(
            paths(&format!("{{\"{just}\":1}}"), &[1]),
            [format!("$.{just}")]
        );
    }

    #[test]
    fn long_paths_keep_their_start_and_their_end() {
        let names: Vec<String> = (0..100).map(|n| format!("a{n:020}")).collect();
        let segments: Vec<_> = names.iter().map(|name| Segment::Member(name)).collect();
        let path = path(&segments);
        assert!(
            path.starts_with(&format!("$.{}.{}", names[0], names[1])),
            "{path}"
        );
        assert!(
            path.ends_with(&format!(".{}.{}", names[98], names[99])),
            "{path}"
        );
        assert!(
            path.contains('…') && path.len() <= LONGEST_PATH + 4,
            "{path}"
        );
        let wide = "\u{1}".repeat(200);
        let path = super::path(&[Segment::Member(&wide); 3]);
        assert!(path.starts_with("$…[") && path.len() < 1_000, "{path}");
        let nested = "[".repeat(300);
        assert!(paths(&nested, &[299])[0].len() <= LONGEST_PATH + 4);
    }
}
