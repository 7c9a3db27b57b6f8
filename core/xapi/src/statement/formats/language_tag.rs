//! Language tags (RFC 5646), checked only for well-formedness: the order, length and kind of their subtags, and
//! no singleton or variant twice. Whether a subtag is registered is not checked.
//!
//! The grammar sets no maximum length. Tags of real languages have a few dozen characters at most (RFC 5646
//! section 4.4.1 asks for room for 35); one longer than [`LONGEST`] only costs time, since each variant is
//! compared with all before it.

use crate::steps;

/// Length of the longest tag that is accepted, in bytes.
pub(crate) const LONGEST: usize = 255;

/// Problem of a longer tag, and what is expected instead.
pub(crate) const TOO_LONG: &str = "is a language tag of more than 255 bytes";
pub(crate) const NOT_SO_LONG: &str =
    "a language tag of RFC 5646 in at most 255 bytes, such as \"en\" or \"de-CH\"";

/// Tags from before the grammar that do not fit it but are still allowed (RFC 5646 section 2.2.8).
const IRREGULAR: [&str; 17] = [
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
];

/// Tells whether `text` is a well-formed language tag of at most [`LONGEST`] bytes.
pub(crate) fn is_language_tag(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let mut rest = Subtags::of(text);
    let well_formed = if rest.next_is(|tag| is(tag, "x")) {
        is_private_use(&mut rest)
    } else {
        is_langtag(&mut rest)
    };
    well_formed || IRREGULAR.iter().any(|tag| is(tag, text))
}

fn is_langtag(rest: &mut Subtags<'_>) -> bool {
    match rest.take(|tag| is_alphabetic(tag, 2..=8)) {
        None => return false,
        Some(language) if language.len() <= 3 => {
            let mut extended = 0;
            while extended < 3 && rest.take(|tag| is_alphabetic(tag, 3..=3)).is_some() {
                extended += 1;
            }
        }
        Some(_) => {}
    }
    rest.take(|tag| is_alphabetic(tag, 4..=4));
    rest.take(|tag| {
        is_alphabetic(tag, 2..=2)
            || (tag.len() == 3 && tag.bytes().all(|byte| byte.is_ascii_digit()))
    });

    let variants = rest.clone();
    let mut count = 0;
    while let Some(variant) = rest.take(is_variant) {
        if variants
            .clone()
            .take_first(count)
            .any(|other| is(other, variant))
        {
            return false;
        }
        count += 1;
    }

    let mut singletons = 0_u64;
    while let Some(singleton) = rest.take(|tag| is_alphanumeric(tag, 1..=1) && !is(tag, "x")) {
        let bit = 1 << u32::from_str_radix(singleton, 36).unwrap_or(0);
        let value = rest.take(|tag| is_alphanumeric(tag, 2..=8));
        if singletons & bit != 0 || value.is_none() {
            return false;
        }
        singletons |= bit;
        while rest.take(|tag| is_alphanumeric(tag, 2..=8)).is_some() {}
    }
    if rest.next_is(|tag| is(tag, "x")) {
        is_private_use(rest)
    } else {
        rest.is_empty()
    }
}

/// Tells whether `rest` is `x` and at least one subtag of any kind.
fn is_private_use(rest: &mut Subtags<'_>) -> bool {
    rest.take(|tag| is(tag, "x"));
    let mut some = false;
    while rest.take(|tag| is_alphanumeric(tag, 1..=8)).is_some() {
        some = true;
    }
    some && rest.is_empty()
}

fn is_variant(tag: &str) -> bool {
    is_alphanumeric(tag, 5..=8)
        || (is_alphanumeric(tag, 4..=4) && tag.starts_with(|c: char| c.is_ascii_digit()))
}

fn is(tag: &str, other: &str) -> bool {
    tag.eq_ignore_ascii_case(other)
}

fn is_alphabetic(tag: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_alphanumeric(tag: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The subtags still to be read.
#[derive(Clone)]
struct Subtags<'a>(Option<&'a str>);

impl<'a> Subtags<'a> {
    fn of(text: &'a str) -> Self {
        Self(Some(text))
    }

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn next_is(&self, test: impl Fn(&str) -> bool) -> bool {
        self.clone().next().is_some_and(test)
    }

    /// Takes the next subtag if it is of the right kind.
    fn take(&mut self, test: impl Fn(&str) -> bool) -> Option<&'a str> {
        let mut ahead = self.clone();
        let tag = ahead.next().filter(|tag| test(tag))?;
        *self = ahead;
        Some(tag)
    }

    fn take_first(self, count: usize) -> impl Iterator<Item = &'a str> {
        Iterator::take(self, count)
    }
}

impl<'a> Iterator for Subtags<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        let (tag, rest) = match text.split_once('-') {
            Some((tag, rest)) => (tag, Some(rest)),
            None => (text, None),
        };
        steps::add(tag.len() + 1);
        self.0 = rest;
        Some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed() {
        for good in [
            "en",
            "EN-us",
            "de",
            "cmn",
            "ase",
            "tlh",
            "es-419",
            "sr-Latn-RS",
            "zh-cmn-Hans-CN",
            "sl-rozaj-biske",
            "de-CH-1996",
            "x-private",
            "en-x-klass",
            "en-a-bbb-x-a-ccc",
            "zh-a-aaa-b-bbb-c-ccc",
            "hy-Latn-IT-arevela",
            "i-klingon",
            "sgn-be-fr",
            "zh-min-nan",
            "abcdefgh",
            "qaa-Qaaa-QM-x-southern",
            "en-1-ab",
        ] {
            assert!(is_language_tag(good), "{good}");
        }
    }

    #[test]
    fn the_longest() {
        let tag = format!("en-x{}", "-abc".repeat(62));
        assert!(tag.len() < LONGEST && is_language_tag(&tag));
        assert!(!is_language_tag(&format!("{tag}-abcd")));
    }

    #[test]
    fn not_well_formed() {
        for bad in [
            "",
            "-",
            "e",
            "en-",
            "-en",
            "en--US",
            "en_US",
            "en-a",
            "something",
            "a12345678",
            "zh-something-ccc",
            "en-USA1X2Y3Z4W",
            "de-419-DE",
            "a-DE",
            "en-a-bbb-a-ccc",
            "en-A-bbb-a-ccc",
            "de-1901-1901",
            "sl-rozaj-ROZAJ",
            "en-x",
            "x",
            "x-",
            "en-US-GB",
            "en-Latn-Cyrl",
            "ar-a-aaa-b",
            "é",
            "en-é",
            "i-unknown",
            "zh-abc-def-ghi-jkl",
        ] {
            assert!(!is_language_tag(bad), "{bad}");
        }
    }
}
