//! Telling whether a string has come before, among the keys of an object or the ids of a list.

use std::borrow::Cow;
use std::collections::HashSet;

use super::reader::Text;

/// How many strings are kept in place and compared one by one. No object of the standard has more
/// properties; larger maps move to a hash set, so that a hostile text costs no more than its length.
const FEW: usize = 16;

/// The strings seen so far. Allocates only beyond [`FEW`] of them, and for strings written with escapes.
pub(crate) struct Distinct<'a> {
    few: [Text<'a>; FEW],
    count: usize,
    many: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Distinct<'a> {
    pub(crate) fn new() -> Self {
        let none = Text {
            at: 0,
            raw: "",
            escaped: false,
            defect: None,
        };
        Self {
            few: [none; FEW],
            count: 0,
            many: None,
        }
    }

    /// Adds a string; false if it was there already.
    pub(crate) fn add(&mut self, text: Text<'a>) -> bool {
        if let Some(many) = &mut self.many {
            return many.insert(text.decoded());
        }
        if self.few[..self.count]
            .iter()
            .any(|other| same(other, &text))
        {
            return false;
        }
        if let Some(free) = self.few.get_mut(self.count) {
            *free = text;
            self.count += 1;
            return true;
        }
        let mut many: HashSet<_> = self.few.iter().map(Text::decoded).collect();
        many.insert(text.decoded());
        self.many = Some(many);
        true
    }
}

fn same(a: &Text<'_>, b: &Text<'_>) -> bool {
    if a.escaped || b.escaped {
        a.decoded() == b.decoded()
    } else {
        a.raw == b.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Text<'_> {
        Text {
            at: 0,
            raw,
            escaped: raw.contains('\\'),
            defect: None,
        }
    }

    #[test]
    fn repetitions_are_found_in_small_and_large_sets() {
        let names: Vec<String> = (0..3 * FEW).map(|n| format!("key{n}")).collect();
        let mut seen = Distinct::new();
        for (n, name) in names.iter().enumerate() {
            assert!(seen.add(text(name)), "{name} is new");
            assert!(!seen.add(text(&names[n / 2])), "{} is not", names[n / 2]);
        }
    }

    #[test]
    fn escapes_do_not_hide_a_repetition() {
        let mut seen = Distinct::new();
        assert!(seen.add(text("id")));
        assert!(!seen.add(text(r"\u0069d")));
    }
}
