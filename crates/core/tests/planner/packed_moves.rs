//! Packed services that change their devices, their pool, or fail: what their ECS services do meanwhile.

use axon_core::observe::{Deployment, DeploymentResult, PastDeployment, Rollout, Service, ServiceTasks, Task};
use axon_core::observed::{History, Observed};
use axon_core::ownership::DEVICES;
use axon_core::plan::Prune;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::fixture::{NOW, Specs, converge, empty_ec2_account, group_pool, grouped, plan_once, pool, set, text, waits};
use super::group_fixture::{idle, look, on_groups, task};
use super::miniature::Miniature;

/// Four replicas with three of six devices each: two on an instance.
fn halves() -> Specs {
    grouped().edit_service("/spec/devices", json!(3)).edit_service("/spec/replicas", json!(4))
}

fn with_image(image: &str) -> Specs {
    halves().edit_service("/spec/template/containers/0/image", json!(image))
}

fn installed(specs: &Specs) -> Observed {
    converge(&specs.desired(), empty_ec2_account(), Prune::Enabled)
}

/// Name and desired count of every ECS service.
fn counts(observed: &Observed) -> Vec<(String, i32)> {
    observed.all_services().map(|found| (found.name.clone(), found.settings.desired_count.unwrap())).collect()
}

#[test]
fn another_number_of_devices_is_reached_within_the_budget() {
    let specs = halves().edit_service("/spec/deployment", json!({"minimumHealthyPercent": 50, "maximumPercent": 100}));
    let mut mini = Miniature::running(specs);
    assert_eq!(mini.running_tasks(), 4);
    set(&mut mini.specs.services[0], "/spec/devices", json!(6));
    let (mut fewest, mut most) = (4, 4);
    for _ in 0..40 {
        mini.pass();
        let asked: i32 = counts(&mini.observed).iter().map(|(_, count)| count).sum();
        fewest = fewest.min(mini.running_tasks());
        most = most.max(asked);
    }
    assert_eq!(counts(&mini.observed), [("llama".to_owned(), 4)], "{}", mini.log);
    assert_eq!(mini.running_tasks(), 4);
    assert!(fewest >= 2, "half of four stay: {fewest}\n{}", mini.log);
    assert_eq!(most, 4, "never more than are wanted: {most}\n{}", mini.log);
}

#[test]
fn replicas_follow_the_specification_up_and_down() {
    let mut mini = Miniature::running(halves());
    for wanted in [7, 2, 8, 1] {
        set(&mut mini.specs.services[0], "/spec/replicas", json!(wanted));
        mini.until(|mini| mini.running_tasks() == wanted && mini.plan().is_settled());
    }
}

#[test]
fn an_ecs_service_goes_only_when_those_that_take_its_place_are_there() {
    let specs = halves().edit_service("/spec/deployment", json!({"minimumHealthyPercent": 0, "maximumPercent": 200}));
    let mut observed = installed(&specs);
    let whole = specs.edit_service("/spec/devices", json!(6)).desired();
    for expected in ["RegisterTaskDefinition task definition ml-llama\n", "CreateService service ml/llama\n"] {
        let steps = plan_once(&whole, &observed, Prune::Enabled).steps;
        assert_eq!(text(&steps), expected);
        for step in &steps {
            axon_core::preview::assume(&mut observed, step);
        }
    }
    let end = converge(&whole, observed, Prune::Enabled);
    assert_eq!(counts(&end), [("llama".to_owned(), 4)]);
}

/// The one task of an ECS service has run since then.
fn runs(observed: &mut Observed, name: &str, since: Timestamp, health: &str) {
    runs_on(observed, (name, "i-1"), since, health);
}

fn runs_on(observed: &mut Observed, (name, machine): (&str, &str), since: Timestamp, health: &str) {
    let arn = format!("container-instance/{machine}");
    let found = observed.services.get_mut("ml").unwrap().get_mut(name).unwrap();
    found.running = 1;
    let task_definition = found.settings.task_definition.clone().unwrap();
    let task = Task { task_definition, health: Some(health.to_owned()), ..task(name, &arn, since) };
    let key = ("ml".to_owned(), name.to_owned());
    observed.tasks.insert(key.clone(), ServiceTasks { tasks: vec![task], ..ServiceTasks::default() });
    observed.tasks_read.insert(key, NOW);
}

