//! The context of an experience.

use super::activities::activity;
use super::actors::{actor, agent, group};
use super::references::reference;
use super::values::{extensions, id, text};
use super::{Needed, Read, list, object, some};
use crate::statement::model::{
    ContextActivities, ContextAgent, ContextGroup, XapiActivity, XapiContext,
};
use crate::statement::reader::Step;
use crate::statement::rule::{CONTEXT, CONTEXT_ACTIVITIES, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "a context: an object with registration, instructor, team, contextActivities, revision, platform, language, \
     statement, contextAgents, contextGroups and extensions",
    CONTEXT,
);
const REGISTRATION: Rule = rule("a UUID in standard form", CONTEXT);
const TEXT: Rule = rule("a string", CONTEXT);
const ACTIVITIES: Rule = rule(
    "an object with parent, grouping, category and other",
    CONTEXT_ACTIVITIES,
);
const ACTIVITY: Rule = rule("an Activity or an array of Activities", CONTEXT_ACTIVITIES);
const AGENTS: Rule = rule("an array of contextAgents", CONTEXT);
const AGENT: Rule = rule(
    "a contextAgent: an object with objectType, agent and perhaps relevantTypes",
    CONTEXT,
);
const GROUPS: Rule = rule("an array of contextGroups", CONTEXT);
const GROUP: Rule = rule(
    "a contextGroup: an object with objectType, group and perhaps relevantTypes",
    CONTEXT,
);
const TYPES: Rule = rule("an array of at least one IRI, or to leave it out", CONTEXT);

/// Reads a context.
pub(super) fn context(walk: &mut Walk<'_>) -> Step<XapiContext> {
    let mut context = XapiContext::default();
    object(walk, WHOLE, |walk, property| {
        match property {
            "registration" => context.registration = id(walk, REGISTRATION)?,
            "instructor" => context.instructor = actor(walk)?,
            "team" => context.team = group(walk)?,
            "contextActivities" => context.context_activities = Some(around(walk)?),
            "revision" => context.revision = text(walk, TEXT)?,
            "platform" => context.platform = text(walk, TEXT)?,
            "language" => context.language = text(walk, TEXT)?,
            "statement" => context.statement = reference(walk)?,
            "contextAgents" => context.context_agents = some(walk, AGENTS, context_agent)?,
            "contextGroups" => context.context_groups = some(walk, GROUPS, context_group)?,
            "extensions" => context.extensions = extensions(walk)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(context)
}

fn around(walk: &mut Walk<'_>) -> Step<ContextActivities> {
    let mut around = ContextActivities::default();
    object(walk, ACTIVITIES, |walk, property| {
        let place = match property {
            "parent" => &mut around.parent,
            "grouping" => &mut around.grouping,
            "category" => &mut around.category,
            "other" => &mut around.other,
            _ => return Ok(false),
        };
        *place = activities(walk)?;
        Ok(true)
    })?;
    Ok(around)
}

/// Reads an array of activities or a single one, as earlier versions of the standard had it (Data 2.4.6.2).
fn activities(walk: &mut Walk<'_>) -> Step<Vec<XapiActivity>> {
    if walk.array_is_next()? {
        list(walk, ACTIVITY, activity)
    } else {
        Ok(activity(walk)?.into_iter().collect())
    }
}

fn context_agent(walk: &mut Walk<'_>) -> Read<ContextAgent> {
    let related = related(walk, AGENT, "contextAgent", "agent", agent)?;
    Ok(related.map(|(agent, relevant_types)| ContextAgent {
        agent,
        relevant_types,
    }))
}

fn context_group(walk: &mut Walk<'_>) -> Read<ContextGroup> {
    let related = related(walk, GROUP, "contextGroup", "group", group)?;
    Ok(related.map(|(group, relevant_types)| ContextGroup {
        group,
        relevant_types,
    }))
}

/// Reads the agent or group under `who` in an object of the type `kind`, and its roles.
fn related<'a, T>(
    walk: &mut Walk<'a>,
    rule: Rule,
    kind: &'static str,
    who: &'static str,
    mut read_who: impl FnMut(&mut Walk<'a>) -> Read<T>,
) -> Read<(T, Vec<String>)> {
    let (mut object_type, mut one, mut types) = (Needed::default(), Needed::default(), Vec::new());
    let at = object(walk, rule, |walk, property| {
        match property {
            "objectType" => {
                object_type.set(walk.parsed(rule, |text| (text == kind).then_some(()))?);
            }
            "relevantTypes" => types = some(walk, TYPES, |walk| text(walk, TEXT))?,
            _ if property == who => one.set(read_who(walk)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(at) = at else { return Ok(None) };
    object_type.get(walk, at, "objectType", rule);
    let one = one.get(walk, at, who, rule);
    Ok(one.map(|one| (one, types)))
}
