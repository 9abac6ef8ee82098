//! What holds for every fleet and every reading, tried on generated ones.

use proptest::prelude::*;

use crate::check::check;
use crate::cloud::Facts;
use crate::desired::Desired;
use crate::observe::{Identity, Image, ImageAnswer, ImageSource, ProviderStatus, ServiceStatus};
use crate::observed::{Listing, Observed};
use crate::ownership::{Installation, MANAGED_BY};
use crate::plan::{Limits, Prune, plan};
use crate::preview::{Preview, assume, preview};
use crate::resolve::{Context, resolve};
use crate::spec::Fleet;
use crate::spec::generate::{Size, fleet, fleet_on_groups};
use crate::world::World;

/// Small fleets show what large ones do, and shrink faster.
pub(super) const SMALL: Size = Size { clusters: 2, pools: 2, services: 3 };
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_800_000_000, 0);

fn installation() -> Installation {
    "axon".parse().unwrap()
}

pub(super) fn desired(fleet: &Fleet) -> Desired {
    let identity = Identity { account: "111122223333".into(), region: "us-east-1".into(), partition: "aws".into() };
    let resolved = resolve(
        fleet,
        Context {
            installation: &installation(),
            facts: &Facts { identity, instance_types: Vec::new() },
            revisions: &crate::revision::Revisions::new("main@sha1:1"),
        },
    );
    assert_eq!(resolved.unresolved, std::collections::BTreeMap::new());
    resolved.desired
}

pub(super) fn empty_account() -> Observed {
    Observed {
        clusters: Listing::Read(std::collections::BTreeMap::new()),
        task_definitions: Listing::Read(std::collections::BTreeMap::new()),
        ..Observed::default()
    }
}

/// An account that was read, EC2 and all. The parameter of the recommended image names one.
fn empty_ec2_account() -> Observed {
    use std::collections::BTreeMap;
    let parameter = format!("{}/recommended", crate::spec::NEURON_AMI_PARAMETERS);
    let image = Image {
        id: "ami-1".into(),
        name: None,
        agent_version: None,
        created: None,
        deprecated: None,
        state: "available".into(),
        architecture: "x86_64".into(),
        root_device: None,
    };
    Observed {
        group_providers: Listing::Read(BTreeMap::new()),
        templates: Listing::Read(BTreeMap::new()),
        groups: Listing::Read(BTreeMap::new()),
        machines: Listing::Read(BTreeMap::new()),
        images: BTreeMap::from([(ImageSource::Parameter(parameter), ImageAnswer::Found(image))]),
        ..empty_account()
    }
}

/// Reads tasks and instances where nothing was read of them yet: there are none.
fn look_into(observed: &mut Observed) {
    for (cluster, services) in &observed.services {
        for service in services.iter() {
            observed.tasks.entry((cluster.clone(), service.name.clone())).or_default();
        }
        let instances = observed.instances.entry(cluster.clone()).or_default();
        if !instances.is_read() {
            *instances = Listing::Read(std::collections::BTreeMap::new());
        }
    }
}

fn converge_on_groups(desired: &Desired, observed: Observed) -> Observed {
    let mut observed = converge(desired, observed);
    look_into(&mut observed);
    observed
}

/// Replicas of every service on groups; on which devices they are may depend on what was there before.
fn replicas(observed: &Observed) -> std::collections::BTreeMap<String, i32> {
    let mut replicas = std::collections::BTreeMap::new();
    for found in observed.all_services().filter(|found| found.status == ServiceStatus::Active) {
        let name = found.tags.get(crate::ownership::NAME).cloned().unwrap_or_default();
        let counted: &mut i32 = replicas.entry(format!("{}/{name}", found.cluster)).or_default();
        *counted += found.settings.desired_count.unwrap_or_default();
    }
    replicas
}

/// Names of what lies behind the pools.
fn backing(observed: &Observed) -> Vec<String> {
    let templates = observed.templates.iter().map(|found| format!("template {}", found.name));
    let groups = observed.groups.iter().map(|found| format!("group {} {:?}", found.name, found.settings.max_size));
    let providers = observed.group_providers.iter().filter(|found| found.status == ProviderStatus::Active);
    let associated = observed.clusters.iter().flat_map(|cluster| {
        let mut names = cluster.capacity_providers.clone();
        names.sort();
        names.into_iter().map(move |name| format!("association {}/{name}", cluster.name))
    });
    templates.chain(groups).chain(providers.map(|found| format!("provider {}", found.name))).chain(associated).collect()
}

