//! An upstream of the queue that this process delivers to.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::{Inner, MAIN};
use crate::collector::config::CredentialsProvider;
use crate::collector::target::Target;
use crate::error::Error;
use crate::lock::lock;
use crate::statement::XapiVersion;
use crate::store::{Db, StoreError, UpstreamId};

/// Target and options of an upstream, and whether a sync to it is under way. Nothing that happens to one affects
/// another.
pub(super) struct Lane {
    pub(super) name: Arc<str>,
    pub(super) target: Mutex<Target>,
    /// Options, which each opening may give anew.
    pub(super) choices: Mutex<Choices>,
    pub(super) syncing: AtomicBool,
}

/// Options for delivering to an upstream.
#[derive(Clone, Default)]
pub(super) struct Choices {
    pub(super) provider: Option<Arc<dyn CredentialsProvider>>,
    pub(super) speak: Option<XapiVersion>,
    pub(super) write_only: bool,
    pub(super) trust_lrs_clock: bool,
}

impl Lane {
    pub(super) fn new(name: Arc<str>, target: Target, choices: Choices) -> Self {
        Self {
            name,
            target: Mutex::new(target),
            choices: Mutex::new(choices),
            syncing: AtomicBool::new(false),
        }
    }

    pub(super) fn is_main(&self) -> bool {
        &*self.name == MAIN
    }

    pub(super) fn id(&self, db: &Db) -> Result<UpstreamId, StoreError> {
        id(db, &self.name)
    }

    pub(super) fn choices(&self) -> Choices {
        lock(&self.choices).clone()
    }
}

/// Returns the id, looked up by name each time: another process may have removed the upstream and added another one.
pub(super) fn id(db: &Db, name: &str) -> Result<UpstreamId, StoreError> {
    if name == MAIN {
        Ok(UpstreamId::MAIN)
    } else {
        db.named(name)
    }
}

impl Inner {
    /// Returns the lane of that name, if this process has opened it.
    pub(super) fn lane(&self, name: &str) -> Option<Arc<Lane>> {
        let lanes = lock(&self.lanes);
        lanes.iter().find(|lane| &*lane.name == name).cloned()
    }

    /// Returns a function that turns an error of the store into one about the upstream of that name.
    pub(super) fn about(name: &str) -> impl Fn(StoreError) -> Error {
        move |error| match error {
            StoreError::NoUpstream => Error::NoUpstream {
                name: name.to_owned(),
            },
            error => error.into(),
        }
    }
}
