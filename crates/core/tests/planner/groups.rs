//! Pools of Auto Scaling groups: what is made in which order, what is left alone, what goes.

use axon_core::observe::ImageAnswer;
use axon_core::observed::{Listing, Observed};
use axon_core::plan::Prune;
use axon_core::shape::shared::CapacityProviderStrategyItem;
use axon_core::step::Action;
use jiff::ToSpan as _;
use serde_json::json;

use super::fixture::{NOW, Specs, cluster, plan_once, preview_of, rounds, text, waits};
use super::group_fixture::{edit_group, empty_ec2, first_group, image, made, on_groups, publish, source};

/// Makes a list unread.
type Forget = fn(&mut Observed);
/// Gives what has a name to somebody else.
type Estrange = fn(&mut Observed, &str);

fn inf2() -> Specs {
    on_groups(&["inf2.xlarge"])
}

#[test]
fn what_lies_behind_a_group_is_made_in_order_of_dependency() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let (name, provider) = (&group.name, &group.provider.name);
    assert_eq!(
        rounds(&preview_of(&desired, &empty_ec2(&desired), Prune::Enabled)),
        format!(
            "CreateCluster cluster ml\n--\n\
             CreateLaunchTemplate launch template {name}\nRegisterTaskDefinition task definition ml-llama\n--\n\
             CreateAutoScalingGroup Auto Scaling group {name}\n--\n\
             CreateCapacityProvider capacity provider {provider}\n--\n\
             PutClusterCapacityProviders cluster ml\n--\n\
             CreateService service ml/llama\n"
        )
    );
    assert!(plan_once(&desired, &made(&desired), Prune::Enabled).is_settled());
}

#[test]
fn nothing_is_made_on_ec2_while_a_list_of_it_is_unread() {
    let desired = inf2().desired();
    let mut empty = empty_ec2(&desired);
    let create = plan_once(&desired, &empty, Prune::Enabled).steps.remove(0);
    axon_core::preview::assume(&mut empty, &create);
    let forget: [(Forget, &str); 4] = [
        (|observed| observed.templates = Listing::Unread, "launch templates"),
        (|observed| observed.groups = Listing::Unread, "Auto Scaling groups"),
        (|observed| observed.group_providers = Listing::Unread, "capacity providers of Auto Scaling groups"),
        (|observed| observed.images.clear(), "SSM parameter"),
    ];
    for (forget, what) in forget {
        let mut observed = empty.clone();
        forget(&mut observed);
        let plan = plan_once(&desired, &observed, Prune::Enabled);
        assert_eq!(text(&plan.steps), "RegisterTaskDefinition task definition ml-llama\n", "{what}");
        assert!(waits(&plan).contains(&format!("NeuronPool/inf2: waits for the first reading of {what}")), "{what}");
    }
}

#[test]
fn a_name_that_is_not_ours_is_left_alone() {
    let desired = inf2().desired();
    let name = first_group(&desired).name;
    let estrange: [(Estrange, String); 2] = [
        (|observed, name| observed.groups.get_mut(name).unwrap().tags.clear(), format!("Auto Scaling group {name}")),
        (|observed, name| observed.templates.get_mut(name).unwrap().tags.clear(), format!("launch template {name}")),
    ];
    for (estrange, what) in estrange {
        let mut observed = made(&desired);
        estrange(&mut observed, &name);
        // Something differs that would be repaired if it were ours.
        observed.groups.get_mut(&name).unwrap().settings.max_size = Some(9);
        let plan = plan_once(&desired, &observed, Prune::Enabled);
        assert_eq!(plan.steps, [], "{what}");
        assert!(waits(&plan).contains(&format!("{what} exists and carries no tag of an Axon installation")));
    }
}

