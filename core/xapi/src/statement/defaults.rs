//! Defaults that the statements of an app, a learner or a session have in common, set once.
//!
//! They are added to the text of a statement before it is checked and frozen. What the statement says itself
//! stays as it is written, to the byte, and so does a text that is no statement: the validator says what is
//! wrong with it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::complete::check;
use super::fault::Invalid;
use super::model::{Actor, XapiContext, reading};
use super::version::XapiVersion;

/// Values for what a statement leaves out: who did it, and what it was part of.
///
/// Each property of `context` is a default of its own, and so are each kind of `contextActivities` and each
/// extension: where the statement has its own, that counts alone. `revision` and `platform` are left out if the
/// object is no Activity, since they are not allowed there (Data 2.4.6). A `SubStatement` gets none of these
/// defaults.
///
/// ```
/// use pannier_xapi::statement::StatementDefaults;
/// use pannier_xapi::statement::model::{Agent, XapiContext};
///
/// let defaults = StatementDefaults::new()
///     .actor(Agent::mbox("mailto:ada@example.com"))
///     .context(XapiContext::new().platform("Quest 3").language("de"));
/// let text = defaults.prepared().add_to(br#"{"verb":{"id":"http://example.com/did"},
///     "object":{"id":"http://example.com/it"},"context":{"language":"en"}}"#);
/// let statement: serde_json::Value = serde_json::from_slice(&text)?;
/// assert_eq!(statement["actor"]["mbox"], "mailto:ada@example.com");
/// assert_eq!(statement["context"]["platform"], "Quest 3");
/// assert_eq!(statement["context"]["language"], "en");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StatementDefaults {
    /// The actor who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The context it was part of.
    pub context: XapiContext,
}

impl StatementDefaults {
    /// Creates empty defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the actor.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets the context.
    #[must_use]
    pub fn context(mut self, context: XapiContext) -> Self {
        self.context = context;
        self
    }

    /// Reads JSON text: an object with `actor`, `context` or both, in the form they have in a statement. What
    /// the typed model has no place for is a fault, as in
    /// [`Statement::from_json`](super::Statement::from_json).
    pub fn from_json(text: &str) -> Result<Self, Invalid> {
        let (actor, context) = reading::in_common(text)?;
        Ok(Self { actor, context })
    }

    /// Checks the defaults by the rules for a statement; the paths of the faults are those in a statement.
    pub fn check(&self, version: XapiVersion) -> Result<(), Invalid> {
        let actor = match self.actor {
            None => r#""actor":{"mbox":"mailto:a@example.com"},"#,
            Some(_) => "",
        };
        let statement = format!(
            r#"{{{actor}"verb":{{"id":"http://example.com/v"}},"object":{{"id":"http://example.com/o"}}}}"#
        );
        check(&self.prepared().add_to(statement.as_bytes()), version)
            .map(drop)
            .map_err(Invalid::of_defaults)
    }

    /// Prepares the defaults for being added to many statements.
    #[expect(
        clippy::missing_panics_doc,
        reason = "serde_json fails on maps with keys other than strings, of which there are none"
    )]
    pub fn prepared(&self) -> PreparedDefaults {
        let value = serde_json::to_value(self).expect("every key is a string");
        PreparedDefaults(members(value))
    }
}

/// Reads like [`StatementDefaults::from_json`]. Works with `serde_json` only.
impl<'de> Deserialize<'de> for StatementDefaults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get()).map_err(D::Error::custom)
    }
}

/// Defaults that are ready to be added to many statements.
#[derive(Debug, Clone, Default)]
pub struct PreparedDefaults(Vec<Member>);

/// A member to add to an object that has none of that name.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    value: Part,
}

#[derive(Debug, Clone)]
enum Part {
    /// JSON text, added as a whole or not at all.
    Whole(String),
    /// An object whose members are added one by one.
    Object(Vec<Member>),
}

/// Objects whose members are defaults of their own.
const OBJECTS: [&str; 3] = ["context", "contextActivities", "extensions"];

/// Members allowed only if the object is an Activity (Data 2.4.6).
const OF_ACTIVITIES: [&str; 2] = ["revision", "platform"];

