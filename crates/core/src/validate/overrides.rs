//! Rules for members of AWS's requests that users add: known, of the right form, not Axon's to decide, and not refused by
//! Managed Instances.
//!
//! Neighbours: called by the rules of each kind; the tables are in `members`. Not here: devices (`devices`).

use serde_json::{Map, Value};

use crate::diagnostic::{Code, did_you_mean};
use crate::parse::escape;
use crate::spec::{ClusterOverrides, PoolSpec, ServiceOverrides, ServiceSpec};

use super::members::{self, Form};
use super::site::Site;
use super::subject::Subject;

/// A member that follows from the spec, and what decides it.
type Owned = (&'static str, &'static str);

/// Where the thing that a request makes runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Managed,
    Anywhere,
}

/// What may be said about one request or a part of it.
struct Rules {
    known: &'static [(&'static str, Form)],
    owned: &'static [Owned],
    refused: &'static [&'static str],
    /// Refused on Managed Instances, and taken on EC2 instances.
    on_managed: &'static [&'static str],
}

const TASK_DEFINITION: Rules = Rules {
    known: members::TASK_DEFINITION,
    owned: &[
        ("family", "the name of the object"),
        ("requiresCompatibilities", "the pool"),
        ("networkMode", "networking.mode"),
        ("placementConstraints", "the pool"),
        ("tags", "template.tags"),
        ("cpu", "template.cpu"),
        ("memory", "template.memory"),
    ],
    refused: &["ephemeralStorage", "inferenceAccelerators"],
    on_managed: &["ipcMode", "proxyConfiguration"],
};
const CONTAINER: Rules = Rules {
    known: members::CONTAINER,
    owned: &[],
    refused: &[],
    on_managed: &[
        "disableNetworking",
        "dnsSearchDomains",
        "dnsServers",
        "dockerSecurityOptions",
        "extraHosts",
        "hostname",
        "links",
    ],
};
const LINUX: Rules = Rules {
    known: members::LINUX,
    owned: &[],
    refused: &[],
    on_managed: &["maxSwap", "sharedMemorySize", "swappiness", "tmpfs"],
};
const VOLUME: Rules = Rules {
    known: members::VOLUME,
    owned: &[],
    refused: &["fsxWindowsFileServerVolumeConfiguration"],
    on_managed: &["dockerVolumeConfiguration"],
};
const SERVICE: Rules = Rules {
    known: members::SERVICE,
    owned: &[
        ("cluster", "the cluster of the pool"),
        ("service", "the name of the service"),
        ("serviceName", "the name of the service"),
        ("taskDefinition", "template"),
        ("desiredCount", "replicas"),
        ("clientToken", "Axon"),
        ("launchType", "the pool"),
        ("capacityProviderStrategy", "pool or pools"),
        ("placementConstraints", "the pool"),
        ("placementStrategy", "spread"),
        ("schedulingStrategy", "Axon"),
        ("deploymentController", "Axon"),
        ("forceNewDeployment", "Axon"),
        ("tags", "tags"),
    ],
    refused: &["platformVersion"],
    on_managed: &[],
};
const CLUSTER: Rules = Rules {
    known: members::CLUSTER,
    owned: &[
        ("cluster", "the name of the cluster"),
        ("clusterName", "the name of the cluster"),
        ("tags", "tags"),
        ("capacityProviders", "the pools"),
        ("defaultCapacityProviderStrategy", "the pools of each service"),
    ],
    refused: &[],
    on_managed: &[],
};
const CAPACITY_PROVIDER: Rules = Rules {
    known: members::CAPACITY_PROVIDER,
    owned: &[
        ("name", "the name of the pool"),
        ("cluster", "spec.cluster"),
        ("tags", "tags"),
        ("autoScalingGroupProvider", "autoScalingGroup"),
    ],
    refused: &[],
    on_managed: &[],
};
const MANAGED_INSTANCES: Rules = Rules { known: members::MANAGED_INSTANCES, owned: &[], refused: &[], on_managed: &[] };
const MANAGED_TEMPLATE: Rules = Rules { known: members::MANAGED_TEMPLATE, owned: &[], refused: &[], on_managed: &[] };
const LAUNCH_TEMPLATE: Rules = Rules {
    known: members::LAUNCH_TEMPLATE,
    owned: &[
        ("ImageId", "autoScalingGroup.ami"),
        ("InstanceType", "autoScalingGroup.instanceTypes"),
        ("IamInstanceProfile", "autoScalingGroup.instanceProfileArn"),
        ("UserData", "autoScalingGroup.userData, with Axon's settings of the ECS agent after it"),
        ("TagSpecifications", "tags"),
    ],
    refused: &[],
    on_managed: &[],
};
const AUTO_SCALING_GROUP: Rules = Rules {
    known: members::AUTO_SCALING_GROUP,
    owned: &[
        ("AutoScalingGroupName", "the name of the pool"),
        ("DesiredCapacity", "the tasks that ECS scales for"),
        ("LaunchTemplate", "autoScalingGroup.ami and the launch template"),
        ("MaxSize", "autoScalingGroup.maxSize"),
        ("MinSize", "autoScalingGroup.minSize"),
        ("MixedInstancesPolicy", "autoScalingGroup.capacityOption"),
        ("NewInstancesProtectedFromScaleIn", "Axon"),
        ("PlacementGroup", "autoScalingGroup.placementGroup"),
        ("Tags", "tags"),
        ("VPCZoneIdentifier", "autoScalingGroup.subnets"),
    ],
    refused: &[],
    on_managed: &[],
};