#[test]
fn an_ecs_service_of_another_layout_stays_while_it_may_be_the_one_that_another_process_keeps() {
    let specs = halves().edit_service("/spec/replicas", json!(1));
    let mut observed = installed(&specs);
    let (desired, made) = (specs.desired(), observed.services["ml"].get("llama-n0-2").unwrap().clone());
    let mut other = Service { name: "llama-n1-3".to_owned(), running: 0, ..made };
    other.tags.insert(DEVICES.to_owned(), "1-3".to_owned());
    let deleted = "DeleteService service ml/llama-n1-3\n";
    for (age, steps) in [(30, ""), (150, deleted), (-3_600, deleted)] {
        other.deployments = vec![Deployment {
            id: "ecs-svc/1".into(),
            primary: true,
            task_definition: other.settings.task_definition.clone().unwrap(),
            desired: 1,
            running: 0,
            pending: 0,
            failed: 0,
            rollout: Rollout::InProgress,
            reason: None,
            created: Some(NOW - age.seconds()),
        }];
        observed.services.get_mut("ml").unwrap().put(other.name.clone(), other.clone());
        let plan = plan_once(&desired, &observed, Prune::Enabled);
        assert_eq!(text(&plan.steps), steps, "deployed {age} seconds ago: {}", waits(&plan));
    }
}

#[test]
fn the_next_ecs_service_is_deployed_when_the_one_before_it_is_healthy() {
    let percentages = json!({"minimumHealthyPercent": 50, "maximumPercent": 100});
    let specs = halves().edit_service("/spec/replicas", json!(2)).edit_service("/spec/deployment", percentages);
    let mut observed = installed(&specs);
    let names: Vec<String> = counts(&observed).into_iter().map(|(name, _)| name).collect();
    for name in &names {
        runs(&mut observed, name, NOW - 3600.seconds(), "UNKNOWN");
    }
    let changed = specs.edit_service("/spec/template/containers/0/image", json!("vllm:2")).desired();
    for expected in ["RegisterTaskDefinition", "TagResource service ml/llama-n0", "UpdateService service ml/llama-n0"] {
        look(&mut observed);
        let steps = plan_once(&changed, &observed, Prune::Enabled).steps;
        assert!(text(&steps).contains(expected), "{}", text(&steps));
        for step in &steps {
            axon_core::preview::assume(&mut observed, step);
        }
    }
    // ECS no longer shows a deployment whose last task has stopped.
    for (age, deploys) in [(5, false), (39, false), (41, true)] {
        runs(&mut observed, &names[0], NOW - age.seconds(), "UNKNOWN");
        let plan = plan_once(&changed, &observed, Prune::Enabled);
        assert_eq!(text(&plan.steps).contains(&names[1]), deploys, "after {age} s: {}", text(&plan.steps));
        let why = "waits for its turn: 2 replicas are available, 1 of them healthy, and 1 must be";
        assert_eq!(waits(&plan).contains(why), !deploys, "after {age} s: {}", waits(&plan));
    }
}

#[test]
fn a_task_that_ecs_may_count_by_now_does_not_go_for_a_younger_one() {
    let specs = halves().edit_service("/spec/replicas", json!(1));
    let mut observed = installed(&specs);
    let moved = specs.edit_service("/spec/devices", json!(6)).desired();
    for _ in ["RegisterTaskDefinition", "CreateService"] {
        for step in &plan_once(&moved, &observed, Prune::Enabled).steps {
            axon_core::preview::assume(&mut observed, step);
        }
    }
    // By the second in which it is deleted, ECS has stopped the one on a drained instance for it.
    runs(&mut observed, "llama-n0-2", NOW - 39.seconds(), "UNKNOWN");
    runs(&mut observed, "llama", NOW - 38.seconds(), "UNKNOWN");
    let plan = plan_once(&moved, &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "", "{}", waits(&plan));
    runs(&mut observed, "llama", NOW - 1.minute(), "UNKNOWN");
    assert_eq!(text(&plan_once(&moved, &observed, Prune::Enabled).steps), "DeleteService service ml/llama-n0-2\n");
}

