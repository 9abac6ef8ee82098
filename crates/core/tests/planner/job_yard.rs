//! Jobs on an imagined account for planner tests: records are kept as they are put, tasks run until a test ends them. Nothing here
//! decides anything.

use std::collections::BTreeMap;

use axon_core::desired::Desired;
use axon_core::diagnostic::Location;
use axon_core::job::Book;
use axon_core::job::record::RunResult;
use axon_core::observe::TaskContainer;
use axon_core::observed::{Listing, Observed};
use axon_core::plan::{Limits, Plan, Prune};
use axon_core::preview::assume;
use axon_core::spec::{Accepted, NeuronJob, Policy};
use axon_core::step::Action;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fixture::{
    self, NOW, Specs, converge, empty_account, empty_ec2_account, grouped, installation, set, text, waits,
};

pub(crate) fn job(name: &str, pool: &str, edit: &[(&str, Value)]) -> Value {
    let mut job = json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronJob", "metadata": {"name": name},
        "spec": {"pool": pool, "template": {
            "cpu": 2048, "memory": 8192, "containers": [{"name": "train", "image": "train:1"}]}}
    });
    for (pointer, value) in edit {
        set(&mut job, pointer, value.clone());
    }
    job
}

/// Whether a group is that of an attempt: `0.1`, or `train/0.1` where several jobs have one.
fn is(attempt: &str, group: &str) -> bool {
    let (job, attempt) = attempt.split_once('/').unwrap_or(("", attempt));
    group.ends_with(&format!("/{attempt}")) && (job.is_empty() || group.contains(&format!("/{job}/")))
}

/// A fleet with jobs, its account, and the time there.
pub(crate) struct Yard {
    pub(crate) specs: Specs,
    pub(crate) jobs: Vec<Value>,
    pub(crate) observed: Observed,
    pub(crate) now: Timestamp,
    pub(crate) prune: Prune,
}

impl Yard {
    /// A pool of Managed Instances without services.
    pub(crate) fn managed(jobs: Vec<Value>) -> Self {
        Self::on(Specs { services: Vec::new(), ..Specs::default() }, empty_account(), jobs)
    }

    /// A pool of four inf2.24xlarge with six devices each, without services.
    pub(crate) fn grouped(jobs: Vec<Value>) -> Self {
        Self::on(Specs { services: Vec::new(), ..grouped() }, empty_ec2_account(), jobs)
    }

    pub(crate) fn on(specs: Specs, account: Observed, jobs: Vec<Value>) -> Self {
        let mut observed = converge(&specs.desired(), account, Prune::Enabled);
        observed.records = Listing::Read(BTreeMap::new());
        if observed.groups.is_read() {
            observed.instances.insert("ml".into(), Listing::Read(BTreeMap::new()));
        }
        Self { specs, jobs, observed, now: NOW, prune: Prune::Enabled }
    }

    pub(crate) fn desired(&self) -> Desired {
        let mut fleet = self.specs.fleet();
        for value in &self.jobs {
            let object: NeuronJob = serde_json::from_value(value.clone()).unwrap();
            let source = Location::start_of("fixture.yaml".into());
            fleet.jobs.insert(object.metadata.name.clone(), Accepted { object, policy: Policy::default(), source });
        }
        fixture::desired(&fleet)
    }

    pub(crate) fn plan(&self) -> Plan {
        fixture::plan_with(&self.desired(), &self.observed, &Limits::fresh(self.now, self.prune))
    }

    /// The operations of jobs that are planned now.
    pub(crate) fn told_now(&self) -> Vec<String> {
        self.plan().steps.iter().filter_map(|step| Self::told(&step.action)).collect()
    }

    /// Does what is planned now.
    pub(crate) fn step(&mut self) {
        for step in self.plan().steps {
            assume(&mut self.observed, &step);
            self.date();
        }
    }

    /// Does as planned, round by round, until nothing is left to do. Gives the operations of jobs, with what they are for.
    pub(crate) fn go(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..100 {
            let plan = self.plan();
            if plan.steps.is_empty() {
                return done;
            }
            for step in &plan.steps {
                assume(&mut self.observed, step);
                self.date();
                done.extend(Self::told(&step.action));
            }
        }
        panic!("it does not come to rest: {}", text(&self.plan().steps));
    }

