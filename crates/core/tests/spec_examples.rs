//! The examples in `config/examples` and `config/job-examples` are valid as one fleet, and findings about them are the known ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test crate")]

use std::path::Path;

use axon_core::diagnostic::Code;
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::spec::{Completeness, JobSpec, schema_text};
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
    [folder(""), folder("ec2"), folder("../job-examples")].concat()
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
    assert!(validated.fleet.jobs.len() >= 4, "{}", validated.fleet.jobs.len());
}

#[test]
fn the_examples_of_jobs_are_a_fleet_of_their_own() {
    let validated = validate(parse(&folder("../job-examples")), &Catalog::builtin());
    let lines: Vec<String> = validated.diagnostics.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
    let jobs: Vec<&JobSpec> = validated.fleet.jobs.values().map(|job| &job.spec).collect();
    let on = |job: &JobSpec| &validated.fleet.pools[&job.pool].spec;
    let trains = |job: &&JobSpec| {
        let types = on(job).auto_scaling_group.as_ref().map(|group| group.instance_types.as_slice());
        job.devices.to_string() == "16" && types == Some(&["trn1.32xlarge".to_owned()])
    };
    assert!(jobs.iter().any(|job| trains(job) && job.checkpoint.is_some()));
    let shares = |job: &JobSpec| validated.fleet.services.values().any(|s| s.spec.pool.as_ref() == Some(&job.pool));
    assert!(jobs.iter().any(|job| job.completions == 40 && job.devices.to_string() == "1" && shares(job)));
    assert!(jobs.iter().any(|job| job.schedule.is_some()));
    assert!(jobs.iter().any(|job| job.nodes == 4 && job.checkpoint.is_some()));
}

#[test]
fn every_example_begins_with_its_schema() {
    for file in examples() {
        let up = if file.path.starts_with("ec2/") { "../.." } else { ".." };
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
