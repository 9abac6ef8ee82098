//! The fuzz target `specs`: what is checked lies in `../properties/specs.rs`.
#![no_main]

#[path = "../properties/specs.rs"]
mod specs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| specs::check(data));
