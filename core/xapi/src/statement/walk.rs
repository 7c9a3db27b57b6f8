//! One walk over the text of a statement: the rules pull values from it and it collects what is wrong.
//!
//! A value of the wrong type is noted, skipped, and the walk goes on, so that all faults are found at once.
//! Only text that is not JSON, or is nested too deep, ends it early. Each key and string that passes here,
//! whether a rule asked for it or it was skipped, is checked for repetition and for characters that servers
//! cannot keep.
#![allow(clippy::inline_always, reason = "measured: see the reader")]

use std::borrow::Cow;

use super::distinct::Distinct;
use super::fault::{Invalid, PANNIER_LIMIT, Warnings};
use super::locate;
use super::noted::{Faults, Noted, of_stop};
use super::reader::{Kind, Reader, Step};
use super::rule::{EMPTY, FORMAT, Rule, rule};
use super::text::{Defect, Text};
use super::version::XapiVersion;
use crate::steps;

/// The longest piece of a value that a fault quotes, in characters.
const LONGEST_QUOTE: usize = 60;

const NOT_EMPTY: Rule = rule(
    "to leave an empty object out: some LRSs refuse or drop it",
    EMPTY,
);

/// See the module's description.
pub(crate) struct Walk<'a> {
    reader: Reader<'a>,
    text: &'a str,
    faults: Faults,
    warnings: Faults,
    pub(crate) version: XapiVersion,
    purpose: Purpose,
    /// Something was met that only version 2 knows.
    pub(crate) needs_2_0: bool,
    /// An attachment without `fileUrl` was met.
    pub(crate) needs_attachment_content: bool,
}

/// What a statement is checked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To know whether it is valid.
    Verdict,
    /// To be queued: what is valid and can come to no good is refused.
    Recording,
}

/// An object that is being read.
pub(crate) struct Members<'a> {
    /// Where it starts.
    pub(crate) at: usize,
    first: bool,
    seen: Distinct<'a>,
}

/// An array that is being read.
pub(crate) struct Elements {
    /// Where it starts.
    pub(crate) at: usize,
    /// How many elements have been met.
    pub(crate) count: usize,
}