impl PreparedDefaults {
    /// Adds what these lack from `wider`, such as those of a whole app to those of a learner.
    #[must_use]
    pub fn within(mut self, wider: &Self) -> Self {
        join(&mut self.0, &wider.0);
        self
    }

    /// Adds what the text of a statement leaves out. Text that is no JSON object comes back as it is.
    pub fn add_to<'a>(&self, statement: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(statement);
        }
        let text = str::from_utf8(statement).ok();
        let Some((text, object)) = text.and_then(|text| Some((text, Object::read(text)?))) else {
            return Cow::Borrowed(statement);
        };
        let mut additions = Vec::new();
        let start = text.len() - text.trim_start().len();
        let about_activity = object.is_about_activity();
        add(
            &self.0,
            text,
            start,
            &object,
            about_activity,
            &mut additions,
        );
        additions.sort_by_key(|(at, _)| *at);
        let mut whole = String::with_capacity(text.len() + 256);
        let mut done = 0;
        for (at, addition) in additions {
            whole.push_str(&text[done..at]);
            whole.push_str(&addition);
            done = at;
        }
        whole.push_str(&text[done..]);
        Cow::Owned(whole.into_bytes())
    }
}

/// Returns the members of a default that is an object.
fn members(value: Value) -> Vec<Member> {
    let Value::Object(all) = value else {
        return Vec::new();
    };
    let all = all.into_iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Object(_) if OBJECTS.contains(&name.as_str()) => {
                // One without members adds nothing: without any default, no statement need be read for them.
                Part::Object(Some(members(value)).filter(|members| !members.is_empty())?)
            }
            whole => Part::Whole(whole.to_string()),
        };
        Some(Member { name, value })
    });
    all.collect()
}

fn join(narrow: &mut Vec<Member>, wide: &[Member]) {
    for member in wide {
        match narrow.iter_mut().find(|own| own.name == member.name) {
            None => narrow.push(member.clone()),
            Some(own) => {
                if let (Part::Object(own), Part::Object(wide)) = (&mut own.value, &member.value) {
                    join(own, wide);
                }
            }
        }
    }
}

/// Notes what to add to an object, and where in the text: right after its brace, which stands at `start`, and
/// after the braces of the objects in it.
fn add(
    members: &[Member],
    text: &str,
    start: usize,
    object: &Object<'_>,
    about_activity: bool,
    additions: &mut Vec<(usize, String)>,
) {
    let mut missing = String::new();
    for member in members {
        match (object.get(&member.name), &member.value) {
            (None, _) => write(member, about_activity, &mut missing),
            (Some(value), Part::Object(members)) => {
                if let Some(inner) = Object::read(value) {
                    let start = value.as_ptr() as usize - text.as_ptr() as usize;
                    add(members, text, start, &inner, about_activity, additions);
                }
            }
            (Some(_), Part::Whole(_)) => {}
        }
    }
    if !missing.is_empty() {
        if object.0.is_empty() {
            missing.pop();
        }
        additions.push((start + 1, missing));
    }
}

/// Writes a member and the comma after it, or nothing if no part of it is allowed there.
fn write(member: &Member, about_activity: bool, text: &mut String) {
    if !about_activity && OF_ACTIVITIES.contains(&member.name.as_str()) {
        return;
    }
    let value = match &member.value {
        Part::Whole(value) => value.clone(),
        Part::Object(members) => {
            let mut inside = String::new();
            for member in members {
                write(member, about_activity, &mut inside);
            }
            if inside.pop().is_none() {
                return;
            }
            format!("{{{inside}}}")
        }
    };
    text.push_str(&Value::from(member.name.as_str()).to_string());
    text.push(':');
    text.push_str(&value);
    text.push(',');
}

