//! A list of what the binary is made of (SBOM, CycloneDX), by cargo-cyclonedx, and whether it is complete.
//!
//! Neighbours: `stage` runs it. The list is `target/sbom/axon.cdx.json`. Must not hold: a licence or the name of a crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::finding::{Failure, Finding};
use crate::process::{self, capture, command, is_installed, root};
use crate::stage::Outcome;

/// The package whose binary is shipped.
const PACKAGE: &str = "axon-cli";
/// What cargo-cyclonedx calls its list.
const WRITTEN: &str = "crates/cli/axon_bin.cdx.json";
/// It writes one for every binary of the workspace.
const OTHERS: [&str; 2] = ["tests/trust_bin.cdx.json", "xtask/xtask_bin.cdx.json"];
/// Where ours goes.
const SBOM: &str = "target/sbom/axon.cdx.json";

/// Writes the list and checks it, or says that it could not.
pub(crate) fn run() -> Result<Outcome, Failure> {
    if !is_installed(&mut command("cargo", &["cyclonedx", "--version"])) {
        let install = "cargo install cargo-cyclonedx --locked";
        return Ok(Outcome::NotRun(format!("no SBOM was made, cargo-cyclonedx is not installed; `{install}`")));
    }
    let options = ["--format", "json", "--spec-version", "1.5", "--describe", "binaries", "--no-build-deps", "--quiet"];
    let made = process::run(command("cargo", &["cyclonedx"]).args(options));
    let kept = made.and_then(|()| keep(&root()));
    for left in OTHERS.iter().chain([&WRITTEN]) {
        let _was_not_written = fs::remove_file(root().join(left));
    }
    kept?;
    let text = fs::read_to_string(root().join(SBOM)).map_err(|error| Failure::new(format!("{SBOM}: {error}")))?;
    let listed = serde_json::from_str(&text).map_err(|error| Failure::new(format!("{SBOM} is no JSON: {error}")))?;
    let tree = ["tree", "--locked", "--edges", "normal", "--package", PACKAGE, "--prefix", "none", "--format", "{p}"];
    Failure::unless_empty(missing(&listed, &capture(&mut command("cargo", &tree))?))?;
    println!("sbom: {SBOM}");
    Ok(Outcome::Passed)
}

fn keep(root: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{SBOM}: {error}"));
    let to = root.join(SBOM);
    fs::create_dir_all(to.parent().unwrap_or(root)).map_err(failed)?;
    fs::copy(root.join(WRITTEN), to).map_err(failed)?;
    Ok(())
}

/// Crates of the binary, as `cargo tree` prints them, that the list does not have with version and licence; those of a registry
/// need a checksum, too.
fn missing(listed: &Value, tree: &str) -> Vec<Finding> {
    let components: Vec<&Value> = listed["components"].as_array().into_iter().flatten().collect();
    let lines: BTreeSet<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
    let mut findings = Vec::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        let is_ours = words.any(|word| word.starts_with("(/"));
        let version = version.trim_start_matches('v');
        if name == PACKAGE {
            continue;
        }
        let found = components.iter().find(|component| component["name"] == name && component["version"] == version);
        let lacks = match found {
            None => "is not listed",
            Some(component) if component["licenses"].as_array().is_none_or(Vec::is_empty) => "has no licence",
            Some(component) if !is_ours && component["hashes"].as_array().is_none_or(Vec::is_empty) => {
                "has no checksum"
            }
            Some(_) => continue,
        };
        findings.push(Finding::new(format!("{name} {version}"), format!("{lacks} in {SBOM}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_crate_of_the_binary_has_to_be_listed_with_licence_and_checksum() {
        let licence = json!([{"expression": "MIT"}]);
        let hashes = json!([{"alg": "SHA-256", "content": "00"}]);
        let listed = json!({"components": [
            {"name": "whole", "version": "1.0.0", "licenses": licence, "hashes": hashes},
            {"name": "unlicensed", "version": "1.0.0", "hashes": hashes},
            {"name": "unhashed", "version": "1.0.0", "licenses": licence},
            {"name": "ours", "version": "0.1.0", "licenses": licence},
        ]});
        let tree = "axon-cli v0.1.0 (/src/crates/cli)\nwhole v1.0.0\nwhole v2.0.0\nunlicensed v1.0.0 (*)\nunhashed v1.0.0\n\
                    ours v0.1.0 (/src/crates/ours)\n";
        let found: Vec<String> = missing(&listed, tree).iter().map(|f| f.place.clone()).collect();
        assert_eq!(found, ["unhashed 1.0.0", "unlicensed 1.0.0", "whole 2.0.0"]);
    }
}
