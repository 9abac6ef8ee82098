//! What holds for drift that is only reported, whatever the fleet and whatever was edited.

use proptest::prelude::*;

use super::properties::{SMALL, converge, desired, empty_account, reviewed};
use crate::observe::ServiceStatus;
use crate::observed::{Listing, Observed};
use crate::ownership;
use crate::spec::generate::fleet;
use crate::spec::{Drift, DriftPolicy, Fleet};

fn reporting(mut fleet: Fleet) -> Fleet {
    let report = Drift { policy: DriftPolicy::Report, ignore: Vec::new() };
    fleet.clusters.values_mut().for_each(|cluster| cluster.object.spec.drift = report.clone());
    fleet.pools.values_mut().for_each(|pool| pool.object.spec.drift = report.clone());
    fleet.services.values_mut().for_each(|service| service.object.spec.drift = report.clone());
    fleet
}

/// Edits and removes what the bits of `mask` say, but nothing that says whose a resource is.
fn tamper(observed: &mut Observed, mask: u8) {
    let on = |bit: u8| mask & (1 << bit) != 0;
    if let Listing::Read(clusters) = &mut observed.clusters {
        for cluster in clusters.values_mut().filter(|_| on(0)) {
            cluster.settings.insert("containerInsights".into(), "edited".into());
        }
    }
    for services in observed.services.values_mut() {
        let Listing::Read(entries) = services else { continue };
        for service in entries.values_mut().filter(|found| found.status == ServiceStatus::Active) {
            if on(1) {
                service.settings.enable_execute_command = service.settings.enable_execute_command.map(|on| !on);
            }
            if on(2) {
                service.settings.desired_count = service.settings.desired_count.map(|count| count + 3);
            }
            if on(3) {
                service.tags.remove(ownership::TAG_KEYS);
            }
            if on(4) {
                service.settings.task_definition = Some("task-definition/theirs:1".into());
            }
        }
        if on(5) {
            entries.pop_first();
        }
    }
    for providers in observed.providers.values_mut() {
        let Listing::Read(entries) = providers else { continue };
        for provider in entries.values_mut().filter(|_| on(6)) {
            provider.tags.remove(ownership::TAG_KEYS);
            if let Some(managed) = &mut provider.managed_instances {
                managed.propagate_tags = Some("EDITED".into());
            }
        }
    }
}

/// Services that a plan asks about the past of are taken to have a clean one.
fn remember_nothing(observed: &mut Observed) {
    let keys: Vec<_> = observed.all_services().map(|found| (found.cluster.clone(), found.name.clone())).collect();
    for key in keys {
        let read = jiff::Timestamp::UNIX_EPOCH;
        observed.history.insert(key, crate::observed::History { read, deployments: Vec::new() });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_ever_written_for_drift_that_is_only_reported(fleet in fleet(SMALL), mask in any::<u8>()) {
        let desired = desired(&reporting(fleet));
        let mut observed = converge(&desired, empty_account());
        prop_assert_eq!(reviewed(&desired, &observed)?, "[]");
        tamper(&mut observed, mask);
        remember_nothing(&mut observed);
        prop_assert_eq!(reviewed(&desired, &observed)?, "[]");
    }

    #[test]
    fn a_changed_specification_converges_whatever_was_edited(
        before in fleet(SMALL), after in fleet(SMALL), mask in any::<u8>(),
    ) {
        let (before, after) = (desired(&reporting(before)), desired(&reporting(after)));
        prop_assume!(!after.is_empty());
        let mut observed = converge(&before, empty_account());
        tamper(&mut observed, mask);
        remember_nothing(&mut observed);
        let moved = converge(&after, observed);
        prop_assert_eq!(reviewed(&after, &moved)?, "[]");
    }
}
