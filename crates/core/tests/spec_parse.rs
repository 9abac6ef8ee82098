//! How files are read: every problem at once, positions that hold, nothing guessed, nothing skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]

use axon_core::diagnostic::Code;
use axon_core::neuron::Catalog;
use axon_core::parse::{MAX_FILE_BYTES, Parsed, SourceFile, parse};
use axon_core::spec::{Completeness, Kind, Object};
use axon_core::validate::validate;

fn read(text: &str) -> Parsed {
    parse(&[SourceFile { path: "a.yaml".to_owned(), text: text.to_owned() }])
}

fn codes(parsed: &Parsed) -> Vec<Code> {
    parsed.diagnostics.iter().map(|d| d.code).collect()
}

const CLUSTER: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: a}\nspec: {}\n";

#[test]
fn all_problems_of_all_documents_are_reported_at_once() {
    let text = format!(
        "{CLUSTER}---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {{name: b}}\nspec: {{tag: x, containerInsights: on}}\n---\n[\n---\nkind: X\n"
    );
    let parsed = read(&text);
    let expected = [
        Code::UnknownField,
        Code::UnknownValue,
        Code::YamlSyntax,
        Code::NotAnObject,
        Code::NotAnObject,
        Code::UnknownKind,
    ];
    let mut found = codes(&parsed);
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(parsed.objects.len(), 2);
    assert!(parsed.objects[0].object.is_some());
    assert_eq!(parsed.unkeyed.len(), 2);
}

#[test]
fn a_document_that_cannot_be_told_apart_makes_the_fleet_partial() {
    let whole = validate(read(CLUSTER), &Catalog::builtin());
    assert_eq!(whole.fleet.complete, Completeness::Complete);
    for broken in ["[", "kind: NeuronCluster\nmetadata: {name: 'a b'}\n", "kind: NeuronCluster\n", "- x\n"] {
        let fleet = validate(read(&format!("{CLUSTER}---\n{broken}")), &Catalog::builtin()).fleet;
        assert_eq!(fleet.complete, Completeness::Partial, "{broken}");
        assert_eq!(fleet.clusters.len(), 1, "{broken}");
    }
}

#[test]
fn a_broken_object_with_a_name_is_held_and_the_others_go_on() {
    let text = format!("{CLUSTER}---\n{}", CLUSTER.replace("name: a", "name: b").replace("{}", "{x: 1}"));
    let fleet = validate(read(&text), &Catalog::builtin()).fleet;
    assert_eq!(fleet.complete, Completeness::Complete);
    assert_eq!(fleet.clusters.len(), 1);
    let held: Vec<String> = fleet.stalled.iter().map(ToString::to_string).collect();
    assert_eq!(held, ["NeuronCluster/b"]);
}

#[test]
fn a_service_on_a_held_pool_is_no_error_itself() {
    let page = axon_core::diagnostic::explain(Code::StorageSize);
    let pool = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let service = axon_core::diagnostic::explain(Code::NoEssential);
    let service = service.split("```yaml\n").nth(2).unwrap().split("```").next().unwrap();
    let text = format!("{}---\n{pool}---\n{service}", CLUSTER.replace("name: a", "name: ml-prod"));
    let validated = validate(read(&text), &Catalog::builtin());
    let errors: Vec<String> = validated.diagnostics.iter().filter(|d| d.is_error()).map(ToString::to_string).collect();
    assert_eq!(errors.len(), 1, "{}", errors.join("\n"));
    assert_eq!(validated.fleet.services.len(), 1);
}

#[test]
fn a_document_of_every_kind_is_read_into_its_type() {
    let page = axon_core::diagnostic::explain(Code::JobAndService);
    let job_and_service = page.split("```yaml\n").nth(2).unwrap().split("```").next().unwrap();
    let page = axon_core::diagnostic::explain(Code::DifferentClusters);
    let pool = page.split("```yaml\n").nth(2).unwrap().split("---").next().unwrap();
    let parsed = read(&format!("{job_and_service}---\n{pool}---\n{CLUSTER}"));
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let mut kinds: Vec<Kind> =
        parsed.objects.iter().map(|declared| declared.object.as_ref().unwrap().key().kind).collect();
    kinds.sort();
    assert_eq!(kinds, Kind::ALL);
}

