//! Clusters, services and providers as ECS describes them. Neighbours: the operations that return them. Reads only.

use serde_json::{Value, json};

use super::{connect, group_provider, revised};
use crate::{
    state::{Backing, Deployment, Provider, Service, Task},
    wire::value::{Read, array, fill, put, put_some, stamp},
    world::World,
};

/// Every `include` of DescribeClusters; the creating operations return all of them.
pub(crate) const EVERYTHING: [&str; 5] = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];

pub(crate) fn cluster(world: &World, name: &str, include: &[&str]) -> Value {
    let Some(cluster) = world.state.clusters.get(name) else { return Value::Null };
    let tasks: Vec<&Task> = world.state.tasks.values().filter(|t| t.cluster == name && t.live()).collect();
    let running = tasks.iter().filter(|t| t.status == "RUNNING").count();
    let pending = tasks.iter().filter(|t| starting(t.status)).count();
    let active = |s: &&Service| s.cluster == name && s.status == "ACTIVE";
    let services = world.state.services.values().filter(active).count();
    let registered = |i: &&crate::state::Instance| i.cluster == name && i.registered();
    let managed = world.state.providers.values().filter(|p| p.belongs_to(name) && p.status != "INACTIVE");
    let names: Vec<String> = cluster.providers.iter().cloned().chain(managed.map(|p| p.name.clone())).collect();
    let mut out = json!({
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": world.state.instances.values().filter(registered).count(),
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": services,
        "statistics": [],
        "tags": [],
        "settings": [],
        "capacityProviders": names,
        "defaultCapacityProviderStrategy": cluster.strategy,
    });
    put_some(&mut out, "serviceConnectDefaults", cluster.namespace.as_ref().map(|n| json!({"namespace": n})));
    if include.contains(&"TAGS") {
        put(&mut out, "tags", cluster.tags.clone());
    }
    if include.contains(&"SETTINGS") {
        put(&mut out, "settings", cluster.settings.clone());
    }
    if include.contains(&"CONFIGURATIONS") {
        put_some(&mut out, "configuration", cluster.configuration.clone());
    }
    if include.contains(&"STATISTICS") {
        let draining = world.state.services.values().filter(|s| s.cluster == name && s.status == "DRAINING").count();
        put(&mut out, "statistics", statistics([running, pending, services, draining]));
    }
    if include.contains(&"ATTACHMENTS") {
        put(&mut out, "attachments", group_provider::attachments(world, cluster));
        put_some(&mut out, "attachmentsStatus", cluster.attachments_status);
    }
    out
}

/// The eight that the API reference names. Nothing runs on Fargate.
fn statistics(on_ec2: [usize; 4]) -> Value {
    let names = ["running{}TasksCount", "pending{}TasksCount", "active{}ServiceCount", "draining{}ServiceCount"];
    let rows = names.iter().zip(on_ec2).flat_map(|(name, count)| [(name, "EC2", count), (name, "Fargate", 0)]);
    array(rows.map(|(name, on, count)| json!({"name": name.replace("{}", on), "value": count.to_string()})))
}

/// Counted as pending by ECS: on the way to RUNNING.
pub(crate) fn starting(status: &str) -> bool {
    matches!(status, "PROVISIONING" | "PENDING" | "ACTIVATING")
}

pub(crate) fn provider(provider: &Provider, include: &[&str]) -> Value {
    let mut out = json!({
        "capacityProviderArn": provider.arn,
        "name": provider.name,
        "status": provider.status,
        "updateStatus": provider.update_status,
        "tags": [],
    });
    let (member, kind) = match &provider.backing {
        Backing::ManagedInstances { cluster } => {
            put(&mut out, "cluster", cluster.clone());
            ("managedInstancesProvider", "MANAGED_INSTANCES")
        }
        Backing::Group { .. } => ("autoScalingGroupProvider", "EC2_AUTOSCALING"),
    };
    put(&mut out, member, provider.document.clone());
    put(&mut out, "type", kind);
    put_some(&mut out, "updateStatusReason", provider.reason.clone());
    if include.contains(&"TAGS") {
        put(&mut out, "tags", provider.tags.clone());
    }
    out
}

pub(crate) fn fargate_provider(world: &World, name: &str) -> Value {
    json!({
        "capacityProviderArn": world.arn(&format!("capacity-provider/{name}")),
        "name": name,
        "status": "ACTIVE",
        "tags": [],
        "type": name,
    })
}

struct Counts {
    running: usize,
    pending: usize,
}

