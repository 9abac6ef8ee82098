//! The fuzz target `answers`: what is checked lies in `../properties/answers.rs`.
#![no_main]

#[path = "../properties/answers.rs"]
mod answers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| answers::check(data));
