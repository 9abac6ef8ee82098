//! Rules for jobs of several nodes: whole instances of one Auto Scaling group, in one zone, on the network of the instance.
//!
//! Neighbours: called by `job`; `plan/gang` relies on all of it. Sources: EC2 user guide, "Elastic Fabric Adapter" (traffic stays
//! in a subnet; interfaces belong to the instance) and "Placement groups". Not here: whether the pool's types have EFA, which is the
//! pool's own affair (`group_types`).

use crate::diagnostic::Code;
use crate::neuron::CHIP_PORTS;
use crate::spec::{AutoScalingGroup, Capacity, Devices, Efa, MAX_COMPLETIONS, NetworkMode, NeuronJob, NeuronPool};

use super::subject::Subject;

pub(super) fn check(subject: &mut Subject<'_>, job: &NeuronJob, pools: &[&NeuronPool]) {
    settings(subject, job);
    if !job.spec.is_gang() {
        return;
    }
    work(subject, job);
    for pool in pools {
        match pool.spec.capacity() {
            Capacity::ManagedInstances(_) => managed(subject, pool),
            Capacity::AutoScalingGroup(group) => on_group(subject, job, (pool, group)),
        }
    }
}

fn settings(subject: &mut Subject<'_>, job: &NeuronJob) {
    let gang = &job.spec.gang;
    if !job.spec.is_gang() {
        if !gang.is_default() {
            let message = "gang says how several nodes find one another, and nodes is 1";
            subject.report(Code::GangUnused, "/spec/gang", message, "Remove gang, or write how many nodes there are.");
        }
        return;
    }
    if gang.start_deadline.seconds() == 0 {
        let help = "Allow for the boot of an instance and the pull of the image, for instance `20m`.";
        subject.report(
            Code::NoTime,
            "/spec/gang/startDeadline",
            "startDeadline is 0s; every attempt is late at once",
            help,
        );
    }
    let problem = if gang.master_port == gang.neuron_port {
        Some(("neuronPort", gang.neuron_port, "is that of masterPort, too"))
    } else if CHIP_PORTS.contains(&gang.master_port) {
        Some(("masterPort", gang.master_port, "stands for a Neuron device"))
    } else if CHIP_PORTS.contains(&gang.neuron_port) {
        Some(("neuronPort", gang.neuron_port, "stands for a Neuron device"))
    } else {
        None
    };
    if let Some((field, port, why)) = problem {
        let help =
            format!("Choose another one from 1024 on, outside of {} to {}.", CHIP_PORTS.start(), CHIP_PORTS.end());
        subject.report(Code::GangPort, &format!("/spec/gang/{field}"), format!("the port {port} {why}"), help);
    }
}

fn work(subject: &mut Subject<'_>, job: &NeuronJob) {
    if let Devices::Count(count) = job.spec.devices {
        let message = format!("devices is {count}, and each of several nodes gets a whole instance");
        let help = "Write `devices: all` or remove it; choose a smaller instance type if that is too much.";
        subject.report(Code::GangDevices, "/spec/devices", message, help);
    }
    if let Some(mode) = job.spec.networking.mode.filter(|mode| *mode != NetworkMode::Host) {
        let message = format!("the network mode is {mode:?}, and the EFA interfaces belong to the instance");
        let help = "Remove networking.mode: with several nodes it is `Host`.";
        subject.report(Code::GangNetwork, "/spec/networking/mode", message, help);
    }
    let tasks = job.spec.completions.saturating_mul(job.spec.nodes);
    if tasks > MAX_COMPLETIONS {
        let message = format!("{} indexes on {} nodes are {tasks} tasks", job.spec.completions, job.spec.nodes);
        let help = format!("Keep completions times nodes at {MAX_COMPLETIONS} or below: every task has a record.");
        subject.report(Code::GangRecords, "/spec/completions", message, help);
    }
}

fn managed(subject: &mut Subject<'_>, pool: &NeuronPool) {
    let message = format!(
        "the pool {} has Managed Instances, which know neither EFA interfaces nor placement groups",
        pool.metadata.name
    );
    let help = "Use a pool with autoScalingGroup, or `nodes: 1`.";
    subject.report(Code::GangOnManaged, "/spec/pool", message, help);
}

fn on_group(subject: &mut Subject<'_>, job: &NeuronJob, (pool, group): (&NeuronPool, &AutoScalingGroup)) {
    let name = &pool.metadata.name;
    if group.subnets.len() > 1 {
        let message = format!(
            "the pool {name} has {} subnets, and all nodes have to be in one: EFA traffic does not leave it",
            group.subnets.len()
        );
        let help = "Make a pool with one subnet for jobs of several nodes.";
        subject.report(Code::GangSubnets, "/spec/pool", message, help);
    }
    if job.spec.nodes > group.max_size {
        let message = format!(
            "{} nodes are wanted, and the pool {name} has {} instances at most",
            job.spec.nodes, group.max_size
        );
        subject.report(Code::GangRoom, "/spec/nodes", message, "Raise maxSize of the pool, or use fewer nodes.");
    }
    let lacks = match (group.efa, &group.placement_group) {
        (Efa::Disabled, _) => "efa: Enabled",
        (Efa::Enabled, None) => "a placementGroup",
        (Efa::Enabled, Some(_)) => return,
    };
    let message = format!("the pool {name} does not have {lacks}; its nodes may be far from one another");
    let help = "Collective operations wait for the slowest link. Give the pool `efa: Enabled` and a cluster placement group \
                (`aws ec2 create-placement-group --strategy cluster`), unless its types have no EFA.";
    subject.report(Code::GangFabric, "/spec/pool", message, help);
}
