//! What an LRS keeps, and what it says of it.

use std::collections::{BTreeMap, BTreeSet};

use pannier::Uuid;
use pannier::lrs::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::failure::answer;

/// What a statement says that matters to whoever keeps it.
#[derive(Deserialize)]
struct Sent {
    id: Uuid,
    verb: Value,
    object: Value,
}

#[derive(Default)]
pub(crate) struct Statements {
    there: BTreeMap<Uuid, String>,
    voided: BTreeSet<Uuid>,
    times: BTreeMap<Uuid, u64>,
}

impl Statements {
    pub(crate) fn get(&self, id: Uuid) -> Option<&str> {
        self.there.get(&id).map(String::as_str)
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.there.keys().copied().collect()
    }

    pub(crate) fn is_voided(&self, id: Uuid) -> bool {
        self.voided.contains(&id)
    }

    pub(crate) fn times(&self, id: Uuid) -> u64 {
        self.times.get(&id).copied().unwrap_or(0)
    }

    /// Puts it in, from wherever.
    pub(crate) fn put(&mut self, id: Uuid, text: String) {
        self.there.insert(id, text);
    }

    /// Takes all that was posted in, or nothing: what it has already stays as it is, and another one under its id is
    /// a conflict (xAPI 1.0.3 Communication 2.1.2).
    pub(crate) fn post(&mut self, body: &[u8]) -> (Response, Vec<Uuid>) {
        let Some(posted) = read(body) else {
            return (
                answer(400, true, "these are no statements with ids"),
                Vec::new(),
            );
        };
        let ids: Vec<Uuid> = posted.iter().map(|(sent, _)| sent.id).collect();
        if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
            return (answer(400, true, "an id stands there twice"), Vec::new());
        }
        let differs = |(sent, text): &(Sent, String)| {
            let had = self.there.get(&sent.id);
            had.is_some_and(|had| !is_same(had, text))
        };
        if posted.iter().any(differs) {
            return (
                answer(409, true, "there is another one under its id"),
                Vec::new(),
            );
        }
        for (sent, text) in posted {
            if sent.verb["id"] == "http://adlnet.gov/expapi/verbs/voided" {
                let target = sent.object["id"].as_str().and_then(|id| id.parse().ok());
                self.voided.extend::<Option<Uuid>>(target);
            }
            if !self.there.contains_key(&sent.id) {
                *self.times.entry(sent.id).or_default() += 1;
                self.there.insert(sent.id, text);
            }
        }
        (answer(200, true, &json!(ids).to_string()), ids)
    }

    /// Shows the one that is asked for: one that is voided hides behind a parameter of its own (Communication 2.1.3).
    pub(crate) fn get_by(&self, query: &str) -> Response {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let asked = pairs.find_map(|(name, id)| Some((name, id.parse::<Uuid>().ok()?)));
        let Some((name, id)) = asked else {
            return answer(400, true, "there is no id to look for");
        };
        let found = self.get(id);
        match found.filter(|_| self.is_voided(id) == (name == "voidedStatementId")) {
            Some(text) => answer(200, true, text),
            None => answer(404, true, "there is none"),
        }
    }
}

fn read(body: &[u8]) -> Option<Vec<(Sent, String)>> {
    let texts: Vec<&RawValue> = serde_json::from_slice(body)
        .or_else(|_| serde_json::from_slice(body).map(|one| vec![one]))
        .ok()?;
    let sent = texts.into_iter().map(|text| {
        let sent = serde_json::from_str(text.get()).ok()?;
        Some((sent, text.get().to_owned()))
    });
    sent.collect()
}

/// Whatever the order of properties.
fn is_same(one: &str, other: &str) -> bool {
    let read = serde_json::from_str::<Value>;
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}
