//! Language maps: a text in several languages, under their tags.

use crate::statement::formats::language_tag;
use crate::statement::reader::Step;
use crate::statement::rule::{LANGUAGE_MAP, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "a language map, such as {\"en\": \"completed\"}",
    LANGUAGE_MAP,
);
const TAG: Rule = rule(
    "a language tag of RFC 5646 as its name, such as \"en\" or \"de-CH\"",
    LANGUAGE_MAP,
);
const TEXT: Rule = rule("a string: the text in that language", LANGUAGE_MAP);

/// Reads a language map.
pub(crate) fn language_map(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(());
    };
    while let Some(key) = walk.key(&mut members)? {
        let tag = key.decoded();
        if tag.len() > language_tag::LONGEST {
            walk.limit(key.at, language_tag::TOO_LONG, language_tag::NOT_SO_LONG);
        } else if !language_tag::is_language_tag(&tag) {
            walk.note(key.at, "is not named by a language tag", TAG);
        }
        walk.string(TEXT)?;
    }
    Ok(())
}
