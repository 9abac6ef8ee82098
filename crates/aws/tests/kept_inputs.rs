//! What the fuzz target of this crate checks, on stable Rust: every seed, every kept find, and cuts of them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test crate; the tests' exemption does not reach its functions"
)]

#[path = "../../../fuzz/properties/answers.rs"]
mod answers;

#[test]
fn every_kept_answer_is_handled_wherever_it_is_cut() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/answers");
    let inputs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "there are seeds");
    for input in inputs {
        // A sweep takes milliseconds without optimisation: not at every byte.
        let ends = (0..input.len()).step_by(13).chain([input.len() - 1, input.len()]);
        ends.for_each(|end| answers::check(&input[..end]));
    }
}

#[test]
fn good_answers_are_read() {
    answers::good_answers_are_read();
}
