//! The fuzz target `user_data`: what is checked lies in `../properties/user_data.rs`.
#![no_main]

#[path = "../properties/user_data.rs"]
mod user_data;

libfuzzer_sys::fuzz_target!(|data: &[u8]| user_data::check(data));
