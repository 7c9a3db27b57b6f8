//! Names of X.509, as people read them: `CN=Ada Lovelace,O=Example School` (RFC 4514).

use std::fmt::Write as _;

use crate::contents::hex;
use crate::der::{OBJECT_IDENTIFIER, SEQUENCE, SET, Values};

/// Most characters of a name: a longer one is cut, since it is for people to read.
const SHOWN: usize = 300;

const PRINTABLE_STRING: u8 = 0x13;
const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// The attributes that have a short name (RFC 4514, 3), and two that certificates for people often have.
const SHORT: [(&[u8], &str); 11] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
        "UID",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        "DC",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
        "emailAddress",
    ),
];

/// Returns the text of a name, the content of its SEQUENCE: the last part first. `None` if it is no name.
pub(crate) fn text(name: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    let mut sets = Values(name);
    while !sets.0.is_empty() {
        let mut attributes = sets.enter(SET)?;
        let mut part = String::new();
        while !attributes.0.is_empty() {
            let mut attribute = attributes.enter(SEQUENCE)?;
            let kind = attribute.take(OBJECT_IDENTIFIER)?;
            let (tag, value) = attribute.next()?;
            if !part.is_empty() {
                part.push('+');
            }
            add_kind(&mut part, kind);
            part.push('=');
            add_value(&mut part, tag, value);
        }
        parts.push(part);
    }
    parts.reverse();
    Some(cut(parts.join(",")))
}

fn add_kind(text: &mut String, kind: &[u8]) {
    match SHORT.iter().find(|(known, _)| *known == kind) {
        Some((_, short)) => text.push_str(short),
        None => add_dotted(text, kind),
    }
}

/// Adds an object identifier as numbers with dots. Each number ends with an octet below 128.
fn add_dotted(text: &mut String, kind: &[u8]) {
    let numbers = kind.split_inclusive(|octet| *octet < 0x80).map(|octets| {
        octets.iter().fold(0_u64, |number, octet| {
            number << 7 | u64::from(*octet & 0x7f)
        })
    });
    for (place, number) in numbers.enumerate() {
        // Writing to a String cannot fail.
        let _ = if place == 0 {
            let first = (number / 40).min(2);
            write!(text, "{first}.{}", number - 40 * first)
        } else {
            write!(text, ".{number}")
        };
    }
}

fn add_value(text: &mut String, tag: u8, value: &[u8]) {
    if let Some(string) = string(tag, value) {
        add_escaped(text, &string);
    } else {
        text.push('#');
        text.push_str(&hex(&value[..value.len().min(SHOWN)]));
    }
}

/// Returns the text of one of the string types.
fn string(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        UTF8_STRING | PRINTABLE_STRING | NUMERIC_STRING | IA5_STRING => {
            String::from_utf8(value.to_vec()).ok()
        }
        // What is written there in practice is Latin-1.
        TELETEX_STRING => Some(value.iter().map(|octet| char::from(*octet)).collect()),
        BMP_STRING => {
            let units = value
                .chunks(2)
                .map(|unit| Some(u16::from_be_bytes(unit.try_into().ok()?)));
            String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok()
        }
        UNIVERSAL_STRING => value
            .chunks(4)
            .map(|unit| char::from_u32(u32::from_be_bytes(unit.try_into().ok()?)))
            .collect(),
        _ => None,
    }
}

fn add_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (place, character) in value.chars().enumerate() {
        let is_special = match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            '#' => place == 0,
            ' ' => place == 0 || place == last,
            _ => false,
        };
        if is_special {
            text.push('\\');
        }
        if character.is_control() {
            let _ = write!(text, "\\{:02x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{add_dotted, text};

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8], content].concat()
    }

    fn attribute(kind: &[u8], tag: u8, content: &[u8]) -> Vec<u8> {
        value(0x30, &[value(6, kind), value(tag, content)].concat())
    }

    #[test]
    fn a_name_is_read_from_its_end_and_escaped() {
        let name = [
            value(
                0x31,
                &attribute(&[0x55, 4, 10], 0x0c, " Ex, ample".as_bytes()),
            ),
            value(
                0x31,
                &[
                    attribute(&[0x55, 4, 3], 0x1e, &[0, b'A', 0, 0xe4]),
                    attribute(&[0x55, 4, 200, 1], 0x0c, b"x\x07"),
                    attribute(&[0x55, 4, 4], 0x04, &[1, 0xff]),
                ]
                .concat(),
            ),
        ]
        .concat();
        let read = text(&name);
        assert_eq!(
            read.as_deref(),
            Some("CN=Aä+2.5.4.9217=x\\07+2.5.4.4=#01ff,O=\\ Ex\\, ample")
        );
        for end in 1..name.len() {
            if let Some(part) = text(&name[..end]) {
                assert_eq!(part, "O=\\ Ex\\, ample", "the first set alone");
            }
        }
        let long = value(0x31, &attribute(&[0x55, 4, 3], 0x0c, &[b'"'; 100]));
        let long = [long.clone(), long.clone(), long].concat();
        assert_eq!(text(&long).map(|it| it.chars().count()), Some(301));
    }

    #[test]
    fn an_identifier_has_as_many_numbers_as_it_says() {
        for (octets, dotted) in [
            (&[0x2a, 0x86, 0x48][..], "1.2.840"),
            (&[0x88, 0x37, 3], "2.999.3"),
            (&[], ""),
            (&[0xff; 20], "2.18446744073709551535"),
        ] {
            let mut said = String::new();
            add_dotted(&mut said, octets);
            assert_eq!(said, dotted);
        }
    }
}
