//! The queue of things that will happen: a discrete-event engine in virtual time, ordered by (time, sequence).
//! Neighbours: `world` pushes, `aws` runs. It knows the names of events and nothing about their effects.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Something that will happen. An event names a thing and, where the thing can change its plans, the plan it belongs to:
/// an event whose plan is out of date does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A cluster has finished attaching or detaching providers.
    ClusterAttached(String),
    /// A cluster that was deleted can no longer be described.
    ClusterForgotten(String),
    /// A provider's create, update or delete moves on.
    ProviderMoves(String, u64),
    /// A deleted provider can no longer be described, and its name is free.
    ProviderForgotten(String, u64),
    /// Unplaced tasks of a cluster look for a place.
    Place(String),
    /// A service's scheduler looks at its tasks.
    Service(String, String),
    /// A deleted service can no longer be described.
    ServiceForgotten(String),
    /// A task takes its next step.
    Task(String, u32),
    /// A task's container does what its behaviour says: becomes healthy, fails its checks, ends.
    TaskActs(String, u32),
    /// A task's container writes a line: which of those that its behaviour has.
    TaskSays(String, u32, usize),
    /// A stopped task can no longer be described.
    TaskForgotten(String),
    /// An instance joins, leaves, or is old.
    InstanceRegisters(String),
    InstanceIdle(String, Timestamp),
    InstanceGone(String),
    InstanceDrains(String),
    InstanceExpires(String),
    /// The agent of an EC2 instance of the account registers.
    AgentRegisters(String),
    /// An EC2 instance that its group holds may be drained.
    MachineDrained(String, Drain),
    /// A deregistered container instance can no longer be described.
    InstanceForgotten(String),
    /// Managed scaling looks at a provider's group.
    ProviderScales(String),
    /// An EC2 instance is running, has booted, is terminated, can no longer be described.
    MachineRuns(String),
    MachineBoots(String),
    MachineGone(String),
    MachineForgotten(String),
    /// An EC2 instance on Spot capacity is taken away.
    MachineInterrupted(String),
    /// An Auto Scaling group looks at its members.
    Group(String),
    /// A revision in DELETE_IN_PROGRESS may go.
    RevisionGoes(String),
}

/// Why a drain is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drain {
    /// No task is left.
    Empty,
    /// It took as long as it may.
    Overdue,
}

/// Events in the order in which they happen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    due: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Timestamp, event: Event) {
        self.due.insert((at, self.sequence), event);
        self.sequence += 1;
    }

    /// Pushes unless the same event is already due at the same moment.
    pub(crate) fn push_once(&mut self, at: Timestamp, event: Event) {
        if !self.due.range((at, 0)..=(at, u64::MAX)).any(|(_, due)| *due == event) {
            self.push(at, event);
        }
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop_until(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        let first = self.due.first_entry()?;
        let at = first.key().0;
        (at <= now).then(|| (at, first.remove()))
    }
}
