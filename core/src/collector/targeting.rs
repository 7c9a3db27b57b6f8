//! Changes to the target of a lane, and the configuration that a session gets.

use super::Inner;
use crate::collector::lane::Lane;
use crate::error::Error;
use crate::lock::lock;
use crate::lrs::{Authorization, Credentials, Endpoint};
use crate::store::{Learned, UpstreamId};
use crate::sync::SessionConfig;

impl Inner {
    /// Returns the configuration of a session, and the generation of its target.
    pub(super) fn session_config(
        &self,
        lane: &Lane,
        by_hand: bool,
    ) -> Result<(SessionConfig, u64), Error> {
        let mut target = lock(&lane.target);
        let mut upstream = UpstreamId::MAIN;
        if !lane.is_main() {
            let known = self.read(|db| {
                upstream = lane.id(db)?;
                db.upstream(upstream)
            });
            let known = known.map_err(Self::about(&lane.name))?;
            if let Some(endpoint) = known.endpoint {
                target.follow(Endpoint::parse(&endpoint)?);
            }
        }
        let (endpoint, authorization) = target.both()?;
        endpoint.check_cleartext(authorization.is_some(), self.allow_cleartext)?;
        let choices = lane.choices();
        let config = SessionConfig {
            upstream,
            name: lane.name.to_string(),
            endpoint,
            authorization,
            version: choices.speak,
            max_statements: self.max_statements,
            max_bytes: self.max_bytes,
            requests_in_flight: self.requests_in_flight,
            write_only: choices.write_only,
            trust_lrs_clock: choices.trust_lrs_clock,
            history: self.history,
            by_hand,
        };
        Ok((config, target.generation))
    }

    pub(super) fn target_generation(lane: &Lane) -> u64 {
        lock(&lane.target).generation
    }

    pub(super) fn times_set(lane: &Lane) -> u64 {
        lock(&lane.target).times_set
    }

    /// Sets the credentials for the next request, and ends a wait for credentials.
    pub(super) fn use_credentials(
        &self,
        lane: &Lane,
        credentials: Option<&Credentials>,
    ) -> Result<(), Error> {
        let authorization = credentials.map(Credentials::authorization).transpose()?;
        let mut target = lock(&lane.target);
        if let Some(endpoint) = &target.endpoint {
            endpoint.check_cleartext(authorization.is_some(), self.allow_cleartext)?;
        }
        // What may fail comes first: after an error nothing has changed.
        let relearned = self.store.with(self.clock.now_ms(), |db| {
            db.relearn(lane.id(db)?, Learned::credentials_are_right)
        });
        relearned.map_err(Self::about(&lane.name))?;
        target.authorization = authorization;
        target.times_set += 1;
        Ok(())
    }

    /// Sets the endpoint, and the credentials if new ones are given.
    pub(super) fn use_endpoint(
        &self,
        lane: &Lane,
        endpoint: &str,
        new: Option<Authorization>,
    ) -> Result<(), Error> {
        let endpoint = Endpoint::parse(endpoint)?;
        // Held until the file and this agree: a sync that begins now sees both or neither.
        let mut target = lock(&lane.target);
        let known = target.endpoint.as_ref();
        // Credentials set before any endpoint were meant for the first one.
        let same_origin = known.is_none_or(|known| known.shares_origin(&endpoint));
        let authorization = match new {
            None if same_origin => target.authorization.clone(),
            new => new,
        };
        // Dropped or not: whoever has credentials means to send them there.
        let has_some = authorization.is_some() || target.authorization.is_some();
        endpoint.check_cleartext(has_some, self.allow_cleartext)?;
        let set = self.store.with(self.clock.now_ms(), |db| {
            db.set_endpoint(lane.id(db)?, endpoint.as_str())
        });
        set.map_err(Self::about(&lane.name))?;
        target.authorization = authorization;
        target.times_set += 1;
        if target.endpoint.as_ref() != Some(&endpoint) {
            target.generation += 1;
        }
        target.endpoint = Some(endpoint);
        Ok(())
    }
}
