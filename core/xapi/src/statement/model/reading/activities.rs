//! Reads Activities, as the object of a statement and in its context.

use super::values::{extensions, languages, text};
use super::{Needed, Read, list, object};
use crate::statement::model::{
    ActivityDefinition, InteractionComponent, InteractionType, XapiActivity,
};
use crate::statement::reader::Step;
use crate::statement::rule::{ACTIVITY, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "an Activity: an object with objectType, id and definition (one of another kind must say its objectType)",
    ACTIVITY,
);
const TYPE: Rule = rule("\"Activity\", or to leave it out", ACTIVITY);
const TEXT: Rule = rule("a string", ACTIVITY);
const DEFINITION: Rule = rule(
    "a definition: an object with name, description, type, moreInfo, extensions and the interaction properties",
    ACTIVITY,
);
const FORM: Rule = rule(
    "true-false, choice, fill-in, long-fill-in, matching, performance, sequencing, likert, numeric or other",
    ACTIVITY,
);
const PATTERNS: Rule = rule("an array of strings", ACTIVITY);
const COMPONENTS: Rule = rule("an array of interaction components", ACTIVITY);
const COMPONENT: Rule = rule(
    "an interaction component: an object with id and description",
    ACTIVITY,
);

/// Reads an Activity.
pub(super) fn activity(walk: &mut Walk<'_>) -> Read<XapiActivity> {
    let (mut id, mut what) = (Needed::default(), None);
    let at = object(walk, WHOLE, |walk, property| {
        match property {
            "objectType" => walk.formatted(TYPE, |text| text == "Activity")?,
            "id" => id.set(text(walk, TEXT)?),
            "definition" => what = Some(definition(walk)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(at) = at else { return Ok(None) };
    let id = id.get(walk, at, "id", TEXT);
    Ok(id.map(|id| XapiActivity {
        id,
        definition: what,
    }))
}

fn definition(walk: &mut Walk<'_>) -> Step<ActivityDefinition> {
    let mut what = ActivityDefinition::default();
    object(walk, DEFINITION, |walk, property| {
        match property {
            "name" => what.name = languages(walk)?,
            "description" => what.description = languages(walk)?,
            "type" => what.activity_type = text(walk, TEXT)?,
            "moreInfo" => what.more_info = text(walk, TEXT)?,
            "interactionType" => what.interaction_type = walk.parsed(FORM, form)?,
            "correctResponsesPattern" => {
                what.correct_responses_pattern =
                    Some(list(walk, PATTERNS, |walk| text(walk, TEXT))?);
            }
            "choices" => what.choices = components(walk)?,
            "scale" => what.scale = components(walk)?,
            "source" => what.source = components(walk)?,
            "target" => what.target = components(walk)?,
            "steps" => what.steps = components(walk)?,
            "extensions" => what.extensions = extensions(walk)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(what)
}

fn form(text: &str) -> Option<InteractionType> {
    Some(match text {
        "true-false" => InteractionType::TrueFalse,
        "choice" => InteractionType::Choice,
        "fill-in" => InteractionType::FillIn,
        "long-fill-in" => InteractionType::LongFillIn,
        "matching" => InteractionType::Matching,
        "performance" => InteractionType::Performance,
        "sequencing" => InteractionType::Sequencing,
        "likert" => InteractionType::Likert,
        "numeric" => InteractionType::Numeric,
        "other" => InteractionType::Other,
        _ => return None,
    })
}

fn components(walk: &mut Walk<'_>) -> Step<Vec<InteractionComponent>> {
    list(walk, COMPONENTS, |walk| {
        let (mut id, mut description) = (Needed::default(), None);
        let at = object(walk, COMPONENT, |walk, property| {
            match property {
                "id" => id.set(text(walk, TEXT)?),
                "description" => description = Some(languages(walk)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let Some(at) = at else { return Ok(None) };
        let id = id.get(walk, at, "id", TEXT);
        Ok(id.map(|id| InteractionComponent {
            id,
            description: description.unwrap_or_default(),
        }))
    })
}
