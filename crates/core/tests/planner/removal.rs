//! What is no longer declared goes, in the order that works, and never by accident.

use axon_core::observe::{ClusterStatus, ProviderStatus};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership;
use axon_core::plan::{Limits, Prune, PruneBlock, PruneLimits, Writes};
use serde_json::json;

use super::fixture::{
    NOW, Specs, cluster, converge, converged, empty_account, key, plan_once, plan_with, pool, preview_of, rounds,
    service, set, text, waits,
};

fn only_a_cluster() -> Specs {
    Specs { clusters: vec![cluster("other")], pools: Vec::new(), services: Vec::new() }
}

#[test]
fn removal_runs_in_the_reverse_order_of_creation() {
    let desired = only_a_cluster().desired();
    let provider = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    let steps = preview_of(&desired, &converged(), Prune::Enabled);
    let text = rounds(&steps);
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing in {text}"));
    assert!(place("DeleteService service ml/llama") < place("DeregisterTaskDefinition task definition ml-llama"));
    assert!(
        place("DeleteService service ml/llama")
            < place(&format!("DeleteCapacityProvider capacity provider {provider}"))
    );
    assert!(place("DeleteCapacityProvider") < place("DeleteCluster cluster ml"));
    let after = converge(&desired, converged(), Prune::Enabled);
    assert!(plan_once(&desired, &after, Prune::Enabled).is_settled());
}

#[test]
fn with_pruning_off_nothing_goes_and_nothing_waits() {
    let desired = only_a_cluster().desired();
    let preview = preview_of(&desired, &converged(), Prune::Disabled);
    assert_eq!(rounds(&preview), "CreateCluster cluster other\n");
    assert_eq!(preview.blocked, []);
}

#[test]
fn an_incomplete_or_empty_source_removes_nothing_and_says_so() {
    for why in [PruneBlock::IncompleteSource, PruneBlock::EmptySource] {
        let plan =
            plan_once(&Specs { services: Vec::new(), ..Specs::default() }.desired(), &converged(), Prune::Blocked(why));
        assert_eq!(plan.steps, []);
        assert!(waits(&plan).contains("service ml/llama is no longer declared but stays"), "{}", waits(&plan));
    }
}

#[test]
fn an_object_that_is_declared_but_invalid_stays() {
    let mut desired = Specs { services: Vec::new(), ..Specs::default() }.desired();
    desired.held.insert(key("NeuronService", "llama"));
    let plan = plan_once(&desired, &converged(), Prune::Enabled);
    assert!(plan.steps.is_empty(), "{}", text(&plan.steps));
}

#[test]
fn prune_disabled_outlives_the_object() {
    let kept = Specs::default().edit_service("/metadata/annotations", json!({"neuron.ecs/prune": "Disabled"}));
    let observed = converge(&kept.desired(), empty_account(), Prune::Enabled);
    let without = Specs { services: Vec::new(), ..Specs::default() }.desired();
    assert_eq!(plan_once(&without, &observed, Prune::Enabled).steps, []);
}

#[test]
fn an_adopted_cluster_is_never_deleted() {
    let mut observed = converge(
        &Specs { pools: vec![], services: vec![], ..Specs::default() }.desired(),
        empty_account(),
        Prune::Enabled,
    );
    observed.clusters.get_mut("ml").unwrap().tags.insert(ownership::ADOPTED.into(), "true".into());
    let plan = plan_once(&only_a_cluster().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "CreateCluster cluster other\n");
}

#[test]
fn a_provider_that_a_stranger_s_service_uses_stays() {
    let mut observed = converged();
    super::fixture::llama(&mut observed).tags.clear();
    let plan =
        plan_once(&Specs { services: vec![], pools: vec![], ..Specs::default() }.desired(), &observed, Prune::Enabled);
    assert!(!text(&plan.steps).contains("DeleteCapacityProvider"));
    assert!(waits(&plan).contains("no longer use it"), "{}", waits(&plan));
}

#[test]
fn what_is_not_ours_is_never_removed() {
    let mut observed = converged();
    super::fixture::llama(&mut observed).tags.insert(ownership::MANAGED_BY.into(), "blue".into());
    let plan = plan_once(&Specs { services: vec![], ..Specs::default() }.desired(), &observed, Prune::Enabled);
    assert!(!text(&plan.steps).contains("DeleteService"));
}

/// A fleet with so many services, and what would be left of them.
fn services(names: &[&str]) -> Specs {
    Specs { services: names.iter().map(|name| service(name, "inf2")).collect(), ..Specs::default() }
}

fn within(max_objects: Option<u32>, max_percent: Option<u32>) -> Limits {
    let prune_limits = PruneLimits { max_objects, max_percent };
    Limits { prune_limits, ..Limits::fresh(NOW, Prune::Enabled) }
}

const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