#[test]
fn settings_and_tags_that_a_person_has_changed_are_repaired() {
    let desired = inf2().desired();
    let name = first_group(&desired).name;
    let mut observed = made(&desired);
    let found = observed.groups.get_mut(&name).unwrap();
    found.settings.max_size = Some(9);
    found.tags.remove("neuron.ecs/object-kind");
    found.tags.insert("theirs".into(), "stays".into());
    let preview = preview_of(&desired, &observed, Prune::Enabled);
    assert!(
        rounds(&preview).starts_with(&format!("UpdateAutoScalingGroup Auto Scaling group {name}\n")),
        "{preview:?}"
    );
    for step in preview.steps() {
        axon_core::preview::assume(&mut observed, step);
    }
    let found = observed.groups.get(&name).unwrap();
    assert_eq!(found.settings.max_size, Some(4));
    assert_eq!(found.tags.get("theirs").map(String::as_str), Some("stays"));
}

#[test]
fn subnets_in_another_order_are_no_difference() {
    let desired = inf2().desired();
    let mut observed = made(&desired);
    let found = observed.groups.get_mut(&first_group(&desired).name).unwrap();
    found.settings.vpc_zone_identifier = Some("subnet-1a1b2c3d,subnet-0a1b2c3d".into());
    assert_eq!(plan_once(&desired, &observed, Prune::Enabled).steps, []);
}

#[test]
fn associating_a_provider_keeps_the_default_strategy_and_what_others_have_associated() {
    let desired = inf2().desired();
    let mut observed = made(&desired);
    let strategy = vec![CapacityProviderStrategyItem { capacity_provider: "FARGATE".into(), weight: 1, base: 0 }];
    let found = observed.clusters.get_mut("ml").unwrap();
    found.capacity_providers = vec!["FARGATE".into(), "theirs".into()];
    found.default_strategy.clone_from(&strategy);
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    let [step] = plan.steps.as_slice() else { panic!("{plan:?}") };
    let Action::PutClusterCapacityProviders(request) = &step.action else { panic!("{step:?}") };
    let provider = first_group(&desired).provider.name;
    assert_eq!(request.capacity_providers, ["FARGATE".to_owned(), "theirs".to_owned(), provider]);
    assert_eq!(request.default_capacity_provider_strategy, strategy);
    observed.clusters.get_mut("ml").unwrap().attachments_status = Some("UPDATE_IN_PROGRESS".into());
    assert_eq!(plan_once(&desired, &observed, Prune::Enabled).steps, [], "one change of the list at a time");
}

#[test]
fn a_group_that_was_made_again_gets_another_provider_and_the_old_one_goes() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = made(&desired);
    observed.groups.get_mut(&group.name).unwrap().arn = "auto-scaling-group/again".into();
    let text = rounds(&preview_of(&desired, &observed, Prune::Enabled));
    let name = &group.provider.name;
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in:\n{text}"));
    let made = place(&format!("CreateCapacityProvider capacity provider {name}-2\n"));
    let gone = place(&format!("DeleteCapacityProvider capacity provider {name}\n"));
    assert!(
        made < place("UpdateService service ml/llama\n") && place("UpdateService service ml/llama\n") < gone,
        "{text}"
    );
}

#[test]
fn a_pool_goes_in_the_reverse_order_of_its_making() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let (name, provider) = (&group.name, &group.provider.name);
    let empty = Specs { clusters: vec![cluster("ml")], pools: Vec::new(), services: Vec::new() };
    let preview = preview_of(&empty.desired(), &made(&desired), Prune::Enabled);
    let text: Vec<String> =
        rounds(&preview).lines().filter(|l| !l.starts_with("Deregister") && *l != "--").map(str::to_owned).collect();
    assert_eq!(
        text,
        [
            "DeleteService service ml/llama".to_owned(),
            "PutClusterCapacityProviders cluster ml".to_owned(),
            format!("DeleteCapacityProvider capacity provider {provider}"),
            format!("DeleteAutoScalingGroup Auto Scaling group {name}"),
            format!("DeleteLaunchTemplate launch template {name}"),
        ]
    );
    let kept = plan_once(&empty.desired(), &made(&desired), Prune::Disabled);
    assert_eq!(kept.steps, []);
}