/// A number, as written.
#[derive(Clone, Copy)]
pub(crate) struct Number<'a> {
    /// Where it starts.
    pub(crate) at: usize,
    pub(crate) text: &'a str,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(text: &'a str, version: XapiVersion, purpose: Purpose) -> Self {
        Self {
            reader: Reader::new(text),
            text,
            faults: Faults::default(),
            warnings: Faults::default(),
            version,
            purpose,
            needs_2_0: false,
            needs_attachment_content: false,
        }
    }

    /// Tells whether a string of the text is the first of its kind among `others`.
    pub(crate) fn is_new(&self, text: Text<'a>, others: &mut Distinct<'a>) -> bool {
        others.add(self.text, text)
    }

    /// Returns how many bytes have been read.
    pub(crate) fn at(&self) -> usize {
        self.reader.at()
    }

    /// What has been read since it stood at a byte.
    pub(crate) fn passed(&self, start: usize) -> &'a str {
        &self.text[start..self.at()]
    }

    /// Makes sure that nothing follows the statement.
    pub(crate) fn end(&mut self) -> Step<()> {
        self.reader.end()
    }

    /// Goes into the object that should come next. `None` if it is something else, which is noted.
    #[inline(always)]
    pub(crate) fn object(&mut self, rule: Rule) -> Step<Option<Members<'a>>> {
        if !self.is(Kind::Object, rule)? {
            return Ok(None);
        }
        let at = self.at();
        self.reader.enter()?;
        Ok(Some(Members {
            at,
            first: true,
            seen: Distinct::new(),
        }))
    }

    /// The next key of an object, or `None` at its end.
    pub(crate) fn key(&mut self, members: &mut Members<'a>) -> Step<Option<Text<'a>>> {
        let key = self.distinct_key(members, FORMAT.of(self.version))?;
        if key.is_none() && members.first {
            self.warn(members.at, "is empty", NOT_EMPTY);
        }
        Ok(key)
    }

    /// The next key of an object. `section` says who forbids to repeat one.
    #[inline(always)]
    fn distinct_key(
        &mut self,
        members: &mut Members<'a>,
        section: &'static str,
    ) -> Step<Option<Text<'a>>> {
        let Some(key) = self.reader.key(members.first)? else {
            return Ok(None);
        };
        members.first = false;
        self.check_characters(&key);
        if !members.seen.add(self.text, key) {
            self.fault(
                key.at,
                "is there twice",
                "each property at most once in an object",
                section,
            );
        }
        Ok(Some(key))
    }

    /// Goes into the array that should come next. `None` if it is something else, which is noted.
    pub(crate) fn array(&mut self, rule: Rule) -> Step<Option<Elements>> {
        if !self.is(Kind::Array, rule)? {
            return Ok(None);
        }
        let at = self.at();
        self.reader.enter()?;
        Ok(Some(Elements { at, count: 0 }))
    }

    /// Tells whether the array has another element, which then comes next.
    pub(crate) fn element(&mut self, elements: &mut Elements) -> Step<bool> {
        let more = self.reader.element(elements.count == 0)?;
        elements.count += usize::from(more);
        Ok(more)
    }

    /// The string that should come next. `None` if it is something else, which is noted.
    pub(crate) fn string(&mut self, rule: Rule) -> Step<Option<Text<'a>>> {
        if !self.is(Kind::String, rule)? {
            return Ok(None);
        }
        let text = self.reader.string()?;
        self.check_characters(&text);
        Ok(Some(text))
    }

    /// The string that should come next, as written and as read by `parse`, whose `None` says that it is
    /// malformed. The fault quotes it.
    pub(crate) fn parsed_text<T>(
        &mut self,
        rule: Rule,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Step<Option<(Text<'a>, T)>> {
        let Some(text) = self.string(rule)? else {
            return Ok(None);
        };
        let decoded = text.decoded();
        let value = parse(&decoded);
        if value.is_none() {
            self.note_value(text.at, &decoded, rule);
        }
        Ok(value.map(|value| (text, value)))
    }

    /// The string that should come next, as read by `parse`.
    pub(crate) fn parsed<T>(
        &mut self,
        rule: Rule,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Step<Option<T>> {
        Ok(self.parsed_text(rule, parse)?.map(|(_, value)| value))
    }

    /// The string that should come next, and that `test` should accept. The fault quotes it.
    pub(crate) fn formatted(&mut self, rule: Rule, test: impl FnOnce(&str) -> bool) -> Step<()> {
        self.parsed(rule, |text| test(text).then_some(())).map(drop)
    }

    /// The string that should come next, and that `test` should accept. The fault does not quote it, since
    /// it says who a person is.
    pub(crate) fn personal(&mut self, rule: Rule, test: impl FnOnce(&str) -> bool) -> Step<()> {
        if let Some(text) = self.string(rule)?
            && !test(&text.decoded())
        {
            self.note(text.at, "is malformed", rule);
        }
        Ok(())
    }

    /// The number that should come next. `None` if it is something else, which is noted.
    pub(crate) fn number(&mut self, rule: Rule) -> Step<Option<Number<'a>>> {
        if !self.is(Kind::Number, rule)? {
            return Ok(None);
        }
        Ok(Some(self.bounded_number()?))
    }

    /// A number that a double can hold: what cannot be read back cannot be compared with an LRS's copy.
    fn bounded_number(&mut self) -> Step<Number<'a>> {
        let at = self.at();
        let text = self.reader.number()?;
        // Without an exponent it takes over three hundred digits to get there.
        steps::add(text.len());
        let may_overflow = text.len() > 300 || text.contains(['e', 'E']);
        if may_overflow && text.parse().is_ok_and(f64::is_infinite) {
            let expected = "a number up to 1.7e308, which every LRS can read";
            self.fault(at, "is too large a number", expected, PANNIER_LIMIT);
        }
        Ok(Number { at, text })
    }

    /// The boolean that should come next.
    pub(crate) fn boolean(&mut self, rule: Rule) -> Step<()> {
        if self.is(Kind::Boolean, rule)? {
            self.reader.literal().map(drop)
        } else {
            Ok(())
        }
    }

    /// Returns where the next value starts; the walk does not move.
    pub(crate) fn next_at(&mut self) -> Step<usize> {
        self.reader.kind()?;
        Ok(self.at())
    }

    /// Tells whether an array comes next; the walk does not move.
    pub(crate) fn array_is_next(&mut self) -> Step<bool> {
        Ok(self.reader.kind()? == Kind::Array)
    }

    /// The string under `name` in the object that comes next; the walk does not move.
    pub(crate) fn look_ahead(&self, name: &str) -> Option<Text<'a>> {
        self.reader.look_ahead(name)
    }

    /// Passes over whatever comes next. Its depth is bounded by the reader, so the recursion is too.
    pub(crate) fn skip(&mut self) -> Step<()> {
        match self.reader.kind()? {
            Kind::Object => {
                self.reader.enter()?;
                let mut members = Members {
                    at: 0,
                    first: true,
                    seen: Distinct::new(),
                };
                // What is skipped has no rules of the standard's; but of two properties of one name, which
                // one a server keeps is anybody's guess.
                while self.distinct_key(&mut members, PANNIER_LIMIT)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Kind::Array => {
                self.reader.enter()?;
                let mut elements = Elements { at: 0, count: 0 };
                while self.element(&mut elements)? {
                    self.skip()?;
                }
                Ok(())
            }
            Kind::String => {
                let text = self.reader.string()?;
                self.check_characters(&text);
                Ok(())
            }
            Kind::Number => self.bounded_number().map(drop),
            Kind::Boolean | Kind::Null => self.reader.literal().map(drop),
        }
    }

    /// Notes a property that has no place in its object, and passes over its value.
    pub(crate) fn unknown(&mut self, key: &Text<'a>, rule: Rule) -> Step<()> {
        self.note(key.at, "is not allowed here", rule);
        self.skip()
    }

    /// Notes a property that an object lacks.
    #[cold]
    pub(crate) fn missing(&mut self, object: usize, name: &'static str, rule: Rule) {
        let section = rule.section.of(self.version);
        self.faults.add(object, || Noted {
            missing: Some(name),
            ..Noted::new(object, "is missing", rule.expected, section)
        });
    }

    /// Notes a string that should have been something else.
    #[cold]
    pub(crate) fn note_value(&mut self, at: usize, value: &str, rule: Rule) {
        let section = rule.section.of(self.version);
        self.faults.add(at, || {
            let problem = format!("is {}", locate::quoted(value, LONGEST_QUOTE));
            Noted::new(at, problem, rule.expected, section)
        });
    }

    /// Notes a number that should have been something else.
    #[cold]
    pub(crate) fn note_number(&mut self, number: Number<'_>, rule: Rule) {
        let shown: String = number.text.chars().take(LONGEST_QUOTE).collect();
        self.note(number.at, format!("is {shown}"), rule);
    }

    /// Notes what is wrong with what stands at a byte.
    #[cold]
    pub(crate) fn note(&mut self, at: usize, problem: impl Into<Cow<'static, str>>, rule: Rule) {
        self.fault(at, problem, rule.expected, rule.section.of(self.version));
    }

    /// Notes what is valid at a byte, and had better be otherwise.
    #[cold]
    pub(crate) fn warn(&mut self, at: usize, problem: impl Into<Cow<'static, str>>, rule: Rule) {
        let section = rule.section.of(self.version);
        self.warnings
            .add(at, || Noted::new(at, problem, rule.expected, section));
    }

    /// Notes what the standard allows at a byte, and is hardly meant.
    #[cold]
    pub(crate) fn advise(
        &mut self,
        at: usize,
        problem: impl Into<Cow<'static, str>>,
        expected: &'static str,
    ) {
        self.warnings
            .add(at, || Noted::new(at, problem, expected, PANNIER_LIMIT));
    }

    /// Notes what is valid at a byte, and must not be recorded.
    #[cold]
    pub(crate) fn unfit(
        &mut self,
        at: usize,
        problem: impl Into<Cow<'static, str>>,
        expected: &'static str,
        section: &'static str,
    ) {
        let list = match self.purpose {
            Purpose::Recording => &mut self.faults,
            Purpose::Verdict => &mut self.warnings,
        };
        list.add(at, || Noted::new(at, problem, expected, section));
    }

    /// Notes what the standard allows and Pannier does not take.
    #[cold]
    pub(crate) fn limit(&mut self, at: usize, problem: &'static str, expected: &'static str) {
        self.fault(at, problem, expected, PANNIER_LIMIT);
    }

    /// The verdict: what the walk has read and what it warns of, unless it noted a fault or stopped.
    pub(crate) fn verdict<T>(mut self, read: Option<T>) -> Result<(T, Warnings), Invalid> {
        if let Some(stop) = self.reader.stop() {
            let (text, version) = (self.text, self.version);
            self.faults.add(stop.at, || of_stop(text, stop, version));
        }
        self.warnings.leave_out(&self.faults);
        let (listed, more) = self.warnings.located(self.text);
        let warnings = Warnings { listed, more };
        match read {
            Some(read) if self.faults.is_empty() => Ok((read, warnings)),
            _ => {
                let (faults, more) = self.faults.located(self.text);
                Err(Invalid {
                    faults,
                    more,
                    warnings,
                })
            }
        }
    }

    /// Tells whether a value of this kind comes next. If not, it is noted and skipped.
    #[inline(always)]
    fn is(&mut self, wanted: Kind, rule: Rule) -> Step<bool> {
        let kind = self.reader.kind()?;
        if kind == wanted {
            return Ok(true);
        }
        self.wrong_kind(kind, rule)?;
        Ok(false)
    }

    #[cold]
    fn wrong_kind(&mut self, kind: Kind, rule: Rule) -> Step<()> {
        let at = self.at();
        self.skip()?;
        if kind == Kind::Null {
            let expected = format!(
                "{}, or to leave it out: null is only for values inside extensions",
                rule.expected
            );
            self.fault(at, "is null", expected, FORMAT.of(self.version));
        } else {
            self.note(at, format!("is {}", kind.name()), rule);
        }
        Ok(())
    }

    fn check_characters(&mut self, text: &Text<'a>) {
        if let Some(defect) = text.defect {
            let (problem, expected) = match defect {
                Defect::Nul => (
                    "holds the character U+0000",
                    "text without U+0000, which databases refuse",
                ),
                Defect::LoneSurrogate => (
                    "holds half of a surrogate pair",
                    "whole characters: both halves or none",
                ),
            };
            self.fault(text.at, problem, expected, PANNIER_LIMIT);
        }
    }

    #[cold]
    fn fault(
        &mut self,
        at: usize,
        problem: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
        section: &'static str,
    ) {
        self.faults
            .add(at, || Noted::new(at, problem, expected, section));
    }
}
