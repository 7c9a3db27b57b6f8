//! A voiding statement cannot be voided (xAPI 1.0.3 Data 2.3.2).
//!
//! An LRS refuses such a statement, or stores it without any effect, and the app believes that what was voided counts
//! again. So it is refused where the target is known here as a voiding statement, with what to do instead. The LRS
//! decides about targets that only it knows, or that come later.

use std::collections::HashSet;

use uuid::Uuid;

use super::Inner;
use crate::error::Error;
use crate::statement::{Fault, Prepared};

/// Returns the fault of a statement that voids this one, which is a voiding statement.
pub fn voids_a_voiding(target: Uuid) -> Fault {
    Fault {
        index: None,
        path: "$.object.id".to_owned(),
        problem: format!("is {target}, which is a voiding statement and cannot be voided"),
        expected: "a statement that voids none; record the first one again, under a new id"
            .to_owned(),
        section: "Data 2.3.2",
    }
}

impl Inner {
    /// Refuses a statement that voids a voiding one of the queue, or of those `earlier` in the same call.
    pub(super) fn may_void(&self, one: &Prepared, earlier: &HashSet<Uuid>) -> Result<(), Error> {
        let Some(target) = one.voids else {
            return Ok(());
        };
        // One that was recorded before its target is there already, and recording it again changes nothing.
        let refused = self.read_though_paused(|db| {
            let is_voiding = earlier.contains(&target) || db.is_voiding(target)?;
            Ok(is_voiding && !db.is_voiding(one.id)?)
        })?;
        if refused {
            return Err(Error::Invalid(vec![voids_a_voiding(target)].into()));
        }
        Ok(())
    }
}
