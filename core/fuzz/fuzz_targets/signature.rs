//! Whatever is attached as a signature is reported on, and none is made by chance.

#![no_main]

#[path = "../../../tests/src/fuzz/checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(checks::signature(bytes)));