/// The members of a JSON object, with the text of their values.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut members = self.0.iter();
        members
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.get())
    }

    /// Tells whether this is a statement about an Activity: its object names no other type.
    fn is_about_activity(&self) -> bool {
        let object = self.get("object").and_then(Object::read);
        let object_type = object.and_then(|object| object.get("objectType"));
        object_type.is_none_or(|text| {
            serde_json::from_str(text).is_ok_and(|name: String| name == "Activity")
        })
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::statement::model::{Agent, Statement, XapiActivity};
    use crate::statement::vocabulary::verbs;

    const ADA: &str = r#"{"mbox":"mailto:ada@example.com","objectType":"Agent"}"#;
    const DID: &str =
        r#""verb":{"id":"http://example.com/did"},"object":{"id":"http://example.com/it"}"#;

    fn all() -> StatementDefaults {
        StatementDefaults::new()
            .actor(Agent::mbox("mailto:ada@example.com"))
            .context(
                XapiContext::new()
                    .registration(Uuid::from_u128(7))
                    .platform("VR")
                    .language("de")
                    .parent(XapiActivity::new("http://example.com/course"))
                    .extension("http://example.com/e", 1.5),
            )
    }

    fn added(defaults: &StatementDefaults, text: &str) -> String {
        String::from_utf8(defaults.prepared().add_to(text.as_bytes()).into_owned()).unwrap()
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn what_is_left_open_is_filled_in_and_the_rest_stays_to_the_byte() {
        let text =
            format!(" {{ {DID} , \"result\":{{\"score\":{{\"raw\":1.50000000000000000001}}}} }}");
        let whole = added(&all(), &text);
        assert!(
            whole.ends_with(text.trim_start().strip_prefix('{').unwrap()),
            "{whole}"
        );
        let context = json!({
            "registration": Uuid::from_u128(7), "platform": "VR", "language": "de",
            "contextActivities": {"parent": [{"id": "http://example.com/course"}]},
            "extensions": {"http://example.com/e": 1.5},
        });
        assert_eq!(value(&whole)["context"], context);
        assert_eq!(value(&whole)["actor"], value(ADA));
        assert!(check(whole.as_bytes(), XapiVersion::V1_0_3).is_ok());
    }

    #[test]
    fn the_statements_own_words_win() {
        let own = json!({
            "registration": Uuid::from_u128(8), "platform": null, "language": "en",
            "contextActivities": {"parent": []},
            "extensions": {"http://example.com/e": null},
        });
        let text = format!(r#"{{"actor":"Ben",{DID},"context":{own}}}"#);
        assert_eq!(added(&all(), &text), text);
    }

    #[test]
    fn each_property_each_kind_of_activity_and_each_extension_is_a_default_of_its_own() {
        let text = format!(
            r#"{{{DID},"context":{{"language":"en","extensions":{{"http://example.com/f":2}},
            "contextActivities": {{ }} }}}}"#
        );
        let context = &value(&added(&all(), &text))["context"];
        assert_eq!(context["language"], "en");
        assert_eq!(context["platform"], "VR");
        assert_eq!(
            context["extensions"],
            json!({"http://example.com/e": 1.5, "http://example.com/f": 2})
        );
        assert_eq!(
            context["contextActivities"],
            json!({"parent": [{"id": "http://example.com/course"}]})
        );
        let empty = format!(r#"{{{DID},"context":{{}}}}"#);
        assert_eq!(value(&added(&all(), &empty))["context"]["platform"], "VR");
        // What is no object there is the statement's own word, and its own fault.
        let wrong = format!(r#"{{"actor":{ADA},{DID},"context":[]}}"#);
        assert_eq!(added(&all(), &wrong), wrong);
    }

    #[test]
    fn revision_and_platform_are_for_activities() {
        let platform =
            StatementDefaults::new().context(XapiContext::new().platform("VR").revision("3"));
        for object in [
            r#"{"objectType":"Agent","mbox":"mailto:b@example.com"}"#,
            r#"{"objectType":"StatementRef","id":"11111111-1111-4111-8111-111111111111"}"#,
        ] {
            let text = format!(
                r#"{{"actor":{ADA},"verb":{{"id":"http://example.com/v"}},"object":{object}}}"#
            );
            assert_eq!(added(&platform, &text), text);
            let whole = added(&all(), &text);
            assert_eq!(value(&whole)["context"].get("platform"), None);
            assert_eq!(value(&whole)["context"]["language"], "de");
            assert!(
                check(whole.as_bytes(), XapiVersion::V1_0_3).is_ok(),
                "{whole}"
            );
        }
        let named = format!(
            r#"{{"actor":{ADA},"verb":{{"id":"http://example.com/v"}},"object":{{"objectType":"\u0041ctivity","id":"http://example.com/o"}}}}"#
        );
        assert_eq!(
            value(&added(&platform, &named))["context"]["platform"],
            "VR"
        );
    }

    #[test]
    fn a_learners_defaults_lie_within_the_apps() {
        let learner = StatementDefaults::new()
            .actor(Agent::mbox("mailto:ben@example.com"))
            .context(
                XapiContext::new()
                    .language("fr")
                    .extension("http://example.com/f", 2)
                    .category(XapiActivity::new("http://example.com/profile")),
            );
        let both = learner.prepared().within(&all().prepared());
        let text = format!("{{{DID}}}");
        let whole = both.add_to(text.as_bytes());
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(whole["actor"]["mbox"], "mailto:ben@example.com");
        assert_eq!(whole["context"]["language"], "fr");
        assert_eq!(whole["context"]["platform"], "VR");
        assert_eq!(
            whole["context"]["extensions"],
            json!({"http://example.com/e": 1.5, "http://example.com/f": 2})
        );
        let around = whole["context"]["contextActivities"].as_object().unwrap();
        assert_eq!(around.len(), 2);
    }

    #[test]
    fn what_is_no_statement_comes_back_as_it_is() {
        let none = StatementDefaults::new();
        for text in [
            "",
            "[]",
            "null",
            "{",
            "\u{feff}{}",
            r#"{"actor":1,}"#,
            r#"{"context":{"a":1}"#,
        ] {
            assert_eq!(added(&all(), text), text);
            assert_eq!(added(&none, text), text);
        }
        assert!(matches!(
            all().prepared().add_to(b"\xff{}"),
            Cow::Borrowed(_)
        ));
        let deep = format!(
            r#"{{{DID},"x":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(added(&all(), &deep).len() > deep.len());
    }

    #[test]
    fn a_typed_statement_needs_no_actor_then() {
        let text =
            Statement::without_actor(verbs::COMPLETED, XapiActivity::new("http://example.com/o"))
                .to_json();
        assert!(check(text.as_bytes(), XapiVersion::V2_0_0).is_err());
        assert!(check(added(&all(), &text).as_bytes(), XapiVersion::V2_0_0).is_ok());
    }

    #[test]
    fn what_is_wrong_with_them_is_told_when_they_are_set() {
        assert!(all().check(XapiVersion::V1_0_3).is_ok());
        assert!(StatementDefaults::new().check(XapiVersion::V1_0_3).is_ok());
        for (wrong, path) in [
            (
                StatementDefaults::new().actor(Agent::mbox("ada@example.com")),
                "$.actor.mbox",
            ),
            (
                StatementDefaults::new().context(XapiContext::new().language("no such language")),
                "$.context.language",
            ),
        ] {
            let faults = wrong.check(XapiVersion::V2_0_0).unwrap_err().faults;
            assert_eq!(faults[0].path, path, "{faults:?}");
        }
    }

    #[test]
    fn they_are_read_from_json_and_nothing_of_it_is_left_out() {
        let text = serde_json::to_string(&all()).unwrap();
        assert_eq!(StatementDefaults::from_json(&text).unwrap(), all());
        assert_eq!(
            StatementDefaults::from_json("{}").unwrap(),
            StatementDefaults::new()
        );
        for (text, path) in [
            (
                r#"{"actor":{"mbox":"mailto:a@example.com"},"verb":{}}"#,
                "$.verb",
            ),
            (r#"{"context":{"plattform":"VR"}}"#, "$.context.plattform"),
            ("[]", "$"),
        ] {
            let faults = StatementDefaults::from_json(text).unwrap_err().faults;
            assert_eq!(faults[0].path, path, "{faults:?}");
        }
    }
}
