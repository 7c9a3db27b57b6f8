//! Removes from a statement all that an LRS may change, and normalizes what has several spellings.

use std::borrow::Cow;
use std::mem;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::value::{Object, Value};
use super::{attachments, duration, iri};
use crate::statement::formats::timestamp;
use crate::statement::mail;
use crate::steps;

/// Differences allowed beyond those that every version allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lenience {
    /// No others.
    None,
    /// The letter case of mail addresses, which 2.0 does not consider.
    Version2,
}

impl Lenience {
    /// Returns the lenience for the version that the copy declares.
    pub(super) fn of(theirs: &Object<'_>) -> Self {
        match theirs.get("version").and_then(Value::as_str) {
            Some(version) if version.starts_with("2.") => Self::Version2,
            _ => Self::None,
        }
    }
}

/// Brings a statement or `SubStatement` to the form in which it is compared.
pub(super) fn statement(statement: &mut Object<'_>, lenience: Lenience) {
    for lrs_sets in ["stored", "authority", "version"] {
        statement.remove(lrs_sets);
    }
    lower_case(statement, "id");
    inside(statement, "actor", |it| actor(it, lenience));
    inside(statement, "verb", |verb| {
        iri(verb, "id");
        verb.remove("display");
    });
    inside(statement, "object", |it| object(it, lenience));
    inside(statement, "context", |it| context(it, lenience));
    inside(statement, "result", |result| {
        drop_empty(result, &["score", "extensions"]);
    });
    drop_empty(statement, &["context", "result"]);
}

/// Removes from `theirs` the `id` and `timestamp` that an LRS assigns if `ours` has none.
pub(super) fn drop_what_was_assigned(ours: &Object<'_>, theirs: &mut Object<'_>) {
    for assigned in ["id", "timestamp"] {
        if !ours.contains_key(assigned) {
            theirs.remove(assigned);
        }
    }
}

/// Normalizes what needs both copies to compare: instants, durations and attachments, here and in a
/// `SubStatement`.
pub(super) fn both(ours: &mut Object<'_>, theirs: &mut Object<'_>) {
    drop_same(ours, theirs, "timestamp", same_instant);
    attachments::leave_hashes(ours, theirs);
    both_inside(ours, theirs, "result", |ours, theirs| {
        drop_same(ours, theirs, "duration", duration::may_become);
    });
    both_inside(ours, theirs, "object", |ours, theirs| {
        if ours.get("objectType").and_then(Value::as_str) == Some("SubStatement") {
            both(ours, theirs);
        }
    });
}

/// Removes a member whose values in both are the same by `same`.
fn drop_same(
    ours: &mut Object<'_>,
    theirs: &mut Object<'_>,
    member: &str,
    same: impl Fn(&str, &str) -> bool,
) {
    let text = |object: &Object<'_>| Some(object.get(member)?.as_str()?.to_owned());
    if let (Some(our), Some(their)) = (text(ours), text(theirs))
        && same(&our, &their)
    {
        ours.remove(member);
        theirs.remove(member);
    }
}

/// Tells whether two timestamps name the same instant, whatever their zones and their precision.
fn same_instant(ours: &str, theirs: &str) -> bool {
    steps::add(ours.len() + theirs.len());
    match (instant(ours), instant(theirs)) {
        // An LRS keeps at least milliseconds and may cut off or round the rest.
        (Some(ours), Some(theirs)) => {
            ours.duration_since(theirs).unsigned_abs() < Duration::from_millis(1)
        }
        _ => false,
    }
}

/// Parses a timestamp. In 1.0.3 it may lack its zone and is then taken as UTC. A leap second is the one after it, as for
/// every system that has none.
fn instant(text: &str) -> Option<Timestamp> {
    let without_leap = text.parse().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })?;
    let leap = u64::from(timestamp::is_leap_second(text));
    without_leap.checked_add(Duration::from_secs(leap)).ok()
}

fn actor(actor: &mut Object<'_>, lenience: Lenience) {
    drop_default_type(actor, "Agent");
    lower_case(actor, "mbox_sha1sum");
    iri(actor, "openid");
    inside(actor, "account", |account| iri(account, "homePage"));
    if let Some(Value::String(mbox)) = actor.get_mut("mbox") {
        *mbox = match lenience {
            Lenience::None => mail::fold(mbox).into(),
            Lenience::Version2 => mbox.to_lowercase().into(),
        };
    }
    if let Some(Value::Array(members)) = actor.get_mut("member") {
        for member in members.iter_mut().filter_map(Value::as_object_mut) {
            self::actor(member, lenience);
        }
        members.sort_by_cached_key(identity);
    }
}

