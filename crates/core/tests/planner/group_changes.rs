//! Changes of pools of Auto Scaling groups, and neighbours that must not notice them.

use std::collections::BTreeMap;

use axon_core::observe::{Provider, ProviderStatus};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::Tags;
use axon_core::plan::Prune;
use axon_core::shape::provider::{AutoScalingGroupProvider, ManagedInstancesProvider};
use axon_core::step::Action;
use serde_json::json;

use super::fixture::{
    Specs, converge, empty_ec2_account, group_name, group_pool, grouped, plan_once, preview_of, rounds, service, set,
    text, waits,
};

fn installed() -> Observed {
    converge(&grouped().desired(), empty_ec2_account(), Prune::Enabled)
}

fn provider_name(specs: &Specs) -> String {
    specs.desired().pools["neuron"].providers()[0].name.clone()
}

fn played(specs: &Specs, observed: &Observed) -> String {
    rounds(&preview_of(&specs.desired(), observed, Prune::Enabled))
}

fn only_cluster() -> Specs {
    Specs { pools: vec![], services: vec![], ..grouped() }
}

fn provider(name: &str) -> Provider {
    Provider {
        name: name.into(),
        arn: format!("capacity-provider/{name}"),
        cluster: String::new(),
        status: ProviderStatus::Active,
        update_status: None,
        update_status_reason: None,
        managed_instances: None,
        auto_scaling_group: None,
        tags: BTreeMap::new(),
    }
}

#[test]
fn how_many_instances_there_are_is_up_to_ecs() {
    let mut observed = installed();
    observed.groups.get_mut(&group_name(&grouped())).unwrap().desired = 3;
    assert!(plan_once(&grouped().desired(), &observed, Prune::Enabled).is_settled());
}

#[test]
fn spot_and_back_changes_the_group_in_place() {
    let spot = grouped().edit_pool("/spec/autoScalingGroup/capacityOption", json!("Spot"));
    let update = format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group_name(&grouped()));
    assert_eq!(played(&spot, &installed()), update);
    let on_spot = converge(&spot.desired(), installed(), Prune::Enabled);
    assert_eq!(played(&grouped(), &on_spot), update);
}

#[test]
fn a_change_of_scaling_updates_the_provider_in_place() {
    let spare = grouped().edit_pool("/spec/autoScalingGroup/scaling", json!({"targetCapacity": 80}));
    let update = format!("UpdateCapacityProvider capacity provider {}\n", provider_name(&grouped()));
    assert_eq!(played(&spare, &installed()), update);
}

#[test]
fn tags_of_a_pool_reach_everything_behind_it() {
    let tagged = grouped().edit_pool("/spec/tags", json!({"owner": "ml"}));
    let text = played(&tagged, &installed());
    for operation in ["CreateTags launch template", "CreateOrUpdateTags", "TagResource capacity provider"] {
        assert!(text.contains(operation), "{operation} is missing in\n{text}");
    }
    let after = converge(&tagged.desired(), installed(), Prune::Enabled);
    assert!(plan_once(&tagged.desired(), &after, Prune::Enabled).is_settled());
}

#[test]
fn tags_that_a_pool_no_longer_has_leave_everything_behind_it() {
    let tagged = grouped().edit_pool("/spec/tags", json!({"owner": "ml", "cost": "1"}));
    let mut observed = converge(&tagged.desired(), installed(), Prune::Enabled);
    let theirs = |tags: &mut Tags| drop(tags.insert("theirs".to_owned(), "1".to_owned()));
    theirs(&mut observed.groups.get_mut(&group_name(&grouped())).unwrap().tags);
    theirs(&mut observed.templates.get_mut(&group_name(&grouped())).unwrap().tags);
    let fewer = grouped().edit_pool("/spec/tags", json!({"owner": "ml"}));
    let after = converge(&fewer.desired(), observed, Prune::Enabled);
    let tags = [
        &after.groups.get(&group_name(&grouped())).unwrap().tags,
        &after.templates.get(&group_name(&grouped())).unwrap().tags,
    ];
    for tags in tags {
        assert!(!tags.contains_key("cost"), "{tags:?}");
        assert_eq!(tags.get("owner").map(String::as_str), Some("ml"));
        assert!(tags.contains_key("theirs"), "tags of others stay: {tags:?}");
    }
}

