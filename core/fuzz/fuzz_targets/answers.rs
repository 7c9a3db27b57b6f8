//! An answer of any status, type and body is read as something.

#![no_main]

#[path = "../../../tests/src/fuzz/checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(checks::answers(bytes)));
