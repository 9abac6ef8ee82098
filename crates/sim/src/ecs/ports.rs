//! Ports of container instances: which a task asks for, which are held, which are given out. Neighbours: `task_start` asks,
//! `placement` compares, `task` binds, `instance_read` shows. Source: PortMapping in the API reference.
//! A fixed port is held from placement until the task has STOPPED ("after a task stops, the host port is released").

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    state::{Binding, Instance, Port, Protocol, Task},
    wire::value::{Read, array},
    world::World,
};

/// SSH, Docker, and the agent.
const RESERVED: [i64; 6] = [22, 2375, 2376, 51678, 51679, 51680];
/// "A container instance can have up to 100 reserved ports at a time", the default ones included.
const MOST: usize = 100;
/// Where the ephemeral range of Linux begins; automatic ports come from it.
const EPHEMERAL: i64 = 32_768;
const HIGHEST: i64 = 65_535;

fn protocol(mapping: &Value) -> Protocol {
    if mapping.text("protocol") == Some("udp") { Protocol::Udp } else { Protocol::Tcp }
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// The fixed port of the instance that a mapping asks for: none with a network of its own, and none when it leaves the
/// choice to the instance.
fn fixed(mode: &str, mapping: &Value) -> Option<Port> {
    let number = match mode {
        "host" => mapping.number("hostPort").filter(|p| *p > 0).or(mapping.number("containerPort")),
        "bridge" => mapping.number("hostPort").filter(|p| *p > 0),
        _ => None,
    }?;
    Some(Port { protocol: protocol(mapping), number })
}

/// The fixed ports of a task definition, with repetitions.
pub(crate) fn asked(definition: &Value) -> Vec<Port> {
    let mode = definition.text("networkMode").unwrap_or("bridge");
    let mappings = definition.list("containerDefinitions").iter().flat_map(|c| c.list("portMappings"));
    mappings.filter_map(|m| fixed(mode, m)).collect()
}

/// The ports that tasks hold on an instance, beside the reserved ones.
pub(crate) fn held(world: &World, instance: &Instance) -> BTreeSet<Port> {
    world.state.tasks_on_instance(&instance.id).flat_map(|t| t.needs.ports.iter().copied()).collect()
}

/// Whether fixed ports can be had beside those that are held.
pub(crate) fn free(held: &BTreeSet<Port>, asked: &BTreeSet<Port>) -> bool {
    let reserved = |p: &Port| p.protocol == Protocol::Tcp && RESERVED.contains(&p.number);
    let count = RESERVED.len() + held.len() + asked.len();
    asked.is_disjoint(held) && !asked.iter().any(reserved) && (asked.is_empty() || count <= MOST)
}

/// The values of PORTS and PORTS_UDP: what is taken, as the API reference says.
pub(crate) fn listed(held: &BTreeSet<Port>, protocol: Protocol) -> Vec<String> {
    let reserved = if protocol == Protocol::Tcp { RESERVED.as_slice() } else { &[] };
    let taken = held.iter().filter(|p| p.protocol == protocol).map(|p| p.number);
    reserved.iter().copied().chain(taken).map(|n| n.to_string()).collect()
}

/// Binds the ports of a task whose containers start now; what the definition leaves open is given out.
pub(crate) fn bind(world: &mut World, id: &str) {
    let Some(task) = world.state.tasks.get(id) else { return };
    let Some(on) = task.instance.as_deref() else { return };
    let mut used: BTreeSet<Port> = world.state.tasks_on_instance(on).flat_map(taken).collect();
    let Some(mode) = super::task_definition::find(world, &task.definition)
        .ok()
        .and_then(|r| r.document.text("networkMode").map(str::to_owned))
    else {
        return;
    };
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    if mode != "bridge" && mode != "host" {
        return;
    }
    for container in &mut task.containers {
        for mapping in container.definition.list("portMappings") {
            let Some(inside) = mapping.number("containerPort") else { continue };
            let Some(host) = fixed(&mode, mapping).or_else(|| next(&used, protocol(mapping))) else { continue };
            used.insert(host);
            container.bindings.push(Binding { host, container: inside });
        }
    }
}

fn taken(task: &Task) -> impl Iterator<Item = Port> {
    let bound = task.containers.iter().flat_map(|c| c.bindings.iter().map(|b| b.host));
    task.needs.ports.iter().copied().chain(bound)
}

fn next(used: &BTreeSet<Port>, protocol: Protocol) -> Option<Port> {
    let closed = |n: &i64| protocol == Protocol::Tcp && RESERVED.contains(n);
    let mut all = (EPHEMERAL..=HIGHEST).filter(|n| !closed(n)).map(|number| Port { protocol, number });
    all.find(|p| !used.contains(p))
}

/// `networkBindings` of a container.
pub(crate) fn bindings(bindings: &[Binding]) -> Value {
    array(bindings.iter().map(|b| {
        json!({"bindIP": "0.0.0.0", "containerPort": b.container, "hostPort": b.host.number,
               "protocol": b.host.protocol.name()})
    }))
}
