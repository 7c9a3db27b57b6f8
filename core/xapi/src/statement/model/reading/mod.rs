//! Reads a statement's JSON into the typed model.
//!
//! Only the shape is read here: which properties there are and of which types;
//! [`check`](crate::statement::check) tells whether it is valid. What the model has no place for is a fault
//! with its path and never left out, so that what is written again is the same statement by
//! [`compare`](crate::statement::compare).

mod activities;
mod actors;
mod contexts;
mod references;
mod results;
mod statements;
mod values;

use super::{Actor, Statement, XapiContext};
use crate::statement::fault::Invalid;
use crate::statement::reader::Step;
use crate::statement::rule::Rule;
use crate::statement::version::XapiVersion;
use crate::statement::walk::{Purpose, Walk};

/// Result of reading: `None` if a fault was noted, so that what is built around it is never returned.
type Read<T> = Step<Option<T>>;

/// Reads a text that is a single statement.
pub(crate) fn statement(text: &str) -> Result<Statement, Invalid> {
    whole(text, statements::statement)
}

/// Values that statements may have in common.
pub(crate) type InCommon = (Option<Actor>, XapiContext);

/// Reads a text that is only what statements have in common.
pub(crate) fn in_common(text: &str) -> Result<InCommon, Invalid> {
    whole(text, statements::in_common)
}

fn whole<T>(text: &str, read: impl FnOnce(&mut Walk<'_>) -> Read<T>) -> Result<T, Invalid> {
    // The shape is that of both versions; the faults name the sections of the later one.
    let mut walk = Walk::new(text, XapiVersion::V2_0_0, Purpose::Verdict);
    let to_the_end = || {
        let read = read(&mut walk)?;
        walk.end()?;
        Ok(read)
    };
    let read: Read<T> = to_the_end();
    walk.verdict(read.ok().flatten()).map(|(read, _)| read)
}

/// Reads an object and returns its offset. `member` reads the value of the property with the given name, or
/// returns false if it knows none. `rule` names all that it knows.
fn object<'a>(
    walk: &mut Walk<'a>,
    rule: Rule,
    mut member: impl FnMut(&mut Walk<'a>, &str) -> Step<bool>,
) -> Read<usize> {
    let Some(mut members) = walk.object(rule)? else {
        return Ok(None);
    };
    while let Some(key) = walk.key(&mut members)? {
        if !member(walk, &key.decoded())? {
            walk.unknown(&key, rule)?;
        }
    }
    Ok(Some(members.at))
}

/// Reads an array whose elements `element` reads.
fn list<'a, T>(
    walk: &mut Walk<'a>,
    rule: Rule,
    mut element: impl FnMut(&mut Walk<'a>) -> Read<T>,
) -> Step<Vec<T>> {
    let mut list = Vec::new();
    if let Some(mut elements) = walk.array(rule)? {
        while walk.element(&mut elements)? {
            list.extend(element(walk)?);
        }
    }
    Ok(list)
}

/// Reads an array likewise, but notes an empty one, which the model cannot tell from none.
fn some<'a, T>(
    walk: &mut Walk<'a>,
    rule: Rule,
    element: impl FnMut(&mut Walk<'a>) -> Read<T>,
) -> Step<Vec<T>> {
    let at = walk.next_at()?;
    let list = list(walk, rule, element)?;
    refuse_empty(walk, at);
    Ok(list)
}

/// Notes an array or object that has just been read if it is empty, where that is not the same as none.
fn refuse_empty(walk: &mut Walk<'_>, start: usize) {
    let rest = walk.passed(start).strip_prefix(['[', '{']);
    if rest.is_some_and(|rest| rest.trim_start().starts_with([']', '}'])) {
        walk.limit(
            start,
            "is empty",
            "at least one, or to leave it out: the typed model does not tell something empty from nothing",
        );
    }
}

/// A property that an object must have for the model to have a place for it.
struct Needed<T> {
    met: bool,
    value: Option<T>,
}

impl<T> Default for Needed<T> {
    fn default() -> Self {
        Self {
            met: false,
            value: None,
        }
    }
}

impl<T> Needed<T> {
    fn set(&mut self, value: Option<T>) {
        *self = Self { met: true, value };
    }

    /// Returns what was read of it; notes if it is missing from the object that starts at `at`.
    fn get(self, walk: &mut Walk<'_>, at: usize, name: &'static str, rule: Rule) -> Option<T> {
        if !self.met {
            walk.missing(at, name, rule);
        }
        self.value
    }
}

#[cfg(test)]
mod tests;