/// Returns the key to sort an agent by: its identifier, so that another name does not move it.
fn identity(agent: &Value<'_>) -> String {
    let Some(agent) = agent.as_object() else {
        return String::new();
    };
    let account = agent.get("account").and_then(Value::as_object);
    let own = ["mbox", "mbox_sha1sum", "openid"].map(|name| agent.get(name));
    let of_account = ["homePage", "name"].map(|name| account?.get(name));
    let texts = own.into_iter().chain(of_account).flatten();
    let identity: Vec<&str> = texts.filter_map(Value::as_str).collect();
    identity.join("\n")
}

fn object(object: &mut Object<'_>, lenience: Lenience) {
    match object.get("objectType").and_then(Value::as_str) {
        Some("Agent" | "Group") => actor(object, lenience),
        Some("StatementRef") => lower_case(object, "id"),
        Some("SubStatement") => statement(object, lenience),
        _ => activity(object),
    }
}

fn activity(activity: &mut Object<'_>) {
    drop_default_type(activity, "Activity");
    iri(activity, "id");
    activity.remove("definition");
}

fn context(context: &mut Object<'_>, lenience: Lenience) {
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
            if list.as_object().is_some() {
                *list = Value::Array(vec![mem::replace(list, Value::Null)]);
            }
            each(list, activity);
        }
        lists.retain(|_, list| !matches!(list, Value::Array(list) if list.is_empty()));
    });
    for (list, who) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        if let Some(list) = context.get_mut(list) {
            each(list, |entry| inside(entry, who, |it| actor(it, lenience)));
        }
    }
    drop_empty(context, &["contextActivities", "extensions"]);
}

/// Removes what is no member of a statement: an LRS may tell more than it was told, such as its own number for it.
pub(super) fn drop_unknown(statement: &mut Object<'_>) {
    const KNOWN: [&str; 11] = [
        "id",
        "actor",
        "verb",
        "object",
        "result",
        "context",
        "timestamp",
        "stored",
        "authority",
        "version",
        "attachments",
    ];
    statement.retain(|name, _| KNOWN.contains(&&**name));
}

/// Removes what 1.0.3 cannot express, also within a SubStatement.
pub(super) fn drop_what_is_new_in_2_0(statement: &mut Object<'_>) {
    let drop = |within: &mut Object<'_>| {
        inside(within, "context", |context| {
            context.retain(|name, _| !matches!(&**name, "contextAgents" | "contextGroups"));
        });
        drop_empty(within, &["context"]);
    };
    drop(statement);
    inside(statement, "object", drop);
}

/// Removes what is null, as some LRSs write what they have not: it means nothing but in extensions, where it stays (Data
/// 2.2, 4.1).
pub(super) fn drop_nulls(object: &mut Object<'_>) {
    object.retain(|_, value| !matches!(value, Value::Null));
    for (name, value) in object.iter_mut() {
        match value {
            Value::Object(inner) if name != "extensions" => drop_nulls(inner),
            list => each(list, drop_nulls),
        }
    }
}

/// Removes empty objects, which some LRSs do not keep.
fn drop_empty(object: &mut Object<'_>, members: &[&str]) {
    for member in members {
        if matches!(object.get(*member), Some(Value::Object(inner)) if inner.is_empty()) {
            object.remove(*member);
        }
    }
}

fn drop_default_type(object: &mut Object<'_>, default: &str) {
    if object.get("objectType").and_then(Value::as_str) == Some(default) {
        object.remove("objectType");
    }
}

fn iri(object: &mut Object<'_>, member: &str) {
    if let Some(Value::String(text)) = object.get_mut(member)
        && let Cow::Owned(normalized) = iri::normalized(text)
    {
        *text = normalized.into();
    }
}

fn lower_case(object: &mut Object<'_>, member: &str) {
    if let Some(Value::String(text)) = object.get_mut(member) {
        text.to_mut().make_ascii_lowercase();
    }
}

fn inside<'a>(object: &mut Object<'a>, member: &str, change: impl FnOnce(&mut Object<'a>)) {
    if let Some(Value::Object(inner)) = object.get_mut(member) {
        change(inner);
    }
}

fn both_inside<'a, 'b>(
    ours: &mut Object<'a>,
    theirs: &mut Object<'b>,
    member: &str,
    change: impl FnOnce(&mut Object<'a>, &mut Object<'b>),
) {
    if let (Some(Value::Object(ours)), Some(Value::Object(theirs))) =
        (ours.get_mut(member), theirs.get_mut(member))
    {
        change(ours, theirs);
    }
}

fn each<'a>(list: &mut Value<'a>, change: impl Fn(&mut Object<'a>)) {
    if let Value::Array(items) = list {
        items
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(change);
    }
}
