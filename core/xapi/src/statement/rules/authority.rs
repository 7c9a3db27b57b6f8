//! The authority, which vouches for a statement. An LRS sets it; a caller may too, but then it must be right.

use super::actor::{Wanted, actor};
use crate::statement::reader::Step;
use crate::statement::rule::{AUTHORITY, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "an Agent, or the Group of two Agents that three-legged OAuth makes",
    AUTHORITY,
);
const PAIR: Rule = rule(
    "an Agent, or a Group without identifier of exactly two Agents: the OAuth consumer, with an account, and \
     the user",
    AUTHORITY,
);

/// Reads an authority.
pub(crate) fn authority(walk: &mut Walk<'_>) -> Step<()> {
    let Some(actor) = actor(walk, Wanted::Either, WHOLE)? else {
        return Ok(());
    };
    if !actor.is_group {
        return Ok(());
    }
    if actor.identifiers > 0 {
        walk.note(actor.at, "is a Group with an identifier", PAIR);
    } else if actor.members != 2 {
        walk.note(actor.at, format!("is a Group of {}", actor.members), PAIR);
    } else if !actor.member_has_account {
        walk.note(actor.at, "is a Group without an OAuth consumer", PAIR);
    }
    Ok(())
}
