//! A fleet on Auto Scaling groups for planner tests, and readings of its machines. Nothing here decides anything.

use std::collections::BTreeMap;

use axon_core::desired::{Desired, DesiredGroup};
use axon_core::observe::{GroupMember, Image, ImageAnswer, ImageSource, Instance, Machine, Task};
use axon_core::observed::{History, Listing, Observed};
use axon_core::ownership::Tags;
use axon_core::plan::{Limits, Plan, Prune};
use axon_core::step::Step;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::fixture::{NOW, Specs, cluster, converge, empty_account, plan_with, service};

/// A cluster `ml`, a pool `inf2` of groups of some instance types and a service `llama` of two replicas.
pub(crate) fn on_groups(types: &[&str]) -> Specs {
    let pool = json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronPool", "metadata": {"name": "inf2"},
        "spec": {"cluster": "ml", "autoScalingGroup": {
            "instanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole",
            "subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"], "instanceTypes": types, "maxSize": 4,
            "rollout": {"policy": "Roll"}}}
    });
    Specs { clusters: vec![cluster("ml")], pools: vec![pool], services: vec![service("llama", "inf2")] }
}

/// Replicas of three devices each on instances of six, so that two sets of devices have an ECS service each.
pub(crate) fn on_halves() -> Specs {
    on_groups(&["inf2.24xlarge"])
        .edit_service("/spec/devices", json!(3))
        .edit_service("/spec/replicas", json!(4))
        .edit_service("/spec/deployment", json!({"minimumHealthyPercent": 50, "maximumPercent": 100}))
}

pub(crate) fn edit_group(specs: Specs, member: &str, value: Value) -> Specs {
    specs.edit_pool(&format!("/spec/autoScalingGroup/{member}"), value)
}

pub(crate) fn first_group(desired: &Desired) -> DesiredGroup {
    desired.pools["inf2"].groups()[0].clone()
}

pub(crate) fn source(desired: &Desired) -> ImageSource {
    first_group(desired).image
}

pub(crate) fn image(id: &str) -> Image {
    Image {
        id: id.into(),
        name: None,
        agent_version: None,
        created: None,
        deprecated: None,
        state: "available".into(),
        architecture: "x86_64".into(),
        root_device: None,
    }
}

/// What the source of the pool's image leads to from now on.
pub(crate) fn publish(observed: &mut Observed, desired: &Desired, image: Image) {
    observed.images.insert(source(desired), ImageAnswer::Found(image));
}

/// An account that was read, EC2 as well, and has nothing but the image `ami-1`.
pub(crate) fn empty_ec2(desired: &Desired) -> Observed {
    let mut observed = Observed {
        templates: Listing::Read(BTreeMap::default()),
        groups: Listing::Read(BTreeMap::default()),
        group_providers: Listing::Read(BTreeMap::default()),
        machines: Listing::Read(BTreeMap::default()),
        ..empty_account()
    };
    publish(&mut observed, desired, image("ami-1"));
    observed
}

/// The account after everything was made, with its tasks and instances read and none there.
pub(crate) fn made(desired: &Desired) -> Observed {
    let mut observed = converge(desired, empty_ec2(desired), Prune::Enabled);
    look(&mut observed);
    observed
}

/// Everything about services that a plan may ask for is read, and shows nothing special.
pub(crate) fn look(observed: &mut Observed) {
    observed.instances.entry("ml".into()).or_insert_with(|| Listing::Read(BTreeMap::default()));
    let keys: Vec<_> = observed.all_services().map(|found| (found.cluster.clone(), found.name.clone())).collect();
    for key in keys {
        observed.tasks.entry(key.clone()).or_default();
        observed.history.entry(key).or_insert(History { read: NOW, deployments: Vec::new() });
    }
}

