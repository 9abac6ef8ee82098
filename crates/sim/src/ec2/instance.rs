//! EC2 instances as plain values, and the steps of their lives: launched, running, booted, shutting down, gone, forgotten.
//! Neighbours: `autoscaling` launches and ends them, `ecs::machines` is told, `instances` answers requests about them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{autoscaling, catalog::Type, ecs::machines, engine::Event, state::State, world::World};

/// Tags of an EC2 resource: values by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Seconds until an instance is `running`, until its operating system and agent are up, and until a terminated one is gone.
/// The simulator's own: AWS publishes none.
const RUNNING: (i64, i64) = (8, 20);
const BOOT: (i64, i64) = (60, 120);
const SHUTDOWN: (i64, i64) = (20, 40);
/// "After you terminate an instance, it remains visible for a short while": an hour here.
const REMEMBERED: i64 = 3600;

/// Code of `stateReason` when Spot capacity was taken back.
pub(crate) const INTERRUPTED: &str = "Server.SpotInstanceTermination";

/// Where an instance stands in its life. Stopped instances are not modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineState {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
}

impl MachineState {
    /// `Code` and `Name` of InstanceState.
    pub(crate) fn shown(self) -> (i64, &'static str) {
        match self {
            Self::Pending => (0, "pending"),
            Self::Running => (16, "running"),
            Self::ShuttingDown => (32, "shutting-down"),
            Self::Terminated => (48, "terminated"),
        }
    }
}

/// How an instance is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Market {
    OnDemand,
    Spot,
}

/// One EC2 instance of the account.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// `i-…`.
    pub(crate) id: String,
    pub(crate) instance_type: String,
    pub(crate) kind: &'static Type,
    pub(crate) zone: String,
    pub(crate) subnet: String,
    pub(crate) image_id: String,
    /// Id and version of the launch template.
    pub(crate) template: Option<(String, i64)>,
    /// Decoded.
    #[allow(dead_code, reason = "read by the ECS agent when the instance has booted")]
    pub(crate) user_data: String,
    pub(crate) tags: Tags,
    pub(crate) state: MachineState,
    pub(crate) market: Market,
    pub(crate) launched_at: Timestamp,
    pub(crate) terminated_at: Option<Timestamp>,
    /// Code and message of `stateReason`.
    pub(crate) reason: Option<(&'static str, String)>,
    /// The Auto Scaling group that launched it.
    pub(crate) group: Option<String>,
    /// The launch template data it was launched with.
    pub(crate) data: serde_json::Value,
    /// `r-…`.
    pub(crate) reservation: String,
    pub(crate) address: String,
    pub(crate) serial: u64,
}

impl Machine {
    /// Pending or running.
    pub(crate) fn live(&self) -> bool {
        matches!(self.state, MachineState::Pending | MachineState::Running)
    }
}

/// What a new instance is made from.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) kind: &'static Type,
    pub(crate) subnet: String,
    pub(crate) image_id: String,
    pub(crate) template: (String, i64),
    pub(crate) user_data: String,
    pub(crate) tags: Tags,
    pub(crate) market: Market,
    pub(crate) group: String,
    pub(crate) data: serde_json::Value,
}

/// Starts an instance and returns its id; whether there is capacity has been asked before.
pub(crate) fn launch(world: &mut World, order: Order) -> String {
    let id = format!("i-{}", world.ids.hex(17));
    let serial = world.next_serial();
    let machine = Machine {
        id: id.clone(),
        instance_type: order.kind.name.to_owned(),
        kind: order.kind,
        zone: world.zone_of(&order.subnet),
        subnet: order.subnet,
        image_id: order.image_id,
        template: Some(order.template),
        user_data: order.user_data,
        tags: order.tags,
        state: MachineState::Pending,
        market: order.market,
        launched_at: world.now,
        terminated_at: None,
        reason: None,
        group: Some(order.group),
        data: order.data,
        reservation: format!("r-{}", world.ids.hex(17)),
        address: format!("10.0.{}.{}", world.ids.between(0, 255), world.ids.between(4, 254)),
        serial,
    };
    world.state.machines.insert(id.clone(), machine);
    let running = world.ids.between(RUNNING.0, RUNNING.1);
    let boot = world.ids.between(BOOT.0, BOOT.1);
    world.after(running, Event::MachineRuns(id.clone()));
    world.after(boot, Event::MachineBoots(id.clone()));
    id
}

/// EC2 says `running`: a group has its instance in service.
pub(crate) fn runs(world: &mut World, id: &str) {
    let pending = world.state.machines.get_mut(id).filter(|m| m.state == MachineState::Pending);
    if let Some(machine) = pending {
        machine.state = MachineState::Running;
        autoscaling::machine_runs(world, id);
    }
}

/// The operating system and the ECS agent are up.
pub(crate) fn boots(world: &mut World, id: &str) {
    if world.state.machines.get(id).is_some_and(|m| m.state == MachineState::Running) {
        machines::machine_running(world, id);
    }
}

/// Shuts an instance down; it is gone a little later. Nothing happens to one that already is.
pub(crate) fn terminate(world: &mut World, id: &str, reason: (&'static str, &str)) {
    let Some(machine) = world.state.machines.get_mut(id).filter(|m| m.live()) else { return };
    machine.state = MachineState::ShuttingDown;
    machine.reason = Some((reason.0, reason.1.to_owned()));
    let shutdown = world.ids.between(SHUTDOWN.0, SHUTDOWN.1);
    world.after(shutdown, Event::MachineGone(id.to_owned()));
    autoscaling::machine_ends(world, id);
}

/// The instance disappears at once: hardware or Spot took it.
pub(crate) fn lost(world: &mut World, id: &str, reason: (&'static str, &str)) {
    let Some(machine) = world.state.machines.get_mut(id).filter(|m| m.live()) else { return };
    machine.state = MachineState::ShuttingDown;
    machine.reason = Some((reason.0, reason.1.to_owned()));
    gone(world, id);
}

/// The instance is terminated; it can be described for a while.
pub(crate) fn gone(world: &mut World, id: &str) {
    let now = world.now;
    let ending = world.state.machines.get_mut(id).filter(|m| m.state == MachineState::ShuttingDown);
    let Some(machine) = ending else { return };
    machine.state = MachineState::Terminated;
    machine.terminated_at = Some(now);
    world.after(REMEMBERED, Event::MachineForgotten(id.to_owned()));
    machines::machine_gone(world, id);
    autoscaling::machine_ends(world, id);
}

pub(crate) fn forget(world: &mut World, id: &str) {
    world.state.machines.remove(id);
}

impl State {
    /// The EC2 instances that are pending or running.
    pub(crate) fn live_machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values().filter(|m| m.live())
    }
}
