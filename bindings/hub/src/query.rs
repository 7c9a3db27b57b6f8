//! The parameters of a GET (1.0.3 Communication 2.1.3; 2.0.0 4.1.6.1). A parameter that is unknown, given twice, in
//! another letter case or of another form is a mistake of the sender and gets a 400.

use std::collections::HashSet;

use jiff::Timestamp;
use pannier_xapi::statement::XapiVersion;
use url::form_urlencoded;
use uuid::Uuid;

use super::bound::{ENTRY, cut};
use super::facts::Actor;
use super::problem::Problem;

/// Format of statements in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Agents, activities and verbs with no more than what identifies them.
    Ids,
    /// Everything as received.
    #[default]
    Exact,
    /// Activities and verbs as the hub knows them, in the reader's language.
    Canonical,
}

/// A GET of statements.
#[derive(Debug, Default)]
pub struct Query {
    pub wanted: Wanted,
    pub format: Format,
    /// Tells whether the contents of attachments are sent along.
    pub attachments: bool,
}

/// Statements that are asked for.
#[derive(Debug)]
pub enum Wanted {
    /// The one of this id, if it is not voided.
    Statement(Uuid),
    /// The one of this id, if it is voided.
    Voided(Uuid),
    /// All that pass.
    List(Filter),
}

impl Default for Wanted {
    fn default() -> Self {
        Self::List(Filter::default())
    }
}

/// Filter of statements and start of the page. Instants are Unix microseconds.
#[derive(Debug, Default)]
pub struct Filter {
    /// An identifier as [`Actor::identifier`] writes it.
    pub agent: Option<String>,
    pub related_agents: bool,
    pub verb: Option<String>,
    pub activity: Option<String>,
    pub related_activities: bool,
    pub registration: Option<Uuid>,
    pub since: Option<i64>,
    pub until: Option<i64>,
    pub ascending: bool,
    /// Most statements to return; as many as the hub gives, if `None` or 0.
    pub limit: Option<usize>,
    /// Instant of the last statement of the previous page.
    pub after: Option<i64>,
}

/// Parameter with the place from which a `more` link continues; only the hub writes it.
const AFTER: &str = "after";

/// Returns the parameters of a query string in their order.
pub fn parameters(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let mut names = HashSet::new();
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !names.insert(name)) {
        return Err(Problem::bad_request(format!(
            "the parameter {name} is given twice"
        )));
    }
    Ok(pairs)
}

/// Returns the `statementId`, which a PUT must have, and nothing else.
pub fn put(query: &str) -> Result<Uuid, Problem> {
    let parameters = parameters(query)?;
    if let Some((name, _)) = parameters.iter().find(|(name, _)| name != "statementId") {
        return Err(unknown(name));
    }
    let Some((name, value)) = parameters.first() else {
        return Err(Problem::bad_request("PUT needs the parameter statementId"));
    };
    uuid(name, value)
}

/// Checks that a POST has no parameters.
pub fn post(query: &str) -> Result<(), Problem> {
    match parameters(query)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(unknown(name)),
    }
}

/// Reads the parameters of a GET.
pub fn get(query: &str, version: XapiVersion) -> Result<Query, Problem> {
    let parameters = parameters(query)?;
    let mut query = Query::default();
    let mut filter = Filter::default();
    let mut single = Vec::new();
    let mut listing = None;
    for (name, value) in &parameters {
        match name.as_str() {
            "statementId" => single.push(Wanted::Statement(uuid(name, value)?)),
            "voidedStatementId" => single.push(Wanted::Voided(uuid(name, value)?)),
            "format" => query.format = format(value)?,
            "attachments" => query.attachments = boolean(name, value)?,
            _ => {
                filter.read(name, value, version)?;
                listing = Some(name);
            }
        }
    }
    match (single.pop(), single.pop(), listing) {
        (Some(_), Some(_), _) => Err(Problem::bad_request(
            "give statementId or voidedStatementId, not both",
        )),
        (Some(_), None, Some(other)) => Err(Problem::bad_request(format!(
            "the parameter {other} does not go with statementId or voidedStatementId; only format and attachments do"
        ))),
        (Some(wanted), None, None) => Ok(Query { wanted, ..query }),
        (None, ..) => Ok(Query {
            wanted: Wanted::List(filter),
            ..query
        }),
    }
}

impl Filter {
    fn read(&mut self, name: &str, value: &str, version: XapiVersion) -> Result<(), Problem> {
        match name {
            "agent" => self.agent = Some(agent(value, version)?),
            "related_agents" => self.related_agents = boolean(name, value)?,
            "verb" => self.verb = Some(iri(name, value)?),
            "activity" => self.activity = Some(iri(name, value)?),
            "related_activities" => self.related_activities = boolean(name, value)?,
            "registration" => self.registration = Some(uuid(name, value)?),
            "since" => self.since = Some(instant(name, value)?),
            "until" => self.until = Some(instant(name, value)?),
            "ascending" => self.ascending = boolean(name, value)?,
            "limit" => self.limit = Some(number(name, value)?),
            AFTER => self.after = Some(number(name, value)?),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }
}

/// Returns the query string that continues after the statement stored at `after`.
pub fn more(query: &str, after: i64) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != AFTER))
        .append_pair(AFTER, &after.to_string())
        .finish()
}

