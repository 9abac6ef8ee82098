//! YAML of anybody's → parse, validate, resolve, plan on an empty account.
//!
//! The input is one file, or two with a line `=====` between them. Whatever it is: no panic, places inside the file,
//! findings that can be shown, no object that is both usable and held, no plan that the reviewer objects to, and nothing
//! removed on the word of a text that could not be read whole.

use std::collections::BTreeMap;

use axon_core::check::check as review;
use axon_core::cloud::Facts;
use axon_core::neuron::Catalog;
use axon_core::observe::Identity;
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::Installation;
use axon_core::parse::{SourceFile, parse};
use axon_core::plan::{Limits, Prune, plan};
use axon_core::resolve::{Context, resolve};
use axon_core::revision::Revisions;
use axon_core::spec::{Completeness, Kind};
use axon_core::validate::validate;
use axon_core::world::World;

thread_local! {
    static CATALOG: Catalog = Catalog::builtin();
}

/// Fails by panic.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let texts = text.split("\n=====\n").take(2).enumerate();
    let files: Vec<SourceFile> =
        texts.map(|(at, text)| SourceFile { path: format!("{at}.yaml"), text: text.to_owned() }).collect();
    let parsed = parse(&files);
    let unreadable = !parsed.unkeyed.is_empty();
    for found in &parsed.diagnostics {
        let file = files.iter().find(|file| *file.path == *found.at.file).expect("a finding is about one of the files");
        assert!(found.at.offset <= file.text.len() && file.text.is_char_boundary(found.at.offset), "{found}");
        assert!(file.text.is_char_boundary((found.at.offset + found.at.length).min(file.text.len())), "{found}");
    }
    let declared: Vec<_> = parsed.objects.iter().map(|declared| declared.key.clone()).collect();
    let validated = CATALOG.with(|catalog| validate(parsed, catalog));
    let fleet = validated.fleet;
    assert!(!unreadable || fleet.complete == Completeness::Partial, "what is unreadable may be any object");
    for key in &declared {
        let usable = match key.kind {
            Kind::NeuronCluster => fleet.clusters.contains_key(&key.name),
            Kind::NeuronPool => fleet.pools.contains_key(&key.name),
            Kind::NeuronService => fleet.services.contains_key(&key.name),
            Kind::NeuronJob => fleet.jobs.contains_key(&key.name),
        };
        assert!(usable != fleet.stalled.contains(key), "{key} is declared: it is usable or held");
    }
    for found in &validated.diagnostics {
        let shown = found.to_string();
        assert!(!shown.chars().any(is_hidden), "a finding holds a control character: {shown:?}");
    }
    let identity = Identity { account: "111122223333".into(), region: "us-east-1".into(), partition: "aws".into() };
    let facts = Facts { identity, instance_types: Vec::new() };
    let installation: Installation = "axon".parse().expect("an installation id");
    let revisions = Revisions::new("main@sha1:1");
    let resolved = resolve(&fleet, Context { installation: &installation, facts: &facts, revisions: &revisions });
    let observed = Observed {
        clusters: Listing::Read(BTreeMap::default()),
        task_definitions: Listing::Read(BTreeMap::default()),
        ..Observed::default()
    };
    let world = World { installation: &installation, desired: &resolved.desired, observed: &observed };
    let limits = Limits::fresh(jiff::Timestamp::constant(1_800_000_000, 0), Prune::Enabled);
    let plan = plan(world, &limits);
    assert_eq!(review(world, &limits, &plan), [], "the reviewer has nothing against the plan");
    for step in &plan.steps {
        assert!(!step.resource.to_string().chars().any(is_hidden), "{:?}", step.resource);
    }
}

/// Controls besides the ends of lines, and what changes the direction of writing.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
