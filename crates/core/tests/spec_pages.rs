//! Every diagnostic's page is a fixture: its first example produces the code, its second one does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test crate; the tests' exemption does not reach its functions"
)]

use axon_core::diagnostic::{Code, diagnostics_page, explain};
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::roles::RoleRules;
use axon_core::validate::{Validated, validate_under};

const CLUSTER: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: ml-prod}\nspec: {}\n";
const POOL: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {name: inf2}\nspec:\n  cluster: ml-prod\n  managedInstances:\n    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole\n    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron\n    subnets: [subnet-0a1b2c3d]\n    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}\n";

/// The roles of an operator that lets specifications pass those of the examples, and no administrator.
fn roles() -> RoleRules {
    let allowed = ["role/axon/*", "role/exec", "role/ecs*", "role/*-ecs", "instance-profile/*"];
    RoleRules::only(allowed.iter().map(|role| format!("arn:aws:iam::111122223333:{role}").parse().unwrap()).collect())
}

/// Validates an example in a fleet that has the cluster `ml-prod` and the pool `inf2`, unless it declares them itself.
fn judge(example: &str) -> Validated {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let mut files = vec![file("example.yaml", example)];
    let declares = |kind: &str, name: &str| example.contains(&format!("kind: {kind}\nmetadata: {{name: {name}"));
    if !declares("NeuronCluster", "ml-prod") {
        files.push(file("cluster.yaml", CLUSTER));
    }
    if !declares("NeuronPool", "inf2}") {
        files.push(file("pool.yaml", POOL));
    }
    validate_under(&roles(), parse(&files), &Catalog::builtin())
}

fn examples(code: Code) -> Vec<String> {
    let blocks = explain(code).split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_page_has_its_title_and_two_examples() {
    for code in Code::ALL {
        assert!(explain(*code).starts_with(&format!("# {code}: {}\n", code.title())), "{code}");
        assert_eq!(examples(*code).len(), 2, "{code}");
    }
}

#[test]
fn the_first_example_of_every_page_produces_its_code() {
    let missing: Vec<String> = Code::ALL
        .iter()
        .filter_map(|code| {
            let found = judge(&examples(*code)[0]).diagnostics;
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            (!found.iter().any(|d| d.code == *code)).then(|| format!("{code}:\n  {}", lines.join("\n  ")))
        })
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_second_example_of_every_page_is_valid_and_free_of_its_code() {
    let wrong: Vec<String> = Code::ALL
        .iter()
        .filter_map(|code| {
            let found = judge(&examples(*code)[1]).diagnostics;
            let bad: Vec<String> =
                found.iter().filter(|d| d.is_error() || d.code == *code).map(ToString::to_string).collect();
            (!bad.is_empty()).then(|| format!("{code}:\n  {}", bad.join("\n  ")))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_finding_points_into_its_file() {
    for code in Code::ALL {
        let text = &examples(*code)[0];
        for found in judge(text).diagnostics.iter().filter(|d| &*d.at.file == "example.yaml") {
            assert!(found.at.offset + found.at.length <= text.len(), "{found}");
            assert!(text.is_char_boundary(found.at.offset), "{found}");
            let line = text[..found.at.offset].matches('\n').count() + 1;
            assert_eq!(found.at.line, line, "{found}");
        }
    }
}

#[test]
fn an_error_holds_its_object_and_nothing_else() {
    for code in Code::ALL {
        let validated = judge(&examples(*code)[0]);
        for key in validated.diagnostics.iter().filter(|d| d.is_error()).filter_map(|d| d.object.as_ref()) {
            assert!(validated.fleet.stalled.contains(key), "{code}: {key} is not held");
        }
    }
}

#[test]
fn the_reference_page_lists_every_code_once() {
    let page = diagnostics_page();
    for code in Code::ALL {
        assert_eq!(page.matches(&format!("[{code}]")).count(), 1, "{code}");
    }
}

#[test]
fn the_reference_page_in_the_repository_is_fresh() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/diagnostics.md");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("AXON_WRITE_PAGES").is_some() {
        std::fs::write(&path, diagnostics_page()).unwrap();
        return;
    }
    assert!(
        committed == diagnostics_page(),
        "run this test with AXON_WRITE_PAGES=1 and commit docs/reference/diagnostics.md"
    );
}
