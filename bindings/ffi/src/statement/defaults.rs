//! What statements have in common, said once.

use pannier::statement::{Fault, StatementDefaults as Core};

use super::{Actor, Context};
use crate::PannierError;

/// What a statement says where it leaves it open itself. Each property of `context` is a default of its own,
/// and so are each kind of `contextActivities` and each extension: what the statement says of any of these
/// itself is what counts, whole. `revision` and `platform` are left out where the object is no Activity.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct StatementDefaults {
    /// Who did it.
    #[uniffi(default)]
    pub actor: Option<Actor>,
    /// What it was part of.
    #[uniffi(default)]
    pub context: Option<Context>,
}

impl StatementDefaults {
    /// The core's own.
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
            Err(PannierError::invalid(faults))
        }
    }
}
