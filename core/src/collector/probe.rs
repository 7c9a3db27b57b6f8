//! Test of a connection before it is needed: is the LRS there, does it know us, may we write?
//!
//! Nothing is recorded, nothing is learned, and nothing is stored at the LRS unless the app gives a statement for that.
//! A probe may run during a sync and does not hinder it.

mod findings;
mod said;
#[cfg(test)]
mod tests;
mod way;
mod writing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::lane::Choices;
use super::{Collector, Inner, MAIN};
use crate::clock::Clock;
use crate::collector::panics::exchange;
use crate::collector::runtime::runtime;
use crate::error::Error;
use crate::lock::lock;
use crate::lrs::reading::{AskedAs, highest_common, read_about, read_post};
use crate::lrs::{About, Authorization, Endpoint, Response, TransportError, headers, requests};
use crate::statement::{Prepared, PreparedDefaults, XapiVersion};
use crate::store::Millis;
use crate::transport::Transport;

use super::AsStatement;

/// Result of [`Collector::probe`]. In JSON as it is; sentences are English, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Probe {
    /// Base URL of the LRS.
    pub endpoint: String,
    /// Checks, one of each [`Examined`], in its order.
    pub checks: Vec<Check>,
    /// xAPI versions that the LRS lists, as it spells them; empty where it does not tell.
    pub versions: Vec<String>,
    /// Version that a sync would begin with.
    pub speaks: Option<XapiVersion>,
    /// Difference of the LRS's clock minus the device's, milliseconds, accurate to the second.
    pub clock_difference_ms: Option<Millis>,
}

/// Check of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// Subject of the check.
    pub examined: Examined,
    /// Result of the check.
    pub finding: Finding,
    /// HTTP status that shows it, if one does.
    pub status: Option<u16>,
    /// Explanation and, where something is wrong, what to do.
    pub sentence: String,
}

/// Subject of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Examined {
    /// Is there a host that answers?
    Network,
    /// Is the connection secure?
    Encryption,
    /// Is it an LRS that answers, and at this address?
    Lrs,
    /// Does it speak an xAPI version of ours?
    Version,
    /// Does it know the credentials?
    Credentials,
    /// May they write statements?
    Write,
    /// Do its clock and the device's agree?
    Clock,
}

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// As it should be.
    Good,
    /// It could not be found out, which is no fault.
    Unknown,
    /// It works, but somebody should look at it.
    Warning,
    /// Nothing will be delivered like this.
    Bad,
}

impl Probe {
    /// Returns the check of this subject.
    pub fn check(&self, examined: Examined) -> Option<&Check> {
        self.checks.iter().find(|check| check.examined == examined)
    }

    /// Returns the worst of all findings.
    pub fn worst(&self) -> Finding {
        let findings = self.checks.iter().map(|check| check.finding);
        findings.max().unwrap_or(Finding::Unknown)
    }
}

impl Collector {
    /// Tries the connection to the LRS, without recording or storing anything: is it there, is the connection secure,
    /// which versions does it speak, does it know the credentials, may they write, does its clock agree with the
    /// device's. The right to write is tested with an empty list of statements, which no LRS can store; some refuse
    /// that as such, and then it is not known.
    ///
    /// Blocks for as long as three requests take, or four or five where the LRS does not understand the version that is
    /// tried first or takes nothing in it, each about 30 s at most. May be called while a sync is under way and while the
    /// collector is paused. Where there are no credentials yet, the provider is asked for some, which are used here only.
    /// An error says that nothing could be tried; what is wrong with the connection is in the [`Probe`].
    pub fn probe(&self) -> Result<Probe, Error> {
        self.inner.probe(MAIN, None)
    }

    /// Like [`Collector::probe`], but tests the right to write by storing this statement, which enters no queue and no
    /// count of this collector. An LRS never forgets a statement: void it there if it means nothing.
    pub fn probe_storing(&self, statement: impl AsStatement) -> Result<Probe, Error> {
        let prepared = self
            .inner
            .prepare(&statement, &PreparedDefaults::default())?;
        self.inner.probe(MAIN, Some(prepared))
    }
}

impl Inner {
    /// Probes the upstream of that name. One that this process has not opened stays so, and is asked without credentials.
    pub(super) fn probe(&self, name: &str, statement: Option<Prepared>) -> Result<Probe, Error> {
        let (target, choices) = match self.lane(name) {
            Some(lane) => (lock(&lane.target).both(), lane.choices()),
            None => (self.target_of(name)?.both(), Choices::default()),
        };
        let (endpoint, authorization) = target?;
        let transport = self.fresh_transport()?;
        let provider = choices.provider;
        let (clock, speak, allow) = (Arc::clone(&self.clock), choices.speak, self.allow_cleartext);
        let write_only = choices.write_only;
        let probing = move || {
            let authorization = match (authorization, provider) {
                (None, Some(provider)) => {
                    let found = catch_unwind(AssertUnwindSafe(|| provider.credentials()));
                    // A panic has been reported by the panic hook; it has none to give.
                    let found = found.ok().flatten();
                    found.map(|some| some.authorization()).transpose()?
                }
                (known, _) => known,
            };
            endpoint.check_cleartext(authorization.is_some(), allow)?;
            let runtime = runtime(|_| {})?;
            let asking = Asking {
                endpoint,
                authorization,
                transport,
                clock,
                speak,
                write_only,
                statement,
            };
            let probe = runtime.block_on(asking.all());
            // As with a sync, nobody waits for the app's own code on another thread of the runtime.
            runtime.shutdown_background();
            Ok(probe)
        };
        // A thread of its own, since the caller's may drive a runtime already.
        std::thread::Builder::new()
            .name("pannier-probe".to_owned())
            .spawn(probing)
            .map_err(|error| Error::Transport(format!("no thread to probe on: {error}")))?
            .join()
            .unwrap_or(Err(Error::Panicked))
    }
}

