//! The statement itself, and the `SubStatement`, which is checked as one.

use ::uuid::Uuid;

use super::object::{self, Object};
use super::verb::{self, Verb};
use super::{actor, attachment, authority, context, result};
use crate::statement::fault::PANNIER_LIMIT;
use crate::statement::formats::{statement_version, timestamp, uuid};
use crate::statement::reader::Step;
use crate::statement::rule::{
    self, ATTACHMENT, ID, Rule, STATEMENT, STATEMENT_OBJECT, VERSION, VOIDING, rule,
};
use crate::statement::text::Text;
use crate::statement::version::XapiVersion;
use crate::statement::walk::Walk;

const WHOLE: Rule = rule("one statement: a JSON object", STATEMENT);
const PROPERTIES: Rule = rule(
    "only id, actor, verb, object, result, context, timestamp, stored, authority, version and attachments",
    STATEMENT,
);
const SUB_PROPERTIES: Rule = rule(
    "only objectType, actor, verb, object, result, context, timestamp and attachments in a SubStatement",
    STATEMENT_OBJECT,
);
const STATEMENT_ID: Rule = rule(
    "a UUID in standard form, such as \"7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c\", or none",
    ID,
);
const WHO: Rule = rule("an Agent or a Group: who did it", STATEMENT);
const WHAT: Rule = rule("a verb with an id: what was done", STATEMENT);
const TO_WHAT: Rule = rule(
    "an object: an Activity, Agent, Group, StatementRef or SubStatement",
    STATEMENT,
);
const TIMESTAMP: Rule = rule(
    "a timestamp with date, time and a known zone, such as \"2024-05-04T17:00:00.000Z\"",
    rule::TIMESTAMP,
);
const OF_VERSION: Rule = rule(
    "no version; or \"1.0.0\", or for a statement of version 2 \"2.0.0\"",
    VERSION,
);
const ATTACHMENTS: Rule = rule("an array of attachments", ATTACHMENT);
const VOIDED: Rule = rule(
    "a StatementRef to the statement that the verb voids",
    VOIDING,
);

const RFC_3339: Rule = rule(
    "a timestamp of RFC 3339 with its zone, such as \"2024-05-04T17:00:00.000Z\", which no LRS misreads",
    rule::TIMESTAMP,
);
const NOT_ITSELF: &str =
    "the id of another statement: one that voids cannot be voided, so this would wait for good";
const YEAR: &str = "a year from 1970 to 2199, in the calendar of ISO 8601; the calendar of a device may count \
                    otherwise, such as 2569 for 2026 in Thailand";

/// 2200-01-01T00:00:00Z in Unix milliseconds. Clocks are wrong by decades at most, and a statement from later
/// would stay in the LRS's future for good.
const FIRST_OF_2200: i64 = 7_258_118_400_000;

/// The position of a statement.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Nesting {
    /// The statement itself.
    Whole,
    /// The object of a statement.
    Sub,
}

/// Facts about a statement that completing and queueing need.
pub(crate) struct Statement<'a> {
    /// Offset of its opening brace.
    pub(crate) start: usize,
    /// Offset of the byte after its closing brace.
    pub(crate) end: usize,
    /// Its `id`, as written and as read.
    pub(crate) id: Option<(Text<'a>, Uuid)>,
    /// Instant of `timestamp`, in Unix milliseconds.
    pub(crate) timestamp_ms: Option<i64>,
    /// The statement that it voids.
    pub(crate) voids: Option<Uuid>,
}

