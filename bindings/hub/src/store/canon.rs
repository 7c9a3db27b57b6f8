//! The hub's knowledge about activities and verbs, for `format=canonical`.
//!
//! The newest information counts, language by language. It is merged before the database is locked, in time that
//! grows with its length, and no more than [`MOST`] bytes are kept about one thing: otherwise a statement that only
//! names the thing would get all of it back, again and again.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::Store;
use crate::facts::Facts;
use crate::problem::Problem;
use crate::splice::{self, Members};

/// Most bytes that are kept about an activity or a verb. A longer text is shown where it was received and nowhere
/// else.
const MOST: usize = 64 * 1024;

/// Kinds of things of which more can be known than one statement says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// An activity has a definition, in which `name` and `description` are language maps.
    Activity,
    /// A verb has a display, which is a language map.
    Verb,
}

impl Kind {
    fn query(self) -> &'static str {
        match self {
            Self::Activity => "SELECT json FROM definition WHERE activity = ?",
            Self::Verb => "SELECT json FROM display WHERE verb = ?",
        }
    }

    fn keep(self) -> &'static str {
        match self {
            Self::Activity => {
                "INSERT INTO definition (activity, json) VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json"
            }
            Self::Verb => {
                "INSERT INTO display (verb, json) VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json"
            }
        }
    }

    /// Returns the members that are merged member by member.
    fn maps(self) -> &'static [&'static str] {
        match self {
            Self::Activity => &["name", "description"],
            Self::Verb => &[],
        }
    }

    fn look_up(self, connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
        connection
            .prepare_cached(self.query())?
            .query_row([id], |row| row.get(0))
            .optional()
    }

    /// Returns what is known once the news is added, or the newest alone if that would be too long.
    fn merged(self, known: Option<&str>, news: &[&str]) -> serde_json::Result<String> {
        let mut layers = Layers::default();
        for json in known.iter().chain(news) {
            layers.lay(json, self.maps())?;
        }
        let merged = layers.json();
        Ok(match news.last() {
            Some(newest) if merged.len() > MOST => (*newest).to_owned(),
            _ => merged,
        })
    }
}

impl Store {
    /// Returns all that is known about an activity: a definition.
    pub fn definition(&self, activity: &str) -> Result<Option<String>, Problem> {
        Ok(Kind::Activity.look_up(&*self.lock()?, activity)?)
    }

    /// Returns all that is known about a verb: a language map.
    pub fn display(&self, verb: &str) -> Result<Option<String>, Problem> {
        Ok(Kind::Verb.look_up(&*self.lock()?, verb)?)
    }

    /// Merges what new statements say with what is known; the database is locked only briefly.
    pub fn lessons<'a>(
        &self,
        facts: impl Iterator<Item = &'a Facts>,
    ) -> Result<Vec<Lesson<'a>>, Problem> {
        let mut said: HashMap<(Kind, &str), Vec<&str>> = HashMap::new();
        let mut say = |kind, id, json: &'a str| {
            if json.len() <= MOST {
                said.entry((kind, id)).or_default().push(json);
            }
        };
        for facts in facts {
            for (activity, definition) in &facts.definitions {
                say(Kind::Activity, activity.as_str(), definition);
            }
            if let Some(display) = &facts.display {
                say(Kind::Verb, facts.verb.as_str(), display);
            }
        }
        said.into_iter()
            .map(|((kind, id), news)| {
                let known = kind.look_up(&*self.lock()?, id)?;
                let merged = kind.merged(known.as_deref(), &news)?;
                Ok(Lesson {
                    kind,
                    id,
                    news,
                    known,
                    merged,
                })
            })
            .collect()
    }
}

/// New knowledge about one thing.
pub struct Lesson<'a> {
    kind: Kind,
    id: &'a str,
    news: Vec<&'a str>,
    known: Option<String>,
    merged: String,
}

impl Lesson<'_> {
    /// Stores it.
    pub fn learn(&self, transaction: &Transaction) -> Result<(), Problem> {
        let known = self.kind.look_up(transaction, self.id)?;
        let again;
        let merged = if known == self.known {
            &self.merged
        } else {
            // Another request has changed it since.
            again = self.kind.merged(known.as_deref(), &self.news)?;
            &again
        };
        if known.as_ref() != Some(merged) {
            transaction
                .prepare_cached(self.kind.keep())?
                .execute([self.id, merged])?;
        }
        Ok(())
    }
}

/// JSON objects merged on top of each other. If several have a member, the last value counts, in the place of the
/// first.
#[derive(Default)]
struct Layers<'a> {
    members: Vec<(String, Said<'a>)>,
    places: HashMap<String, usize>,
}

enum Said<'a> {
    Text(&'a str),
    Map(Layers<'a>),
}

impl<'a> Layers<'a> {
    /// Merges another object on top of the rest; its members in `maps` are merged with their counterparts.
    fn lay(&mut self, json: &'a str, maps: &[&str]) -> serde_json::Result<()> {
        for (key, value) in Members::of(json)?.0 {
            let is_map = maps.contains(&key.as_str());
            let place = *self.places.entry(key).or_insert_with_key(|key| {
                self.members.push((key.clone(), Said::Text("")));
                self.members.len() - 1
            });
            let (_, said) = &mut self.members[place];
            match said {
                Said::Map(map) if is_map => map.lay(value, &[])?,
                _ if is_map => {
                    let mut map = Layers::default();
                    map.lay(value, &[])?;
                    *said = Said::Map(map);
                }
                _ => *said = Said::Text(value),
            }
        }
        Ok(())
    }

    fn json(self) -> String {
        splice::object(self.members.into_iter().map(|(key, said)| match said {
            Said::Text(text) => (key, text.to_owned()),
            Said::Map(map) => (key, map.json()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_added_and_the_newest_word_counts() {
        let old = r#"{"name":{"en":"one","de":"eins"},"type":"a:b"}"#;
        let new = r#"{"name":{"en":"uno"},"moreInfo":"c:d"}"#;
        let newest = r#"{"name":{"fr":"un"},"type":"e:f"}"#;
        let merged = Kind::Activity.merged(Some(old), &[new, newest]);
        assert_eq!(
            merged.unwrap(),
            r#"{"name":{"en":"uno","de":"eins","fr":"un"},"type":"e:f","moreInfo":"c:d"}"#
        );
        let display = Kind::Verb.merged(Some(r#"{"en":"did"}"#), &[r#"{"de":"tat","en":"does"}"#]);
        assert_eq!(display.unwrap(), r#"{"en":"does","de":"tat"}"#);
    }

    #[test]
    fn what_would_be_too_much_gives_way_to_the_newest_word() {
        let old = format!(r#"{{"en":"{}"}}"#, "x".repeat(MOST - 20));
        let new = r#"{"de":"tat, und das nicht zu knapp"}"#;
        assert_eq!(Kind::Verb.merged(Some(&old), &[new]).unwrap(), new);
        let short = r#"{"de":"tat"}"#;
        assert!(Kind::Verb.merged(Some(short), &[&old]).unwrap().len() > MOST - 20);
    }
}
