//! The fuzz target `git_trees`: what is checked lies in `../properties/git_trees.rs`.
#![no_main]

#[path = "../properties/git_trees.rs"]
mod git_trees;

libfuzzer_sys::fuzz_target!(|data: &[u8]| git_trees::check(data));