#[test]
fn managed_instances_are_never_named_in_an_association() {
    let mut observed = installed();
    observed.clusters.get_mut("ml").unwrap().capacity_providers = vec!["theirs".into(), "managed".into()];
    let managed = Provider {
        cluster: "ml".into(),
        managed_instances: Some(ManagedInstancesProvider::default()),
        ..provider("managed")
    };
    observed.providers.get_mut("ml").unwrap().put("managed".into(), managed);
    let plan = plan_once(&grouped().desired(), &observed, Prune::Enabled);
    let [step] = plan.steps.as_slice() else { panic!("{plan:?}") };
    let Action::PutClusterCapacityProviders(request) = &step.action else { panic!("{step:?}") };
    assert_eq!(request.capacity_providers, ["theirs".to_owned(), provider_name(&grouped())]);
    *observed.providers.get_mut("ml").unwrap() = Listing::Unread;
    let plan = plan_once(&grouped().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "", "nobody knows which of them are for Managed Instances");
}

#[test]
fn while_the_cluster_attaches_another_provider_the_association_waits() {
    let mut observed = installed();
    let cluster = observed.clusters.get_mut("ml").unwrap();
    cluster.capacity_providers.clear();
    cluster.attachments_status = Some("UPDATE_IN_PROGRESS".into());
    let plan = plan_once(&grouped().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "");
    assert!(waits(&plan).contains("attaching capacity providers"), "{}", waits(&plan));
}

#[test]
fn a_service_waits_for_the_association() {
    let mut observed = installed();
    observed.services.get_mut("ml").unwrap().remove("llama");
    observed.clusters.get_mut("ml").unwrap().capacity_providers.clear();
    let plan = plan_once(&grouped().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "PutClusterCapacityProviders cluster ml\n");
    assert!(waits(&plan).contains("NeuronService/llama: waits for cluster ml to take"), "{}", waits(&plan));
}

#[test]
fn two_pools_of_one_cluster_are_associated_one_after_the_other() {
    let mut specs = grouped();
    specs.pools.push(group_pool("second", "ml"));
    specs.services.push(service("other", "second"));
    let observed = converge(&specs.desired(), empty_ec2_account(), Prune::Enabled);
    assert_eq!(observed.clusters.get("ml").unwrap().capacity_providers.len(), 2);
    assert!(plan_once(&specs.desired(), &observed, Prune::Enabled).is_settled());
}

#[test]
fn what_is_marked_to_be_kept_stays_behind_as_it_is() {
    let mut kept = grouped();
    set(&mut kept.pools[0], "/metadata/annotations", json!({"neuron.ecs/prune": "Disabled"}));
    let observed = converge(&kept.desired(), empty_ec2_account(), Prune::Enabled);
    let text = played(&only_cluster(), &observed);
    for operation in ["PutCluster", "DeleteCapacityProvider", "DeleteAutoScalingGroup", "DeleteLaunchTemplate"] {
        assert!(!text.contains(operation), "{text}");
    }
}

#[test]
fn without_pruning_nothing_of_an_undeclared_pool_goes() {
    assert_eq!(rounds(&preview_of(&only_cluster().desired(), &installed(), Prune::Disabled)), "");
}

#[test]
fn a_group_that_others_have_put_a_provider_in_front_of_stays() {
    let mut observed = installed();
    let arn = observed.groups.get(&group_name(&grouped())).unwrap().arn.clone();
    let behind = AutoScalingGroupProvider { auto_scaling_group_arn: arn, ..AutoScalingGroupProvider::default() };
    let theirs = Provider { auto_scaling_group: Some(behind), ..provider("theirs") };
    observed.group_providers.put("theirs".into(), theirs);
    let text = played(&only_cluster(), &observed);
    assert!(!text.contains("DeleteAutoScalingGroup") && !text.contains("capacity provider theirs"), "{text}");
}

#[test]
fn a_service_waits_as_a_stalled_one_for_a_pool_that_only_a_person_can_bring_further() {
    use axon_core::judge::{Case, judge};
    let mut observed = converge(&only_cluster().desired(), empty_ec2_account(), Prune::Enabled);
    let evidence = "SSM parameter x does not exist".to_owned();
    observed.images.insert(super::fixture::source(), axon_core::observe::ImageAnswer::Dangling { evidence });
    let (installation, desired) = (super::fixture::installation(), grouped().desired());
    for step in plan_once(&desired, &observed, Prune::Enabled).steps {
        axon_core::preview::assume(&mut observed, &step);
    }
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    let world = super::fixture::world(&installation, &desired, &observed);
    let in_flight = BTreeMap::new();
    let case = Case { world, plan: &plan, in_flight: &in_flight, now: super::fixture::NOW };
    let statuses = judge(case, &BTreeMap::new());
    let stalled = |kind, name| statuses[&super::fixture::key(kind, name)].is_stalled();
    assert!(stalled("NeuronPool", "neuron"), "{statuses:?}");
    assert!(stalled("NeuronService", "llama"), "{:?}", plan.waiting);
    assert!(!stalled("NeuronCluster", "ml"));
}
