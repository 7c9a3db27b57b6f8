//! What is read into the types is written and read as the same, and what is added to a statement takes nothing from it.

#![no_main]

#[path = "../../../tests/src/fuzz/checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(checks::typed(bytes)));