fn played(desired: &Desired, observed: &Observed) -> Preview {
    let installation = installation();
    preview(World { installation: &installation, desired, observed }, &Limits::fresh(NOW, Prune::Enabled))
}

pub(super) fn converge(desired: &Desired, mut observed: Observed) -> Observed {
    for step in played(desired, &observed).steps() {
        assume(&mut observed, step);
    }
    observed
}

/// Plans once under review and returns the steps as text.
pub(super) fn reviewed(desired: &Desired, observed: &Observed) -> Result<String, TestCaseError> {
    let installation = installation();
    let world = World { installation: &installation, desired, observed };
    let limits = Limits::fresh(NOW, Prune::Enabled);
    let plan = plan(world, &limits);
    prop_assert_eq!(check(world, &limits, &plan), vec![]);
    serde_json::to_string(&plan.steps).map_err(|error| TestCaseError::fail(error.to_string()))
}

/// Names of everything that lives.
fn inventory(observed: &Observed) -> Vec<String> {
    let clusters = observed.clusters.iter().map(|found| format!("cluster {}", found.name));
    let providers = observed.all_providers().filter(|found| found.status == ProviderStatus::Active);
    let services = observed.all_services().filter(|found| found.status == ServiceStatus::Active);
    clusters
        .chain(providers.map(|found| format!("provider {}/{}", found.cluster, found.name)))
        .chain(
            services
                .map(|found| format!("service {}/{} {:?}", found.cluster, found.name, found.settings.desired_count)),
        )
        .collect()
}

