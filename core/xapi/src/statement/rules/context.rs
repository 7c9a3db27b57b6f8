//! The context of an experience.

use super::object::Object;
use super::{activity, actor, extensions::extensions, related, statement_ref};
use crate::statement::formats::{language_tag, uuid};
use crate::statement::reader::Step;
use crate::statement::rule::{CONTEXT, CONTEXT_ACTIVITIES, Rule, rule};
use crate::statement::version::XapiVersion;
use crate::statement::walk::Walk;

const WHOLE: Rule = rule("a context: an object", CONTEXT);
const REGISTRATION: Rule = rule("a UUID in standard form", CONTEXT);
const INSTRUCTOR: Rule = rule("an Agent or a Group", CONTEXT);
const TEXT: Rule = rule("a string", CONTEXT);
const LANGUAGE: Rule = rule(
    "a language tag of RFC 5646, such as \"en\" or \"de-CH\"",
    CONTEXT,
);
const STATEMENT: Rule = rule("a StatementRef", CONTEXT);
const ONLY_ACTIVITIES: Rule = rule(
    "revision and platform only with an Activity as object",
    CONTEXT,
);
const PROPERTIES: Rule = rule(
    "only registration, instructor, team, contextActivities, revision, platform, language, statement and \
     extensions, and in version 2.0.0 contextAgents and contextGroups",
    CONTEXT,
);
const ACTIVITIES: Rule = rule(
    "an object with parent, grouping, category and other",
    CONTEXT_ACTIVITIES,
);
const ACTIVITIES_PROPERTIES: Rule = rule(
    "only parent, grouping, category and other",
    CONTEXT_ACTIVITIES,
);
const ACTIVITY: Rule = rule("an Activity or an array of Activities", CONTEXT_ACTIVITIES);

/// Facts about a context that the statement around it needs.
#[derive(Default)]
pub(crate) struct Context {
    /// Offsets of the keys `revision` and `platform`.
    only_with_activities: [Option<usize>; 2],
}

impl Context {
    /// Checks what depends on the statement's object.
    pub(crate) fn check_object(&self, walk: &mut Walk<'_>, object: &Object) {
        if let Object::Activity | Object::Faulty = object {
            return;
        }
        for at in self.only_with_activities.iter().flatten() {
            walk.note(
                *at,
                format!("is not allowed while the object is {}", object.name()),
                ONLY_ACTIVITIES,
            );
        }
    }
}

/// Reads a context.
pub(crate) fn context(walk: &mut Walk<'_>) -> Step<Context> {
    let mut context = Context::default();
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(context);
    };
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "registration" => {
                walk.parsed(REGISTRATION, uuid::parse)?;
            }
            "instructor" => {
                actor::actor(walk, actor::Wanted::Either, INSTRUCTOR)?;
            }
            "team" => actor::group(walk)?,
            "contextActivities" => context_activities(walk)?,
            "revision" => {
                context.only_with_activities[0] = Some(key.at);
                walk.string(TEXT)?;
            }
            "platform" => {
                context.only_with_activities[1] = Some(key.at);
                walk.string(TEXT)?;
            }
            "language" => language(walk)?,
            "statement" => {
                statement_ref::statement_ref(walk, STATEMENT)?;
            }
            "extensions" => extensions(walk)?,
            "contextAgents" if has_related(walk) => related::agents(walk)?,
            "contextGroups" if has_related(walk) => related::groups(walk)?,
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    Ok(context)
}

/// Tells whether a context may name the people involved, which only version 2 knows.
fn has_related(walk: &mut Walk<'_>) -> bool {
    let has = |version| (version >= XapiVersion::V2_0_0).then_some(());
    walk.by_version(has).is_some()
}

fn language(walk: &mut Walk<'_>) -> Step<()> {
    let Some(text) = walk.string(LANGUAGE)? else {
        return Ok(());
    };
    let tag = text.decoded();
    if tag.len() > language_tag::LONGEST {
        walk.limit(text.at, language_tag::TOO_LONG, language_tag::NOT_SO_LONG);
    } else if !language_tag::is_language_tag(&tag) {
        walk.note_value(text.at, &tag, LANGUAGE);
    }
    Ok(())
}

fn context_activities(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(ACTIVITIES)? else {
        return Ok(());
    };
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "parent" | "grouping" | "category" | "other" if walk.array_is_next()? => {
                let Some(mut elements) = walk.array(ACTIVITY)? else {
                    continue;
                };
                while walk.element(&mut elements)? {
                    activity::activity(walk, ACTIVITY)?;
                }
            }
            "parent" | "grouping" | "category" | "other" => {
                activity::activity(walk, ACTIVITY)?;
            }
            _ => walk.unknown(&key, ACTIVITIES_PROPERTIES)?,
        }
    }
    Ok(())
}
