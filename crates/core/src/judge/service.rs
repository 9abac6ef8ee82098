//! Judges services: is the newest deployment steady, and if not, what do its tasks wait for?

use super::{Finding, Hearing};
use crate::desired::DesiredService;
use crate::neuron::DeviceSet;
use crate::observe::{Deployment, Rollout, Service, ServiceStatus, ServiceTasks, Task};
use crate::observed::Slot;
use crate::status::{Reason, Replicas, ResourceStatus, Status, TaskStatus};

/// Words in ECS's service events that mean: there is no capacity.
const NO_CAPACITY: [&str; 3] = ["unable to place a task", "insufficient capacity", "InsufficientInstanceCapacity"];

impl Hearing<'_> {
    pub(super) fn service(&self, wanted: &DesiredService, status: &mut Status) -> Vec<Finding> {
        let (cluster, name) = (wanted.cluster.as_str(), wanted.name.as_str());
        let Slot::Ours(found, _) = self.world.observed.service(cluster, name, self.world.installation) else {
            return Vec::new();
        };
        let tasks = self.world.observed.tasks.get(&(cluster.to_owned(), name.to_owned()));
        status.resources.push(ResourceStatus {
            kind: "service".to_owned(),
            id: found.arn.clone(),
            state: format!("{:?}", found.status).to_uppercase(),
        });
        if let Some(revision) = &found.settings.task_definition {
            let (kind, state) = ("task definition".to_owned(), "ACTIVE".to_owned());
            status.resources.push(ResourceStatus { kind, id: revision.clone(), state });
        }
        let replicas = replicas(found, tasks);
        status.replicas = Some(match status.replicas.take() {
            Some(others) => others.and(replicas),
            None => replicas,
        });
        if found.status != ServiceStatus::Active {
            return Vec::new();
        }
        rollout(found, tasks).into_iter().collect()
    }
}

fn rollout(found: &Service, tasks: Option<&ServiceTasks>) -> Option<Finding> {
    let primary = found.deployments.iter().find(|deployment| deployment.primary)?;
    if primary.rollout == Rollout::Failed {
        let reason = primary.reason.as_deref().unwrap_or("ECS gives no reason");
        let evidence = evidence(found, tasks);
        let text = format!("the deployment failed: {reason}{evidence}. Change the specification to try again");
        return Some(Finding::stall(Reason::DeploymentFailed, text));
    }
    if let Some(failed) = found.deployments.iter().find(|deployment| deployment.rollout == Rollout::Failed) {
        let reason = failed.reason.as_deref().unwrap_or("ECS gives no reason");
        return Some(Finding::progress(
            Reason::DeploymentRolledBack,
            format!("ECS is rolling back: {reason}{}", evidence(found, tasks)),
        ));
    }
    let steady = primary.rollout != Rollout::InProgress && primary.running >= primary.desired;
    (!steady || found.deployments.len() > 1).then(|| progress(found, primary, tasks))
}

fn progress(found: &Service, primary: &Deployment, tasks: Option<&ServiceTasks>) -> Finding {
    let count = format!("{} of {} tasks run the newest revision", primary.running, primary.desired);
    if primary.failed > 0 {
        let text = format!("{count}; {} failed{}", primary.failed, evidence(found, tasks));
        return Finding::progress(Reason::TasksFailing, text);
    }
    let newest_event = found.events.first().map(|event| event.message.as_str()).unwrap_or_default();
    if primary.running < primary.desired && NO_CAPACITY.iter().any(|words| newest_event.contains(words)) {
        let text = format!("{count}; ECS says: {newest_event}");
        return Finding::progress(Reason::InsufficientCapacity, text);
    }
    let waiting = tasks.and_then(starting).map(|what| format!("; {what}")).unwrap_or_default();
    let reason = if found.deployments.len() > 1 { Reason::DeploymentInProgress } else { Reason::TasksStarting };
    Finding::progress(reason, format!("{count}{waiting}"))
}

/// What the first task that is not running yet is doing.
fn starting(tasks: &ServiceTasks) -> Option<String> {
    let task = tasks.tasks.iter().find(|task| task.desired_status == "RUNNING" && task.last_status != "RUNNING")?;
    let what = match task.last_status.as_str() {
        "PROVISIONING" => "waits for an instance",
        "PENDING" => "pulls its images and starts its containers",
        "ACTIVATING" => "is being registered",
        _ => "is not running yet",
    };
    Some(format!("task {} is {} and {what}", id(&task.arn), task.last_status))
}

/// Why the newest stopped task stopped, as the end of a sentence.
fn evidence(found: &Service, tasks: Option<&ServiceTasks>) -> String {
    let stopped = tasks.into_iter().flat_map(|tasks| &tasks.tasks).filter(|task| task.last_status == "STOPPED");
    match stopped.max_by_key(|task| task.created) {
        Some(task) => format!("; task {} stopped: {}", id(&task.arn), stop_reason(task)),
        None => found.events.first().map(|event| format!("; ECS says: {}", event.message)).unwrap_or_default(),
    }
}

fn stop_reason(task: &Task) -> String {
    let why = task.stopped_reason.as_deref().unwrap_or("no reason given");
    let exits = task.containers.iter().filter_map(|container| {
        let code = container.exit_code.filter(|code| *code != 0)?;
        let reason = container.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        Some(format!(", container {} exited with {code}{reason}", container.name))
    });
    format!("{why}{}", exits.collect::<String>())
}

fn replicas(found: &Service, tasks: Option<&ServiceTasks>) -> Replicas {
    let shown = tasks.into_iter().flat_map(|known| {
        known.tasks.iter().filter(|task| task.desired_status == "RUNNING").map(|task| {
            let instance = task.container_instance.as_ref().and_then(|arn| known.instances.get(arn));
            TaskStatus {
                id: id(&task.arn).to_owned(),
                state: task.last_status.clone(),
                health: task.health.clone(),
                instance_type: instance.and_then(|instance| instance.instance_type.clone()),
                instance: instance.and_then(|instance| instance.ec2_id.clone()),
                neuron_devices: devices(found, task),
            }
        })
    });
    Replicas {
        desired: found.settings.desired_count.unwrap_or_default(),
        running: found.running,
        pending: found.pending,
        tasks: shown.collect(),
    }
}

/// Devices that ECS has assigned, or that the service gives to every task.
fn devices(found: &Service, task: &Task) -> Vec<String> {
    let assigned: Vec<String> = task.containers.iter().flat_map(|c| c.neuron_device_ids.clone()).collect();
    let given = found.tags.get(crate::ownership::DEVICES).and_then(|tag| tag.parse::<DeviceSet>().ok());
    match given {
        Some(set) if assigned.is_empty() => set.ids().map(|id| id.to_string()).collect(),
        _ => assigned,
    }
}

fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