/// Reads a statement, or with [`Nesting::Sub`] the `SubStatement` that is the object of another. `None` if it
/// is not even an object.
pub(crate) fn statement<'a>(walk: &mut Walk<'a>, place: Nesting) -> Step<Option<Statement<'a>>> {
    let Some(mut members) = walk.object(WHOLE)? else {
        return Ok(None);
    };
    let mut statement = Statement {
        start: members.at,
        end: 0,
        id: None,
        timestamp_ms: None,
        voids: None,
    };
    let mut has_actor = false;
    let mut verb = None;
    let mut object = None;
    let mut context = context::Context::default();
    while let Some(key) = walk.key(&mut members)? {
        match (&*key.decoded(), place) {
            ("actor", _) => {
                has_actor = true;
                actor::actor(walk, actor::Wanted::Either, WHO)?;
            }
            ("verb", _) => verb = Some(verb::verb(walk)?),
            ("object", _) => {
                object = Some((walk.next_at()?, object::object(walk, place, TO_WHAT)?));
            }
            ("result", _) => result::result(walk)?,
            ("context", _) => context = context::context(walk)?,
            ("timestamp", _) => {
                let read = timestamp(walk)?;
                statement.timestamp_ms = read.map(|(_, ms)| ms);
                if let (Some((at, ms)), Nesting::Whole) = (read, place) {
                    check_year(walk, at, ms);
                }
            }
            ("attachments", _) => attachments(walk)?,
            ("id", Nesting::Whole) => {
                statement.id = walk.parsed_text(STATEMENT_ID, uuid::parse)?;
            }
            ("stored", Nesting::Whole) => {
                timestamp(walk)?;
            }
            ("authority", Nesting::Whole) => authority::authority(walk)?,
            ("version", Nesting::Whole) => version(walk)?,
            // The object's own rule has read it already.
            ("objectType", Nesting::Sub) => walk.skip()?,
            (_, Nesting::Whole) => walk.unknown(&key, PROPERTIES)?,
            (_, Nesting::Sub) => walk.unknown(&key, SUB_PROPERTIES)?,
        }
    }
    statement.end = walk.at();
    if !has_actor {
        walk.missing(members.at, "actor", WHO);
    }
    if verb.is_none() {
        walk.missing(members.at, "verb", WHAT);
    }
    match &object {
        None => walk.missing(members.at, "object", TO_WHAT),
        Some((at, object)) => {
            context.check_object(walk, object);
            if verb == Some(Verb::Voided) {
                voiding(walk, &mut statement, *at, object);
            }
        }
    }
    Ok(Some(statement))
}

/// Checks that what a statement voids is another statement.
fn voiding(walk: &mut Walk<'_>, statement: &mut Statement<'_>, at: usize, object: &Object) {
    match object {
        Object::StatementRef(target) => {
            statement.voids = target.map(|(_, target)| target);
            check_target(walk, statement, *target);
        }
        Object::Faulty => {}
        other => walk.note(
            at,
            format!("is {} under the verb voided", other.name()),
            VOIDED,
        ),
    }
}

/// Reads a timestamp; returns its offset and its instant.
fn timestamp(walk: &mut Walk<'_>) -> Step<Option<(usize, i64)>> {
    let read = walk.parsed_by_version(TIMESTAMP, timestamp::parse)?;
    Ok(read.map(|(text, ms)| {
        if timestamp::parse(&text.decoded(), XapiVersion::V2_0_0).is_none() {
            walk.warn(text.at, "is not in the form of RFC 3339", RFC_3339);
        }
        (text.at, ms)
    }))
}

/// Checks the year in which something was done; a statement inside another one may be about any time.
fn check_year(walk: &mut Walk<'_>, at: usize, ms: i64) {
    let problem = || format!("is in the year {}", timestamp::year(ms));
    if ms >= FIRST_OF_2200 {
        walk.unfit(at, problem(), YEAR, PANNIER_LIMIT);
    } else if ms < 0 {
        walk.advise(at, problem(), YEAR);
    }
}

fn check_target(walk: &mut Walk<'_>, statement: &Statement<'_>, target: Option<(usize, Uuid)>) {
    if let (Some((_, own)), Some((at, target))) = (statement.id, target)
        && own == target
    {
        let section = walk.section(VOIDING);
        let problem = "is the id of the voiding statement itself";
        walk.unfit(at, problem, NOT_ITSELF, section);
    }
}

fn version(walk: &mut Walk<'_>) -> Step<()> {
    walk.parsed_by_version(OF_VERSION, |text, version| {
        statement_version::is_allowed(text, version).then_some(())
    })
    .map(drop)
}

fn attachments(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut elements) = walk.array(ATTACHMENTS)? else {
        return Ok(());
    };
    while walk.element(&mut elements)? {
        attachment::attachment(walk)?;
    }
    Ok(())
}
