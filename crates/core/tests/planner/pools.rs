//! Capacity providers: in place where AWS allows it, under a new generation where it does not.

use axon_core::desired::DesiredCapacity;
use axon_core::observe::ProviderStatus;
use axon_core::plan::Prune;
use serde_json::json;

use super::fixture::{Specs, converge, converged, plan_once, preview_of, rounds, text, waits};

#[test]
fn a_changeable_field_updates_the_provider() {
    let changed = Specs::default().edit_pool("/spec/managedInstances/storageSizeGib", json!(200));
    let preview = preview_of(&changed.desired(), &converged(), Prune::Enabled);
    let name = changed.desired().pools["inf2"].providers()[0].name.clone();
    assert_eq!(rounds(&preview), format!("UpdateCapacityProvider capacity provider {name}\n"));
}

#[test]
fn a_requirement_that_leaves_the_specification_is_removed() {
    let with =
        Specs::default().edit_pool("/spec/managedInstances/instanceRequirements/acceleratorCount", json!({"min": 1}));
    let before = converge(&with.desired(), converged(), Prune::Enabled);
    let plan = plan_once(&Specs::default().desired(), &before, Prune::Enabled);
    assert!(text(&plan.steps).starts_with("UpdateCapacityProvider"), "{plan:?}");
}

#[test]
fn an_unchangeable_field_makes_a_new_provider_and_retires_the_old_one() {
    let spot = Specs::default().edit_pool("/spec/managedInstances/capacityOption", json!("Spot"));
    let old = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    let new = spot.desired().pools["inf2"].providers()[0].name.clone();
    assert_ne!(old, new);
    let preview = preview_of(&spot.desired(), &converged(), Prune::Disabled);
    assert_eq!(
        rounds(&preview),
        format!(
            "CreateCapacityProvider capacity provider {new}\n--\nUpdateService service ml/llama\n--\n\
             DeleteCapacityProvider capacity provider {old}\n"
        )
    );
    let after = converge(&spot.desired(), converged(), Prune::Disabled);
    assert!(plan_once(&spot.desired(), &after, Prune::Disabled).is_settled());
}

#[test]
fn a_provider_without_users_stays_until_the_one_that_takes_its_place_is_active() {
    let mut observed = converged();
    observed.services.get_mut("ml").unwrap().remove("llama");
    let spot = Specs { services: vec![], ..Specs::default() };
    let spot = spot.edit_pool("/spec/managedInstances/capacityOption", json!("Spot")).desired();
    let new = spot.pools["inf2"].providers()[0].name.clone();
    for round in ["it is not there", "it is being made"] {
        let plan = plan_once(&spot, &observed, Prune::Disabled);
        assert!(!text(&plan.steps).contains("DeleteCapacityProvider"), "{round}: {}", text(&plan.steps));
        for step in &plan.steps {
            axon_core::preview::assume(&mut observed, step);
        }
        if let Some(found) = observed.providers.get_mut("ml").unwrap().get_mut(&new) {
            found.status = ProviderStatus::Provisioning;
        }
    }
    let found = observed.providers.get_mut("ml").unwrap().get_mut(&new).unwrap();
    found.status = ProviderStatus::Active;
    let plan = plan_once(&spot, &observed, Prune::Disabled);
    assert!(text(&plan.steps).contains("DeleteCapacityProvider"), "{}", text(&plan.steps));
}

#[test]
fn a_provider_that_failed_is_deleted_and_made_again_under_another_name() {
    let mut observed = converged();
    let name = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    observed.services.get_mut("ml").unwrap().remove("llama");
    let found = observed.providers.get_mut("ml").unwrap().get_mut(&name).unwrap();
    found.status = ProviderStatus::Provisioning;
    found.update_status = Some("CREATE_FAILED".into());
    found.update_status_reason = Some("the role cannot be assumed".into());
    let preview = preview_of(&Specs::default().desired(), &observed, Prune::Disabled);
    let text = rounds(&preview);
    assert!(text.contains(&format!("CreateCapacityProvider capacity provider {name}-2")), "{text}");
    assert!(text.contains(&format!("DeleteCapacityProvider capacity provider {name}\n")), "{text}");
}

#[test]
fn a_deleted_provider_whose_name_is_still_blocked_is_replaced_under_the_next_name() {
    let mut observed = converged();
    let name = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    observed.providers.get_mut("ml").unwrap().get_mut(&name).unwrap().status = ProviderStatus::Inactive;
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Disabled);
    assert_eq!(text(&plan.steps), format!("CreateCapacityProvider capacity provider {name}-2\n"));
}

#[test]
fn a_service_waits_for_a_provider_that_is_being_made() {
    let mut observed = converged();
    let name = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    observed.services.get_mut("ml").unwrap().remove("llama");
    observed.providers.get_mut("ml").unwrap().get_mut(&name).unwrap().status = ProviderStatus::Provisioning;
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Disabled);
    assert_eq!(plan.steps, []);
    assert!(
        waits(&plan)
            .contains(&format!("NeuronService/llama: waits for capacity provider {name}, which is PROVISIONING"))
    );
}

#[test]
fn an_override_of_a_pool_is_written_as_create_capacity_provider_has_it() {
    let groups = json!({"securityGroups": ["sg-override"]});
    let template = json!({"networkConfiguration": groups, "storageConfiguration": {"storageSizeGiB": 250}});
    let given = json!({"capacityProvider": {"managedInstancesProvider": {"instanceLaunchTemplate": template}}});
    let desired = Specs::default().edit_pool("/spec/overrides", given).desired();
    let DesiredCapacity::Managed { document, .. } = &desired.pools["inf2"].capacity else {
        panic!("a pool of managed instances")
    };
    let made = serde_json::to_value(&document.instance_launch_template).unwrap();
    assert_eq!(made.pointer("/networkConfiguration/securityGroups"), Some(&json!(["sg-override"])));
    assert_eq!(made.pointer("/storageConfiguration/storageSizeGiB"), Some(&json!(250)));
    assert!(made.pointer("/networkConfiguration/subnets/0").is_some(), "what is not overridden stays");
}
