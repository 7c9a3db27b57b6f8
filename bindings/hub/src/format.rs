//! The formats of statements: `format=ids` and `format=canonical` (1.0.3 Communication 2.1.3; 2.0.0 4.1.6.1).
//! `exact` needs no work.

use std::cell::Cell;

use serde_json::Result;

use super::language;
use super::splice::{self, Edit, Members};

/// Rewriting of the three kinds of things in a statement by a format. Each method gets JSON text and returns
/// another.
pub trait Lens {
    /// Rewrites an agent or group.
    fn actor(&self, actor: &str) -> Result<String>;
    /// Rewrites an agent or group in a place where an activity could stand as well.
    fn actor_as_object(&self, actor: &str) -> Result<String> {
        self.actor(actor)
    }
    /// Rewrites a verb.
    fn verb(&self, verb: &str) -> Result<String>;
    /// Rewrites an activity.
    fn activity(&self, activity: &str) -> Result<String>;
}

/// Returns a statement or SubStatement as a lens shows it.
pub fn show(statement: &str, lens: &dyn Lens) -> Result<String> {
    splice::edit(statement, |key, value| {
        Ok(match key {
            "actor" | "authority" => Edit::Put(lens.actor(value)?),
            "verb" => Edit::Put(lens.verb(value)?),
            "object" => Edit::Put(object(value, lens)?),
            "context" => Edit::Put(context(value, lens)?),
            _ => Edit::Keep,
        })
    })
}

fn object(object: &str, lens: &dyn Lens) -> Result<String> {
    match Members::of(object)?.text("objectType").as_deref() {
        Some("Agent" | "Group") => lens.actor_as_object(object),
        Some("SubStatement") => show(object, lens),
        Some("StatementRef") => Ok(object.to_owned()),
        _ => lens.activity(object),
    }
}

fn context(context: &str, lens: &dyn Lens) -> Result<String> {
    let entries = |value: &str, member: &str| {
        splice::each(value, |entry| {
            splice::edit(entry, |key, value| {
                if key == member {
                    lens.actor(value).map(Edit::Put)
                } else {
                    Ok(Edit::Keep)
                }
            })
        })
    };
    splice::edit(context, |key, value| {
        Ok(match key {
            "instructor" | "team" => Edit::Put(lens.actor(value)?),
            "contextActivities" => Edit::Put(splice::edit(value, |_, activities| {
                splice::each(activities, |activity| lens.activity(activity)).map(Edit::Put)
            })?),
            "contextAgents" => Edit::Put(entries(value, "agent")?),
            "contextGroups" => Edit::Put(entries(value, "group")?),
            _ => Edit::Keep,
        })
    })
}

/// `format=ids`: the minimum that identifies. The `objectType` is included where the rest would otherwise mean
/// something else: in a Group, and in an Agent that is an object.
pub struct Ids;

impl Ids {
    fn identified(actor: &str, typed: bool) -> Result<String> {
        let members = Members::of(actor)?;
        let group = members.text("objectType").as_deref() == Some("Group");
        let identified = members
            .0
            .iter()
            .any(|(key, _)| IDENTIFIERS.contains(&key.as_str()));
        splice::edit(actor, |key, value| {
            Ok(match key {
                "objectType" if typed || group => Edit::Keep,
                _ if IDENTIFIERS.contains(&key) => Edit::Keep,
                "member" if !identified => Edit::Put(splice::each(value, |member| {
                    Self::identified(member, false)
                })?),
                _ => Edit::Drop,
            })
        })
    }
}

impl Lens for Ids {
    fn actor(&self, actor: &str) -> Result<String> {
        Self::identified(actor, false)
    }

    fn actor_as_object(&self, actor: &str) -> Result<String> {
        Self::identified(actor, true)
    }

    fn verb(&self, verb: &str) -> Result<String> {
        only(verb, &["id"])
    }

    fn activity(&self, activity: &str) -> Result<String> {
        only(activity, &["id"])
    }
}

const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];

fn only(json: &str, wanted: &[&str]) -> Result<String> {
    splice::edit(json, |key, _| {
        Ok(if wanted.contains(&key) {
            Edit::Keep
        } else {
            Edit::Drop
        })
    })
}

/// `format=canonical`: activities and verbs with all that is known about them, each language map in one language,
/// agents as received.
pub struct Canonical<'a> {
    /// The reader's `Accept-Language`.
    pub accept: &'a str,
    /// Look-up of the known definition of an activity.
    pub definition: &'a dyn Fn(&str) -> Option<String>,
    /// Look-up of the known display of a verb.
    pub display: &'a dyn Fn(&str) -> Option<String>,
    /// Bytes that may still be added. A few bytes that name an activity can bring in all that is known of it; what
    /// would be too much is shown as received.
    pub room: &'a Cell<usize>,
}