fn unknown(name: &str) -> Problem {
    Problem::bad_request(format!(
        "the parameter {name:?} is not known here; names are case-sensitive"
    ))
}

fn wrong(name: &str, value: &str, expected: &str) -> Problem {
    let value = cut(value.to_owned(), ENTRY);
    Problem::bad_request(format!(
        "the parameter {name} must be {expected}, not {value:?}"
    ))
}

fn format(value: &str) -> Result<Format, Problem> {
    match value {
        "ids" => Ok(Format::Ids),
        "exact" => Ok(Format::Exact),
        "canonical" => Ok(Format::Canonical),
        _ => Err(wrong("format", value, "ids, exact or canonical")),
    }
}

fn boolean(name: &str, value: &str) -> Result<bool, Problem> {
    value
        .parse()
        .map_err(|_| wrong(name, value, "true or false"))
}

fn number<N: TryFrom<i64>>(name: &str, value: &str) -> Result<N, Problem> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<i64> = value.parse().ok().filter(|_| digits);
    let number = number.and_then(|number| number.try_into().ok());
    number.ok_or_else(|| {
        let expected = format!("a whole number from 0 to {}", i64::MAX);
        wrong(name, value, &expected)
    })
}

fn uuid(name: &str, value: &str) -> Result<Uuid, Problem> {
    let hyphenated = value.len() == 36;
    Uuid::try_parse(value)
        .ok()
        .filter(|_| hyphenated)
        .ok_or_else(|| wrong(name, value, "a UUID with hyphens"))
}

fn iri(name: &str, value: &str) -> Result<String, Problem> {
    match url::Url::parse(value) {
        Ok(_) => Ok(value.to_owned()),
        Err(_) => Err(wrong(name, value, "an absolute IRI")),
    }
}

fn instant(name: &str, value: &str) -> Result<i64, Problem> {
    let instant: Timestamp = value.parse().map_err(|_| {
        wrong(
            name,
            value,
            "a timestamp as in RFC 3339 (with a + of its zone written as %2B)",
        )
    })?;
    Ok(instant.as_microsecond())
}

/// Reads an agent or identified group, checked by the same rules as the actor of a statement.
fn agent(value: &str, version: XapiVersion) -> Result<String, Problem> {
    let expected = "an agent or an identified group as a JSON object";
    let actor: Actor = serde_json::from_str(value).map_err(|_| wrong("agent", value, expected))?;
    let statement = format!(
        r#"{{"actor":{value},"verb":{{"id":"http://a.example/"}},"object":{{"id":"http://b.example/"}}}}"#
    );
    pannier_xapi::statement::check(statement.as_bytes(), version).map_err(|invalid| {
        let faults: Vec<String> = invalid
            .faults
            .iter()
            .take(3)
            .map(|fault| fault.to_string().replace("$.actor", "$"))
            .collect();
        wrong(
            "agent",
            value,
            &format!("{expected} ({})", faults.join("; ")),
        )
    })?;
    actor
        .identifier()
        .ok_or_else(|| wrong("agent", value, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(query: &str) -> Result<Query, Problem> {
        get(query, XapiVersion::V2_0_0)
    }

    #[test]
    fn parameters_are_read() {
        let id = "16fd2706-8baf-433b-82eb-8c7fada847da";
        for good in [
            "",
            &format!("statementId={id}&format=ids&attachments=true"),
            &format!("voidedStatementId={}", id.to_uppercase()),
            "verb=http%3A%2F%2Fv.example%2F&limit=0&ascending=false&related_agents=true",
            "since=2026-03-01T01:02:03Z&until=2026-03-01T01:02:03.5%2B01:00",
        ] {
            assert!(query(good).is_ok(), "{good}: {:?}", query(good));
        }
        for bad in [
            "StatementId=16fd2706-8baf-433b-82eb-8c7fada847da",
            "statementId=16fd2706",
            "statementId=16fd27068baf433b82eb8c7fada847da",
            &format!("statementId={id}&voidedStatementId={id}"),
            &format!("statementId={id}&limit=1"),
            &format!("voidedStatementId={id}&ascending=true"),
            &format!("statementId={id}&statementId={id}"),
            "unknown=1",
            "Verb=http://v.example/",
            "verb=voided",
            "activity=there",
            "registration=1",
            "since=yesterday",
            "since=2026-03-01T01:02:03+01:00",
            "limit=-1",
            "limit=%2B1",
            "limit=ten",
            "format=full",
            "attachments=yes",
            "ascending=TRUE",
            "agent=me",
            r#"agent={"objectType":"Group","member":[]}"#,
        ] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_more_link_keeps_the_question() {
        assert_eq!(more("verb=a%3Ab&limit=2", 7), "verb=a%3Ab&limit=2&after=7");
        assert_eq!(more("after=7&limit=2", 9), "limit=2&after=9");
    }
}