#[test]
fn when_too_many_objects_are_gone_nothing_goes_and_each_says_how_many_and_how_to_allow_it() {
    let observed = converge(&services(&FIVE).desired(), empty_account(), Prune::Enabled);
    let left = services(&["a"]).desired();
    let plan = plan_with(&left, &observed, &within(Some(3), None));
    assert_eq!(plan.steps, [], "not even the first three");
    for name in ["b", "c", "d", "e"] {
        let line = format!(
            "NeuronService/{name}: service ml/{name} is no longer declared but stays: 4 of 7 objects are no longer declared \
             (NeuronService/b, NeuronService/c, NeuronService/d, NeuronService/e), and at most 3 may be removed at once; if that \
             is meant, raise pruning.maxObjects in the configuration (--prune-max-objects), or run `axon apply --prune` on this \
             commit by hand\n"
        );
        assert!(waits(&plan).contains(&line), "{}", waits(&plan));
    }
    let allowed = plan_with(&left, &observed, &within(Some(4), None));
    assert!(text(&allowed.steps).contains("DeleteService service ml/b"), "{}", text(&allowed.steps));
}

#[test]
fn the_share_counts_whole_objects_and_a_single_one_may_always_go() {
    let observed = converge(&services(&FIVE).desired(), empty_account(), Prune::Enabled);
    // 3 of 7 objects: 42.9 percent.
    let left = services(&["a", "b"]).desired();
    let blocked = plan_with(&left, &observed, &within(None, Some(42)));
    assert_eq!(blocked.steps, []);
    assert!(waits(&blocked).contains("at most 42 percent may be removed at once"), "{}", waits(&blocked));
    assert!(waits(&blocked).contains("raise pruning.maxPercent"), "{}", waits(&blocked));
    assert_ne!(plan_with(&left, &observed, &within(None, Some(43))).steps, []);
    let one = services(&["a", "b", "c", "d"]).desired();
    assert_ne!(plan_with(&one, &observed, &within(None, Some(0))).steps, []);
}

#[test]
fn objects_that_are_kept_do_not_count() {
    let mut specs = services(&FIVE);
    for kept in &mut specs.services[1..] {
        set(kept, "/metadata/annotations", json!({"neuron.ecs/prune": "Disabled"}));
    }
    let observed = converge(&specs.desired(), empty_account(), Prune::Enabled);
    let none = Specs { services: vec![], ..Specs::default() }.desired();
    let plan = plan_with(&none, &observed, &within(Some(1), None));
    assert_eq!(text(&plan.steps), "DeleteService service ml/a\n");
}

#[test]
fn an_adopted_service_and_the_revision_that_it_runs_do_not_count() {
    let mut observed = converge(&services(&FIVE).desired(), empty_account(), Prune::Enabled);
    for name in &FIVE[1..] {
        let found = observed.services.get_mut("ml").unwrap().get_mut(name).unwrap();
        found.tags.insert(ownership::ADOPTED.into(), "true".into());
    }
    let none = Specs { services: vec![], ..Specs::default() }.desired();
    let plan = plan_with(&none, &observed, &within(Some(1), None));
    assert_eq!(text(&plan.steps), "DeleteService service ml/a\n");
}

#[test]
fn of_many_objects_a_message_names_the_first_few() {
    let names: Vec<String> = (1..=9).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let observed = converge(&services(&names).desired(), empty_account(), Prune::Enabled);
    let none = Specs { services: vec![], ..Specs::default() }.desired();
    let plan = plan_with(&none, &observed, &within(Some(8), None));
    assert!(waits(&plan).contains("NeuronService/s4, NeuronService/s5, and 4 more)"), "{}", waits(&plan));
    let observed = converge(&services(&names[..5]).desired(), empty_account(), Prune::Enabled);
    let plan = plan_with(&none, &observed, &within(Some(4), None));
    assert!(waits(&plan).contains("NeuronService/s4, NeuronService/s5), and"), "{}", waits(&plan));
}

/// What is being deleted is deleted.
fn arrive(observed: &mut Observed) {
    if let Listing::Read(clusters) = &mut observed.clusters {
        let going = clusters.values_mut().filter(|found| found.status == ClusterStatus::Deprovisioning);
        going.for_each(|found| found.status = ClusterStatus::Inactive);
    }
    for providers in observed.providers.values_mut() {
        let Listing::Read(providers) = providers else { continue };
        let going = providers.values_mut().filter(|found| found.status == ProviderStatus::Deprovisioning);
        going.for_each(|found| found.status = ProviderStatus::Inactive);
    }
}