#[test]
fn a_type_that_leaves_the_pool_takes_its_group_along() {
    let both = on_groups(&["inf2.xlarge", "inf2.8xlarge"]).desired();
    let one = inf2().desired();
    let gone = both.pools["inf2"].groups().iter().find(|g| g.instance_type == "inf2.8xlarge").unwrap().name.clone();
    let text = rounds(&preview_of(&one, &made(&both), Prune::Enabled));
    assert!(text.contains(&format!("DeleteAutoScalingGroup Auto Scaling group {gone}\n")), "{text}");
    assert!(
        !text.contains(&format!("DeleteAutoScalingGroup Auto Scaling group {}\n", first_group(&one).name)),
        "{text}"
    );
}

#[test]
fn a_parameter_that_leads_nowhere_keeps_the_image_in_force_and_says_so() {
    let desired = inf2().desired();
    let evidence = "SSM parameter /x does not exist".to_owned();
    for (mut observed, ending) in [
        (made(&desired), "; ami-1 stays in force"),
        (empty_ec2(&desired), "; nothing is launched until `ami` leads to an image that can be"),
    ] {
        if observed.clusters.get("ml").is_none() {
            let create = plan_once(&desired, &observed, Prune::Enabled).steps.remove(0);
            axon_core::preview::assume(&mut observed, &create);
        }
        observed.images.insert(source(&desired), ImageAnswer::Dangling { evidence: evidence.clone() });
        let plan = plan_once(&desired, &observed, Prune::Enabled);
        assert!(!text(&plan.steps).contains("LaunchTemplate") && !text(&plan.steps).contains("AutoScalingGroup"));
        assert!(waits(&plan).contains(&format!("NeuronPool/inf2: {evidence}{ending}")), "{}", waits(&plan));
    }
}

#[test]
fn a_change_of_the_template_is_made_with_the_image_in_force_while_the_parameter_leads_nowhere() {
    let mut observed = made(&inf2().desired());
    let desired = edit_group(inf2(), "metadataHopLimit", json!(1)).desired();
    observed.images.insert(source(&desired), ImageAnswer::Dangling { evidence: "gone".into() });
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    let [step] = plan.steps.as_slice() else { panic!("{plan:?}") };
    let Action::CreateLaunchTemplateVersion(request) = &step.action else { panic!("{step:?}") };
    assert_eq!(request.launch_template_data.image_id.as_deref(), Some("ami-1"));
}

#[test]
fn an_image_that_is_deprecated_unavailable_or_for_another_architecture_is_refused() {
    let desired = inf2().desired();
    let bad = [
        (axon_core::observe::Image { deprecated: Some(NOW - 1.hour()), ..image("ami-2") }, "is deprecated since"),
        (axon_core::observe::Image { state: "deregistered".into(), ..image("ami-2") }, "is deregistered"),
        (axon_core::observe::Image { architecture: "arm64".into(), ..image("ami-2") }, "is made for arm64"),
    ];
    for (image, why) in bad {
        let mut observed = made(&desired);
        publish(&mut observed, &desired, image);
        let plan = plan_once(&desired, &observed, Prune::Enabled);
        assert_eq!(plan.steps, [], "{why}");
        let waits = waits(&plan);
        assert!(waits.contains(why) && waits.contains("ami-1 stays in force"), "{waits}");
    }
}

#[test]
fn a_pool_that_holds_its_image_takes_no_newer_one() {
    let desired = edit_group(inf2(), "rollout/policy", json!("Hold")).desired();
    let mut observed = made(&desired);
    publish(&mut observed, &desired, image("ami-2"));
    assert_eq!(plan_once(&desired, &observed, Prune::Enabled).steps, []);
}
