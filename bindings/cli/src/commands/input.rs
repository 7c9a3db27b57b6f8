//! Statements out of files: one, an array of them, or one after the other.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::Failure;

/// The text of one statement and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// `file:line`, or `file:line[place in an array]`.
    pub place: String,
    pub text: Vec<u8>,
}

/// Everything in the files; `-` and no file at all is standard input.
pub fn read(files: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let stdin = [PathBuf::from("-")];
    let files = if files.is_empty() { &stdin } else { files };
    files.iter().map(|file| read_one(file)).collect()
}

fn read_one(file: &Path) -> Result<(String, Vec<u8>), Failure> {
    let mut text = Vec::new();
    let (name, read) = if file == Path::new("-") {
        let read = std::io::stdin().read_to_end(&mut text);
        ("standard input".to_owned(), read)
    } else {
        let read = File::open(file).and_then(|mut file| file.read_to_end(&mut text));
        (file.display().to_string(), read)
    };
    match read {
        Ok(_) => Ok((name, text)),
        Err(error) => Err(Failure::usage(format!("cannot read {name}: {error}"))),
    }
}

/// The statements in a text. Text that is not JSON is left to be refused as a statement: where its lines
/// are JSON of their own, line by line, otherwise as a whole.
pub fn statements(name: &str, text: &[u8]) -> Vec<Item> {
    values(name, text).unwrap_or_else(|| {
        let first = text
            .split(|byte| *byte == b'\n')
            .find(|line| !line.trim_ascii().is_empty());
        if first.is_some_and(|line| serde_json::from_slice::<&RawValue>(line).is_ok()) {
            lines(name, text)
        } else {
            vec![Item {
                place: name.to_owned(),
                text: text.to_vec(),
            }]
        }
    })
}

/// One statement a line.
pub fn lines(name: &str, text: &[u8]) -> Vec<Item> {
    text.split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(index, line)| Item {
            place: format!("{name}:{}", index + 1),
            text: line.to_vec(),
        })
        .collect()
}

/// JSON values one after the other, the elements of those that are arrays; `None` if the text is not that.
fn values(name: &str, text: &[u8]) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut values = Deserializer::from_slice(text).into_iter::<&RawValue>();
    let (mut line, mut counted) = (1, 0);
    while let Some(value) = values.next() {
        let value = value.ok()?.get();
        let start = values.byte_offset() - value.len();
        line += text[counted..start].split(|byte| *byte == b'\n').count() - 1;
        counted = start;
        if value.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            items.extend(elements.iter().enumerate().map(|(index, element)| Item {
                place: format!("{name}:{line}[{index}]"),
                text: element.get().into(),
            }));
        } else {
            items.push(Item {
                place: format!("{name}:{line}"),
                text: value.into(),
            });
        }
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let items = statements("f", text.as_bytes());
        items
            .into_iter()
            .map(|item| (item.place, String::from_utf8(item.text).unwrap()))
            .collect()
    }

    fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
        wanted
            .iter()
            .map(|(place, text)| ((*place).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn one_an_array_and_lines() {
        assert_eq!(
            found("\n{\n \"a\": 1\n}\n"),
            pairs(&[("f:2", "{\n \"a\": 1\n}")])
        );
        assert_eq!(
            found("[{\"a\":1.0},\n {}]"),
            pairs(&[("f:1[0]", "{\"a\":1.0}"), ("f:1[1]", "{}")])
        );
        assert_eq!(
            found("{}\r\n\n{ }\n"),
            pairs(&[("f:1", "{}"), ("f:3", "{ }")])
        );
        assert_eq!(
            found("{}\n[{},{}]"),
            pairs(&[("f:1", "{}"), ("f:2[0]", "{}"), ("f:2[1]", "{}")])
        );
        assert_eq!(found(""), []);
        assert_eq!(found("[]"), []);
    }

    #[test]
    fn a_bad_line_is_one_bad_statement() {
        assert_eq!(
            found("{}\n{\"a\":\n{}"),
            pairs(&[("f:1", "{}"), ("f:2", "{\"a\":"), ("f:3", "{}")])
        );
        assert_eq!(found("{\n\"a\":}\n"), pairs(&[("f", "{\n\"a\":}\n")]));
    }
}
