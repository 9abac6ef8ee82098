//! The whole simulated account: state, queue, clock, knobs, call log. Neighbours: `aws` drives it; `ecs`, `ec2` and
//! `autoscaling` implement it; `ec2::knobs` has their knobs; tests reach in through its public functions. No wire format
//! belongs here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    behaviour::{AlarmState, Behaviour, Ended, HookActs, Reservation, Shortage, matches},
    disturb::Disturbance,
    ec2::{Loss, image::Image},
    ecs,
    engine::{Event, Queue},
    ids::Ids,
    logs::{driver, group::Groups},
    options::Options,
    record::{Call, LiveTask, LoneTurn, Stopping, Turn, Violation},
    ssm::published::{self, Parameters},
    state::{Host, Instance, State, Task},
    throttle::Buckets,
    wire::{page::Paging, value::later},
};
use jiff::Timestamp;

/// The account, and direct access to it for tests. A clone is a second account with the same past.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) options: Options,
    pub(crate) state: State,
    pub(crate) queue: Queue,
    pub(crate) now: Timestamp,
    pub(crate) ids: Ids,
    pub(crate) request_ids: Ids,
    /// Decides which requests go wrong. Its own, so that bad days change no id.
    pub(crate) dice: Ids,
    pub(crate) serial: u64,
    pub(crate) buckets: Buckets,
    pub(crate) calls: Vec<Call>,
    pub(crate) past: VecDeque<(Timestamp, State)>,
    behaviours: Vec<Behaviour>,
    shortages: Vec<Shortage>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) alarms: BTreeMap<String, AlarmState>,
    pub(crate) hooks: BTreeMap<String, HookActs>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) stoppings: Vec<Stopping>,
    pub(crate) lone_turns: Vec<LoneTurn>,
    pub(crate) provider_failures: BTreeMap<String, String>,
    /// The public parameters. The account's own are in `state`.
    pub(crate) parameters: Parameters,
    /// Log groups.
    pub(crate) logs: Groups,
    /// Images by id, deregistered ones included.
    pub(crate) images: BTreeMap<String, Image>,
    /// Types by pattern and the zones where alone they are offered.
    pub(crate) offerings: Vec<(String, Vec<String>)>,
    /// Types by pattern and how many vCPUs instances of groups may have of them together.
    pub(crate) vcpu_limits: Vec<(String, i64)>,
    /// Subnets that do not exist although their ids are well formed.
    pub(crate) missing_subnets: BTreeSet<String>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            now: options.start,
            ids: Ids::new(options.seed),
            request_ids: Ids::new(options.seed.wrapping_add(0x5EED)),
            dice: Ids::new(options.seed.wrapping_add(0xD1CE)),
            parameters: published::published(options.start),
            logs: Groups::default(),
            images: published::images(options.start),
            offerings: Vec::new(),
            vcpu_limits: Vec::new(),
            missing_subnets: BTreeSet::new(),
            options,
            state: State::default(),
            queue: Queue::default(),
            serial: 0,
            buckets: Buckets::default(),
            calls: Vec::new(),
            past: VecDeque::new(),
            behaviours: Vec::new(),
            shortages: Vec::new(),
            reservations: Vec::new(),
            alarms: BTreeMap::new(),
            hooks: BTreeMap::new(),
            violations: Vec::new(),
            stoppings: Vec::new(),
            lone_turns: Vec::new(),
            provider_failures: BTreeMap::new(),
        }
    }

    /// Sets how tasks that start from now on behave; the newest match wins.
    pub fn behave(&mut self, behaviour: Behaviour) {
        self.behaviours.insert(0, behaviour);
    }

    /// Makes every task that starts from now on well again.
    pub fn behave_well(&mut self) {
        self.behaviours.clear();
    }

    /// Takes capacity away.
    pub fn run_short(&mut self, shortage: Shortage) {
        self.shortages.push(shortage);
    }

    /// Gives all capacity back; tasks that wait look for a place at once.
    pub fn end_shortages(&mut self) {
        self.shortages.clear();
        self.place_everywhere();
    }

    /// Reserves capacity of a type in a zone for the providers that name the resource group.
    pub fn reserve(
        &mut self,
        group_arn: impl Into<String>,
        instance_type: impl Into<String>,
        zone: impl Into<String>,
        count: usize,
    ) {
        let (group, instance_type, zone) = (group_arn.into(), instance_type.into(), zone.into());
        self.reservations.push(Reservation { group, instance_type, zone, count });
        self.place_everywhere();
    }

    pub(crate) fn paging(&self) -> Paging {
        Paging::of(&self.options.quirks)
    }

    /// The resource groups of the instances that run in reserved capacity, by container instance ARN.
    pub fn reserved_instances(&self) -> BTreeMap<String, String> {
        let instances = self.state.instances.values();
        instances.filter_map(|i| Some((i.arn.clone(), i.reservation.clone()?))).collect()
    }

    /// Sets the state of a CloudWatch alarm. Alarms that nobody has set are not in ALARM.
    pub fn alarm(&mut self, name: impl Into<String>, state: AlarmState) {
        self.alarms.insert(name.into(), state);
        self.wake_services();
    }

    /// Sets what the Lambda function of a lifecycle hook answers from now on; without this it succeeds at once.
    pub fn hook(&mut self, function_arn: impl Into<String>, acts: HookActs) {
        self.hooks.insert(function_arn.into(), acts);
        self.wake_services();
    }

    fn wake_services(&mut self) {
        for (cluster, name) in self.state.services.keys().cloned() {
            self.queue.push_once(self.now, Event::Service(cluster, name));
        }
    }

    fn place_everywhere(&mut self) {
        let clusters: Vec<String> = self.state.clusters.keys().cloned().collect();
        for cluster in clusters {
            self.queue.push_once(self.now, Event::Place(cluster));
        }
    }

    /// The next asynchronous change of a provider (create, update or delete) fails with this reason.
    pub fn fail_next_change_of_provider(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.provider_failures.insert(name.into(), reason.into());
    }

    /// Takes back what `fail_next_change_of_provider` has not yet made fail.
    pub fn forget_provider_failures(&mut self) {
        self.provider_failures.clear();
    }

    /// The names of the capacity providers that are not gone.
    pub fn provider_names(&self) -> Vec<String> {
        self.state.providers.keys().cloned().collect()
    }

    /// Devices that two live tasks held at once or that do not exist, in the order in which it happened.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The same, and forgets them.
    pub fn take_violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }

    /// The tasks that ran and were told to stop since the last question, in order.
    pub fn take_stoppings(&mut self) -> Vec<Stopping> {
        std::mem::take(&mut self.stoppings)
    }

    /// Lets reads lag behind writes by so many seconds from now on; see [`crate::Quirks::read_lag_seconds`].
    pub fn lag(&mut self, seconds: i64) {
        self.options.quirks.read_lag_seconds = seconds;
        self.past.clear();
    }

    /// Makes the day better or worse from now on.
    pub fn disturb(&mut self, disturbance: Disturbance) {
        self.options.disturbance = disturbance;
    }

    /// Ends a task's essential container now. Returns false when there is no such running task.
    pub fn end_task(&mut self, task: &str, exit_code: i64) -> bool {
        let id = tail(task).to_owned();
        if self.state.tasks.get(&id).is_none_or(|t| t.status != "RUNNING") {
            return false;
        }
        ecs::task::container_ended(self, &id, Ended { exit_code, reason: None });
        true
    }

    /// The first essential container of a task writes a line now. Returns false when there is no such running task.
    pub fn write_line(&mut self, task: &str, line: &str) -> bool {
        let id = tail(task).to_owned();
        let runs = self.state.tasks.get(&id).is_some_and(|t| t.status == "RUNNING");
        if runs {
            driver::says(self, &id, line);
        }
        runs
    }

    /// Takes an instance away with everything on it, by container instance ARN or id or EC2 id.
    pub fn lose_instance(&mut self, instance: &str) -> bool {
        let Some(found) = self.instance_id(instance).and_then(|id| self.state.instances.get(&id)) else { return false };
        let (id, machine) = (found.id.clone(), found.ec2_id.clone());
        if found.host == Host::Machine {
            return self.lose_machine(&machine, Loss::Hardware);
        }
        ecs::instance::lost(self, &id);
        true
    }

    /// Connects or disconnects the agent of an instance.
    pub fn set_agent_connection(&mut self, instance: &str, connection: Connection) -> bool {
        let Some(id) = self.instance_id(instance) else { return false };
        if let Some(found) = self.state.instances.get_mut(&id) {
            found.agent_connected = connection == Connection::Connected;
            found.version += 1;
        }
        true
    }

    /// Makes the accelerators of an instance report IMPAIRED, or OK again.
    pub fn set_accelerator_health(&mut self, instance: &str, health: Health) -> bool {
        let Some(id) = self.instance_id(instance) else { return false };
        if let Some(found) = self.state.instances.get_mut(&id) {
            found.impaired = health == Health::Impaired;
            found.version += 1;
        }
        true
    }

    /// Tasks that are not yet stopped, oldest first.
    pub fn live_tasks(&self) -> Vec<LiveTask> {
        let mut tasks: Vec<&Task> = self.state.tasks.values().filter(|t| t.live()).collect();
        tasks.sort_by_key(|t| t.serial);
        tasks
            .into_iter()
            .map(|t| LiveTask {
                arn: t.arn.clone(),
                status: t.status.to_owned(),
                desired: t.desired.to_owned(),
                service: t.service.clone(),
                definition: t.definition.clone(),
                instance: self.instance_of(t).map(|i| i.arn.clone()),
                devices: ecs::chips::held(self, t),
            })
            .collect()
    }

    /// Groups of all tasks of RunTask since the account began, in the order of their creation, forgotten ones included.
    pub fn started_groups(&self) -> Vec<String> {
        self.state.standalone_groups.clone()
    }

    /// Starts and ends of tasks of RunTask since this was asked last, in their order.
    pub fn take_lone_turns(&mut self) -> Vec<LoneTurn> {
        std::mem::take(&mut self.lone_turns)
    }

    /// Notes a turn of a task that no service has started.
    pub(crate) fn note_turn(&mut self, id: &str, turn: Turn) {
        let Some(task) = self.state.tasks.get(id).filter(|task| task.service.is_none()) else { return };
        let Task { arn, group, definition, .. } = task;
        let (task, group, definition) = (arn.clone(), group.clone(), definition.clone());
        self.lone_turns.push(LoneTurn { at: self.now, task, group, definition, turn });
    }

    /// Names of the account's own parameters that begin so.
    pub fn parameter_names(&self, prefix: &str) -> Vec<String> {
        let names = self.state.parameters.values().map(|parameter| parameter.name.clone());
        names.filter(|name| name.starts_with(prefix)).collect()
    }

    /// Instance types of the instances that run or start, by container instance ARN.
    pub fn running_instances(&self) -> BTreeMap<String, &'static str> {
        let up = self.state.instances.values().filter(|i| i.status != "INACTIVE");
        up.map(|i| (i.arn.clone(), i.kind.name)).collect()
    }

    /// The last CapacityProviderReservation of a group's provider, in per cent, rounded down.
    pub fn capacity_provider_reservation(&self, provider: &str) -> Option<i64> {
        self.state.providers.get(provider)?.scaling.reservation.map(|thousandths| thousandths / 1000)
    }

    fn instance_id(&self, name: &str) -> Option<String> {
        let id = tail(name);
        self.state.instances.values().find(|i| i.id == id || i.ec2_id == id).map(|i| i.id.clone())
    }

    pub(crate) fn instance_of(&self, task: &Task) -> Option<&Instance> {
        self.state.instances.get(task.instance.as_ref()?)
    }

    pub(crate) fn behaviour_of(&self, image: &str, environment: &BTreeMap<String, String>) -> Behaviour {
        let found = self.behaviours.iter().find(|b| b.fits(image, environment));
        found.cloned().unwrap_or_else(|| Behaviour::of("*"))
    }

    pub(crate) fn short(&self, instance_type: &str, zone: &str) -> bool {
        let short =
            |s: &Shortage| matches(&s.instance_type, instance_type) && s.zone.as_ref().is_none_or(|z| z == zone);
        self.full() || self.shortages.iter().any(short)
    }

    /// Whether the account runs as many instances as it may: managed ones, and those of groups.
    pub(crate) fn full(&self) -> bool {
        if self.state.machines.is_empty() {
            return self.state.instances.len() >= self.options.instance_limit;
        }
        let machines = self.state.live_machines().count();
        let managed = self.state.instances.values().filter(|i| i.host == Host::Managed).count();
        managed + machines >= self.options.instance_limit
    }

    pub(crate) fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.options.region, self.options.account)
    }

    pub(crate) fn zone_of(&self, subnet: &str) -> String {
        let letter = self.options.subnets.get(subnet).copied().or_else(|| {
            let count = u64::try_from(self.options.zones.len()).unwrap_or(1).max(1);
            let index = usize::try_from(crate::ids::of_text(subnet) % count).unwrap_or(0);
            self.options.zones.get(index).copied()
        });
        format!("{}{}", self.options.region, letter.unwrap_or('a'))
    }

    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn after(&mut self, seconds: i64, event: Event) {
        self.queue.push(later(self.now, seconds), event);
    }
}

/// Whether an agent reaches ECS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// It does.
    Connected,
    /// It does not.
    Disconnected,
}

/// The health of an instance's accelerators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Well.
    Ok,
    /// Not well.
    Impaired,
}

/// The last part of an ARN, or the text itself.
pub(crate) fn tail(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