#[test]
fn a_replica_that_moves_and_gets_a_health_check_stays_until_the_new_one_has_passed_it() {
    let specs = halves().edit_service("/spec/replicas", json!(1));
    let mut observed = installed(&specs);
    let check = json!({"command": ["CMD-SHELL", "curl -f http://localhost:8080/health"]});
    let moved = specs
        .edit_service("/spec/devices", json!(6))
        .edit_service("/spec/template/containers/0/healthCheck", check)
        .desired();
    runs(&mut observed, "llama-n0-2", NOW - 1.hour(), "UNKNOWN");
    for _ in ["RegisterTaskDefinition", "CreateService"] {
        for step in &plan_once(&moved, &observed, Prune::Enabled).steps {
            axon_core::preview::assume(&mut observed, step);
        }
    }
    // Without a check it would be healthy by now.
    runs(&mut observed, "llama", NOW - 2.minutes(), "UNKNOWN");
    assert_eq!(text(&plan_once(&moved, &observed, Prune::Enabled).steps), "");
    runs(&mut observed, "llama", NOW - 2.minutes(), "HEALTHY");
    let steps = text(&plan_once(&moved, &observed, Prune::Enabled).steps);
    assert!(steps.contains("DeleteService service ml/llama-n0-2"), "{steps}");
}

#[test]
fn one_ecs_service_that_was_rolled_back_halts_the_others() {
    let (good, bad) = (halves(), with_image("vllm:bad"));
    let before = installed(&good);
    let mut observed = converge(&bad.desired(), before.clone(), Prune::Enabled);
    for name in ["llama-n0-2", "llama-n3-5"] {
        let old = before.services["ml"].get(name).unwrap();
        let found = observed.services.get_mut("ml").unwrap().get_mut(name).unwrap();
        found.settings.task_definition.clone_from(&old.settings.task_definition);
        if name == "llama-n3-5" {
            found.tags.clone_from(&old.tags);
        }
    }
    let past = PastDeployment {
        arn: "service-deployment/1".into(),
        result: DeploymentResult::RolledBack,
        reason: Some("tasks failed to start".into()),
        created: Some(NOW + 1.minute()),
    };
    let key = ("ml".to_owned(), "llama-n0-2".to_owned());
    observed.history.insert(key, History { read: NOW, deployments: vec![past] });
    let plan = plan_once(&bad.desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "");
    assert!(waits(&plan).contains("ECS rolled this specification back: tasks failed to start"), "{}", waits(&plan));
    let fixed = with_image("vllm:3").desired();
    observed.history.clear();
    let after = converge(&fixed, observed, Prune::Enabled);
    let plan = plan_once(&fixed, &after, Prune::Enabled);
    assert!(plan.is_settled(), "{}{}", text(&plan.steps), waits(&plan));
}

#[test]
fn a_deployment_that_stops_nothing_may_repair_what_is_down() {
    // One of the two ECS services cannot run; the other is up and gets the fix without losing a task.
    let mut observed = installed(&halves());
    observed.services.get_mut("ml").unwrap().get_mut("llama-n3-5").unwrap().running = 0;
    let newer = with_image("vllm:2").desired();
    for step in plan_once(&newer, &observed, Prune::Enabled).steps {
        axon_core::preview::assume(&mut observed, &step);
    }
    let plan = plan_once(&newer, &observed, Prune::Enabled);
    let steps = text(&plan.steps);
    assert!(steps.contains("llama-n0-2") && steps.contains("llama-n3-5"), "{steps}{}", waits(&plan));
}

#[test]
fn a_plain_service_moves_to_a_group_and_back() {
    let both = |on: &str| {
        let mut specs = grouped().edit_service("/spec/pool", json!(on));
        specs.pools.push(pool("inf2", "ml"));
        specs
    };
    let plain = installed(&both("inf2"));
    assert_eq!(counts(&plain), [("llama".to_owned(), 2)]);
    for devices in [json!(3), json!("all")] {
        let packed = both("neuron").edit_service("/spec/devices", devices);
        let moved = converge(&packed.desired(), plain.clone(), Prune::Disabled);
        assert_eq!(counts(&moved).iter().map(|(_, count)| count).sum::<i32>(), 2, "{:?}", counts(&moved));
        assert!(moved.all_services().all(|found| found.tags.contains_key(DEVICES)));
        let back = converge(&both("inf2").desired(), moved, Prune::Disabled);
        assert_eq!(counts(&back), counts(&plain));
        assert!(back.all_services().all(|found| !found.tags.contains_key(DEVICES)), "ECS chooses the devices again");
        assert!(plan_once(&both("inf2").desired(), &back, Prune::Disabled).is_settled());
    }
}

#[test]
fn services_of_another_pool_do_not_count() {
    let mut specs = halves();
    specs.pools.push(group_pool("second", "ml"));
    let mut other = specs.services[0].clone();
    set(&mut other, "/metadata/name", json!("other"));
    set(&mut other, "/spec/pool", json!("second"));
    set(&mut other, "/spec/replicas", json!(8));
    specs.services.push(other);
    let plan = plan_once(&specs.desired(), &installed(&specs), Prune::Enabled);
    assert!(plan.is_settled(), "{}", waits(&plan));
    let rows = &plan.allocation.pools["neuron"][0].layout.rows;
    assert_eq!(rows.len(), 2, "{rows:?}");
}

