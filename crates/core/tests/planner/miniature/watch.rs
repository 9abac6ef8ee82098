//! What must never be seen in the miniature, and what was seen: devices held twice, sets that the hardware does not have,
//! replicas below the budget without a fault that excuses it.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::neuron::Catalog;
use axon_core::observe::{Service, Task};
use axon_core::ownership::{self, Owner};

use super::Miniature;
use super::scheduler::is_wanted;

/// How often something happened, so that a generator that has become too tame is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) failed_launches: u32,
    pub(crate) deployments_taken_back: u32,
    /// Services beyond the most tasks that they may have.
    pub(crate) above: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) violations: Vec<String>,
    pub(crate) seen: Seen,
    /// Container instances whose state was changed by the plan.
    pub(crate) touched: BTreeSet<String>,
    /// NeuronServices that are short of replicas by no doing of the plan.
    excused: BTreeSet<String>,
    /// ECS services that are.
    excused_units: BTreeSet<String>,
    floors: BTreeMap<String, usize>,
}

impl Watch {
    pub(super) fn excuse_unit(&mut self, name: &str) {
        self.excused_units.insert(name.to_owned());
    }
}

impl Miniature {
    /// Looks at everything once.
    pub(super) fn look(&mut self) {
        self.look_at_devices();
        self.look_at_budgets();
    }

    fn report(&mut self, what: String) {
        if !self.watch.violations.contains(&what) {
            self.watch.violations.push(what);
        }
    }

    fn look_at_devices(&mut self) {
        let mut held: BTreeMap<(String, u8), String> = BTreeMap::new();
        let mut faults = Vec::new();
        for task in self.observed.tasks.values().flat_map(|tasks| &tasks.tasks) {
            let Some(at) = task.container_instance.as_ref().filter(|_| task.last_status != "STOPPED") else { continue };
            let Some(instance) = self.observed.instances["ml"].get(at) else { continue };
            let devices = self.devices(task);
            if !is_valid(instance.instance_type.as_ref().unwrap(), &devices) {
                faults.push(format!("{} on {at} has devices {devices:?}", task.arn));
            }
            for device in devices {
                if let Some(other) = held.insert((at.clone(), device), task.arn.clone()) {
                    faults.push(format!("{other} and {} both hold device {device} of {at}", task.arn));
                }
            }
        }
        for fault in faults {
            self.report(fault);
        }
    }

    /// The devices that a task's containers open.
    fn devices(&self, task: &Task) -> Vec<u8> {
        let containers = self.revisions[&task.task_definition].container_definitions.iter();
        let devices = containers.filter_map(|given| given.linux_parameters.as_ref()).flat_map(|linux| &linux.devices);
        devices.filter_map(|device| device.host_path.strip_prefix("/dev/neuron")?.parse().ok()).collect()
    }

    /// The NeuronService of an ECS service.
    pub(crate) fn owner(&self, service: &Service) -> String {
        let Owner::Us(object) = ownership::owner(&service.tags, &self.installation) else { panic!("all are ours") };
        object.name.to_string()
    }

    fn look_at_budgets(&mut self) {
        let mut running: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut excused = std::mem::take(&mut self.watch.excused_units);
        for ((_, name), tasks) in &self.observed.tasks {
            let by_hand = |task: &Task| {
                let arn = task.container_instance.as_ref();
                let instance = arn.and_then(|arn| self.observed.instances["ml"].get(arn));
                instance.is_some_and(|found| found.status == "DRAINING" && !self.watch.touched.contains(&found.arn))
            };
            if tasks.tasks.iter().any(by_hand) {
                excused.insert(name.clone());
            }
        }
        for service in self.observed.all_services() {
            let owner = self.owner(service);
            let tasks = &self.observed.tasks[&(service.cluster.clone(), service.name.clone())].tasks;
            let (runs, lives) = running.entry(owner.clone()).or_default();
            *runs += tasks.iter().filter(|task| task.last_status == "RUNNING" && is_wanted(task)).count();
            *lives += tasks.iter().filter(|task| task.last_status != "STOPPED").count();
            if excused.contains(&service.name) {
                self.watch.excused.insert(owner);
            }
        }
        let desired = self.desired();
        self.watch.floors.retain(|name, _| desired.packed.contains_key(name.as_str()));
        for service in desired.packed.values() {
            let name = service.object.name.to_string();
            let replicas = usize::try_from(service.replicas.unwrap()).unwrap();
            let floor = (replicas * usize::try_from(service.budget.minimum_healthy_percent).unwrap()).div_ceil(100);
            let ceiling = replicas * usize::try_from(service.budget.maximum_percent).unwrap() / 100;
            let (runs, lives) = running.get(&name).copied().unwrap_or_default();
            let before = self.watch.floors.insert(name.clone(), floor);
            if before.is_none_or(|before| before < floor) {
                self.watch.excused.insert(name.clone());
            }
            if runs >= replicas {
                self.watch.excused.remove(&name);
            } else if runs < floor && !self.watch.excused.contains(&name) {
                self.report(format!("{runs} of {replicas} replicas of {name} run, and {floor} must, at {}", self.now));
            }
            self.watch.seen.above += u32::from(lives > ceiling);
        }
    }
}

/// Whether the devices of one task are neighbours, as the topology of the type knows them.
fn is_valid(kind: &str, devices: &[u8]) -> bool {
    let is_run = devices.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    let first = usize::from(*devices.first().unwrap());
    let (chips, grid) = match kind {
        "inf2.xlarge" | "inf2.8xlarge" | "trn1.2xlarge" => (1, false),
        "inf2.24xlarge" => (6, false),
        "inf2.48xlarge" => (12, false),
        "trn1.32xlarge" => (16, true),
        other => panic!("{other} has {:?}", Catalog::builtin().get(other)),
    };
    let fits = first + devices.len() <= chips;
    let is_row = [1, 4, 8, 16].contains(&devices.len()) && first.is_multiple_of(devices.len());
    is_run && fits && (!grid || is_row)
}
