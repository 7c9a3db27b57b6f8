//! A single walk over the text of a statement: the rules pull values from it and it collects the faults.
//!
//! A value of the wrong type is noted and skipped, and the walk goes on, so that all faults are found at once.
//! Only text that is not JSON, or is nested too deep, ends it early. Each key is checked for repetition, and
//! each key and string for characters that servers cannot keep, whether a rule asked for it or it was skipped.
#![allow(clippy::inline_always, reason = "measured: see the reader")]

use std::borrow::Cow;

use super::contents::Attached;
use super::distinct::Distinct;
use super::fault::{Invalid, PANNIER_LIMIT, Warnings};
use super::locate;
use super::noted::{Faults, Noted, of_stop};
use super::reader::{Kind, Reader, Step};
use super::rule::{EMPTY, FORMAT, Rule, Section, rule};
use super::text::{Defect, Text};
use super::version::XapiVersion;
use crate::steps;

/// Longest piece of a value that a fault quotes, in characters.
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
    version: XapiVersion,
    purpose: Purpose,
    /// Set when something was met that only version 2 takes; see [`Walk::by_version`].
    pub(crate) needs_2_0: bool,
    /// The attachments without `fileUrl` that were met, with the offset of each, whose paths are still to be made.
    pub(crate) attached: Vec<(usize, Attached)>,
}

/// The purpose of checking a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Finding out whether it is valid.
    Verdict,
    /// Queueing it: also refuses what is valid but would wait in the queue for good.
    Recording,
}

/// An object that is being read.
pub(crate) struct Members<'a> {
    /// Offset of its start.
    pub(crate) at: usize,
    first: bool,
    seen: Distinct<'a>,
}

/// An array that is being read.
pub(crate) struct Elements {
    /// Offset of its start.
    pub(crate) at: usize,
    /// Number of elements met so far.
    pub(crate) count: usize,
}