#[test]
fn an_allowed_removal_is_not_blocked_by_its_own_progress() {
    let before = Specs {
        clusters: vec![cluster("ml"), cluster("kept")],
        pools: vec![pool("inf2", "ml"), pool("others", "kept")],
        services: FIVE.iter().map(|name| service(name, "inf2")).chain([service("x", "others")]).collect(),
    };
    let left = Specs {
        clusters: vec![cluster("kept")],
        pools: vec![pool("others", "kept")],
        services: vec![service("x", "others")],
    }
    .desired();
    let mut observed = converge(&before.desired(), empty_account(), Prune::Enabled);
    // 7 of 10 objects: exactly what is allowed.
    let limits = within(Some(7), Some(70));
    for round in 0..40 {
        let plan = plan_with(&left, &observed, &limits);
        assert!(!waits(&plan).contains("may be removed at once"), "round {round}: {}", waits(&plan));
        // One call after the other, as slowly as can be.
        match plan.steps.first() {
            Some(step) => axon_core::preview::assume(&mut observed, step),
            None => arrive(&mut observed),
        }
    }
    assert!(observed.clusters.get("ml").is_none_or(|found| found.status != ClusterStatus::Active));
    assert!(plan_with(&left, &observed, &limits).is_settled());
}

#[test]
fn nothing_is_counted_before_every_cluster_of_ours_was_looked_into() {
    let mut observed = converged();
    observed.services.remove("ml");
    let other = only_a_cluster().desired();
    let plan = plan_with(&other, &observed, &within(Some(100), None));
    assert_eq!(text(&plan.steps), "CreateCluster cluster other\n");
    assert!(waits(&plan).contains("to count what is no longer declared"), "{}", waits(&plan));
    let mut unread = converged();
    unread.task_definitions = Listing::Unread;
    assert_eq!(text(&plan_with(&other, &unread, &within(Some(100), None)).steps), "CreateCluster cluster other\n");
    let uncounted = plan_once(&other, &unread, Prune::Enabled);
    assert_eq!(
        text(&uncounted.steps),
        "CreateCluster cluster other\nDeleteService service ml/llama\n",
        "without limits"
    );
}

#[test]
fn a_cluster_and_a_provider_count_until_they_are_gone() {
    let mut observed = converged();
    let other = only_a_cluster().desired();
    let plan = plan_with(&other, &observed, &within(Some(2), None));
    let counted = "3 of 4 objects are no longer declared (NeuronCluster/ml, NeuronPool/inf2, NeuronService/llama)";
    assert!(waits(&plan).contains(counted), "{}", waits(&plan));
    let Some(Listing::Read(providers)) = observed.providers.get_mut("ml") else { panic!("they were read") };
    for found in providers.values_mut() {
        found.status = ProviderStatus::Inactive;
    }
    assert!(!waits(&plan_with(&other, &observed, &within(Some(2), None))).contains("no longer declared ("));
    observed.clusters.get_mut("ml").unwrap().status = ClusterStatus::Inactive;
    assert!(!waits(&plan_with(&other, &observed, &within(Some(1), None))).contains("no longer declared ("));
}

#[test]
fn clusters_of_others_and_those_that_are_gone_need_not_be_looked_into_to_count() {
    let mut observed = converged();
    let ours = observed.clusters.get("ml").unwrap().clone();
    let mut gone = ours.clone();
    gone.name = "gone".into();
    gone.status = ClusterStatus::Inactive;
    let mut theirs = ours;
    theirs.name = "theirs".into();
    theirs.tags.clear();
    for cluster in [gone, theirs] {
        observed.clusters.put(cluster.name.clone(), cluster);
    }
    let plan = plan_with(&only_a_cluster().desired(), &observed, &within(Some(100), None));
    assert_eq!(text(&plan.steps), "CreateCluster cluster other\nDeleteService service ml/llama\n");
}

#[test]
fn a_pool_waits_for_its_services_and_a_cluster_for_its_pools() {
    let desired = only_a_cluster().desired();
    let plan = plan_once(&desired, &converged(), Prune::Enabled);
    assert!(!text(&plan.steps).contains("DeleteCapacityProvider"), "{}", text(&plan.steps));
    assert!(waits(&plan).contains("stays until service llama no longer use it"), "{}", waits(&plan));
    assert!(waits(&plan).contains("cluster ml stays while it holds service llama"), "{}", waits(&plan));
}

#[test]
fn an_adopted_service_is_never_deleted() {
    let mut observed = converged();
    super::fixture::llama(&mut observed).tags.insert(ownership::ADOPTED.into(), "true".into());
    let without = Specs { services: Vec::new(), ..Specs::default() }.desired();
    assert_eq!(text(&plan_once(&without, &observed, Prune::Enabled).steps), "");
}

#[test]
fn a_suspended_or_read_only_installation_removes_nothing() {
    let without = Specs { services: Vec::new(), ..Specs::default() }.desired();
    let read_only = Limits { writes: Writes::ReadOnly, ..Limits::fresh(NOW, Prune::Enabled) };
    let plan = plan_with(&without, &converged(), &read_only);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("DeleteService is due, but writing is switched off"), "{}", waits(&plan));
    // A pool that is suspended keeps its old provider, too, when its declaration moves on.
    let moved = Specs::default()
        .edit_pool("/spec/managedInstances/fips", json!(true))
        .edit_pool("/metadata/annotations", json!({"neuron.ecs/suspend": "true"}));
    assert_eq!(plan_once(&moved.desired(), &converged(), Prune::Enabled).steps, []);
}
