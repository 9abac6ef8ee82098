//! The fuzz target `webhook`: what is checked lies in `../properties/webhook.rs`.
#![no_main]

#[path = "../properties/webhook.rs"]
mod webhook;

libfuzzer_sys::fuzz_target!(|data: &[u8]| webhook::check(data));
