//! Neuron devices as they really are on a machine: who holds which, and what goes wrong. Neighbours: `task` starts and ends
//! containers, `World::violations` shows what was found. ECS counts none of this for devices named by path.

use crate::{
    record::{Breach, Violation},
    state::{Instance, Task},
    world::World,
};

/// Host paths of the Neuron devices that a task's containers hold now: from the start of its containers until they ended.
pub(crate) fn held(world: &World, task: &Task) -> Vec<String> {
    if !matches!(task.status, "ACTIVATING" | "RUNNING" | "DEACTIVATING" | "STOPPING") {
        return Vec::new();
    }
    if task.needs.all_chips {
        let chips = world.instance_of(task).map_or(0, |i| i.kind.chips());
        return (0..chips).map(|n| format!("/dev/neuron{n}")).collect();
    }
    task.needs.device_paths.clone()
}

/// The first path that a task names and its machine does not have, recorded as a violation.
pub(crate) fn missing(world: &mut World, id: &str) -> Option<String> {
    let task = world.state.tasks.get(id)?;
    let instance = world.instance_of(task)?;
    let absent = task.needs.device_paths.iter().find(|p| !exists(instance, p))?.clone();
    let violation = Violation {
        at: world.now,
        breach: Breach::NoSuchDevice,
        instance: instance.arn.clone(),
        machine: instance.ec2_id.clone(),
        device: absent.clone(),
        holder: String::new(),
        intruder: task.arn.clone(),
    };
    world.violations.push(violation);
    Some(absent)
}

fn exists(instance: &Instance, path: &str) -> bool {
    let number = path.strip_prefix("/dev/neuron").and_then(|n| n.parse::<i64>().ok());
    number.is_some_and(|n| (0..instance.kind.chips()).contains(&n))
}

/// Records every device that a task takes while another holds it. The real machine would start both.
pub(crate) fn taken(world: &mut World, id: &str) {
    let Some(task) = world.state.tasks.get(id) else { return };
    let Some(instance) = world.instance_of(task) else { return };
    let mut found = Vec::new();
    let mine = held(world, task);
    for other in world.state.tasks_on_instance(&instance.id).filter(|o| o.id != task.id) {
        for device in held(world, other).into_iter().filter(|d| mine.contains(d)) {
            found.push(Violation {
                at: world.now,
                breach: Breach::HeldTwice,
                instance: instance.arn.clone(),
                machine: instance.ec2_id.clone(),
                device,
                holder: other.arn.clone(),
                intruder: task.arn.clone(),
            });
        }
    }
    world.violations.extend(found);
}
