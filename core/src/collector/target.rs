//! Where statements go and as whom: one value, so that no credentials ever meet another LRS's address.

use crate::error::Error;
use crate::lrs::{Authorization, Endpoint};

/// An LRS, and the credentials for it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) endpoint: Option<Endpoint>,
    /// For that endpoint and no other.
    pub(super) authorization: Option<Authorization>,
    /// Rises each time the endpoint becomes another one.
    pub(super) generation: u64,
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

    /// The file says another endpoint, which another process has set. Credentials stay for the same origin
    /// alone.
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
