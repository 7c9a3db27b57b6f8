//! What the hub has been told about activities and verbs, for `format=canonical`.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::Store;
use crate::hub::problem::Problem;
use crate::hub::splice::{self, Members};

const DEFINITION: &str = "SELECT json FROM definition WHERE activity = ?";
const DISPLAY: &str = "SELECT json FROM display WHERE verb = ?";

impl Store {
    /// All that is known about an activity: a definition.
    pub fn definition(&self, activity: &str) -> rusqlite::Result<Option<String>> {
        look_up(&self.lock().connection, DEFINITION, activity)
    }

    /// All that is known about a verb: a language map.
    pub fn display(&self, verb: &str) -> rusqlite::Result<Option<String>> {
        look_up(&self.lock().connection, DISPLAY, verb)
    }
}

/// Takes in what a statement says about an activity.
pub fn learn_definition(
    transaction: &Transaction,
    activity: &str,
    news: &str,
) -> Result<(), Problem> {
    let keep = "INSERT INTO definition (activity, json) VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json";
    let known = look_up(transaction, DEFINITION, activity)?;
    let merged = merge(known.as_deref(), news, |key, old, new| match key {
        "name" | "description" => merge_maps(Some(old), new),
        _ => Ok(new.to_owned()),
    })?;
    remember(transaction, keep, activity, known.as_deref(), &merged)
}

/// Takes in what a statement says about its verb.
pub fn learn_display(transaction: &Transaction, verb: &str, news: &str) -> Result<(), Problem> {
    let keep = "INSERT INTO display (verb, json) VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json";
    let known = look_up(transaction, DISPLAY, verb)?;
    let merged = merge_maps(known.as_deref(), news)?;
    remember(transaction, keep, verb, known.as_deref(), &merged)
}

fn look_up(connection: &Connection, query: &str, id: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(query)?
        .query_row([id], |row| row.get(0))
        .optional()
}

fn remember(
    transaction: &Transaction,
    keep: &str,
    id: &str,
    known: Option<&str>,
    merged: &str,
) -> Result<(), Problem> {
    if known != Some(merged) {
        transaction.prepare_cached(keep)?.execute([id, merged])?;
    }
    Ok(())
}

fn merge_maps(known: Option<&str>, news: &str) -> serde_json::Result<String> {
    merge(known, news, |_, _, new| Ok(new.to_owned()))
}

/// The members of both objects; of a member in both, what `join` makes of the old and the new value.
fn merge(
    known: Option<&str>,
    news: &str,
    join: impl Fn(&str, &str, &str) -> serde_json::Result<String>,
) -> serde_json::Result<String> {
    let mut all: Vec<(String, String)> = Members::of(known.unwrap_or("{}"))?
        .0
        .into_iter()
        .map(|(key, value)| (key, value.to_owned()))
        .collect();
    for (key, new) in Members::of(news)?.0 {
        match all.iter_mut().find(|(other, _)| *other == key) {
            Some((_, value)) => *value = join(&key, value, new)?,
            None => all.push((key, new.to_owned())),
        }
    }
    Ok(splice::object(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_added_and_the_newest_word_counts() {
        let old = r#"{"name":{"en":"one","de":"eins"},"type":"a:b"}"#;
        let new = r#"{"name":{"en":"uno"},"moreInfo":"c:d"}"#;
        let merged = merge(Some(old), new, |key, old, new| match key {
            "name" => merge_maps(Some(old), new),
            _ => Ok(new.to_owned()),
        });
        assert_eq!(
            merged.unwrap(),
            r#"{"name":{"en":"uno","de":"eins"},"type":"a:b","moreInfo":"c:d"}"#
        );
    }
}
