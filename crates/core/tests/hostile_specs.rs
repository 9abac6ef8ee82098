//! Specifications that somebody wrote to do harm, and those that were cut off: limits at their edge, hidden characters, and
//! what a missing rest may lead to.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test crate; the tests' exemption does not reach its functions"
)]

use std::collections::BTreeMap;

use axon_core::diagnostic::Code;
use axon_core::neuron::Catalog;
use axon_core::parse::{MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES, Parsed, SourceFile, parse};
use axon_core::spec::{Completeness, ObjectKey};
use axon_core::text::is_hidden;
use axon_core::validate::{Validated, validate};
use proptest::prelude::*;

const CLUSTER: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: a}\nspec: {}\n";

fn read(text: &str) -> Parsed {
    parse(&[SourceFile { path: "a.yaml".to_owned(), text: text.to_owned() }])
}

fn judge(text: &str) -> Validated {
    validate(read(text), &Catalog::builtin())
}

fn has(parsed: &Parsed, code: Code) -> bool {
    parsed.diagnostics.iter().any(|found| found.code == code)
}

#[test]
fn each_limit_lets_through_what_is_at_it_and_refuses_one_more() {
    let file = |bytes: usize| read(&format!("{CLUSTER}#{}", "x".repeat(bytes - CLUSTER.len() - 1)));
    assert!(file(MAX_FILE_BYTES).objects[0].object.is_some());
    assert!(has(&file(MAX_FILE_BYTES + 1), Code::TooLarge) && file(MAX_FILE_BYTES + 1).objects.is_empty());
    // The document and its spec are two levels.
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 2), "]".repeat(levels - 2));
        read(&CLUSTER.replace("spec: {}", &format!("spec: {{tags: {open}{close}}}")))
    };
    assert!(!has(&deep(MAX_DEPTH), Code::TooLarge) && has(&deep(MAX_DEPTH), Code::WrongType));
    assert!(has(&deep(MAX_DEPTH + 1), Code::TooLarge));
    // Around the items are thirteen values, keys and the list itself among them.
    let around = 13;
    let wide = |values: usize| {
        read(&CLUSTER.replace("spec: {}", &format!("spec: {{tags: [{}]}}", "x,".repeat(values - around))))
    };
    assert!(!has(&wide(MAX_NODES), Code::TooLarge), "{:?}", wide(MAX_NODES).diagnostics.first());
    assert!(has(&wide(MAX_NODES + 1), Code::TooLarge));
}

#[test]
fn one_anchor_with_thousands_of_aliases_costs_nothing_and_is_refused() {
    let text = format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(1_000), "*a,".repeat(20_000));
    let parsed = read(&text);
    assert!(has(&parsed, Code::AnchorOrAlias) && parsed.objects.is_empty());
    assert_eq!(parsed.unkeyed.len(), 1);
}

/// Every place of a text where somebody might put something that is not seen.
fn with_hidden(hidden: char) -> Vec<String> {
    let escaped = format!("\\u{:04X}", u32::from(hidden));
    let quoted = |text: &str| CLUSTER.replace("metadata: {name: a}", text);
    vec![
        quoted(&format!("metadata: {{name: \"a{escaped}b\"}}")),
        quoted(&format!("metadata: {{name: a, labels: {{\"x{escaped}\": y}}}}")),
        quoted(&format!("metadata: {{name: a, labels: {{x: \"y{escaped}\"}}}}")),
        quoted(&format!("metadata: {{name: a, \"x{escaped}\": 1}}")),
        CLUSTER.replace("NeuronCluster", &format!("\"Neuron{escaped}Cluster\"")),
        CLUSTER.replace("neuron.ecs/v1alpha1", &format!("\"neuron.ecs/{escaped}\"")),
        CLUSTER.replace("spec: {}", &format!("spec: {{containerInsights: \"{escaped}\"}}")),
        format!("{CLUSTER}# {hidden}\n"),
        CLUSTER.replace("name: a", &format!("name: a{hidden}")),
        format!("{hidden}{CLUSTER}"),
        format!("{CLUSTER}---\n{hidden}: [\n"),
    ]
}

#[test]
fn hidden_characters_are_refused_and_no_finding_repeats_them() {
    for hidden in ['\u{1b}', '\u{7}', '\u{0}', '\u{85}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{7f}'] {
        for (at, text) in with_hidden(hidden).iter().enumerate() {
            let judged = judge(text);
            for found in &judged.diagnostics {
                let shown = format!("{found}{}", found.help).replace('\n', "");
                assert!(!shown.chars().any(is_hidden), "U+{:04X} at {at}: {shown:?}", u32::from(hidden));
            }
            // A comment is nowhere shown; everywhere else the object is not what it seems.
            if at < 7 {
                assert!(judged.has_errors(), "U+{:04X} at {at} is taken", u32::from(hidden));
                assert!(judged.fleet.clusters.is_empty());
            }
        }
    }
}

