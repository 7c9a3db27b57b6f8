//! Everything about a statement that a GET can ask for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The verb that takes a statement out of the results (1.0.3 Data 2.3.2; 2.0.0 4.2.5).
const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// Properties of a statement that can be queried.
#[derive(Debug, Default)]
pub struct Facts {
    pub verb: String,
    pub registration: Option<Uuid>,
    /// The statement that its StatementRef object names.
    pub target: Option<Uuid>,
    /// Tells whether it voids its target.
    pub voiding: bool,
    /// Identifiers of agents and groups, each with whether it is the actor or the object (or a member of one),
    /// which the `agent` parameter finds without `related_agents`.
    pub agents: BTreeMap<String, bool>,
    /// Activities, each with whether it is the object.
    pub activities: BTreeMap<String, bool>,
    /// Definitions of activities in it: id and definition.
    pub definitions: Vec<(String, String)>,
    /// Display of its verb.
    pub display: Option<String>,
    /// Attachments, including those of a SubStatement.
    pub attachments: Vec<Attachment>,
}

/// An attachment as its statement describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub usage_type: String,
    pub content_type: String,
    pub length: Length,
    pub sha2: String,
    pub file_url: Option<String>,
}

/// Length that an attachment states for its content: digits, any number of them.
#[derive(Debug, Deserialize)]
pub struct Length(Box<RawValue>);

impl Length {
    /// Returns the number of octets; `None` if there cannot be so many.
    pub fn octets(&self) -> Option<u64> {
        self.0.get().parse().ok()
    }
}

/// An agent or a group.
#[derive(Deserialize)]
pub struct Actor {
    mbox: Option<String>,
    mbox_sha1sum: Option<String>,
    openid: Option<String>,
    account: Option<Account>,
    #[serde(default)]
    member: Vec<Actor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    home_page: String,
    name: String,
}

impl Actor {
    /// Returns its inverse functional identifier in a form in which equal ones are equal text. The domain of a mail
    /// address is the same in any letter case (1.0.3 Data 2.4.2.3).
    pub fn identifier(&self) -> Option<String> {
        if let Some(mbox) = &self.mbox {
            let (local, domain) = mbox.rsplit_once('@').unwrap_or((mbox, ""));
            Some(format!("mbox {local}@{}", domain.to_ascii_lowercase()))
        } else if let Some(sum) = &self.mbox_sha1sum {
            Some(format!("mbox_sha1sum {}", sum.to_ascii_lowercase()))
        } else if let Some(openid) = &self.openid {
            Some(format!("openid {openid}"))
        } else {
            let Account { home_page, name } = self.account.as_ref()?;
            Some(format!("account {home_page} {name}"))
        }
    }
}

/// A statement or a SubStatement.
#[derive(Deserialize)]
struct Shape<'a> {
    actor: Actor,
    #[serde(borrow)]
    verb: Verb<'a>,
    #[serde(borrow)]
    object: &'a RawValue,
    #[serde(borrow)]
    context: Option<Context<'a>>,
    authority: Option<Actor>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Verb<'a> {
    id: String,
    #[serde(borrow)]
    display: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    object_type: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: Uuid,
}

#[derive(Deserialize)]
struct Activity<'a> {
    id: String,
    #[serde(borrow)]
    definition: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Context<'a> {
    registration: Option<Uuid>,
    instructor: Option<Actor>,
    team: Option<Actor>,
    #[serde(borrow, default, rename = "contextActivities")]
    activities: BTreeMap<String, Vec<Activity<'a>>>,
    #[serde(default, rename = "contextAgents")]
    agents: Vec<ContextAgent>,
    #[serde(default, rename = "contextGroups")]
    groups: Vec<ContextGroup>,
}

#[derive(Deserialize)]
struct ContextAgent {
    agent: Actor,
}

#[derive(Deserialize)]
struct ContextGroup {
    group: Actor,
}

impl Facts {
    /// Reads a valid statement, completed and with its context activities in arrays.
    pub fn of(statement: &str) -> serde_json::Result<Self> {
        let shape: Shape = serde_json::from_str(statement)?;
        let mut facts = Self::default();
        facts.verb.clone_from(&shape.verb.id);
        facts.display = shape.verb.display.map(|display| display.get().to_owned());
        facts.registration = shape
            .context
            .as_ref()
            .and_then(|context| context.registration);
        facts.read(shape, true)?;
        facts.voiding = facts.verb == VOIDED;
        Ok(facts)
    }