/// Marks every `nth` service and provider as someone else's.
fn estrange(observed: &mut Observed, nth: usize) -> Vec<String> {
    let mut strangers = Vec::new();
    let services = observed.services.values_mut().filter_map(|listing| match listing {
        Listing::Read(entries) => Some(entries.values_mut()),
        Listing::Unread => None,
    });
    for service in services.flatten().step_by(nth) {
        service.tags.insert(MANAGED_BY.into(), "blue".into());
        service.settings.desired_count = Some(99);
        strangers.push(service.arn.clone());
    }
    strangers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_preview_ends_and_planning_after_it_is_empty(fleet in fleet(SMALL)) {
        let desired = desired(&fleet);
        let preview = played(&desired, &empty_account());
        prop_assert!(preview.ended);
        prop_assert_eq!(preview.blocked, vec![]);
        let after = converge(&desired, empty_account());
        prop_assert_eq!(reviewed(&desired, &after)?, "[]");
    }

    #[test]
    fn any_change_of_the_fleet_converges_to_what_a_fresh_install_would_be(
        before in fleet(SMALL), after in fleet(SMALL),
    ) {
        let (before, after) = (desired(&before), desired(&after));
        prop_assume!(!after.is_empty());
        let moved = converge(&after, converge(&before, empty_account()));
        prop_assert_eq!(reviewed(&after, &moved)?, "[]");
        let mut fresh = inventory(&converge(&after, empty_account()));
        let mut moved = inventory(&moved);
        if after.services.iter().any(|(_, service)| service.replicas.is_none()) {
            // A desired count that belongs to someone else keeps what it was.
            for list in [&mut fresh, &mut moved] {
                for line in list.iter_mut() {
                    line.truncate(line.find(" Some").unwrap_or(line.len()));
                }
            }
        }
        prop_assert_eq!(fresh, moved);
    }

    #[test]
    fn strangers_are_never_touched(
        before in fleet(SMALL), after in fleet(SMALL), nth in 1_usize..4,
    ) {
        let mut observed = converge(&desired(&before), empty_account());
        let strangers = estrange(&mut observed, nth);
        let after = desired(&after);
        let preview = played(&after, &observed);
        let last = preview.rounds.last().map(|round| serde_json::to_string(round).unwrap_or_default());
        prop_assert!(preview.ended, "{:?}", last);
        let text = serde_json::to_string(&preview.rounds).unwrap();
        for arn in strangers {
            let (cluster, name) = arn.trim_start_matches("service/").split_once('/').unwrap();
            let resource = format!(r#""resource":{{"service":{{"cluster":"{cluster}","name":"{name}"}}}}"#);
            prop_assert!(!text.contains(&resource), "{}", text);
        }
    }

    #[test]
    fn unread_places_lead_to_no_step_that_a_reviewer_would_refuse(
        fleet in fleet(SMALL), other in fleet(SMALL), mask in 0_u8..16,
    ) {
        let mut observed = converge(&desired(&other), empty_account());
        if mask & 1 != 0 { observed.clusters = Listing::Unread; }
        if mask & 2 != 0 { observed.task_definitions = Listing::Unread; }
        if mask & 4 != 0 { observed.services.values_mut().for_each(|listing| *listing = Listing::Unread); }
        if mask & 8 != 0 { observed.providers.values_mut().for_each(|listing| *listing = Listing::Unread); }
        reviewed(&desired(&fleet), &observed)?;
    }

    #[test]
    fn the_same_input_gives_the_same_bytes(fleet in fleet(SMALL)) {
        let (one, two) = (desired(&fleet), desired(&fleet));
        prop_assert_eq!(reviewed(&one, &empty_account())?, reviewed(&two, &empty_account())?);
    }

    #[test]
    fn a_fleet_on_groups_is_built_to_its_end(fleet in fleet_on_groups(SMALL)) {
        let desired = desired(&fleet);
        let preview = played(&desired, &empty_ec2_account());
        prop_assert!(preview.ended);
        prop_assert_eq!(preview.blocked, vec![]);
        let after = converge_on_groups(&desired, empty_ec2_account());
        prop_assert_eq!(reviewed(&desired, &after)?, "[]");
    }

    #[test]
    fn every_round_on_groups_passes_the_review(before in fleet_on_groups(SMALL), after in fleet_on_groups(SMALL)) {
        let (before, after) = (desired(&before), desired(&after));
        let mut observed = converge_on_groups(&before, empty_ec2_account());
        for _ in 0..200 {
            look_into(&mut observed);
            if reviewed(&after, &observed)? == "[]" {
                break;
            }
            let installation = installation();
            let world = World { installation: &installation, desired: &after, observed: &observed };
            for step in plan(world, &Limits::fresh(NOW, Prune::Enabled)).steps {
                assume(&mut observed, &step);
            }
        }
    }

    #[test]
    fn any_change_of_a_fleet_on_groups_converges_to_the_replicas_of_a_fresh_install(
        before in fleet_on_groups(SMALL), after in fleet_on_groups(SMALL),
    ) {
        let (before, after) = (desired(&before), desired(&after));
        prop_assume!(!after.is_empty());
        let moved = converge_on_groups(&after, converge_on_groups(&before, empty_ec2_account()));
        prop_assert_eq!(reviewed(&after, &moved)?, "[]");
        let fresh = converge_on_groups(&after, empty_ec2_account());
        prop_assert_eq!(replicas(&moved), replicas(&fresh));
        let installation = installation();
        let world = World { installation: &installation, desired: &after, observed: &moved };
        let waits = plan(world, &Limits::fresh(NOW, Prune::Enabled)).waiting;
        prop_assert_eq!(backing(&moved), backing(&fresh), "{:?}", waits);
    }

    #[test]
    fn pools_move_between_groups_and_managed_instances(groups in fleet_on_groups(SMALL), managed in fleet(SMALL)) {
        let (groups, managed) = (desired(&groups), desired(&managed));
        let there = converge_on_groups(&managed, converge_on_groups(&groups, empty_ec2_account()));
        prop_assert_eq!(reviewed(&managed, &there)?, "[]");
        prop_assert_eq!(backing(&there), Vec::<String>::new());
        let back = converge_on_groups(&groups, there);
        prop_assert_eq!(reviewed(&groups, &back)?, "[]");
        prop_assert_eq!(backing(&back), backing(&converge_on_groups(&groups, empty_ec2_account())));
    }
}