type Documents = BTreeMap<ObjectKey, String>;

/// What is usable in a text, and where each document begins.
fn usable(validated: &Validated) -> Documents {
    let fleet = &validated.fleet;
    let clusters = fleet.clusters.values().map(|found| (found.key(), format!("{:?}", found.object)));
    let pools = fleet.pools.values().map(|found| (found.key(), format!("{:?}", found.object)));
    let services = fleet.services.values().map(|found| (found.key(), format!("{:?}", found.object)));
    let jobs = fleet.jobs.values().map(|found| (found.key(), format!("{:?}", found.object)));
    clusters.chain(pools).chain(services).chain(jobs).collect()
}

/// A text that ends too early is YAML all the same, where it ends between two lines: nobody can see that a list has lost
/// its end. So files are never read while they are written where that can be helped: git gives whole blobs or none, and what
/// guards the rest are the limits of pruning. What reading must guarantee: whatever lies whole before the cut is as it was,
/// and at most the one document that was cut is another than it was.
#[test]
fn a_file_that_is_cut_anywhere_changes_at_most_the_document_that_is_cut() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples");
    let texts = [
        "inf2-single-chip.yaml",
        "vllm-managed.yaml",
        "inf2-48xlarge-shared.yaml",
        "ec2/ec2-shared-pool.yaml",
        "../job-examples/sweep.yaml",
    ];
    for name in texts {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let whole = usable(&judge(&text));
        let ends: Vec<(ObjectKey, usize)> = {
            let parsed = read(&text);
            let starts: Vec<usize> = parsed.objects.iter().map(|found| found.location.offset).collect();
            let ends = starts.iter().skip(1).copied().chain([text.len()]);
            parsed.objects.iter().map(|found| found.key.clone()).zip(ends).collect()
        };
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let judged = judge(&text[..cut]);
            let left = usable(&judged);
            let mut different = 0;
            for (key, end) in &ends {
                let same = left.get(key) == whole.get(key);
                let held = judged.fleet.stalled.contains(key) || judged.fleet.complete == Completeness::Partial;
                if *end <= cut {
                    assert!(same || held, "{name} cut at {cut}: {key} was read whole");
                } else if left.contains_key(key) && !same {
                    different += 1;
                }
            }
            assert!(different <= 1, "{name} cut at {cut} changes {different} objects");
            assert!(left.keys().all(|key| whole.contains_key(key)), "{name} cut at {cut} invents an object");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two files may declare one object, in any order: neither counts, nothing of it goes, and nobody else is disturbed.
    #[test]
    fn duplicates_hold_each_other_in_whatever_order_they_come(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let named = |name: &str, more: &str| {
            CLUSTER.replace("name: a", &format!("name: {name}")).replace("spec: {}", &format!("spec: {{{more}}}"))
        };
        let documents = [
            named("a", ""), named("b", ""), named("b", "containerInsights: Enhanced"), named("c", ""), named("d", ""), named("d", ""),
        ];
        let files: Vec<SourceFile> = order
            .iter()
            .map(|at| SourceFile { path: format!("{at}.yaml"), text: documents[*at].clone() })
            .collect();
        let judged = validate(parse(&files), &Catalog::builtin());
        let names: Vec<&str> = judged.fleet.clusters.keys().map(axon_core::spec::Name::as_str).collect();
        prop_assert_eq!(names, ["a", "c"]);
        let held: Vec<&str> = judged.fleet.stalled.iter().map(|key| key.name.as_str()).collect();
        prop_assert_eq!(held, ["b", "d"]);
        prop_assert_eq!(judged.fleet.complete, Completeness::Complete);
    }

    /// The order of documents and files means nothing.
    #[test]
    fn a_fleet_is_the_same_in_whatever_order_it_is_written(order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(), split in 0..5_usize) {
        let page = include_str!("../../../config/examples/inf2-48xlarge-shared.yaml");
        let documents: Vec<&str> = page.split("\n---\n").collect();
        let order: Vec<&str> = order.iter().filter_map(|at| documents.get(*at).copied()).collect();
        let (first, second) = order.split_at(split.min(order.len()));
        let file = |path: &str, part: &[&str]| SourceFile { path: path.to_owned(), text: part.join("\n---\n") };
        let shuffled = validate(parse(&[file("a.yaml", first), file("b.yaml", second)]), &Catalog::builtin());
        prop_assert_eq!(usable(&shuffled), usable(&judge(page)));
    }
}
