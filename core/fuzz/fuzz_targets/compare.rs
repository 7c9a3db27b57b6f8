//! Two texts with a NUL between are compared, and each is the same as itself.

#![no_main]

#[path = "../../../tests/src/fuzz/checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(checks::compare(bytes)));
