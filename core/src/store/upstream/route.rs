//! Decides which statements are for which upstream: once, in the transaction that takes a statement in.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::statement::Prepared;
use crate::store::queue::ids;
use crate::store::{StoreError, UpstreamId};

/// A selection of the statements that are for an upstream; by default all. Applied when a statement is
/// recorded, and kept in the file: several processes record into one, and each must decide alike.
///
/// A voiding statement goes where its target went, whatever it says itself (xAPI 1.0.3 Data 2.3.2); if the
/// target is no longer known on the device, to every upstream.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Route {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    activities: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    verbs: Vec<String>,
}

impl Route {
    /// Selects every statement.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects only statements about an activity whose id begins with one of these prefixes: the object, or one
    /// of the context's activities (xAPI 1.0.3 Data 2.4.4.1, 2.4.6.2). For a SubStatement, its own object and
    /// context count. Without prefixes any activity will do.
    #[must_use]
    pub fn of_activities<S: Into<String>>(mut self, prefixes: impl IntoIterator<Item = S>) -> Self {
        self.activities = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// Selects only statements with one of these verbs, compared by the whole IRI. Without verbs any verb will
    /// do.
    #[must_use]
    pub fn of_verbs<S: Into<String>>(mut self, verbs: impl IntoIterator<Item = S>) -> Self {
        self.verbs = verbs.into_iter().map(Into::into).collect();
        self
    }

    /// Tells whether it takes every statement.
    pub fn is_all(&self) -> bool {
        self.activities.is_empty() && self.verbs.is_empty()
    }

    /// Returns the prefixes of activity ids; empty if any activity will do.
    pub fn activities(&self) -> &[String] {
        &self.activities
    }

    /// Returns the verbs; empty if any verb will do.
    pub fn verbs(&self) -> &[String] {
        &self.verbs
    }

    pub(crate) fn takes(&self, statement: &Value) -> bool {
        let verb = statement["verb"]["id"].as_str();
        let is_verb = |wanted: &String| verb == Some(wanted);
        (self.verbs.is_empty() || self.verbs.iter().any(is_verb))
            && (self.activities.is_empty() || self.takes_activity(statement))
    }

    fn takes_activity(&self, statement: &Value) -> bool {
        let object = &statement["object"];
        if object["objectType"] == "SubStatement" {
            return self.takes_activity(object);
        }
        let groups = statement["context"]["contextActivities"].as_object();
        // xAPI 1.0.x allows a single one in place of a list.
        let context = groups.into_iter().flat_map(|groups| groups.values());
        let context = context.flat_map(|group| match group {
            Value::Array(many) => many.as_slice(),
            one => std::slice::from_ref(one),
        });
        let of_object = matches!(object["objectType"].as_str(), None | Some("Activity"));
        let mut ids = context.chain(of_object.then_some(object));
        ids.any(|one| {
            let id = one["id"].as_str().unwrap_or_default();
            self.activities.iter().any(|prefix| id.starts_with(prefix))
        })
    }
}

impl ToSql for Route {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        if self.is_all() {
            return Ok(ToSqlOutput::from(rusqlite::types::Null));
        }
        let text = serde_json::to_string(self);
        text.map(ToSqlOutput::from)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl FromSql for Route {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map_err(|error| FromSqlError::Other(error.into()))
    }
}

/// Value of `statement.not_for` with no bit set.
const FOR_ALL: i64 = 0;

/// Upstreams that do not get every statement, as they are during one transaction.
#[derive(Debug)]
pub(crate) struct Routes(Vec<(UpstreamId, Route)>);

impl Routes {
    /// Reads them by an index that is empty if every upstream gets all.
    pub(crate) fn read(tx: &Connection) -> rusqlite::Result<Self> {
        let routes = tx
            .prepare_cached(
                "SELECT id, route FROM upstream INDEXED BY upstream_routed WHERE route IS NOT NULL",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(Self(routes))
    }

    /// Returns the bits of the upstreams that the statement is not for.
    pub(crate) fn not_for(&self, tx: &Connection, one: &Prepared) -> Result<i64, StoreError> {
        if let Some(target) = one.voids {
            return Ok(not_for_voiding(tx, target)?);
        }
        if self.0.is_empty() {
            return Ok(FOR_ALL);
        }
        // The body was read as an object when it was recorded.
        let statement: Value = serde_json::from_slice(&one.body)
            .map_err(|error| StoreError::Other(format!("a statement cannot be read: {error}")))?;
        let passed_over = self.0.iter().filter(|(_, route)| !route.takes(&statement));
        Ok(passed_over.fold(FOR_ALL, |bits, (upstream, _)| bits | upstream.bit()))
    }
}

/// Returns the bits of the upstreams that a voiding is not for: those that its target was not for. An upstream that
/// was added after the target may have it by other ways, unless it gets only some statements. Where the app has given
/// the target up the voiding is held instead (`queue/given_up_ids.rs`).
fn not_for_voiding(tx: &Connection, target: Uuid) -> rusqlite::Result<i64> {
    let Some(seq) = ids::find(tx, target)? else {
        return Ok(FOR_ALL);
    };
    let not_for: i64 = tx
        .prepare_cached(
            "SELECT ifnull(sum(1 << (n.id - 1)), 0) FROM upstream n, statement s
             WHERE s.seq = ?1 AND iif(s.seq > n.begins_after, s.not_for & (1 << (n.id - 1)) <> 0, n.route IS NOT NULL)",
        )?
        .query_row([seq], |row| row.get(0))?;
    let takes_it: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM upstream WHERE ?1 & (1 << (id - 1)) = 0)")?
        .query_row(params![not_for], |row| row.get(0))?;
    // The only upstream that had the target was removed: better in vain than lost.
    Ok(if takes_it { not_for } else { FOR_ALL })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn activities_are_those_of_the_object_and_of_the_context() {
        let route = Route::all().of_activities(["https://a.example/", "https://b.example/x"]);
        let about = |id: &str| json!({"object": {"id": id}});
        assert!(route.takes(&about("https://a.example/1")));
        assert!(route.takes(&about("https://b.example/xyz")));
        assert!(!route.takes(&about("https://b.example/y")));
        assert!(!route.takes(&about("http://a.example/1")));
        let mut inside = about("https://c.example/");
        for group in ["parent", "grouping", "category", "other"] {
            for activities in [
                json!([{"id": "https://d.example"}, {"id": "https://a.example/2"}]),
                json!({"id": "https://a.example/2"}),
            ] {
                inside["context"] = json!({"contextActivities": {group: activities}});
                assert!(route.takes(&inside), "{inside}");
            }
        }
        let sub = |id| json!({"object": {"objectType": "SubStatement", "object": {"id": id}}});
        assert!(route.takes(&sub("https://a.example/3")));
        assert!(!route.takes(&sub("https://c.example/3")));
        // An agent is no activity, whatever it is called by.
        let agent = json!({"object": {"objectType": "Agent", "id": "https://a.example/"}});
        assert!(!route.takes(&agent));
    }

    #[test]
    fn both_must_fit_where_both_are_asked_for() {
        let verbs = Route::all().of_verbs(["http://verbs.example/passed"]);
        let both = verbs.clone().of_activities(["https://a.example/"]);
        let statement = |verb: &str, id: &str| json!({"verb": {"id": verb}, "object": {"id": id}});
        let there = statement("http://verbs.example/passed", "https://a.example/1");
        let elsewhere = statement("http://verbs.example/passed", "https://b.example/1");
        let other = statement("http://verbs.example/passed2", "https://a.example/1");
        assert!(verbs.takes(&there) && verbs.takes(&elsewhere) && !verbs.takes(&other));
        assert!(both.takes(&there) && !both.takes(&elsewhere) && !both.takes(&other));
        assert!(Route::all().takes(&other) && Route::all().is_all() && !both.is_all());
    }
}
