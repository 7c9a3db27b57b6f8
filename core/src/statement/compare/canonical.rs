//! Removes from a statement all that an LRS may change, and folds what has several spellings.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::statement::mail;

type Object = Map<String, Value>;

/// What a copy may differ in beside what every version allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lenience {
    /// Nothing.
    None,
    /// What 2.0 does not consider: the instant of `timestamp`, letter case of mail addresses.
    Version2,
}

impl Lenience {
    /// Goes by what the copy says of itself.
    pub(super) fn of(theirs: &Object) -> Self {
        match theirs.get("version").and_then(Value::as_str) {
            Some(version) if version.starts_with("2.") => Self::Version2,
            _ => Self::None,
        }
    }
}

/// Brings a statement, or a statement inside one, to the form in which it is compared.
pub(super) fn statement(statement: &mut Object, lenience: Lenience) {
    for lrs_sets in ["stored", "authority", "version", "attachments"] {
        statement.remove(lrs_sets);
    }
    lower_case(statement, "id");
    inside(statement, "actor", |it| actor(it, lenience));
    inside(statement, "verb", |verb| {
        verb.remove("display");
    });
    inside(statement, "object", |it| object(it, lenience));
    inside(statement, "result", |result| {
        if let Some(Value::String(duration)) = result.get_mut("duration") {
            cut_to_hundredths(duration);
        }
    });
    inside(statement, "context", |it| context(it, lenience));
}

/// Removes from `theirs` what an LRS assigns where it is missing.
pub(super) fn drop_what_was_assigned(ours: &Object, theirs: &mut Object) {
    for assigned in ["id", "timestamp"] {
        if !ours.contains_key(assigned) {
            theirs.remove(assigned);
        }
    }
}

/// Removes timestamps that name the same instant, whatever their zones and their precision.
pub(super) fn drop_equal_instants(ours: &mut Object, theirs: &mut Object, lenience: Lenience) {
    if lenience == Lenience::Version2 || same_instant(ours, theirs) {
        ours.remove("timestamp");
        theirs.remove("timestamp");
    }
    if let (Some(Value::Object(ours)), Some(Value::Object(theirs))) =
        (ours.get_mut("object"), theirs.get_mut("object"))
        && same_instant(ours, theirs)
    {
        ours.remove("timestamp");
        theirs.remove("timestamp");
    }
}

fn same_instant(ours: &Object, theirs: &Object) -> bool {
    let instant = |statement: &Object| statement.get("timestamp")?.as_str().and_then(instant);
    match (instant(ours), instant(theirs)) {
        // An LRS keeps at least milliseconds and may cut off or round the rest.
        (Some(ours), Some(theirs)) => {
            ours.duration_since(theirs).unsigned_abs() < Duration::from_millis(1)
        }
        _ => false,
    }
}

/// A 1.0.3 timestamp may lack its zone; it is then taken as UTC.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })
}

fn actor(actor: &mut Object, lenience: Lenience) {
    drop_default_type(actor, "Agent");
    lower_case(actor, "mbox_sha1sum");
    if let Some(Value::String(mbox)) = actor.get_mut("mbox") {
        *mbox = match lenience {
            Lenience::None => mail::fold(mbox),
            Lenience::Version2 => mbox.to_lowercase(),
        };
    }
    if let Some(Value::Array(members)) = actor.get_mut("member") {
        for member in members.iter_mut().filter_map(Value::as_object_mut) {
            self::actor(member, lenience);
        }
        members.sort_by_cached_key(identity);
    }
}

/// Sorts an agent by who it is, so that another name does not move it.
fn identity(agent: &Value) -> String {
    [
        "/mbox",
        "/mbox_sha1sum",
        "/openid",
        "/account/homePage",
        "/account/name",
    ]
    .iter()
    .filter_map(|pointer| agent.pointer(pointer)?.as_str())
    .collect::<Vec<_>>()
    .join("\n")
}

fn object(object: &mut Object, lenience: Lenience) {
    match object.get("objectType").and_then(Value::as_str) {
        Some("Agent" | "Group") => actor(object, lenience),
        Some("StatementRef") => lower_case(object, "id"),
        Some("SubStatement") => statement(object, lenience),
        _ => activity(object),
    }
}

fn activity(activity: &mut Object) {
    drop_default_type(activity, "Activity");
    activity.remove("definition");
}

fn context(context: &mut Object, lenience: Lenience) {
    lower_case(context, "registration");
    lower_case(context, "language");
    for who in ["instructor", "team"] {
        inside(context, who, |it| actor(it, lenience));
    }
    inside(context, "statement", |reference| {
        lower_case(reference, "id");
    });
    inside(context, "contextActivities", |lists| {
        for list in lists.values_mut() {
            if list.is_object() {
                *list = Value::Array(vec![list.take()]);
            }
            each(list, activity);
        }
    });
    for (list, who) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        if let Some(list) = context.get_mut(list) {
            each(list, |entry| inside(entry, who, |it| actor(it, lenience)));
        }
    }
}

/// Cuts the seconds of an ISO 8601 duration to 0.01 s (Data 4.6); no other spelling is the same.
fn cut_to_hundredths(duration: &mut String) {
    if let Some((whole, fraction)) = duration
        .strip_suffix('S')
        .and_then(|seconds| seconds.rsplit_once('.'))
    {
        let kept = fraction.get(..2).unwrap_or(fraction).trim_end_matches('0');
        *duration = match kept {
            "" => format!("{whole}S"),
            _ => format!("{whole}.{kept}S"),
        };
    }
}

fn drop_default_type(object: &mut Object, default: &str) {
    if object.get("objectType").and_then(Value::as_str) == Some(default) {
        object.remove("objectType");
    }
}

fn lower_case(object: &mut Object, member: &str) {
    if let Some(Value::String(text)) = object.get_mut(member) {
        text.make_ascii_lowercase();
    }
}

fn inside(object: &mut Object, member: &str, change: impl FnOnce(&mut Object)) {
    if let Some(Value::Object(inner)) = object.get_mut(member) {
        change(inner);
    }
}

fn each(list: &mut Value, change: impl Fn(&mut Object)) {
    if let Value::Array(items) = list {
        items
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(change);
    }
}
