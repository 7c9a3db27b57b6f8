//! The LRS to deliver to and its credentials: one value, so that no credentials ever go to another LRS.

use crate::error::Error;
use crate::lrs::{Authorization, Endpoint};

/// An LRS, and the credentials for it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) endpoint: Option<Endpoint>,
    /// Credentials for that endpoint and no other.
    pub(super) authorization: Option<Authorization>,
    /// Number that rises each time the endpoint is changed.
    pub(super) generation: u64,
    /// Number that rises each time the endpoint or the credentials are set here.
    pub(super) times_set: u64,
}

impl Target {
    pub(super) fn new(endpoint: Option<Endpoint>, authorization: Option<Authorization>) -> Self {
        Self {
            endpoint,
            authorization,
            generation: 0,
            times_set: 0,
        }
    }

    /// Returns the endpoint and its credentials.
    pub(super) fn both(&self) -> Result<(Endpoint, Option<Authorization>), Error> {
        let endpoint = self.endpoint.clone().ok_or(Error::NoEndpoint)?;
        Ok((endpoint, self.authorization.clone()))
    }

    /// Takes over the file's endpoint, which another process may have set. Credentials stay for the same origin alone.
    pub(super) fn follow(&mut self, endpoint: Endpoint) {
        if self.endpoint.as_ref() == Some(&endpoint) {
            return;
        }
        let known = self.endpoint.as_ref();
        if known.is_some_and(|known| !known.shares_origin(&endpoint)) {
            self.authorization = None;
        }
        self.endpoint = Some(endpoint);
        self.generation += 1;
    }
}
