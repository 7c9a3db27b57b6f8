//! The LRS's own account of what it has: asked over HTTP, statement by statement.

use std::collections::HashMap;
use std::sync::Arc;

use pannier::lrs::reading::{
    About, AskedAs, Found, Posted, highest_common, read_about, read_get, read_post,
};
use pannier::lrs::{Authorization, Endpoint, requests};
use pannier::statement::{Comparison, XapiVersion, compare};
use pannier::transport::{HttpTransport, Transport};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::device::Note;
use super::error::Error;

/// Number of requests at a time: as many as a small LRS can answer at once.
const AT_ONCE: usize = 6;

/// Answer of the LRS about one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Has {
    /// It has this very statement.
    It,
    /// It has another one under the id.
    Another,
    /// It has none.
    Nothing,
    /// It did not say, for this reason.
    Unsaid(String),
}

/// An LRS, asked without a collector.
pub struct Lrs {
    endpoint: Endpoint,
    authorization: Option<Authorization>,
    version: XapiVersion,
    transport: HttpTransport,
}

impl Lrs {
    /// Finds out whether it is there, takes these credentials, and which version to speak.
    pub async fn greet(
        endpoint: Endpoint,
        authorization: Option<Authorization>,
        transport: HttpTransport,
    ) -> Result<Self, Error> {
        let about = requests::about(&endpoint, authorization.as_ref());
        let answer = transport.exchange(about).await;
        let answer = answer.map_err(|failure| Error::Lrs(failure.to_string()))?;
        let version = match read_about(&answer, (&endpoint, authorization.as_ref())) {
            About::Versions(versions) => highest_common(&versions),
            _ => None,
        };
        let lrs = Self {
            endpoint,
            authorization,
            version: version.unwrap_or(XapiVersion::V1_0_3),
            transport,
        };
        let nobodys = Note {
            id: Uuid::new_v4(),
            json: String::new(),
        };
        match lrs.has(&nobodys).await {
            Has::Unsaid(why) => Err(Error::Lrs(format!(
                "the LRS does not say what it has: {why}"
            ))),
            _ => Ok(lrs),
        }
    }

    fn asked(&self) -> AskedAs<'_> {
        (&self.endpoint, self.authorization.as_ref()).into()
    }

    /// Sends one statement, past any collector. The error says why the LRS did not take it.
    pub async fn take_id(&self, json: &str) -> Result<(), String> {
        let authorization = self.authorization.as_ref();
        let request = requests::post(&self.endpoint, authorization, self.version, &[json]);
        let answer = self.transport.exchange(request).await;
        match read_post(
            &answer.map_err(|failure| failure.to_string())?,
            self.asked(),
        ) {
            Posted::Ids(_) | Posted::NoContent => Ok(()),
            Posted::Partial { refused, .. } if refused.is_empty() => Ok(()),
            Posted::Partial { .. } => Err("it is refused".to_owned()),
            Posted::Unclear(words) => Err(format!("it says neither yes nor no: {words}")),
            Posted::NotAnLrs(why) => Err(why.to_string()),
            Posted::Refused { status, words, .. } => Err(format!("{status} {words}")),
        }
    }

    async fn has(&self, note: &Note) -> Has {
        let authorization = self.authorization.as_ref();
        let request = requests::get(&self.endpoint, authorization, self.version, note.id);
        let answer = match self.transport.exchange(request).await {
            Ok(answer) => answer,
            Err(failure) => return Has::Unsaid(failure.to_string()),
        };
        match read_get(&answer, self.asked(), note.id) {
            Found::Copy(copy) => match compare(note.json.as_bytes(), &copy) {
                Comparison::Same => Has::It,
                Comparison::Different(_) | Comparison::Unreadable => Has::Another,
            },
            Found::Missing => Has::Nothing,
            Found::Unreadable => Has::Unsaid("what it shows cannot be read".to_owned()),
            Found::NotAnLrs(why) => Has::Unsaid(why.to_string()),
            Found::Refused { status, words, .. } => Has::Unsaid(format!("{status} {words}")),
        }
    }
}

/// Asks for each of these statements, and calls `answered` after each answer.
pub async fn ask_for(lrs: Arc<Lrs>, notes: Vec<Note>, answered: impl Fn()) -> HashMap<Uuid, Has> {
    let mut all = HashMap::new();
    let mut asking = JoinSet::new();
    let mut notes = notes.into_iter();
    loop {
        while asking.len() < AT_ONCE
            && let Some(note) = notes.next()
        {
            let lrs = Arc::clone(&lrs);
            asking.spawn(async move { (note.id, lrs.has(&note).await) });
        }
        match asking.join_next().await {
            // A task that ended in a panic has no answer, and its statement will be missed.
            Some(Err(_)) => {}
            Some(Ok((id, has))) => {
                all.insert(id, has);
                answered();
            }
            None => return all,
        }
    }
}
