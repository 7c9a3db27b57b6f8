//! Reads results and attachments.

use super::values::{double, extensions, flag, languages, length, text};
use super::{Needed, Read, object, refuse_empty};
use crate::statement::formats::decimal;
use crate::statement::model::{Attachment, Score, XapiResult};
use crate::statement::reader::Step;
use crate::statement::rule::{ATTACHMENT, RESULT, Rule, SCORE, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "a result: an object with score, success, completion, response, duration and extensions",
    RESULT,
);
const FLAG: Rule = rule("true or false", RESULT);
const RESPONSE: Rule = rule("a string", RESULT);
const WHOLE_SCORE: Rule = rule("a score: an object with scaled, raw, min and max", SCORE);
const NUMBER: Rule = rule("a number", SCORE);
const WHOLE_ATTACHMENT: Rule = rule(
    "an attachment: an object with usageType, display, description, contentType, length, sha2 and fileUrl",
    ATTACHMENT,
);
const TEXT: Rule = rule("a string", ATTACHMENT);
const DISPLAY: Rule = rule("a language map with a title", ATTACHMENT);
const LENGTH: Rule = rule(
    "the length in octets: a whole number below 2^64",
    ATTACHMENT,
);

/// Reads a result.
pub(super) fn result(walk: &mut Walk<'_>) -> Step<XapiResult> {
    let mut result = XapiResult::default();
    object(walk, WHOLE, |walk, property| {
        match property {
            "score" => result.score = Some(score(walk)?),
            "success" => result.success = flag(walk, FLAG)?,
            "completion" => result.completion = flag(walk, FLAG)?,
            "response" => result.response = text(walk, RESPONSE)?,
            "duration" => result.duration = length(walk)?,
            "extensions" => result.extensions = extensions(walk)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(result)
}

fn score(walk: &mut Walk<'_>) -> Step<Score> {
    let mut score = Score::default();
    object(walk, WHOLE_SCORE, |walk, property| {
        let place = match property {
            "scaled" => &mut score.scaled,
            "raw" => &mut score.raw,
            "min" => &mut score.min,
            "max" => &mut score.max,
            _ => return Ok(false),
        };
        *place = double(walk, NUMBER)?;
        Ok(true)
    })?;
    Ok(score)
}

/// Reads the description of an attachment.
pub(super) fn attachment(walk: &mut Walk<'_>) -> Read<Attachment> {
    let (mut usage_type, mut content_type) = (Needed::default(), Needed::default());
    let (mut octets, mut sha2, mut display) =
        (Needed::default(), Needed::default(), Needed::default());
    let (mut description, mut file_url) = (None, None);
    let at = object(walk, WHOLE_ATTACHMENT, |walk, property| {
        match property {
            "usageType" => usage_type.set(text(walk, TEXT)?),
            "display" => {
                let at = walk.next_at()?;
                let title = languages(walk)?;
                // At least one language is needed, and the model does not write an empty map.
                refuse_empty(walk, at);
                display.set(Some(title));
            }
            "description" => description = Some(languages(walk)?),
            "contentType" => content_type.set(text(walk, TEXT)?),
            "length" => octets.set(count(walk)?),
            "sha2" => sha2.set(text(walk, TEXT)?),
            "fileUrl" => file_url = text(walk, TEXT)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(at) = at else { return Ok(None) };
    let usage_type = usage_type.get(walk, at, "usageType", TEXT);
    let display = display.get(walk, at, "display", DISPLAY);
    let content_type = content_type.get(walk, at, "contentType", TEXT);
    let octets = octets.get(walk, at, "length", LENGTH);
    let sha2 = sha2.get(walk, at, "sha2", TEXT);
    let (Some(usage_type), Some(display), Some(content_type), Some(length), Some(sha2)) =
        (usage_type, display, content_type, octets, sha2)
    else {
        return Ok(None);
    };
    Ok(Some(Attachment {
        usage_type,
        display,
        description: description.unwrap_or_default(),
        content_type,
        length,
        sha2,
        file_url,
    }))
}

fn count(walk: &mut Walk<'_>) -> Read<u64> {
    let Some(number) = walk.number(LENGTH)? else {
        return Ok(None);
    };
    let count = Some(number.text).filter(|text| decimal::is_count(text));
    let count = count.and_then(|text| text.parse().ok());
    if count.is_none() {
        walk.note_number(number, LENGTH);
    }
    Ok(count)
}
