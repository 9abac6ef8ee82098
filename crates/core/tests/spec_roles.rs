//! The operator's list of roles against what specifications name: where a finding points, and what it holds.

#![allow(clippy::unwrap_used, reason = "a test crate; the tests' exemption does not reach its functions")]

use axon_core::diagnostic::Code;
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::roles::RoleRules;
use axon_core::validate::{Validated, validate_under};

const FLEET: &str = r#"apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: chips}
spec:
  cluster: ml
  managedInstances:
    infrastructureRoleArn: arn:aws:iam::111122223333:role/axon/infrastructure
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron
    subnets: [subnet-0a1b2c3d]
    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: llama}
spec:
  pool: chips
  template:
    cpu: 2048
    memory: 8192
    taskRoleArn: arn:aws:iam::111122223333:role/axon/llama
    containers:
      - name: server
        image: "vllm:1"
        env: {roleArn: "arn:aws:iam::111122223333:role/admin"}
"#;

fn judged(text: &str, allowed: &[&str]) -> Validated {
    let rules = RoleRules::only(
        allowed.iter().map(|role| format!("arn:aws:iam::111122223333:{role}").parse().unwrap()).collect(),
    );
    validate_under(
        &rules,
        parse(&[SourceFile { path: "a.yaml".to_owned(), text: text.to_owned() }]),
        &Catalog::builtin(),
    )
}

fn refused(validated: &Validated) -> Vec<String> {
    let found = validated.diagnostics.iter().filter(|found| found.code == Code::RoleRefused);
    found.map(|found| format!("{}:{} {}", found.at.line, found.at.column, found.object.as_ref().unwrap())).collect()
}

const BOTH: [&str; 2] = ["role/axon/*", "instance-profile/ecs*"];

#[test]
fn what_the_list_has_is_used_and_values_that_pass_nothing_are_not_asked_about() {
    let validated = judged(FLEET, &BOTH);
    assert_eq!(refused(&validated), Vec::<String>::new());
    assert!(validated.fleet.stalled.is_empty(), "{:?}", validated.diagnostics);
}

#[test]
fn another_role_holds_its_object_and_no_other_and_the_finding_points_at_it() {
    let validated = judged(&FLEET.replace("role/axon/llama", "role/admin"), &BOTH);
    assert_eq!(refused(&validated), ["25:18 NeuronService/llama"]);
    let found = &validated.diagnostics[0];
    assert!(found.message.contains("role/admin") && found.message.contains("role/axon/*"), "{found}");
    assert!(found.help.contains("policy.roles.allow"), "{found}");
    assert_eq!(validated.fleet.stalled.len(), 1);
    assert_eq!((validated.fleet.clusters.len(), validated.fleet.pools.len()), (1, 1));
}

#[test]
fn every_way_to_name_a_role_is_asked_about() {
    assert_eq!(refused(&judged(FLEET, &["role/axon/*"])), ["13:25 NeuronPool/chips"], "an instance profile");
    assert_eq!(
        refused(&judged(FLEET, &["instance-profile/*"])),
        ["12:28 NeuronPool/chips", "25:18 NeuronService/llama"]
    );
    let more = "    overrides: {taskDefinition: {executionRoleArn: 'arn:aws:iam::111122223333:role/admin'}}\n";
    let text =
        FLEET.replace("    cpu: 2048\n", &format!("    cpu: 2048\n{more}")).replace("    overrides", "  overrides");
    let text = text
        .replace("  template:\n    cpu: 2048\n  overrides", "  overrides")
        .replace("role/admin'}}\n", "role/admin'}}\n  template:\n    cpu: 2048\n");
    assert_eq!(refused(&judged(&text, &BOTH)).len(), 1, "an override: {:#?}", judged(&text, &BOTH).diagnostics);
    let name = FLEET.replace("arn:aws:iam::111122223333:role/axon/llama", "llama");
    assert!(judged(&name, &BOTH).fleet.services.is_empty(), "a name alone does not say whose role it is");
}

#[test]
fn a_refused_role_is_found_wherever_it_is_written() {
    let group = FLEET
        .replace("managedInstances", "autoScalingGroup")
        .replace("    infrastructureRoleArn: arn:aws:iam::111122223333:role/axon/infrastructure\n", "")
        .replace(
            "    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}",
            "    instanceTypes: [inf2.8xlarge]\n    maxSize: 2",
        );
    assert_eq!(refused(&judged(&group, &BOTH)), [""; 0]);
    assert_eq!(refused(&judged(&group, &["role/*"])), ["12:25 NeuronPool/chips"]);
}
