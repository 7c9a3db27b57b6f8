//! Where statements go and as whom: one value, so that no credentials ever meet another LRS's address.

use super::driver::Command;
use super::{Collector, Inner};
use crate::error::Error;
use crate::lock::lock;
use crate::lrs::{Authorization, Credentials, Endpoint};
use crate::store::{Learned, UpstreamId};
use crate::sync::SessionConfig;

/// An LRS, and the credentials for it.
#[derive(Debug)]
pub(super) struct Target {
    endpoint: Option<Endpoint>,
    /// For that endpoint and no other.
    pub(super) authorization: Option<Authorization>,
    /// Rises each time the endpoint becomes another one.
    generation: u64,
}

impl Target {
    pub(super) fn new(endpoint: Option<Endpoint>, authorization: Option<Authorization>) -> Self {
        Self {
            endpoint,
            authorization,
            generation: 0,
        }
    }

    /// Where to, and as whom.
    pub(super) fn both(&self) -> Result<(Endpoint, Option<Authorization>), Error> {
        let endpoint = self.endpoint.clone().ok_or(Error::NoEndpoint)?;
        Ok((endpoint, self.authorization.clone()))
    }
}

impl Collector {
    /// Replaces the credentials; they are kept in memory only. A sync that waits for them goes on.
    pub fn set_credentials(&self, credentials: Option<&Credentials>) -> Result<(), Error> {
        self.inner.use_credentials(credentials)?;
        self.tell_driver(Command::Changed);
        Ok(())
    }

    /// Says where to deliver to. What was learned about another LRS is forgotten, and a sync that is
    /// under way goes on with the new one. Credentials belong to an origin (scheme, host and port): for
    /// another one they are dropped, so set those of the new LRS after this, or use
    /// [`Collector::set_target`] for both at once. Those set before there was any endpoint are for this one.
    pub fn set_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        self.inner.use_endpoint(endpoint, None)?;
        self.tell_driver(Command::Changed);
        Ok(())
    }

    /// Says where to deliver to and as whom, at once.
    pub fn set_target(&self, endpoint: &str, credentials: &Credentials) -> Result<(), Error> {
        let authorization = credentials.authorization()?;
        self.inner.use_endpoint(endpoint, Some(authorization))?;
        self.tell_driver(Command::Changed);
        Ok(())
    }
}

impl Inner {
    /// What a session works with, and which target that is.
    pub(super) fn session_config(&self, by_hand: bool) -> Result<(SessionConfig, u64), Error> {
        let target = lock(&self.target);
        let (endpoint, authorization) = target.both()?;
        endpoint.check_cleartext(authorization.is_some(), self.allow_cleartext)?;
        let config = SessionConfig {
            upstream: UpstreamId::MAIN,
            endpoint,
            authorization,
            version: self.speak,
            max_statements: self.max_statements,
            max_bytes: self.max_bytes,
            requests_in_flight: self.requests_in_flight,
            write_only: self.write_only,
            trust_lrs_clock: self.trust_lrs_clock,
            history: self.history,
            by_hand,
        };
        Ok((config, target.generation))
    }

    pub(super) fn target_generation(&self) -> u64 {
        lock(&self.target).generation
    }

    /// For the next request; a wait for credentials is over.
    pub(super) fn use_credentials(&self, credentials: Option<&Credentials>) -> Result<(), Error> {
        let authorization = credentials.map(Credentials::authorization).transpose()?;
        let mut target = lock(&self.target);
        if let Some(endpoint) = &target.endpoint {
            endpoint.check_cleartext(authorization.is_some(), self.allow_cleartext)?;
        }
        // What may fail comes first: an error means that nothing has changed.
        self.store.with(self.clock.now_ms(), |db| {
            db.relearn(UpstreamId::MAIN, Learned::credentials_are_right)
        })?;
        target.authorization = authorization;
        Ok(())
    }

    fn use_endpoint(&self, endpoint: &str, new: Option<Authorization>) -> Result<(), Error> {
        let endpoint = Endpoint::parse(endpoint)?;
        // Held until the file and this agree: a sync that begins meanwhile sees both or neither.
        let mut target = lock(&self.target);
        let known = target.endpoint.as_ref();
        // Credentials that were there before any endpoint were meant for the first.
        let same_origin = known.is_none_or(|known| known.shares_origin(&endpoint));
        let authorization = match new {
            None if same_origin => target.authorization.clone(),
            new => new,
        };
        // Dropped or not: whoever has some means to send them there.
        let has_some = authorization.is_some() || target.authorization.is_some();
        endpoint.check_cleartext(has_some, self.allow_cleartext)?;
        self.store.with(self.clock.now_ms(), |db| {
            db.set_endpoint(UpstreamId::MAIN, endpoint.as_str())
        })?;
        target.authorization = authorization;
        if target.endpoint.as_ref() != Some(&endpoint) {
            target.generation += 1;
        }
        target.endpoint = Some(endpoint);
        Ok(())
    }
}
