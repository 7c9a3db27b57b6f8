//! `contextAgents` and `contextGroups`, which only version 2 has: people involved in an experience, and their
//! roles.

use super::actor;
use crate::statement::formats::iri;
use crate::statement::reader::Step;
use crate::statement::rule::{CONTEXT, Rule, rule};
use crate::statement::walk::Walk;

const TYPES: Rule = rule("an array of at least one IRI, or to leave it out", CONTEXT);
const TYPE: Rule = rule("an IRI with a scheme", CONTEXT);

/// One of the two lists.
struct List {
    whole: Rule,
    element: Rule,
    object_type: &'static str,
    object_type_rule: Rule,
    /// The property that holds the agent or group.
    who: &'static str,
    who_rule: Rule,
    read_who: fn(&mut Walk<'_>) -> Step<()>,
    properties: Rule,
}

const AGENTS: List = List {
    whole: rule("an array of contextAgents", CONTEXT),
    element: rule(
        "a contextAgent: an object with objectType, agent and perhaps relevantTypes",
        CONTEXT,
    ),
    object_type: "contextAgent",
    object_type_rule: rule("\"contextAgent\"", CONTEXT),
    who: "agent",
    who_rule: rule("an Agent", CONTEXT),
    read_who: actor::agent,
    properties: rule(
        "only objectType, agent and relevantTypes in a contextAgent",
        CONTEXT,
    ),
};

const GROUPS: List = List {
    whole: rule("an array of contextGroups", CONTEXT),
    element: rule(
        "a contextGroup: an object with objectType, group and perhaps relevantTypes",
        CONTEXT,
    ),
    object_type: "contextGroup",
    object_type_rule: rule("\"contextGroup\"", CONTEXT),
    who: "group",
    who_rule: rule("a Group", CONTEXT),
    read_who: actor::group,
    properties: rule(
        "only objectType, group and relevantTypes in a contextGroup",
        CONTEXT,
    ),
};

/// Reads `contextAgents`.
pub(crate) fn agents(walk: &mut Walk<'_>) -> Step<()> {
    list(walk, &AGENTS)
}

/// Reads `contextGroups`.
pub(crate) fn groups(walk: &mut Walk<'_>) -> Step<()> {
    list(walk, &GROUPS)
}

fn list(walk: &mut Walk<'_>, list: &List) -> Step<()> {
    let Some(mut elements) = walk.array(list.whole)? else {
        return Ok(());
    };
    while walk.element(&mut elements)? {
        element(walk, list)?;
    }
    Ok(())
}

fn element(walk: &mut Walk<'_>, list: &List) -> Step<()> {
    let Some(mut members) = walk.object(list.element)? else {
        return Ok(());
    };
    let (mut has_type, mut has_who) = (false, false);
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "objectType" => {
                has_type = true;
                walk.formatted(list.object_type_rule, |text| text == list.object_type)?;
            }
            "relevantTypes" => relevant_types(walk)?,
            name if name == list.who => {
                has_who = true;
                (list.read_who)(walk)?;
            }
            _ => walk.unknown(&key, list.properties)?,
        }
    }
    if !has_type {
        walk.missing(members.at, "objectType", list.object_type_rule);
    }
    if !has_who {
        walk.missing(members.at, list.who, list.who_rule);
    }
    Ok(())
}

fn relevant_types(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut elements) = walk.array(TYPES)? else {
        return Ok(());
    };
    while walk.element(&mut elements)? {
        walk.formatted(TYPE, iri::is_iri)?;
    }
    if elements.count == 0 {
        walk.note(elements.at, "is empty", TYPES);
    }
    Ok(())
}
