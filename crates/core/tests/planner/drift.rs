//! What people and other tools change by hand is found and brought back; what belongs to others is left alone.

use axon_core::ownership;
use axon_core::plan::Prune;
use axon_core::step::{Action, Cause};
use serde_json::json;

use super::fixture::{Specs, converge, converged, empty_account, llama, plan_once, text};

#[test]
fn a_desired_count_changed_by_hand_is_brought_back() {
    let mut observed = converged();
    llama(&mut observed).settings.desired_count = Some(7);
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "UpdateService service ml/llama\n");
    let Cause::Field(change) = &plan.steps[0].because[0] else { panic!("{plan:?}") };
    assert_eq!((change.path.as_str(), &change.from, &change.to), ("desiredCount", &Some(json!(7)), &Some(json!(2))));
}

#[test]
fn without_replicas_the_desired_count_belongs_to_someone_else() {
    let specs = Specs::default().edit_service("/spec/replicas", json!(null));
    let mut observed = converge(&specs.desired(), empty_account(), Prune::Enabled);
    assert_eq!(llama(&mut observed).settings.desired_count, Some(1));
    llama(&mut observed).settings.desired_count = Some(40);
    assert!(plan_once(&specs.desired(), &observed, Prune::Enabled).is_settled());
    let changed = specs.edit_service("/spec/executeCommand", json!(true)).desired();
    let preview = super::fixture::preview_of(&changed, &observed, Prune::Enabled);
    let update = preview.steps().find_map(|step| match &step.action {
        Action::UpdateService(request) => Some(request),
        _ => None,
    });
    assert_eq!(update.unwrap().desired_count, None);
}

#[test]
fn a_deregistered_revision_is_registered_anew_and_deployed() {
    let mut observed = converged();
    let arn = llama(&mut observed).settings.task_definition.clone().unwrap();
    observed.task_definitions.remove(&arn);
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "RegisterTaskDefinition task definition ml-llama\n");
}

#[test]
fn a_changed_tag_is_brought_back_and_a_stranger_s_tag_stays() {
    let mut observed = converged();
    let tags = &mut llama(&mut observed).tags;
    tags.insert("team".into(), "other".into());
    tags.insert("cost-center".into(), "42".into());
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    let Action::TagResource { tags, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert_eq!(tags.get("team").map(String::as_str), Some("nlp"));
    assert_eq!(tags.get("cost-center"), None);
    assert_eq!(tags.get(ownership::PUSHED_AFTER), None, "a repaired tag must not hide a failed deployment");
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn a_tag_that_leaves_the_specification_is_removed() {
    let specs = Specs::default().edit_service("/metadata/labels", json!({}));
    let preview = super::fixture::preview_of(&specs.desired(), &converged(), Prune::Enabled);
    let removed = preview.steps().find_map(|step| match &step.action {
        Action::UntagResource { keys, arn } if arn.starts_with("service/") => Some(keys.clone()),
        _ => None,
    });
    assert_eq!(removed, Some(vec!["team".to_owned(), ownership::TAG_KEYS.to_owned()]));
}

#[test]
fn a_tag_that_leaves_others_behind_is_removed_too() {
    let before = Specs::default().edit_service("/metadata/labels", json!({"team": "nlp", "cost": "42"})).desired();
    let observed = converge(&before, empty_account(), Prune::Enabled);
    let mut after = converge(&Specs::default().desired(), observed, Prune::Enabled);
    assert_eq!(llama(&mut after).tags.get("cost"), None);
    assert_eq!(llama(&mut after).tags[ownership::TAG_KEYS], "team");
}

#[test]
fn a_deleted_service_is_created_again() {
    let mut observed = converged();
    observed.services.get_mut("ml").unwrap().remove("llama");
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "CreateService service ml/llama\n");
}

#[test]
fn what_aws_fills_in_is_no_drift() {
    let mut observed = converged();
    let service = llama(&mut observed);
    service.settings.placement_strategy = Some(Vec::new());
    service.settings.health_check_grace_period_seconds = Some(0);
    let configuration = service.settings.deployment_configuration.as_mut().unwrap();
    configuration.alarms =
        Some(serde_json::from_value(json!({"alarmNames": [], "enable": false, "rollback": false})).unwrap());
    configuration.bake_time_in_minutes = Some(0);
    assert!(plan_once(&Specs::default().desired(), &observed, Prune::Enabled).is_settled());
}

#[test]
fn old_revisions_are_kept_as_deep_as_asked() {
    let version = |number: u32| {
        Specs::default()
            .edit_service("/spec/revisionHistoryLimit", json!(2))
            .edit_service("/spec/template/containers/0/image", json!(format!("vllm:{number}")))
            .desired()
    };
    let mut observed = empty_account();
    for number in 1..=6 {
        observed = converge(&version(number), observed, Prune::Disabled);
    }
    let kept: Vec<i32> = observed.task_definitions.iter().map(|found| found.revision).collect();
    assert_eq!(kept, [4, 5, 6]);
}