/// A number, as written.
#[derive(Clone, Copy)]
pub(crate) struct Number<'a> {
    /// Offset of its start.
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
            attached: Vec::new(),
        }
    }

    /// Returns what the rules of this walk's version make of something; none if they do not allow it. The only way to ask
    /// which version counts: so what 1.0.3 does not take cannot be accepted here without being noted.
    pub(crate) fn by_version<T>(&mut self, read: impl Fn(XapiVersion) -> Option<T>) -> Option<T> {
        let read_here = read(self.version);
        self.needs_2_0 |= read_here.is_some()
            && self.version != XapiVersion::V1_0_3
            && read(XapiVersion::V1_0_3).is_none();
        read_here
    }

    /// Returns the section of a rule.
    pub(crate) fn section(&self, of: Section) -> &'static str {
        of.of(self.version)
    }

    /// Adds a string of the text to `others`; returns false if it was there already.
    pub(crate) fn is_new(&self, text: Text<'a>, others: &mut Distinct<'a>) -> bool {
        others.add(self.text, text)
    }

    /// Returns the number of bytes read.
    pub(crate) fn at(&self) -> usize {
        self.reader.at()
    }

    /// Returns the text read since the offset `start`.
    pub(crate) fn passed(&self, start: usize) -> &'a str {
        &self.text[start..self.at()]
    }

    /// Makes sure that nothing follows the statement.
    pub(crate) fn end(&mut self) -> Step<()> {
        self.reader.end()
    }

    /// Enters the object that should come next. `None` if it is something else, which is noted.
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

    /// Returns the next key of an object, or `None` at its end. Warns of an empty object.
    pub(crate) fn key(&mut self, members: &mut Members<'a>) -> Step<Option<Text<'a>>> {
        let key = self.distinct_key(members, FORMAT.of(self.version))?;
        if key.is_none() && members.first {
            self.warn(members.at, "is empty", NOT_EMPTY);
        }
        Ok(key)
    }

    /// Returns the next key of an object. `section` is where repeating one is forbidden.
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

    /// Enters the array that should come next. `None` if it is something else, which is noted.
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

    /// Reads the string that should come next. `None` if it is something else, which is noted.
    pub(crate) fn string(&mut self, rule: Rule) -> Step<Option<Text<'a>>> {
        if !self.is(Kind::String, rule)? {
            return Ok(None);
        }
        let text = self.reader.string()?;
        self.check_characters(&text);
        Ok(Some(text))
    }

    /// Reads the string that should come next; returns it as written and as read by `parse`, which returns
    /// `None` if it is malformed. The fault quotes it.
    pub(crate) fn parsed_text<T>(
        &mut self,
        rule: Rule,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Step<Option<(Text<'a>, T)>> {
        self.parsed_with(rule, |_, text| parse(text))
    }

    /// Like [`Walk::parsed_text`], by rules that differ between versions.
    pub(crate) fn parsed_by_version<T>(
        &mut self,
        rule: Rule,
        parse: impl Fn(&str, XapiVersion) -> Option<T>,
    ) -> Step<Option<(Text<'a>, T)>> {
        self.parsed_with(rule, |walk, text| {
            walk.by_version(|version| parse(text, version))
        })
    }

    fn parsed_with<T>(
        &mut self,
        rule: Rule,
        parse: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Step<Option<(Text<'a>, T)>> {
        let Some(text) = self.string(rule)? else {
            return Ok(None);
        };
        let decoded = text.decoded();
        let value = parse(self, &decoded);
        if value.is_none() {
            self.note_value(text.at, &decoded, rule);
        }
        Ok(value.map(|value| (text, value)))
    }

    /// Reads the string that should come next with `parse`.
    pub(crate) fn parsed<T>(
        &mut self,
        rule: Rule,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Step<Option<T>> {
        Ok(self.parsed_text(rule, parse)?.map(|(_, value)| value))
    }

    /// Reads the string that should come next, which `test` should accept. The fault quotes it.
    pub(crate) fn formatted(&mut self, rule: Rule, test: impl FnOnce(&str) -> bool) -> Step<()> {
        self.parsed(rule, |text| test(text).then_some(())).map(drop)
    }

    /// Reads the string that should come next, which `test` should accept. The fault does not quote it, since
    /// it identifies a person.
    pub(crate) fn personal(&mut self, rule: Rule, test: impl FnOnce(&str) -> bool) -> Step<()> {
        if let Some(text) = self.string(rule)?
            && !test(&text.decoded())
        {
            self.note(text.at, "is malformed", rule);
        }
        Ok(())
    }

    /// Reads the number that should come next. `None` if it is something else, which is noted.
    pub(crate) fn number(&mut self, rule: Rule) -> Step<Option<Number<'a>>> {
        if !self.is(Kind::Number, rule)? {
            return Ok(None);
        }
        Ok(Some(self.bounded_number()?))
    }

    /// Reads a number that a double can hold: what cannot be read back cannot be compared with an LRS's copy.
    fn bounded_number(&mut self) -> Step<Number<'a>> {
        let at = self.at();
        let text = self.reader.number()?;
        // Without an exponent it takes over three hundred digits to overflow.
        steps::add(text.len());
        let may_overflow = text.len() > 300 || text.contains(['e', 'E']);
        if may_overflow && text.parse().is_ok_and(f64::is_infinite) {
            let expected = "a number up to 1.7e308, which every LRS can read";
            self.fault(at, "is too large a number", expected, PANNIER_LIMIT);
        }
        Ok(Number { at, text })
    }

    /// Reads the boolean that should come next.
    pub(crate) fn boolean(&mut self, rule: Rule) -> Step<()> {
        if self.is(Kind::Boolean, rule)? {
            self.reader.literal().map(drop)
        } else {
            Ok(())
        }
    }

    /// Returns the offset of the next value; the walk does not move past it.
    pub(crate) fn next_at(&mut self) -> Step<usize> {
        self.reader.kind()?;
        Ok(self.at())
    }

    /// Tells whether an array comes next; the walk does not move past it.
    pub(crate) fn array_is_next(&mut self) -> Step<bool> {
        Ok(self.reader.kind()? == Kind::Array)
    }

    /// Looks ahead for the string under `name` in the object that comes next; the walk does not move.
    pub(crate) fn look_ahead(&self, name: &str) -> Option<Text<'a>> {
        self.reader.look_ahead(name)
    }

    /// Skips the next value. The reader bounds its depth, and so the recursion.
    pub(crate) fn skip(&mut self) -> Step<()> {
        match self.reader.kind()? {
            Kind::Object => {
                self.reader.enter()?;
                let mut members = Members {
                    at: 0,
                    first: true,
                    seen: Distinct::new(),
                };
                // The standard has no rules for what is skipped; but if two properties have one name, no one
                // can tell which one a server keeps.
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

    /// Notes a property that its object must not have, and skips its value.
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

    /// Notes a fault at a byte.
    #[cold]
    pub(crate) fn note(&mut self, at: usize, problem: impl Into<Cow<'static, str>>, rule: Rule) {
        self.fault(at, problem, rule.expected, rule.section.of(self.version));
    }

    /// Warns of what the standard or real LRSs advise against at a byte.
    #[cold]
    pub(crate) fn warn(&mut self, at: usize, problem: impl Into<Cow<'static, str>>, rule: Rule) {
        let section = rule.section.of(self.version);
        self.warnings
            .add(at, || Noted::new(at, problem, rule.expected, section));
    }

    /// Warns of what the standard allows at a byte, but is hardly meant.
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

    /// Notes what is valid at a byte but must not be recorded: a fault if the statement is to be queued,
    /// otherwise a warning.
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

    /// Notes as a fault what the standard allows but Pannier does not take.
    #[cold]
    pub(crate) fn limit(&mut self, at: usize, problem: &'static str, expected: &'static str) {
        self.fault(at, problem, expected, PANNIER_LIMIT);
    }

    /// Returns the verdict: what the walk has read and its warnings, unless it noted a fault or stopped.
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
                    are_defaults: false,
                })
            }
        }
    }

    /// Tells whether a value of this kind comes next. Any other is noted and skipped.
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