#[test]
fn a_job_on_a_held_pool_is_no_error_itself_and_says_nothing_of_pools_without_use() {
    let page = axon_core::diagnostic::explain(Code::StorageSize);
    let pool = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let job = axon_core::diagnostic::explain(Code::OutlivesInstance);
    let job = job.split("```yaml\n").nth(2).unwrap().split("```").next().unwrap();
    let text = format!("{}---\n{pool}---\n{job}", CLUSTER.replace("name: a", "name: ml-prod"));
    let validated = validate(read(&text), &Catalog::builtin());
    assert_eq!(validated.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::StorageSize]);
    assert_eq!(validated.fleet.jobs.len(), 1);
}

#[test]
fn words_stay_as_they_are_written_where_a_text_is_expected() {
    let text = CLUSTER.replace("spec: {}", "spec: {tags: {a: no, b: 1.10, c: 010, d: true}}");
    let parsed = read(&text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let Some(Object::Cluster(cluster)) = &parsed.objects[0].object else { panic!("not a cluster") };
    let tags: Vec<&str> = cluster.spec.tags.values().map(String::as_str).collect();
    assert_eq!(tags, ["no", "1.10", "010", "true"]);
}

#[test]
fn positions_lead_to_the_written_value() {
    let text = format!("# comment\n---\n{}", CLUSTER.replace("spec: {}", "spec:\n  tags:\n    ä: ü\n    owner: me"));
    let parsed = read(&text);
    let at = parsed.objects[0].positions.of("/spec/tags/owner");
    assert_eq!((at.line, at.column), (9, 12));
    assert_eq!(&text[at.offset..at.offset + at.length], "me");
    let key = parsed.objects[0].positions.key("/spec/tags/owner");
    assert_eq!(&text[key.offset..key.offset + key.length], "owner");
    assert_eq!(parsed.objects[0].positions.of("/spec/tags/nothing/at/all").line, 7);
}

#[test]
fn an_unknown_field_names_the_nearest_one() {
    let parsed = read(&CLUSTER.replace("spec: {}", "spec: {containerInsight: Enabled}"));
    assert_eq!(parsed.diagnostics[0].help, "Did you mean `containerInsights`?");
}

#[test]
fn hostile_files_are_refused_quickly() {
    let laughs = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n".to_owned();
    let deep = "[".repeat(200_000);
    let maps = "{a: ".repeat(60_000);
    let wide = format!("a: [{}]", "x,".repeat(100_000));
    let large = "x".repeat(MAX_FILE_BYTES + 1);
    for (text, code) in [(laughs, Code::AnchorOrAlias), (wide, Code::TooLarge), (large, Code::TooLarge)] {
        let parsed = read(&text);
        assert!(codes(&parsed).contains(&code), "{code}");
        assert!(!parsed.unkeyed.is_empty(), "{code}");
    }
    // The scanner has a limit of its own for open brackets, and either limit may speak first.
    for text in [deep, maps] {
        let parsed = read(&text);
        assert!(matches!(codes(&parsed)[..], [Code::TooLarge | Code::YamlSyntax]), "{:?}", codes(&parsed));
        assert_eq!(parsed.unkeyed.len(), 1);
    }
}

#[test]
fn white_space_and_comments_are_no_document() {
    for text in ["", "\n", "# only a comment\n", "---\n", "---\n# a\n---\n"] {
        let parsed = read(text);
        assert!(parsed.diagnostics.is_empty() && parsed.unkeyed.is_empty() && parsed.objects.is_empty(), "{text:?}");
    }
}

#[test]
fn a_repeated_name_is_never_guessed() {
    let parsed = read(&CLUSTER.replace("{name: a}", "{name: a, name: b}"));
    assert!(parsed.objects.is_empty());
    assert_eq!(parsed.unkeyed.len(), 1);
}

#[test]
fn annotations_become_the_policy() {
    let text = CLUSTER.replace(
        "{name: a}",
        "{name: a, annotations: {neuron.ecs/adopt: IfTagged, neuron.ecs/suspend: \"true\", other: x}}",
    );
    let fleet = validate(read(&text), &Catalog::builtin()).fleet;
    let policy = fleet.clusters.values().next().unwrap().policy;
    assert!(policy.suspend);
    assert_eq!(policy.adopt, axon_core::spec::Adopt::IfTagged);
}