pub(super) fn cluster(subject: &mut Subject<'_>, overrides: &ClusterOverrides) {
    members(subject, &CLUSTER, &overrides.cluster.0, Place::Anywhere, "/spec/overrides/cluster");
}

pub(super) fn pool(subject: &mut Subject<'_>, spec: &PoolSpec) {
    of_groups(subject, spec);
    let at = "/spec/overrides/capacityProvider";
    let given = &spec.overrides.capacity_provider;
    if spec.managed_instances.is_none() && !given.is_empty() {
        let message = "the members of an Auto Scaling group's provider all follow from autoScalingGroup";
        subject.report(Code::RefusedMember, at, message, "Remove them; see `scaling`.");
        return;
    }
    members(subject, &CAPACITY_PROVIDER, &given.0, Place::Managed, at);
    let Some(Value::Object(provider)) = given.get("managedInstancesProvider") else { return };
    let at = format!("{at}/managedInstancesProvider");
    members(subject, &MANAGED_INSTANCES, provider, Place::Managed, &at);
    if let Some(Value::Object(template)) = provider.get("instanceLaunchTemplate") {
        members(subject, &MANAGED_TEMPLATE, template, Place::Managed, &format!("{at}/instanceLaunchTemplate"));
    }
}

/// The launch template and the group behind a pool that has groups of its own.
fn of_groups(subject: &mut Subject<'_>, spec: &PoolSpec) {
    let given = [
        ("/spec/overrides/launchTemplate", &LAUNCH_TEMPLATE, &spec.overrides.launch_template),
        ("/spec/overrides/autoScalingGroup", &AUTO_SCALING_GROUP, &spec.overrides.auto_scaling_group),
    ];
    for (at, rules, given) in given {
        if spec.auto_scaling_group.is_none() && !given.is_empty() {
            let message = "a pool of Managed Instances has no launch template and no Auto Scaling group";
            subject.report(Code::RefusedMember, at, message, "Remove them, or use autoScalingGroup.");
        } else {
            members(subject, rules, &given.0, Place::Anywhere, at);
        }
    }
}

