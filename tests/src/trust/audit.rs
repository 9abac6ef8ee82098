//! What must hold whatever happens, held against what is true in the account.
//!
//! Neighbours: `line` lets it look before and after every call that AWS accepts, `stage` tells it what is declared and
//! what strangers do, `rules` and `job_rules` say what a single call (`asked`) may do, `ledger` has the tasks of jobs, `play` asks
//! for its findings. It shares nothing with the planner: it reads the account through the simulator's own operations and tags, and
//! declarations from `fleet`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use axon_sim::{Shared, Stopping};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fleet::{CLUSTER, Fleet};
use super::ledger::Ledger;

/// What was declared until so long ago may still be acted upon: a call can arrive minutes after it was sent.
const GRACE: Duration = Duration::from_mins(10);
/// After a stranger's edit, for so long what is missing may be the stranger's doing.
const EXCUSED: Duration = Duration::from_mins(20);
/// A replica that ends by itself is another one's loss, too: ECS counts what a deployment may stop in each ECS service alone, and
/// goes on with one whose object has just lost a replica elsewhere. For so long that is not our doing: an image is pulled, and a
/// health check passes; or longer, up to the second, while no replica comes up there.
const BEREFT: [Duration; 2] = [Duration::from_mins(5), Duration::from_hours(1)];
/// Active revisions of one family: three old ones that are kept, the one in force, one of a deployment that is rolled back, and
/// what a process that dies between two calls leaves each time.
const MOST_REVISIONS: usize = 12;
/// Groups, providers or templates of one pool: two types, and as many that replace them.
const MOST_OF_A_POOL: usize = 6;

/// Watches one account.
#[derive(Debug)]
pub struct Auditor {
    pub(super) aws: Shared,
    pub(super) ours: String,
    now: Timestamp,
    /// What is declared now, and what was until when.
    declared: Fleet,
    earlier: VecDeque<(Timestamp, Fleet)>,
    /// Services by name, and the objects that they are for.
    pub(super) objects: BTreeMap<String, String>,
    /// Objects that strangers have laid hands on, and when.
    excused: BTreeMap<String, Timestamp>,
    /// Objects that have lost a healthy replica by nobody's doing, when, and in which ECS service.
    bereft: BTreeMap<String, (Timestamp, String)>,
    foreign: Vec<(Glance, Value)>,
    findings: Vec<String>,
    /// Tasks of jobs.
    pub(super) ledger: Ledger,
    /// What hinders the processes, and until when it did; nothing if it still does.
    upsets: BTreeMap<Upset, Option<Timestamp>>,
}

/// What may keep processes from knowing what is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Upset {
    /// Readings are as old as minutes.
    StaleReads,
    /// There are two of them.
    TwoProcesses,
    /// There is none.
    Absent,
    /// Calls fail.
    BadNetwork,
}

/// Whether something goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// It does.
    Begins,
    /// It is over, if it ever was.
    Ends,
}

/// What is asked to see something.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// The service.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// Its input.
    pub input: Value,
}

impl Auditor {
    /// Nothing is declared, nothing is foreign.
    pub fn new(aws: Shared, ours: String, now: Timestamp) -> Self {
        Self {
            aws,
            ours,
            now,
            declared: Fleet::empty(),
            earlier: VecDeque::new(),
            objects: BTreeMap::new(),
            excused: BTreeMap::new(),
            bereft: BTreeMap::new(),
            foreign: Vec::new(),
            findings: Vec::new(),
            ledger: Ledger::default(),
            upsets: BTreeMap::new(),
        }
    }

    /// Something hinders the processes from now on, or does not any more.
    pub fn upset(&mut self, what: Upset, now: Now) {
        let present = self.present();
        match now {
            Now::Begins => {
                self.upsets.insert(what, None);
            }
            Now::Ends => {
                if let Some(until) = self.upsets.get_mut(&what) {
                    until.get_or_insert(present);
                }
            }
        }
    }

    /// Whether something hinders the processes, or did a while ago.
    pub(super) fn lately(&self, what: Upset, within: Duration) -> bool {
        let now = self.present();
        let lately = |until: &Option<Timestamp>| until.is_none_or(|at| now.duration_since(at).unsigned_abs() < within);
        self.upsets.get(&what).is_some_and(lately)
    }

    /// The time of the account.
    pub(super) fn present(&self) -> Timestamp {
        self.aws.with(|aws| aws.now())
    }

    /// What is declared from now on.
    pub fn declare(&mut self, fleet: &Fleet, now: Timestamp) {
        let before = std::mem::replace(&mut self.declared, fleet.clone());
        self.earlier.push_back((now, before));
        self.now = now;
        self.forget_earlier();
    }