fn on_types(types: &[&str]) -> Specs {
    grouped().edit_pool("/spec/autoScalingGroup/instanceTypes", json!(types))
}

#[test]
fn replicas_on_a_type_that_no_longer_gives_their_devices_go_to_one_that_does() {
    // Eight of sixteen devices are a run on either type; thirteen are one on inf1 only.
    let two = on_types(&["trn1.32xlarge", "inf1.24xlarge"]).edit_service("/spec/replicas", json!(3));
    let before = installed(&two.edit_service("/spec/devices", json!(8)));
    assert!(before.all_services().all(|found| found.name.contains("trn1-32xlarge")), "{:?}", counts(&before));
    let two = on_types(&["trn1.32xlarge", "inf1.24xlarge"]).edit_service("/spec/replicas", json!(3));
    let desired = two.edit_service("/spec/devices", json!(13)).desired();
    let after = converge(&desired, before, Prune::Enabled);
    assert_eq!(counts(&after).iter().map(|(_, count)| count).sum::<i32>(), 3, "{:?}", counts(&after));
    let plan = plan_once(&desired, &after, Prune::Enabled);
    assert!(plan.is_settled(), "{}", waits(&plan));
}

#[test]
fn replicas_that_lose_their_place_on_a_later_type_go_back_to_an_earlier_one() {
    let sized = |most: u32, memory: u32| {
        let specs = on_types(&["inf2.48xlarge", "inf2.24xlarge"]).edit_service("/spec/replicas", json!(3));
        specs
            .edit_pool("/spec/autoScalingGroup/maxSize", json!(most))
            .edit_service("/spec/devices", json!(6))
            .edit_service("/spec/template/memory", json!(memory))
    };
    let before = installed(&sized(1, 8192));
    let small = |observed: &Observed| -> i32 {
        counts(observed).iter().filter(|(name, _)| name.contains("24xlarge")).map(|(_, count)| count).sum()
    };
    assert_eq!(small(&before), 1, "one large instance has room for two: {:?}", counts(&before));
    // A small instance has too little memory now, and there may be more large ones.
    let desired = sized(4, 392_000).desired();
    let after = converge(&desired, before, Prune::Enabled);
    let plan = plan_once(&desired, &after, Prune::Enabled);
    assert!(plan.is_settled(), "{}", waits(&plan));
    assert_eq!(counts(&after).iter().map(|(_, count)| count).sum::<i32>(), 3, "{:?}", counts(&after));
    assert_eq!(small(&after), 0, "{:?}", counts(&after));
}

#[test]
fn what_a_full_group_drains_finds_its_place_on_the_instances_that_stay() {
    let mut specs = on_groups(&["inf2.24xlarge"]).edit_service("/spec/replicas", json!(1));
    set(&mut specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(2));
    let mut small = specs.services[0].clone();
    set(&mut small, "/metadata/name", json!("small"));
    set(&mut small, "/spec/devices", json!(1));
    specs.services.push(small);
    let desired = specs.edit_service("/spec/devices", json!(4)).desired();
    let mut observed = idle(&desired, &["i-1", "i-2"]);
    // In the middle of the six devices of the instance that stays: beside it are two runs of less than four.
    let services = observed.services.get_mut("ml").unwrap();
    let mut moved = services.get("small-n4").unwrap().clone();
    moved.tags.insert(DEVICES.to_owned(), "2".to_owned());
    moved.name = "small-n2".to_owned();
    services.remove("small-n4");
    services.put("small-n2".to_owned(), moved);
    runs(&mut observed, "small-n2", NOW - 1.hour(), "HEALTHY");
    runs_on(&mut observed, ("llama-n0-3", "i-2"), NOW - 1.hour(), "HEALTHY");
    let drained = observed.instances.get_mut("ml").unwrap().get_mut("container-instance/i-2").unwrap();
    (drained.status, drained.running_tasks) = ("DRAINING".to_owned(), 1);
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    let rows = &plan.allocation.pools["inf2"][0].layout.rows;
    let instances: Vec<_> = rows.iter().map(|row| row.instance.as_deref()).collect();
    assert_eq!(
        instances,
        [Some("i-1")],
        "no third instance is launched as long as the drained one has tasks: {rows:?}"
    );
}
