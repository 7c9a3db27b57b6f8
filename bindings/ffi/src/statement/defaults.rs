//! Defaults that several statements have in common.

use pannier::statement::{Fault, StatementDefaults as Core};

use super::{Actor, XapiContext};
use crate::PannierError;

/// Defaults for what a statement leaves open. Each property of `context` is a default of its own, and so are each
/// kind of `contextActivities` and each extension: a value in the statement itself replaces it whole. `revision`
/// and `platform` are left out where the object is no Activity.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct StatementDefaults {
    /// Default actor.
    #[uniffi(default)]
    pub actor: Option<Actor>,
    /// Default context.
    #[uniffi(default)]
    pub context: Option<XapiContext>,
}

impl StatementDefaults {
    /// Converts into the core's own type.
    pub(crate) fn core(self) -> Result<Core, PannierError> {
        let mut faults: Vec<Fault> = Vec::new();
        let mut core = Core::new();
        core.actor = self.actor.map(Into::into);
        if let Some(context) = self.context {
            core.context = context.core("$.context", &mut faults);
        }
        if faults.is_empty() {
            Ok(core)
        } else {
            Err(PannierError::invalid_defaults(faults))
        }
    }
}
