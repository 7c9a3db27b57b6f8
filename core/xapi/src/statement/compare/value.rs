//! A JSON tree that keeps its numbers as written: what an LRS may do to a number depends on that.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::statement::reader::{Kind, Reader, Step, Stopped};
use crate::statement::text::Defect;

/// Deepest nesting that is read. An LRS may wrap a single object in an array, so its copy may be deeper than
/// ours.
const DEEPEST: usize = 128;

pub(super) type Object<'a> = BTreeMap<Cow<'a, str>, Value<'a>>;

/// See the module's description.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// Reads a text. `None` if it is not JSON, is nested deeper than [`DEEPEST`], or has half of a surrogate
    /// pair, which is no text.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::within(str::from_utf8(text).ok()?, DEEPEST);
        let value = value(&mut reader).ok()?;
        reader.end().ok()?;
        Some(value)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(super) fn as_object_mut(&mut self) -> Option<&mut Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// Reads the next value. The reader bounds the depth, and so the recursion.
fn value<'a>(reader: &mut Reader<'a>) -> Step<Value<'a>> {
    match reader.kind()? {
        Kind::Object => {
            reader.enter()?;
            let mut object = Object::new();
            let mut first = true;
            while let Some(key) = reader.key(first)? {
                first = false;
                let key = whole(key.decoded(), key.defect)?;
                object.insert(key, value(reader)?);
            }
            Ok(Value::Object(object))
        }
        Kind::Array => {
            reader.enter()?;
            let mut array = Vec::new();
            while reader.element(array.is_empty())? {
                array.push(value(reader)?);
            }
            Ok(Value::Array(array))
        }
        Kind::String => {
            let text = reader.string()?;
            Ok(Value::String(whole(text.decoded(), text.defect)?))
        }
        Kind::Number => Ok(Value::Number(reader.number()?)),
        Kind::Boolean => Ok(Value::Boolean(reader.literal()? == "true")),
        Kind::Null => reader.literal().map(|_| Value::Null),
    }
}

fn whole(text: Cow<'_, str>, defect: Option<Defect>) -> Step<Cow<'_, str>> {
    match defect {
        Some(Defect::LoneSurrogate) => Err(Stopped),
        Some(Defect::Nul) | None => Ok(text),
    }
}

/// Writes JSON. An error of the writer, such as one that is full, stops it.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(boolean) => boolean.fmt(f),
            Self::Number(number) => f.write_str(number),
            Self::String(text) => string(f, text),
            Self::Array(array) => {
                f.write_char('[')?;
                for (n, value) in array.iter().enumerate() {
                    separate(f, n)?;
                    value.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(object) => {
                f.write_char('{')?;
                for (n, (name, value)) in object.iter().enumerate() {
                    separate(f, n)?;
                    string(f, name)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn separate(f: &mut fmt::Formatter<'_>, n: usize) -> fmt::Result {
    if n > 0 { f.write_char(',') } else { Ok(()) }
}

/// Writes a string in JSON quotes, a character at a time, so that a long one is not copied to show its start.
fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_with_its_numbers_as_written() {
        let text = r#"{"a":[1.50,-0,12345678901234567890123,1E5],"b":{"c":null,"d":true,"e":"x\"\\\n\u0001é"}}"#;
        let value = Value::read(text.as_bytes()).expect("JSON");
        assert_eq!(value.to_string(), text);
        let object = value.as_object().expect("an object");
        assert_eq!(
            object["b"].as_object().map(|b| &b["e"]),
            Some(&Value::String("x\"\\\n\u{1}é".into()))
        );
    }

    #[test]
    fn what_is_no_json_is_nothing() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Value::read(deep(128).as_bytes()).is_some());
        for bad in [
            &deep(129),
            "",
            "{",
            "[1,]",
            "{} {}",
            r#""\ud83d""#,
            "nul",
            "01",
        ] {
            assert_eq!(Value::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Value::read(b"\xff"), None);
    }
}
