//! Extensions: any JSON, even null, under IRIs.

use crate::statement::formats::iri;
use crate::statement::reader::Step;
use crate::statement::rule::{EXTENSIONS, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule("an object of extensions", EXTENSIONS);
const NAME: Rule = rule(
    "an IRI with a scheme as the name of an extension",
    EXTENSIONS,
);

/// Reads extensions.
pub(crate) fn extensions(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(());
    };
    while let Some(key) = walk.key(&mut members)? {
        if !iri::is_iri(&key.decoded()) {
            walk.note(key.at, "is not named by an IRI", NAME);
        }
        walk.skip()?;
    }
    Ok(())
}