impl Lens for Canonical<'_> {
    fn actor(&self, actor: &str) -> Result<String> {
        Ok(actor.to_owned())
    }

    fn verb(&self, verb: &str) -> Result<String> {
        self.with(verb, "display", self.display, |map| self.one_language(map))
    }

    fn activity(&self, activity: &str) -> Result<String> {
        self.with(activity, "definition", self.definition, |definition| {
            splice::edit(definition, |key, value| {
                Ok(match key {
                    "name" | "description" => Edit::Put(self.one_language(value)?),
                    "choices" | "scale" | "source" | "target" | "steps" => {
                        Edit::Put(splice::each(value, |component| self.component(component))?)
                    }
                    _ => Edit::Keep,
                })
            })
        })
    }
}

impl Canonical<'_> {
    /// Returns the object with `member` set to what is known of its id, in the reader's language.
    fn with(
        &self,
        json: &str,
        member: &str,
        known: &dyn Fn(&str) -> Option<String>,
        shown: impl Fn(&str) -> Result<String>,
    ) -> Result<String> {
        let mut members = Members::of(json)?;
        let Some(known) = members.text("id").and_then(|id| known(&id)) else {
            return Ok(json.to_owned());
        };
        let shown = shown(&known)?;
        let Some(room) = self.room.get().checked_sub(shown.len()) else {
            return Ok(json.to_owned());
        };
        self.room.set(room);
        members.0.retain(|(key, _)| key != member);
        members.0.push((member.to_owned(), &shown));
        Ok(splice::object(members.0))
    }

    fn component(&self, component: &str) -> Result<String> {
        splice::edit(component, |key, value| {
            Ok(if key == "description" {
                Edit::Put(self.one_language(value)?)
            } else {
                Edit::Keep
            })
        })
    }

    fn one_language(&self, map: &str) -> Result<String> {
        let members = Members::of(map)?;
        let tags: Vec<&str> = members.0.iter().map(|(tag, _)| tag.as_str()).collect();
        let best = language::choose(&tags, self.accept);
        Ok(splice::object(
            members
                .0
                .iter()
                .filter(|(tag, _)| best == Some(tag.as_str()))
                .map(|(tag, text)| (tag, text)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = r#"{"actor":{"name":"N","mbox":"mailto:a@b.example"},"verb":{"id":"a:v","display":{"en":"did"}},"object":{"id":"a:o","definition":{"name":{"en":"O"}}},"context":{"team":{"objectType":"Group","name":"T","member":[{"name":"M","openid":"a:m"}]},"contextActivities":{"parent":[{"objectType":"Activity","id":"a:p","definition":{}}]}},"result":{"score":{"raw":1.50}}}"#;

    #[test]
    fn ids_leaves_what_identifies() {
        assert_eq!(
            show(STATEMENT, &Ids).unwrap(),
            r#"{"actor":{"mbox":"mailto:a@b.example"},"verb":{"id":"a:v"},"object":{"id":"a:o"},"context":{"team":{"objectType":"Group","member":[{"openid":"a:m"}]},"contextActivities":{"parent":[{"id":"a:p"}]}},"result":{"score":{"raw":1.50}}}"#
        );
        // What is left says whether it is an agent, a group or an activity, and no more.
        for (object, left) in [
            (
                r#"{"objectType":"Agent","name":"A","mbox":"mailto:a@b.example"}"#,
                r#"{"objectType":"Agent","mbox":"mailto:a@b.example"}"#,
            ),
            (
                r#"{"objectType":"Group","openid":"a:g","member":[{"objectType":"Agent","openid":"a:m"}]}"#,
                r#"{"objectType":"Group","openid":"a:g"}"#,
            ),
            (
                r#"{"objectType":"Group","member":[{"objectType":"Agent","name":"M","openid":"a:m"}]}"#,
                r#"{"objectType":"Group","member":[{"openid":"a:m"}]}"#,
            ),
            (r#"{"objectType":"Activity","id":"a:o"}"#, r#"{"id":"a:o"}"#),
        ] {
            let statement =
                format!(r#"{{"actor":{{"objectType":"Agent","openid":"a:a"}},"object":{object}}}"#);
            assert_eq!(
                show(&statement, &Ids).unwrap(),
                format!(r#"{{"actor":{{"openid":"a:a"}},"object":{left}}}"#)
            );
        }
    }

    #[test]
    fn canonical_shows_what_is_known_in_one_language() {
        let lens = Canonical {
            accept: "de",
            definition: &|id| {
                (id == "a:o").then(|| r#"{"name":{"en":"O","de":"Ö"},"choices":[{"id":"x","description":{"en":"X","de":"Y"}}]}"#.to_owned())
            },
            display: &|_| Some(r#"{"en":"did"}"#.to_owned()),
            room: &Cell::new(1000),
        };
        let shown = show(STATEMENT, &lens).unwrap();
        assert!(shown.contains(r#""definition":{"name":{"de":"Ö"},"choices":[{"id":"x","description":{"de":"Y"}}]}"#), "{shown}");
        assert!(shown.contains(r#""display":{"en":"did"}"#), "{shown}");
        assert!(shown.contains(r#""id":"a:p","definition":{}"#), "{shown}");
    }
}