/// Settings of a probe: the LRS, the credentials and what is sent.
struct Asking {
    endpoint: Endpoint,
    authorization: Option<Authorization>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    speak: Option<XapiVersion>,
    write_only: bool,
    statement: Option<Prepared>,
}

/// Outcome of one request, and the LRS's clock minus ours by it.
struct Asked {
    outcome: Result<Response, TransportError>,
    clock_difference: Option<Millis>,
}

/// All answers, to be judged together.
struct Heard {
    about: Result<Response, TransportError>,
    look_up: Option<Result<Response, TransportError>>,
    post: Option<Result<Response, TransportError>>,
    /// Look-up of the statement that was to be stored.
    stored: Option<Result<Response, TransportError>>,
    /// Id that is looked up and cannot be there.
    nobody: Uuid,
    versions: Vec<String>,
    speaks: XapiVersion,
    clock_difference: Option<Millis>,
}

impl Asking {
    fn asked(&self) -> AskedAs<'_> {
        (&self.endpoint, self.authorization.as_ref()).into()
    }

    async fn all(self) -> Probe {
        let about = self
            .ask(requests::about(&self.endpoint, self.authorization.as_ref()))
            .await;
        let mut heard = Heard {
            clock_difference: about.clock_difference,
            about: about.outcome,
            look_up: None,
            post: None,
            stored: None,
            nobody: Uuid::new_v4(),
            versions: Vec::new(),
            speaks: self.speak.unwrap_or(XapiVersion::V1_0_3),
        };
        match &heard.about {
            Ok(answer) => {
                let mut common = headers::xapi_version(answer);
                if let About::Versions(versions) = read_about(answer, self.asked()) {
                    common = highest_common(&versions).or(common);
                    heard.versions = versions;
                }
                heard.speaks = self.speak.or(common).unwrap_or(heard.speaks);
            }
            // Something is there: a sync sends after a few questions that nobody answers.
            Err(failure) if failure.may_have_arrived() => {}
            Err(_) => return findings::of(&self, &heard),
        }
        self.try_to_read(&mut heard).await;
        // A sync sends whatever the look-up says, and the answer to that is what counts.
        self.try_to_write(&mut heard).await;
        findings::of(&self, &heard)
    }

    async fn try_to_read(&self, heard: &mut Heard) {
        self.look_up_nobody(heard).await;
        if self.speak.is_none() && findings::misunderstands(self, heard) {
            // As a sync does: the version may be what it does not understand.
            let first = (heard.speaks, heard.look_up.take());
            heard.speaks = heard.speaks.other();
            self.look_up_nobody(heard).await;
            if findings::misunderstands(self, heard) {
                (heard.speaks, heard.look_up) = first;
            }
        }
    }

    async fn look_up_nobody(&self, heard: &mut Heard) {
        let asked = self.ask(self.look_up(heard.nobody, heard.speaks)).await;
        heard.clock_difference = asked.clock_difference.or(heard.clock_difference);
        heard.look_up = Some(asked.outcome);
    }

    async fn try_to_write(&self, heard: &mut Heard) {
        self.send(heard).await;
        if self.speak.is_none() && writing::may_be_for_the_version(self, heard) {
            // As a sync does, which sends in the other where nothing was ever taken in this one.
            let first = (heard.speaks, heard.post.take(), heard.stored.take());
            heard.speaks = heard.speaks.other();
            self.send(heard).await;
            if writing::taken(self, heard).is_none() {
                (heard.speaks, heard.post, heard.stored) = first;
            }
        }
    }

    async fn send(&self, heard: &mut Heard) {
        let post = self.post(heard.speaks);
        let asked = self.ask(post).await;
        heard.clock_difference = asked.clock_difference.or(heard.clock_difference);
        if let Some(statement) = &self.statement
            && !matches!(&asked.outcome, Ok(answer)
                if writing::names(&read_post(answer, self.asked()), statement.id))
        {
            // Whatever the answer, it may be there.
            let look_up = self.look_up(statement.id, heard.speaks);
            let look_up = requests::expecting(look_up, statement.body.len());
            heard.stored = Some(self.ask(look_up).await.outcome);
        }
        heard.post = Some(asked.outcome);
    }

    /// Makes the POST that tells whether statements may be written.
    fn post(&self, version: XapiVersion) -> crate::lrs::Request {
        let (endpoint, authorization) = (&self.endpoint, self.authorization.as_ref());
        let bodies: Vec<_> = self.statement.iter().map(|one| &one.body).collect();
        if let Some(one) = &self.statement
            && !one.contents.is_empty()
        {
            let parts = (one.id, one.contents.parts());
            return requests::post_with_contents(endpoint, authorization, version, &bodies, parts)
                .expect("what no header can say is refused with the statement");
        }
        requests::post(endpoint, authorization, version, &bodies)
    }

    fn look_up(&self, id: Uuid, version: XapiVersion) -> crate::lrs::Request {
        requests::get(&self.endpoint, self.authorization.as_ref(), version, id)
    }

    /// Performs one request. The LRS's `Date` is taken for the middle of it, which is off by half of its time at most.
    async fn ask(&self, request: crate::lrs::Request) -> Asked {
        let before = self.clock.now_ms();
        let outcome = exchange(&*self.transport, request).await;
        let after = self.clock.now_ms();
        let told = outcome.as_ref().ok().and_then(headers::date);
        Asked {
            clock_difference: told.map(|date| date - before.midpoint(after)),
            outcome,
        }
    }
}