fn counts(world: &World, service: &Service, deployment: Option<&str>) -> Counts {
    let mut counts = Counts { running: 0, pending: 0 };
    for task in world.state.tasks_of(&service.key()) {
        if deployment.is_some_and(|d| task.deployment.as_deref() != Some(d)) {
            continue;
        }
        if task.status == "RUNNING" {
            counts.running += 1;
        } else if starting(task.status) && task.desired == "RUNNING" {
            counts.pending += 1;
        }
    }
    counts
}

fn deployment(world: &World, service: &Service, deployment: &Deployment, status: &str) -> Value {
    let counts = counts(world, service, Some(&deployment.id));
    let wanted = |t: &&Task| t.deployment.as_ref() == Some(&deployment.id) && t.wanted();
    let desired = match status {
        "PRIMARY" if service.status == "ACTIVE" => service.desired,
        _ => i64::try_from(world.state.tasks_of(&service.key()).filter(wanted).count()).unwrap_or(0),
    };
    let mut out = json!({
        "id": deployment.id,
        "status": status,
        "taskDefinition": deployment.definition,
        "desiredCount": desired,
        "pendingCount": counts.pending,
        "runningCount": counts.running,
        "failedTasks": deployment.failed,
        "createdAt": stamp(deployment.created_at),
        "updatedAt": stamp(deployment.updated_at),
        "rolloutState": deployment.rollout,
        "rolloutStateReason": deployment.rollout_reason,
    });
    if !deployment.strategy.is_empty() {
        put(&mut out, "capacityProviderStrategy", deployment.strategy.clone());
    }
    put_some(&mut out, "launchType", deployment.launch_type.clone());
    put_some(&mut out, "networkConfiguration", deployment.network.clone());
    let revision = service.revisions.get(&deployment.revision).unwrap_or(&Value::Null);
    for key in revised::OF_DEPLOYMENT {
        put_some(&mut out, key, revision.at(key).cloned());
    }
    let connect = revision.at("serviceConnectConfiguration").and_then(|c| connect::resources(world, c));
    put_some(&mut out, "serviceConnectResources", connect);
    out
}

pub(crate) fn service(world: &World, service: &Service, include: &[&str]) -> Value {
    let counts = counts(world, service, None);
    let mut out = service.document.clone();
    let deployments = service.deployments.iter().enumerate();
    let deployments: Vec<Value> = deployments
        .map(|(index, d)| deployment(world, service, d, if index == 0 { "PRIMARY" } else { "ACTIVE" }))
        .collect();
    let events = service.events.iter();
    let events = events.map(|e| json!({"id": e.id, "createdAt": stamp(e.at), "message": e.message}));
    let cluster = world.arn(&format!("cluster/{}", service.cluster));
    let active = service.status == "ACTIVE";
    for (key, value) in [
        ("serviceArn", Value::from(service.arn.clone())),
        ("serviceName", Value::from(service.name.clone())),
        ("clusterArn", Value::from(cluster)),
        ("status", Value::from(service.status)),
        ("desiredCount", Value::from(if active { service.desired } else { 0 })),
        ("runningCount", Value::from(counts.running)),
        ("pendingCount", Value::from(counts.pending)),
        ("taskDefinition", Value::from(service.definition.clone())),
        ("deployments", if active || service.status == "DRAINING" { Value::from(deployments) } else { json!([]) }),
        ("events", array(events)),
        ("createdAt", stamp(service.created_at)),
    ] {
        put(&mut out, key, value);
    }
    if !service.strategy.is_empty() {
        put(&mut out, "capacityProviderStrategy", service.strategy.clone());
    }
    put_some(&mut out, "launchType", service.launch_type.clone());
    let last = service.history.first();
    if let Some(rollout) = last.filter(|_| active) {
        if rollout.finished_at.is_none() {
            put(&mut out, "currentServiceDeployment", rollout.id.clone());
        }
        let revisions = service.deployments.iter().map(|d| {
            let counts = self::counts(world, service, Some(&d.id));
            json!({
                "arn": d.revision,
                "requestedTaskCount": if Some(d.id.as_str()) == service.deployments.first().map(|p| p.id.as_str()) {
                    service.desired
                } else {
                    i64::try_from(counts.running).unwrap_or(0)
                },
                "runningTaskCount": counts.running,
                "pendingTaskCount": counts.pending,
            })
        });
        put(&mut out, "currentServiceRevisions", array(revisions));
    }
    if include.contains(&"TAGS") {
        put(&mut out, "tags", service.tags.clone());
    }
    for key in ["loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy"] {
        fill(&mut out, key, Value::Array(Vec::new()));
    }
    out
}

/// The definition of a deployment, wherever it is registered.
pub(crate) fn images(document: &Value) -> Value {
    let row = |c: &Value| json!({"containerName": c.text("name"), "image": c.text("image")});
    array(document.list("containerDefinitions").iter().map(row))
}
