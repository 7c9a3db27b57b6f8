//! Detects repeated strings among the keys of an object or the ids of a list.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::reader::Reader;
use super::text::Text;
use crate::steps;

/// Number of strings remembered in place. No object of the standard has more properties; larger maps move to a
/// tree, so that a hostile text costs no more than its length.
const FEW: usize = 12;

/// The strings seen so far in one text. Allocates only beyond [`FEW`] of them, and for strings written with
/// escapes. One is made for every object that is read, so it is small: for the first strings it keeps their
/// offsets, and a mark that tells most others apart.
pub(crate) struct Distinct<'a> {
    marks: [u64; FEW],
    places: [u32; FEW],
    count: usize,
    many: Option<BTreeSet<Cow<'a, str>>>,
}

impl<'a> Distinct<'a> {
    pub(crate) fn new() -> Self {
        Self {
            marks: [0; FEW],
            places: [0; FEW],
            count: 0,
            many: None,
        }
    }

    /// Adds a string of `source`, which must be the same for every call; returns false if it was there already.
    pub(crate) fn add(&mut self, source: &'a str, text: Text<'a>) -> bool {
        let string = text.decoded();
        steps::add(string.len());
        if let Some(many) = &mut self.many {
            return many.insert(string);
        }
        let mark = mark(string.as_bytes());
        for (other, place) in self.marks.iter().zip(self.places).take(self.count) {
            if *other == mark && read(source, place) == string {
                return false;
            }
        }
        match u32::try_from(text.at) {
            Ok(place) if self.count < FEW => {
                self.marks[self.count] = mark;
                self.places[self.count] = place;
                self.count += 1;
            }
            _ => {
                let few = self
                    .places
                    .iter()
                    .take(self.count)
                    .map(|place| read(source, *place));
                self.many = Some(few.chain([string]).collect());
            }
        }
        true
    }
}

/// Reads the string at an offset.
fn read(source: &str, place: u32) -> Cow<'_, str> {
    let text = Reader::new(&source[place as usize..]).string();
    text.map_or_else(|_| Cow::default(), |text| text.decoded())
}

/// Returns the length and three of the bytes: enough to tell the properties of an object apart. It holds the
/// whole length, so a short string is never compared with a long one, however often it comes.
fn mark(bytes: &[u8]) -> u64 {
    let (first, middle, last) = match bytes {
        [] => (0, 0, 0),
        [first, .., last] => (*first, bytes[bytes.len() / 2], *last),
        [only] => (*only, 0, 0),
    };
    (bytes.len() as u64) << 24 | u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds each of the strings that `source`, an array, consists of.
    fn news(source: &str) -> Vec<bool> {
        let mut reader = Reader::new(source);
        reader.enter().expect("an array");
        let mut seen = Distinct::new();
        let mut news = Vec::new();
        while reader
            .element(news.is_empty())
            .expect("an array of strings")
        {
            reader.kind().expect("a string");
            news.push(seen.add(source, reader.string().expect("a string")));
        }
        news
    }

    #[test]
    fn repetitions_are_found_in_small_and_large_sets() {
        let numbers = (0..3 * FEW).flat_map(|n| [n, n / 2]);
        let strings: Vec<String> = numbers.map(|n| format!("\"key{n}\"")).collect();
        let expected: Vec<bool> = (0..3 * FEW).flat_map(|_| [true, false]).collect();
        assert_eq!(news(&format!("[{}]", strings.join(","))), expected);
    }

    #[test]
    fn escapes_do_not_hide_a_repetition() {
        assert_eq!(
            news(r#"["id", "\u0069d", "\u0069e", "ie"]"#),
            [true, false, true, false]
        );
    }

    #[test]
    fn strings_that_look_alike_are_told_apart() {
        assert_eq!(
            news(r#"["", "a", "ab", "axcxb", "aycyb", "axcxb", ""]"#),
            [true, true, true, true, true, false, false]
        );
    }
}