/// Auto Scaling has launched an instance from a version of the template.
pub(crate) fn launch(observed: &mut Observed, group: &DesiredGroup, (id, version): (&str, i64), at: Timestamp) {
    let template = observed.templates.get(&group.name).map(|template| template.id.clone());
    let found = observed.groups.get_mut(&group.name).unwrap();
    found.members.push(GroupMember {
        id: id.into(),
        instance_type: Some(group.instance_type.clone()),
        zone: "us-east-1a".into(),
        lifecycle: "InService".into(),
        healthy: true,
        protected: true,
        template,
        template_version: Some(version.to_string()),
    });
    found.desired = found.desired.max(i32::try_from(found.members.len()).unwrap());
    let machine = Machine {
        id: id.into(),
        image: None,
        state: "running".into(),
        launched: Some(at),
        address: Some("10.0.0.7".into()),
        group: Some(group.name.clone()),
        tags: Tags::new(),
    };
    observed.machines.put(id.into(), machine);
}

/// The agent of an instance has registered.
pub(crate) fn register(observed: &mut Observed, group: &DesiredGroup, id: &str, at: Timestamp) {
    let arn = format!("container-instance/{id}");
    let instance = Instance {
        arn: arn.clone(),
        ec2_id: Some(id.into()),
        instance_type: Some(group.instance_type.clone()),
        availability_zone: Some("us-east-1a".into()),
        status: "ACTIVE".into(),
        provider: Some(group.provider.name.clone()),
        connected: true,
        image: None,
        agent_version: None,
        registered: Some(at),
        running_tasks: 0,
        pending_tasks: 0,
    };
    observed.instances.get_mut("ml").unwrap().put(arn, instance);
}

/// A task of `llama` runs on an instance.
pub(crate) fn run(observed: &mut Observed, id: &str, at: Timestamp) {
    let on = format!("container-instance/{id}");
    observed.instances.get_mut("ml").unwrap().get_mut(&on).unwrap().running_tasks += 1;
    let tasks = &mut observed.tasks.get_mut(&("ml".to_owned(), "llama".to_owned())).unwrap().tasks;
    tasks.push(task(&format!("task/{}", tasks.len()), &on, at));
}

pub(crate) fn task(arn: &str, on: &str, at: Timestamp) -> Task {
    Task {
        arn: arn.into(),
        task_definition: "task-definition/ml-llama:1".into(),
        last_status: "RUNNING".into(),
        desired_status: "RUNNING".into(),
        health: None,
        container_instance: Some(on.into()),
        availability_zone: None,
        created: Some(at),
        started: Some(at),
        stopped: None,
        stopped_reason: None,
        stop_code: None,
        containers: Vec::new(),
    }
}

/// The tasks of an instance have ended.
pub(crate) fn empty(observed: &mut Observed, id: &str) {
    let on = format!("container-instance/{id}");
    observed.instances.get_mut("ml").unwrap().get_mut(&on).unwrap().running_tasks = 0;
    let tasks = &mut observed.tasks.get_mut(&("ml".to_owned(), "llama".to_owned())).unwrap().tasks;
    tasks.retain(|task| task.container_instance.as_ref() != Some(&on));
}

/// `made`, with instances that have run for hours from version 1, a task on each.
pub(crate) fn busy(desired: &Desired, ids: &[&str]) -> Observed {
    let mut observed = idle(desired, ids);
    for id in ids {
        run(&mut observed, id, NOW - 5.hours());
    }
    observed
}

/// `made`, with instances that have run for hours from version 1 and have no task.
pub(crate) fn idle(desired: &Desired, ids: &[&str]) -> Observed {
    let mut observed = made(desired);
    let group = first_group(desired);
    for id in ids {
        launch(&mut observed, &group, (id, 1), NOW - 5.hours());
        register(&mut observed, &group, id, NOW - 5.hours());
    }
    observed
}

pub(crate) fn plan_at(desired: &Desired, observed: &Observed, now: Timestamp) -> Plan {
    plan_with(desired, observed, &Limits::fresh(now, Prune::Enabled))
}

/// Plans once and lets the steps have their effect.
pub(crate) fn go(desired: &Desired, observed: &mut Observed, now: Timestamp) -> Vec<Step> {
    let steps = plan_at(desired, observed, now).steps;
    for step in &steps {
        axon_core::preview::assume(observed, step);
    }
    steps
}