pub(super) fn service(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>) {
    let ServiceOverrides { task_definition, service } = &spec.overrides;
    let place = if site.on_managed() { Place::Managed } else { Place::Anywhere };
    members(subject, &SERVICE, &service.0, place, "/spec/overrides/service");
    let at = "/spec/overrides/taskDefinition";
    members(subject, &TASK_DEFINITION, &task_definition.0, place, at);
    if let Some(Value::Array(containers)) = task_definition.get("containerDefinitions") {
        for (index, container) in containers.iter().enumerate() {
            one_container(subject, spec, container, place, &format!("{at}/containerDefinitions/{index}"));
        }
    }
    let volumes = task_definition.get("volumes").and_then(Value::as_array);
    for (index, volume) in volumes.into_iter().flatten().enumerate() {
        if let Value::Object(volume) = volume {
            members(subject, &VOLUME, volume, place, &format!("{at}/volumes/{index}"));
        }
    }
}

fn one_container(subject: &mut Subject<'_>, spec: &ServiceSpec, container: &Value, place: Place, at: &str) {
    let Value::Object(container) = container else {
        let message = "an entry of containerDefinitions is not a mapping";
        subject.report(Code::OverrideShape, at, message, "Write `- name: …` and its members.");
        return;
    };
    let names: Vec<&str> = spec.template.containers.iter().map(|container| container.name.as_str()).collect();
    let name = container.get("name").and_then(Value::as_str);
    if !name.is_some_and(|name| names.contains(&name)) {
        let shown = name.map_or_else(|| "an entry without a name".to_owned(), |name| format!("the container {name:?}"));
        let help = format!("The template's containers are {}; add new ones there.", names.join(", "));
        subject.report(Code::OverrideContainer, at, format!("{shown} is not in the template"), help);
    }
    members(subject, &CONTAINER, container, place, at);
    if let Some(Value::Object(linux)) = container.get("linuxParameters") {
        members(subject, &LINUX, linux, place, &format!("{at}/linuxParameters"));
    }
}

fn members(subject: &mut Subject<'_>, rules: &Rules, given: &Map<String, Value>, place: Place, at: &str) {
    for (name, value) in given {
        let at = format!("{at}/{}", escape(name));
        let Some((_, form)) = rules.known.iter().find(|(known, _)| known == name) else {
            let help = did_you_mean(name, rules.known.iter().map(|(known, _)| *known));
            let message = format!("AWS's request has no member {name:?}");
            let help = help.unwrap_or_else(|| "Members are spelled as in AWS's API.".to_owned());
            subject.report(Code::UnknownMember, &at, message, help);
            continue;
        };
        if let Some((_, owner)) = rules.owned.iter().find(|(owned, _)| owned == name) {
            let message = format!("{name} is not for overrides; it follows from {owner}");
            subject.report(Code::OwnedMember, &at, message, "Remove it.");
        } else if rules.refused.contains(&name.as_str()) {
            let message = format!("{name} is for Fargate or for what no Neuron instance has");
            subject.report(Code::RefusedMember, &at, message, "Remove it.");
        } else if place == Place::Managed && rules.on_managed.contains(&name.as_str()) {
            let message = format!("{name} cannot be used on Managed Instances");
            subject.report(Code::RefusedMember, &at, message, "Remove it.");
        }
        if !has_form(value, *form) {
            let message = format!("{name} has the wrong form; {} is expected", described(*form));
            subject.report(Code::OverrideShape, &at, message, "Write it as AWS's API has it.");
        }
    }
}

/// True if a value has a form; `null`, which removes a member, has any.
fn has_form(value: &Value, form: Form) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => form == Form::Truth,
        Value::Number(_) => form == Form::Number,
        Value::String(_) => form == Form::Text,
        Value::Array(_) => form == Form::List,
        Value::Object(_) => form == Form::Map,
    }
}

fn described(form: Form) -> &'static str {
    match form {
        Form::List => "a list",
        Form::Map => "a mapping",
        Form::Text => "a text",
        Form::Number => "a number",
        Form::Truth => "true or false",
    }
}
