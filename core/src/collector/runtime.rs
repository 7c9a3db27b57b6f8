//! A tokio runtime for one thread of ours, or why there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Builder, Runtime};

use crate::error::Error;

/// Makes a runtime as `set_up` says. It takes a few file descriptors, and when none is left tokio fails or, built with
/// signals as the app may have built it, panics.
pub(super) fn runtime(set_up: impl FnOnce(&mut Builder)) -> Result<Runtime, Error> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    set_up(&mut builder);
    let why = match catch_unwind(AssertUnwindSafe(|| builder.build())) {
        Ok(Ok(runtime)) => return Ok(runtime),
        Ok(Err(error)) => error.to_string(),
        // The panic's message is all there is of the reason.
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default(),
    };
    Err(Error::Transport(format!(
        "no runtime can be made ({why}); where too few files may be open at once, raise the limit \
         (`ulimit -n`) or close some, and try again"
    )))
}
