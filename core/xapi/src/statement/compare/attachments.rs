//! Compares the attachments of two copies by which contents belong to the statement.
//!
//! The content is not part of a statement, and not every LRS keeps its description; its hash identifies it, and
//! with another content it is another experience. A signature covers the statement as it was before the
//! signature was attached (Data 2.6; IEEE 9274.1.1, 4.2.6), so one that was added since is no difference.

use std::collections::BTreeSet;

use super::value::{Object, Value};

const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

/// Reduces the attachments of both copies to their hashes, in order, without signatures that only `theirs` has.
pub(super) fn leave_hashes(ours: &mut Object<'_>, theirs: &mut Object<'_>) {
    let known: BTreeSet<String> = match ours.get("attachments") {
        Some(Value::Array(list)) => list.iter().filter_map(hash).collect(),
        _ => BTreeSet::new(),
    };
    reduce(ours, |_| true);
    reduce(theirs, |attachment| {
        !is_signature(attachment) || hash(attachment).is_some_and(|hash| known.contains(&hash))
    });
}

fn reduce(statement: &mut Object<'_>, keep: impl Fn(&Value<'_>) -> bool) {
    let Some(Value::Array(list)) = statement.get_mut("attachments") else {
        return;
    };
    list.retain(keep);
    for attachment in list.iter_mut() {
        if let (Some(hash), Some(object)) = (hash(attachment), attachment.as_object_mut()) {
            object.clear();
            object.insert("sha2".into(), Value::String(hash.into()));
        }
    }
    list.sort_by_cached_key(hash);
    if list.is_empty() {
        statement.remove("attachments");
    }
}

/// Returns the hash in lower case, since its digits may be in either case.
fn hash(attachment: &Value<'_>) -> Option<String> {
    let hash = attachment.as_object()?.get("sha2")?.as_str()?;
    Some(hash.to_ascii_lowercase())
}

fn is_signature(attachment: &Value<'_>) -> bool {
    let usage = attachment.as_object().and_then(|it| it.get("usageType"));
    usage.and_then(Value::as_str) == Some(SIGNATURE)
}