    /// What was written just now has its time, and clusters that were looked into just now, too.
    pub(crate) fn date(&mut self) {
        if let Listing::Read(records) = &mut self.observed.records {
            for record in records.values_mut().filter(|record| record.written.is_none()) {
                record.written = Some(self.now);
            }
        }
        for cluster in self.observed.standalone.keys() {
            self.observed.standalone_read.insert(cluster.clone(), self.now);
        }
    }

    pub(crate) fn told(action: &Action) -> Option<String> {
        let below = |name: &str| name.rsplit("/jobs/").next().unwrap_or_default().to_owned();
        let without_run = |name: String| name.split('/').filter(|part| part.len() != 12).collect::<Vec<_>>().join("/");
        match action {
            Action::PutParameter { name, .. } => Some(format!("put {}", without_run(below(name)))),
            Action::DeleteParameters { names } => Some(format!("delete {}", names.len())),
            Action::RunTask(request) => {
                let (_, attempt) = request.group.as_ref()?.split_once('/')?;
                Some(format!("run {}", without_run(attempt.to_owned())))
            }
            Action::StopTask { reason, .. } => Some(format!("stop: {reason}")),
            _ => None,
        }
    }

    pub(crate) fn later(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
        self.date();
    }

    /// Ends the tasks of attempts that end so (`0.1`); the newest, if there are several.
    pub(crate) fn end(&mut self, attempt: &str, exit_code: i32) {
        let now = self.now;
        let found = self.task(attempt);
        found.task.stop_code = Some("EssentialContainerExited".into());
        found.task.stopped_reason = Some("Essential container in task exited".into());
        (found.task.started, found.task.stopped) = (Some(now), Some(now));
        found.task.containers = vec![TaskContainer {
            name: "train".into(),
            last_status: Some("STOPPED".into()),
            exit_code: Some(exit_code),
            reason: None,
            neuron_device_ids: Vec::new(),
        }];
    }

    pub(crate) fn lose(&mut self, attempt: &str, code: &str, reason: &str) {
        let now = self.now;
        let found = self.task(attempt);
        found.task.stopped = Some(now);
        found.task.stop_code = Some(code.into());
        found.task.stopped_reason = Some(reason.into());
    }

    /// The task of an attempt or node, as it is.
    pub(crate) fn running_task(&mut self, task: &str) -> &mut axon_core::observe::StandaloneTask {
        let Some(Listing::Read(tasks)) = self.observed.standalone.get_mut("ml") else { panic!("no tasks were read") };
        tasks.values_mut().find(|found| is(task, &found.group)).unwrap()
    }

    /// A task is not shown any more, or not yet.
    pub(crate) fn take_task(&mut self, task: &str) -> axon_core::observe::StandaloneTask {
        let found = self.running_task(task).clone();
        self.observed.standalone.get_mut("ml").unwrap().remove(&found.task.arn);
        found
    }

    pub(crate) fn put_task(&mut self, found: axon_core::observe::StandaloneTask) {
        self.observed.standalone.get_mut("ml").unwrap().put(found.task.arn.clone(), found);
    }

    /// ECS forgets those that have stopped.
    pub(crate) fn forget_stopped_tasks(&mut self) {
        let Some(Listing::Read(tasks)) = self.observed.standalone.get_mut("ml") else { panic!("no tasks were read") };
        tasks.retain(|_, found| found.task.last_status != "STOPPED");
    }

    /// Everything that is written down, as text.
    pub(crate) fn records(&self) -> String {
        let all = self.observed.records.iter().map(|record| format!("{} {}", record.name, record.value));
        all.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn task(&mut self, attempt: &str) -> &mut axon_core::observe::StandaloneTask {
        let Some(Listing::Read(tasks)) = self.observed.standalone.get_mut("ml") else { panic!("no tasks were read") };
        let found = tasks.values_mut().find(|found| is(attempt, &found.group)).unwrap();
        "STOPPED".clone_into(&mut found.task.last_status);
        "STOPPED".clone_into(&mut found.task.desired_status);
        found
    }

    /// ECS forgets every task.
    pub(crate) fn forget_tasks(&mut self) {
        self.observed.standalone.insert("ml".into(), Listing::Read(BTreeMap::new()));
    }

    /// How the runs of a job have ended.
    pub(crate) fn ends(&self, job: &str) -> Vec<RunResult> {
        let installation = installation();
        let book = Book::of(&self.observed, &installation).unwrap();
        let known = book.jobs.get(job).cloned().unwrap_or_default();
        known.runs.values().filter_map(|run| run.end.as_ref()).map(|end| end.result).collect()
    }

    pub(crate) fn waits(&self) -> String {
        waits(&self.plan())
    }
}
