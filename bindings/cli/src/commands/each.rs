//! Actions on several statements, where the failure of one does not affect the others.

use std::fmt::Write as _;

use pannier::Uuid;
use serde_json::json;

use super::{Failure, Output};

/// Does the same to each, and shows each success. Failures are returned together and do not affect the others.
pub fn for_each<Error: Into<Failure>>(
    ids: &[Uuid],
    output: Output,
    done: &str,
    act: impl Fn(Uuid) -> Result<(), Error>,
) -> Result<(), Failure> {
    each_of(ids, |id| {
        act(id)?;
        output.show(
            &json!({ "id": id, "done": done }),
            format_args!("{id}  {done}"),
        );
        Ok::<_, Error>(())
    })
}

/// Does the same to each, where `act` itself shows a success. The first failures are listed, and the others
/// counted.
pub fn each_of<Error: Into<Failure>>(
    ids: &[Uuid],
    act: impl Fn(Uuid) -> Result<(), Error>,
) -> Result<(), Failure> {
    let mut failed: Option<Failure> = None;
    let mut count = 0_u64;
    for &id in ids {
        let Err(error) = act(id) else { continue };
        count += 1;
        let mut next: Failure = error.into();
        if count > TOLD {
            next.text.clear();
        }
        failed = Some(match failed {
            None => next,
            Some(before) => before.and(next),
        });
    }
    let Some(mut failed) = failed else {
        return Ok(());
    };
    if count > TOLD {
        // Writing to a String cannot fail.
        let _ = write!(
            failed.text,
            "\n… and {} more of {} could not be done",
            count - TOLD,
            ids.len()
        );
    }
    Err(failed)
}

/// Number of failures that are listed: nobody reads more.
const TOLD: u64 = 20;
