//! What the fuzz targets of this crate check, on stable Rust: every seed, every kept find, and cuts of them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test crate; the tests' exemption does not reach its functions"
)]

#[path = "../../../fuzz/properties/specs.rs"]
mod specs;
#[path = "../../../fuzz/properties/user_data.rs"]
mod user_data;

fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let inputs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "there are seeds of {target}");
    inputs
}

#[test]
fn every_kept_specification_is_handled() {
    for input in kept("specs") {
        specs::check(&input);
        specs::check(&input[..input.len() / 2]);
    }
}

#[test]
fn every_kept_user_data_is_handled_wherever_it_is_cut() {
    for input in kept("user_data") {
        (0..=input.len()).for_each(|end| user_data::check(&input[..end]));
    }
}
