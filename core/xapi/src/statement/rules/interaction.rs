//! The interaction properties of an Activity's definition: questions, their components and right answers.
//!
//! The contents of response patterns are not checked: an LRS need not, and the forms in use vary.

use super::language_map::language_map;
use crate::statement::distinct::Distinct;
use crate::statement::reader::Step;
use crate::statement::rule::{ACTIVITY, Rule, rule};
use crate::statement::text::Text;
use crate::statement::walk::Walk;

/// The interaction types, each with the component lists it has.
const TYPES: [(&str, &[&str]); 10] = [
    ("true-false", &[]),
    ("choice", &["choices"]),
    ("fill-in", &[]),
    ("long-fill-in", &[]),
    ("matching", &["source", "target"]),
    ("performance", &["steps"]),
    ("sequencing", &["choices"]),
    ("likert", &["scale"]),
    ("numeric", &[]),
    ("other", &[]),
];

const TYPE: Rule = rule(
    "one of true-false, choice, fill-in, long-fill-in, matching, performance, sequencing, likert, numeric, other",
    ACTIVITY,
);
const NEEDS_TYPE: Rule = rule(
    "an interactionType beside the properties of an interaction",
    ACTIVITY,
);
const PATTERN: Rule = rule("an array of strings, one for each right answer", ACTIVITY);
const LIST: Rule = rule("an array of interaction components", ACTIVITY);
const LIST_OF_TYPE: Rule = rule(
    "choices with choice and sequencing, scale with likert, source and target with matching, steps with \
     performance, and none with the other types",
    ACTIVITY,
);
const COMPONENT: Rule = rule(
    "an interaction component: an object with an id and perhaps a description",
    ACTIVITY,
);
const COMPONENT_ID: Rule = rule("a string", ACTIVITY);
const DISTINCT_ID: Rule = rule("another id for each component of a list", ACTIVITY);
const COMPONENT_PROPERTIES: Rule = rule(
    "only id and description in an interaction component",
    ACTIVITY,
);

/// The properties of an interaction met so far.
#[derive(Default)]
pub(crate) struct Interaction {
    kind: Kind,
    has_pattern: bool,
    /// Offset of the key of each list, with its name.
    lists: [Option<(usize, &'static str)>; 5],
}

#[derive(Default, PartialEq)]
enum Kind {
    #[default]
    Missing,
    /// A type that is not known.
    Faulty,
    /// A known type, with the component lists it has.
    Known(&'static [&'static str]),
}

impl Interaction {
    /// Reads the value of the property `name` if it belongs to an interaction; otherwise reads nothing and
    /// returns false.
    pub(crate) fn property(
        &mut self,
        walk: &mut Walk<'_>,
        name: &str,
        key: &Text<'_>,
    ) -> Step<bool> {
        match name {
            "interactionType" => {
                let find = |text: &str| TYPES.iter().find(|(name, _)| *name == text);
                self.kind = walk
                    .parsed(TYPE, find)?
                    .map_or(Kind::Faulty, |(_, lists)| Kind::Known(lists));
            }
            "correctResponsesPattern" => {
                self.has_pattern = true;
                pattern(walk)?;
            }
            _ => {
                let names = ["choices", "scale", "source", "target", "steps"];
                let Some(index) = names.iter().position(|list| *list == name) else {
                    return Ok(false);
                };
                self.lists[index] = Some((key.at, names[index]));
                components(walk)?;
            }
        }
        Ok(true)
    }

    /// Checks what is known only after all properties have been met.
    pub(crate) fn check(&self, walk: &mut Walk<'_>, definition: usize) {
        let mut lists = self.lists.iter().flatten();
        match self.kind {
            Kind::Missing if self.has_pattern || lists.next().is_some() => {
                walk.missing(definition, "interactionType", NEEDS_TYPE);
            }
            Kind::Missing | Kind::Faulty => {}
            Kind::Known(allowed) => {
                for (at, _) in lists.filter(|(_, name)| !allowed.contains(name)) {
                    walk.note(*at, "does not belong to this interactionType", LIST_OF_TYPE);
                }
            }
        }
    }
}

fn pattern(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut elements) = walk.array(PATTERN)? else {
        return Ok(());
    };
    while walk.element(&mut elements)? {
        walk.string(PATTERN)?;
    }
    Ok(())
}

fn components(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut elements) = walk.array(LIST)? else {
        return Ok(());
    };
    let mut ids = Distinct::new();
    while walk.element(&mut elements)? {
        component(walk, &mut ids)?;
    }
    Ok(())
}

fn component<'a>(walk: &mut Walk<'a>, ids: &mut Distinct<'a>) -> Step<()> {
    let Some(mut members) = walk.object(COMPONENT)? else {
        return Ok(());
    };
    let mut has_id = false;
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "id" => {
                has_id = true;
                if let Some(id) = walk.string(COMPONENT_ID)?
                    && !walk.is_new(id, ids)
                {
                    walk.note(id.at, "is the id of an earlier component", DISTINCT_ID);
                }
            }
            "description" => language_map(walk)?,
            _ => walk.unknown(&key, COMPONENT_PROPERTIES)?,
        }
    }
    if !has_id {
        walk.missing(members.at, "id", COMPONENT_ID);
    }
    Ok(())
}
