//! Messages of exceptions from the app's own code, made fit to be kept and shown.

use uniffi::UnexpectedUniFFICallbackError;

const LONGEST: usize = 200;

/// Returns the first line, shortened: the rest is a stack trace.
pub(crate) fn reason(error: &UnexpectedUniFFICallbackError) -> String {
    let line = error.reason.lines().next().unwrap_or_default();
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_trace_is_left_out() {
        let error =
            UnexpectedUniFFICallbackError::new("java.io.IOException: no\n\tat a.B.c(B.kt:1)");
        assert_eq!(reason(&error), "java.io.IOException: no");
        let long = UnexpectedUniFFICallbackError::new("x".repeat(1_000));
        assert_eq!(reason(&long).len(), LONGEST);
    }
}
