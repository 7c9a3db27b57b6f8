//! The verdict on what is to be recorded, as far as the statement alone tells.

use super::LONGEST_STATEMENT;
use crate::error::Error;
use crate::statement::{
    Fault, Fill, Invalid, PANNIER_LIMIT, Prepared, XapiVersion, prepare_for_recording,
};

/// Says what [`Collector::record`](super::Collector::record) would say of this statement, and completes it;
/// records nothing. Only a queue knows whether it has another statement under the same id already.
pub fn recordable(text: &[u8], rules: XapiVersion, fill: &Fill) -> Result<Prepared, Error> {
    if text.len() > LONGEST_STATEMENT {
        return Err(Error::Invalid(too_long(text.len())));
    }
    let prepared = prepare_for_recording(text, rules, fill).map_err(Error::Invalid)?;
    if prepared.needs_attachment_content {
        return Err(Error::AttachmentContent { id: prepared.id });
    }
    Ok(prepared)
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
