//! Any bytes get a verdict, and what is accepted is JSON that is accepted again and not changed any more.

#![no_main]

#[path = "../../../tests/src/fuzz/checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(checks::prepare(bytes)));
