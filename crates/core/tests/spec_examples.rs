//! The examples in `config/examples` are valid as one fleet, and findings about them are the known ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test crate")]

use std::path::Path;

use axon_core::diagnostic::Code;
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::spec::{Completeness, schema_text};
use axon_core::validate::validate;

/// The examples in a folder, by the path from `config/examples`.
fn folder(inside: &str) -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples").join(inside);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| SourceFile {
        path: Path::new(inside).join(path.file_name().unwrap()).to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

fn examples() -> Vec<SourceFile> {
    [folder(""), folder("ec2")].concat()
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
    assert!(validated.fleet.services.len() >= 30, "{}", validated.fleet.services.len());
}

#[test]
fn every_example_begins_with_its_schema() {
    for file in examples() {
        let up = if file.path.contains('/') { "../.." } else { ".." };
        let line = format!("# yaml-language-server: $schema={up}/axon.schema.json\n");
        assert!(file.text.starts_with(&line), "{}", file.path);
    }
}

#[test]
fn every_type_of_the_page_on_neuron_workloads_has_an_example_on_ec2() {
    let files = folder("ec2");
    let has = |kind: &str| files.iter().any(|file| file.text.contains(&format!("instanceTypes: [{kind}]")));
    let types = [
        "trn1.2xlarge",
        "trn1.32xlarge",
        "trn2.48xlarge",
        "inf1.xlarge",
        "inf1.2xlarge",
        "inf1.6xlarge",
        "inf1.24xlarge",
        "inf2.xlarge",
        "inf2.8xlarge",
        "inf2.24xlarge",
        "inf2.48xlarge",
    ];
    let missing: Vec<&str> = types.into_iter().filter(|kind| !has(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_schema_in_the_repository_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/axon.schema.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("AXON_WRITE_PAGES").is_some() {
        std::fs::write(&path, schema_text()).unwrap();
        return;
    }
    assert!(committed == schema_text(), "run this test with AXON_WRITE_PAGES=1 and commit config/axon.schema.json");
}
