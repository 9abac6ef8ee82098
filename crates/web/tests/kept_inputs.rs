//! What the fuzz target of this crate checks, on stable Rust: every seed, every kept find, and cuts of them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test crate; the tests' exemption does not reach its functions"
)]

#[path = "../../../fuzz/properties/webhook.rs"]
mod webhook;

#[test]
fn every_kept_request_to_a_webhook_is_handled_wherever_it_is_cut() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/webhook");
    let inputs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "there are seeds");
    for input in inputs {
        (0..=input.len()).for_each(|end| webhook::check(&input[..end]));
    }
}
