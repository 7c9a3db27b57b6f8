//! Check of a statement to be recorded, as far as the statement alone tells.

use uuid::Uuid;

use super::LONGEST_STATEMENT;
use crate::error::Error;
use crate::statement::{
    Content, Fault, Fill, Invalid, PANNIER_LIMIT, Prepared, PreparedDefaults, XapiVersion,
    prepare_for_recording,
};

/// A statement that [`Collector::record`](super::Collector::record) accepts, as far as the statement alone tells: it is
/// checked once, before there is a collector, and not again when it is recorded.
///
/// Only a queue knows whether it has another statement under the same id, or one that this must not void.
#[derive(Clone, Debug)]
pub struct Recordable {
    prepared: Prepared,
    /// Placeholders for the id and timestamp that the statement leaves open, until it is recorded.
    filled: Fill,
}

impl Recordable {
    /// Checks a statement as [`Collector::record`](super::Collector::record) would, but for contents of its attachments,
    /// and records nothing. These rules count when it is recorded, whatever [`Config::rules`](super::Config::rules) are.
    pub fn check(text: &[u8], rules: XapiVersion) -> Result<Self, Error> {
        Self::check_with(text, &PreparedDefaults::default(), rules)
    }

    /// Like [`Recordable::check`], with these defaults, and no others, whatever those of the collector are.
    pub fn check_with(
        text: &[u8],
        defaults: &PreparedDefaults,
        rules: XapiVersion,
    ) -> Result<Self, Error> {
        let filled = Fill {
            id: Uuid::new_v4(),
            now_ms: 0,
        };
        let prepared = recordable(text, defaults, rules, &filled)?;
        Ok(Self { prepared, filled })
    }

    /// Returns the id of its own. Where it has none, recording chooses one.
    pub fn id(&self) -> Option<Uuid> {
        Some(self.prepared.id).filter(|id| *id != self.filled.id)
    }

    /// Lets contents of its attachments go with it: one for each that has no `fileUrl`, and none besides. Without them it
    /// is refused when it is recorded.
    pub fn with_contents(self, contents: &[Content]) -> Result<Self, Error> {
        let id = self.prepared.id;
        let prepared = self.prepared.with_contents(contents);
        Ok(Self {
            prepared: prepared.map_err(|why| Error::unmatched(id, why))?,
            ..self
        })
    }

    /// Returns what is known of it. Where it has no id or timestamp of its own, these are not yet those that it is
    /// recorded with.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Returns the statement with what recording fills in.
    pub(super) fn filled(&self, fill: &Fill) -> Prepared {
        let mut prepared = self.prepared.clone();
        prepared.refill(&self.filled, fill);
        prepared
    }
}

/// Completes a statement, or says why it cannot be recorded.
pub(super) fn recordable(
    text: &[u8],
    defaults: &PreparedDefaults,
    rules: XapiVersion,
    fill: &Fill,
) -> Result<Prepared, Error> {
    let text = &*defaults.add_to(text);
    if text.len() > LONGEST_STATEMENT {
        return Err(Error::Invalid(too_long(text.len())));
    }
    prepare_for_recording(text, rules, fill).map_err(Error::Invalid)
}

fn too_long(bytes: usize) -> Invalid {
    let fault = Fault {
        index: None,
        path: "$".to_owned(),
        problem: format!("has {bytes} bytes"),
        expected: format!(
            "at most {LONGEST_STATEMENT} bytes: what is larger belongs in a file, named by an \
             attachment's fileUrl"
        ),
        section: PANNIER_LIMIT,
    };
    Invalid {
        faults: vec![fault],
        ..Invalid::default()
    }
}