    /// Collects the facts; `near` is false inside a SubStatement, whose parts only the `related_` parameters find.
    fn read(&mut self, shape: Shape, near: bool) -> serde_json::Result<()> {
        self.actor(&shape.actor, near);
        if let Some(authority) = &shape.authority {
            self.actor(authority, false);
        }
        let object = shape.object.get();
        let kind: Kind = serde_json::from_str(object)?;
        match kind.object_type.as_deref() {
            Some("Agent" | "Group") => self.actor(&serde_json::from_str(object)?, near),
            Some("SubStatement") => self.read(serde_json::from_str(object)?, false)?,
            Some("StatementRef") => {
                let reference: Reference = serde_json::from_str(object)?;
                if near {
                    self.target = Some(reference.id);
                }
            }
            _ => self.activity(serde_json::from_str(object)?, near),
        }
        if let Some(context) = shape.context {
            self.context(context);
        }
        self.attachments.extend(shape.attachments);
        Ok(())
    }

    fn context(&mut self, context: Context) {
        let agents = context.agents.iter().map(|entry| &entry.agent);
        let groups = context.groups.iter().map(|entry| &entry.group);
        for actor in context
            .instructor
            .iter()
            .chain(&context.team)
            .chain(agents)
            .chain(groups)
        {
            self.actor(actor, false);
        }
        for activity in context.activities.into_values().flatten() {
            self.activity(activity, false);
        }
    }

    fn actor(&mut self, actor: &Actor, near: bool) {
        for actor in actor.member.iter().chain([actor]) {
            if let Some(identifier) = actor.identifier() {
                *self.agents.entry(identifier).or_default() |= near;
            }
        }
    }

    fn activity(&mut self, activity: Activity, near: bool) {
        if let Some(definition) = activity.definition {
            self.definitions
                .push((activity.id.clone(), definition.get().to_owned()));
        }
        *self.activities.entry(activity.id).or_default() |= near;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_may_have_any_number_of_digits() {
        for (text, octets) in [
            ("0", Some(0)),
            ("27", Some(27)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
        ] {
            let length: Length = serde_json::from_str(text).unwrap();
            assert_eq!(length.octets(), octets, "{text}");
        }
    }

    #[test]
    fn everything_that_can_be_asked_is_found() {
        let facts = Facts::of(
            r#"{"actor":{"objectType":"Group","mbox":"mailto:Team@EXAMPLE.org","member":[{"openid":"http://one.example/"}]},
                "verb":{"id":"http://v.example/","display":{"en":"did"}},
                "object":{"objectType":"SubStatement",
                    "actor":{"mbox_sha1sum":"AB"},"verb":{"id":"http://w.example/"},
                    "object":{"id":"http://deep.example/"}},
                "context":{"registration":"16fd2706-8baf-433b-82eb-8c7fada847da",
                    "contextActivities":{"parent":[{"id":"http://parent.example/","definition":{"type":"http://t.example/"}}]},
                    "contextAgents":[{"objectType":"contextAgent","agent":{"account":{"homePage":"http://h.example","name":"n"}}}]},
                "result":{"score":{"raw":1e999}}}"#,
        )
        .unwrap();
        let agents: Vec<_> = facts
            .agents
            .iter()
            .map(|(agent, near)| (agent.as_str(), *near))
            .collect();
        assert_eq!(
            agents,
            [
                ("account http://h.example n", false),
                ("mbox mailto:Team@example.org", true),
                ("mbox_sha1sum ab", false),
                ("openid http://one.example/", true),
            ]
        );
        let activities: Vec<_> = facts.activities.keys().map(String::as_str).collect();
        assert_eq!(
            activities,
            ["http://deep.example/", "http://parent.example/"]
        );
        assert!(facts.activities.values().all(|near| !near));
        assert_eq!(facts.definitions.len(), 1);
        assert!(facts.registration.is_some() && facts.target.is_none() && !facts.voiding);
    }
}