    /// A stranger has laid hands on an object, or on everything.
    pub fn excuse(&mut self, object: &str, now: Timestamp) {
        self.excused.insert(object.to_owned(), now);
    }

    /// Something that is nobody's of ours and must stay as it is now.
    pub fn protect(&mut self, glance: Glance) {
        let seen = self.look(&glance);
        self.foreign.push((glance, seen));
    }

    /// Learns which objects the services are for that are there already.
    pub fn know_services(&mut self) {
        let listed = self.see("ecs", "ListServices", json!({"cluster": CLUSTER, "maxResults": 100}));
        let arns: Vec<&Value> = listed["serviceArns"].as_array().into_iter().flatten().collect();
        for arns in arns.chunks(10) {
            let asked = json!({"cluster": CLUSTER, "services": arns, "include": ["TAGS"]});
            for service in self.see("ecs", "DescribeServices", asked)["services"].as_array().into_iter().flatten() {
                let object = tags(service).get("neuron.ecs/name").cloned().unwrap_or_default();
                self.objects.insert(service["serviceName"].as_str().unwrap_or_default().to_owned(), object);
            }
        }
    }

    /// The object that an ECS service is for.
    pub fn object_of(&self, service: &str) -> Option<String> {
        self.objects.get(service).cloned()
    }

