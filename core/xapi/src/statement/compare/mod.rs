//! Compares the statement that an LRS has with the one that was sent.
//!
//! An LRS may change some things in a statement and must keep the rest (Data 2.3.1; IEEE 9274.1.1, 4.2). Both
//! copies are first brought to a form in which what may change is the same (`canonical.rs`); whatever still
//! differs is a difference.
//!
//! Where the versions of the standard disagree, the stricter view is taken: `context`, all of `result` and
//! `timestamp` are compared, although 2.0 names the first two neither as preserved nor as free, and says not to
//! consider the third: a copy that is an hour off does not say what was recorded. Only a copy that declares
//! version 2 gets the one freedom of 2.0 alone: the letter case of a mail address does not matter there.
//! Attachments are compared by their hashes.
//!
//! Breaches of the standard by real LRSs are allowed if nothing is lost: a duration of the same length in other
//! units, an empty object that is dropped, a null for what is not there. What the standard
//! does not know beside a statement's members is the LRS's own (Communication 3.3).

mod attachments;
mod canonical;
mod difference;
mod duration;
mod iri;
mod number;
mod value;

pub use difference::{Difference, Differences};
use value::{Object, Value};

/// Outcome of comparing what was sent with what an LRS has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same statement: all that differs is what an LRS may change.
    Same,
    /// Another statement, which differs in these places.
    Different(Differences),
    /// At least one of the two is no statement, so nothing is proved.
    Unreadable,
}

/// Compares a statement as it was `sent` with `theirs`, the statement that an LRS returned.
///
/// An answer that wraps the statement in a list has to be unwrapped first.
pub fn compare(sent: &[u8], theirs: &[u8]) -> Comparison {
    match (read(sent), read(theirs)) {
        (Some(ours), Some(theirs)) => compare_both(ours, theirs),
        _ => Comparison::Unreadable,
    }
}

/// Tells whether `theirs` is what a node that speaks 1.0.3 may show of the statement that was `sent`: all but what
/// 2.0.0 alone has. So it may be stored whole by another node.
pub fn is_shown_in_1_0_3(sent: &[u8], theirs: &[u8]) -> bool {
    let (Some(mut ours), Some(theirs)) = (read(sent), read(theirs)) else {
        return false;
    };
    canonical::drop_what_is_new_in_2_0(&mut ours);
    compare_both(ours, theirs) == Comparison::Same
}

fn compare_both<'a>(mut ours: Object<'a>, mut theirs: Object<'a>) -> Comparison {
    for copy in [&mut ours, &mut theirs] {
        canonical::drop_nulls(copy);
        canonical::drop_unknown(copy);
    }
    let lenience = canonical::Lenience::of(&theirs);
    canonical::statement(&mut ours, lenience);
    canonical::statement(&mut theirs, lenience);
    canonical::drop_what_was_assigned(&ours, &mut theirs);
    canonical::both(&mut ours, &mut theirs);

    let differences = difference::between(&Value::Object(ours), &Value::Object(theirs));
    if differences.listed.is_empty() {
        Comparison::Same
    } else {
        Comparison::Different(differences)
    }
}

fn read(text: &[u8]) -> Option<Object<'_>> {
    let Some(Value::Object(statement)) = Value::read(text) else {
        return None;
    };
    ["actor", "verb", "object"]
        .iter()
        .all(|part| statement.contains_key(*part))
        .then_some(statement)
}
