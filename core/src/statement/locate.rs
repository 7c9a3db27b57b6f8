//! From a byte of the text to the JSON path of what stands there. Rules note faults by their offset, which
//! costs nothing while a statement is valid; the paths are made afterwards, in one pass for all faults.

use super::reader::Reader;

/// A property name longer than this is cut in a path.
const LONGEST_NAME: usize = 100;

/// The path of what stands at each of the `offsets`, which must be in ascending order. The text may be broken
/// at or after the last one.
pub(crate) fn paths(text: &str, offsets: &[usize]) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut paths = Vec::with_capacity(offsets.len());
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while paths.len() < offsets.len() && at < bytes.len() {
        let end = token_end(text, at);
        if let (b'"', Some(Frame::Object(name @ None))) = (bytes[at], frames.last_mut()) {
            *name = Some(decoded(&text[at..end]));
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

/// `path` with the property `name` added.
pub(crate) fn member(path: &str, name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && name.len() <= LONGEST_NAME {
        format!("{path}.{name}")
    } else {
        format!("{path}[{}]", quoted(name, LONGEST_NAME))
    }
}

/// `text` in JSON quotes, cut after `longest` characters.
pub(crate) fn quoted(text: &str, longest: usize) -> String {
    let cut = match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    serde_json::Value::from(cut).to_string()
}

/// An object or array the walk is in, and where in it.
enum Frame {
    Object(Option<String>),
    Array(usize),
}

fn render(frames: &[Frame]) -> String {
    frames
        .iter()
        .fold("$".to_owned(), |path, frame| match frame {
            Frame::Object(Some(name)) => member(&path, name),
            Frame::Object(None) => path,
            Frame::Array(index) => format!("{path}[{index}]"),
        })
}

/// Where the token that starts at `at` ends: a whole string, or a single byte of anything else.
fn token_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    if bytes[at] != b'"' {
        return at + 1;
    }
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

/// The string that a token stands for, or the token as written where it is not a proper string.
fn decoded(token: &str) -> String {
    match Reader::new(token).string() {
        Ok(text) => text.decoded().into_owned(),
        Err(_) => token.trim_matches('"').to_owned(),
    }
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
        let text = format!("{{\"{}\": 1}}", "é".repeat(500));
        assert_eq!(
            paths(&text, &[1])
                .remove(0)
                .chars()
                .filter(|c| *c == 'é')
                .count(),
            LONGEST_NAME
        );
    }
}