    /// What was found so far.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    pub(super) fn find(&mut self, what: &str) {
        if self.findings.len() < 20 {
            let now = self.aws.with(|aws| aws.now());
            self.findings.push(format!("{now}: {what}"));
        }
    }

    /// What is declared now and what may still be acted upon.
    pub(super) fn in_force(&mut self) -> Vec<&Fleet> {
        self.forget_earlier();
        std::iter::once(&self.declared).chain(self.earlier.iter().map(|(_, fleet)| fleet)).collect()
    }

    /// Declarations that nobody acts upon any more.
    fn forget_earlier(&mut self) {
        let now = self.now;
        self.earlier.retain(|(until, _)| now.duration_since(*until).unsigned_abs() < GRACE);
    }

    /// Whether every declaration that may be acted upon has something.
    pub(super) fn always(&mut self, has: impl Fn(&Fleet) -> bool) -> bool {
        self.in_force().into_iter().all(has)
    }

    /// The least that any declaration wants; nothing if one does not have the service at all.
    pub(super) fn floor(&mut self, object: &str) -> u32 {
        let floors =
            self.in_force().into_iter().map(|fleet| fleet.services.get(object).map_or(0, super::fleet::Service::floor));
        floors.min().unwrap_or(0)
    }

    /// Whether something that is missing may be a stranger's doing.
    pub(super) fn is_excused(&self, object: &str) -> bool {
        self.was_excused(object, self.now)
    }

    /// The same of something that was missed later than it happened: while no process runs, nobody looks.
    fn was_excused(&self, object: &str, at: Timestamp) -> bool {
        let lately = |excused: &Timestamp| at.duration_since(*excused).unsigned_abs() < EXCUSED;
        [object, "*"].iter().any(|name| self.excused.get(*name).is_some_and(lately))
    }

    pub(super) fn look(&self, glance: &Glance) -> Value {
        let answer = self.aws.with(|aws| aws.act_on(glance.service, glance.operation, &glance.input));
        answer.unwrap_or(Value::Null)
    }

    pub(super) fn see(&self, service: &'static str, operation: &'static str, input: Value) -> Value {
        self.look(&Glance { service, operation, input })
    }

    /// The tasks that shall run on a machine.
    pub(super) fn tasks_on(&self, machine: &str) -> Vec<String> {
        let listed = self.see("ecs", "ListContainerInstances", json!({"cluster": CLUSTER}));
        let asked = json!({"cluster": CLUSTER, "containerInstances": listed["containerInstanceArns"]});
        let seen = self.see("ecs", "DescribeContainerInstances", asked);
        let mut instances = seen["containerInstances"].as_array().into_iter().flatten();
        let Some(instance) = instances.find(|known| known["ec2InstanceId"] == machine) else { return Vec::new() };
        let tasks = self.aws.with(|aws| aws.world().live_tasks());
        let here = |task: &axon_sim::LiveTask| {
            task.desired == "RUNNING" && task.instance.as_deref() == instance["containerInstanceArn"].as_str()
        };
        tasks.into_iter().filter(here).map(|task| task.arn).collect()
    }

    /// Tags of what is called so, and is ours if its name begins so.
    pub(super) fn tags_by_name(&self, name: &str, ours: &str) -> BTreeMap<String, String> {
        let tag = name.starts_with(ours).then(|| ("neuron.ecs/managed-by".to_owned(), self.ours.clone()));
        tag.into_iter().collect()
    }

    /// Whether tags say that a resource is ours.
    pub(super) fn is_ours(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get("neuron.ecs/managed-by") == Some(&self.ours)
    }

    /// Looks at everything that has happened since the last look.
    pub fn review(&mut self, now: Timestamp) {
        self.now = now;
        let (violations, stoppings) = self.aws.with(|aws| {
            aws.advance_to(now);
            let world = aws.world_mut();
            (world.take_violations(), world.take_stoppings())
        });
        self.review_jobs();
        for violation in violations {
            self.find(&format!(
                "{:?}: {} of {} by {}",
                violation.breach, violation.device, violation.machine, violation.intruder
            ));
        }
        for stopping in stoppings {
            self.judge(&stopping);
        }
    }

    /// A healthy task is gone. If ECS has stopped it: are there enough left?
    fn judge(&mut self, stopping: &Stopping) {
        let service = stopping.service.as_ref().filter(|_| stopping.healthy && stopping.cluster == CLUSTER);
        let Some(object) = service.and_then(|service| self.objects.get(service).cloned()) else { return };
        if stopping.code != "ServiceSchedulerInitiated" {
            self.bereft.insert(object, (stopping.at, service.cloned().unwrap_or_default()));
            return;
        }
        let bereft = self.bereft.get(&object).is_some_and(|(at, place)| {
            let limit = BEREFT[usize::from(!stopping.healthy_left.contains_key(place))];
            stopping.at.duration_since(*at).unsigned_abs() <= limit
        });
        let own = service.and_then(|service| stopping.healthy_left.get(service)).is_some_and(|left| *left > 0);
        if bereft && own && stopping.reason.contains("by deployment") {
            return;
        }
        let of_object = stopping.healthy_left.iter().filter(|(name, _)| self.objects.get(*name) == Some(&object));
        let left: usize = of_object.map(|(_, count)| count).sum();
        let floor = usize::try_from(self.floor(&object)).unwrap_or(usize::MAX);
        if left < floor && !self.was_excused(&object, stopping.at) {
            let Stopping { at, task, reason, .. } = stopping;
            let tasks = self.aws.with(|aws| aws.world().live_tasks());
            let of_object = tasks
                .iter()
                .filter(|task| task.service.as_ref().and_then(|service| self.objects.get(service)) == Some(&object));
            let live: Vec<String> =
                of_object.map(|task| format!("{} {} ({})", task.arn, task.status, task.desired)).collect();
            self.find(&format!(
                "{object}: {left} healthy tasks are left of at least {floor} after {task} was stopped at {at} ({reason}); now {live:?}"
            ));
        }
    }

    /// Looks at the account as a whole.
    pub fn inspect(&mut self, now: Timestamp) {
        self.review(now);
        for (glance, seen) in self.foreign.clone() {
            let present = self.look(&glance);
            if present != seen {
                self.find(&format!(
                    "a stranger's resource has changed: {} {}: {seen} -> {present}",
                    glance.operation, glance.input
                ));
            }
        }
        self.count_revisions();
        for (kind, count) in self.of_pools() {
            if count > MOST_OF_A_POOL {
                self.find(&format!("{count} of {kind}"));
            }
        }
    }

    fn count_revisions(&mut self) {
        let mut families: BTreeMap<String, usize> = BTreeMap::new();
        let mut asked = json!({"status": "ACTIVE"});
        loop {
            let listed = self.see("ecs", "ListTaskDefinitions", asked.clone());
            for arn in listed["taskDefinitionArns"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let family = arn.rsplit('/').next().and_then(|name| name.split(':').next()).unwrap_or_default();
                *families.entry(family.to_owned()).or_default() += 1;
            }
            if listed["nextToken"].is_null() {
                break;
            }
            asked["nextToken"] = listed["nextToken"].clone();
        }
        for (family, count) in families.into_iter().filter(|(_, count)| *count > MOST_REVISIONS) {
            self.find(&format!("the family {family} has {count} active revisions"));
        }
    }
}

/// The tags of anything, whichever way its service writes them.
pub(super) fn tags(resource: &Value) -> BTreeMap<String, String> {
    let lists = [&resource["tags"], &resource["Tags"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    let text = |tag: &Value, names: [&str; 2]| {
        names.iter().find_map(|name| tag[*name].as_str()).unwrap_or_default().to_owned()
    };
    all.map(|tag| (text(tag, ["key", "Key"]), text(tag, ["value", "Value"]))).collect()
}
