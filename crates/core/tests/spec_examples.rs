//! The examples in `config/examples` are valid as one fleet, and findings about them are the known ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test crate")]

use std::path::Path;

use axon_core::diagnostic::Code;
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::spec::Completeness;
use axon_core::validate::validate;

fn examples() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| SourceFile {
        path: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

#[test]
fn the_examples_are_one_valid_fleet() {
    let validated = validate(parse(&examples()), &Catalog::builtin());
    let unexpected: Vec<String> = validated
        .diagnostics
        .iter()
        .filter(|d| !(d.code == Code::LaunchUnconfirmed && &*d.at.file == "trn2-48xlarge.yaml"))
        .map(ToString::to_string)
        .collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    assert_eq!(validated.fleet.complete, Completeness::Complete);
    assert!(validated.fleet.stalled.is_empty());
    assert!(validated.fleet.services.len() >= 15, "{}", validated.fleet.services.len());
}

#[test]
fn every_example_begins_with_its_schema() {
    for file in examples() {
        assert!(file.text.starts_with("# yaml-language-server: $schema=../axon.schema.json\n"), "{}", file.path);
    }
}
