//! A miniature of ECS, EC2 and Auto Scaling: instances come and register, tasks start where ECS finds room, deployments
//! replace tasks, draining instances lose theirs. Nothing here decides what the planner decides, and nothing here knows of
//! Neuron devices but `watch`, which looks whether two tasks ever hold the same one: ECS counts ports, CPU and memory.
//!
//! `scheduler` plays ECS's services and tasks, `scaling` instances and Auto Scaling, `watch` keeps what was seen.

mod scaling;
mod scheduler;
pub(crate) mod watch;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;

use axon_core::cloud::{Ec2Sweep, JobSweep, ServiceKey, Sweep};
use axon_core::desired::Desired;
use axon_core::observe::{
    ClusterStatus, DeploymentResult, Group, GroupMember, ImageAnswer, PastDeployment, ProviderStatus, Rollout, Service,
    ServiceStatus,
};
use axon_core::observed::{History, Listing, Observed};
use axon_core::ownership::Installation;
use axon_core::plan::{Limits, Plan, Prune};
use axon_core::preview::assume;
use axon_core::shape::launch_template::LaunchTemplateData;
use axon_core::shape::task_definition::RegisterTaskDefinition;
use axon_core::spec::Completeness;
use axon_core::state::{Event, Pruning, Specified};
use axon_core::step::{Action, Cause, Step};
use axon_core::world::World;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;

use super::fixture::{NOW, Specs, empty_ec2_account, ignorant, image, installation, source, text, waits};
use watch::Watch;

/// What goes wrong in the miniature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Images whose instances never register.
    pub(crate) mute: BTreeSet<String>,
    /// Images on whose instances every task fails.
    pub(crate) broken: BTreeSet<String>,
    /// Container images of which every task fails, wherever it runs.
    pub(crate) bad: BTreeSet<String>,
    /// Instance types of which there are none left.
    pub(crate) short: BTreeSet<String>,
}

/// Boot scripts with this in them keep the agent from registering.
pub(crate) const MUTE_SCRIPT: &str = "systemctl stop ecs";

/// What was desired of a specification.
type Known = Option<([Vec<Value>; 3], Rc<Desired>)>;

pub(crate) struct Miniature {
    pub(crate) specs: Specs,
    pub(crate) observed: Observed,
    pub(crate) now: Timestamp,
    pub(crate) faults: Faults,
    /// Every step so far, one a line.
    pub(crate) log: String,
    pub(crate) watch: Watch,
    /// How long a pass is.
    pub(crate) step: SignedDuration,
    /// Every revision, by ARN.
    revisions: BTreeMap<String, RegisterTaskDefinition>,
    /// What every version of a launch template holds, by its id.
    versions: BTreeMap<(String, i64), LaunchTemplateData>,
    /// Deployments of every service, newest first.
    deployments: BTreeMap<ServiceKey, Vec<PastDeployment>>,
    /// Since when instances have been without tasks, by ARN.
    idle_since: BTreeMap<String, Timestamp>,
    counter: u32,
    known: RefCell<Known>,
    installation: Installation,
}

impl Miniature {
    /// An account in which nothing was installed yet.
    pub(crate) fn empty(specs: Specs) -> Self {
        Self {
            specs,
            observed: empty_ec2_account(),
            now: NOW,
            faults: Faults::default(),
            log: String::new(),
            watch: Watch::default(),
            step: SignedDuration::from_mins(1),
            revisions: BTreeMap::new(),
            versions: BTreeMap::new(),
            deployments: BTreeMap::new(),
            idle_since: BTreeMap::new(),
            counter: 0,
            known: RefCell::new(None),
            installation: installation(),
        }
    }

    /// The fleet as installed, with everything running.
    pub(crate) fn running(specs: Specs) -> Self {
        let mut mini = Self::empty(specs);
        mini.until(|mini| mini.plan().is_settled() && mini.missing() == 0);
        mini.now += 1.hour();
        mini.pass();
        assert_eq!(text(&mini.plan().steps), "", "the fleet is steady at first");
        mini.log.clear();
        mini
    }

    pub(crate) fn publish(&mut self, id: &str) {
        self.observed.images.insert(source(), ImageAnswer::Found(image(id)));
    }

    /// The first group of the first pool.
    pub(crate) fn group(&self) -> &Group {
        self.observed.groups.get(&self.group_name()).unwrap()
    }

    pub(crate) fn template(&self) -> &axon_core::observe::Template {
        self.observed.templates.get(&self.group_name()).unwrap()
    }

    fn group_name(&self) -> String {
        self.desired().pools.values().next().unwrap().groups()[0].name.clone()
    }

    /// Images of the living instances, of all groups.
    pub(crate) fn images(&self) -> Vec<String> {
        let groups = self.observed.groups.iter();
        let mut images: Vec<String> =
            groups.flat_map(|group| group.members.iter().map(|member| self.image_of(group, member))).collect();
        images.sort();
        images
    }

    fn image_of(&self, group: &Group, member: &GroupMember) -> String {
        self.contents_of(group, member).image_id.clone().unwrap()
    }

    /// What an instance was launched from.
    fn contents_of(&self, group: &Group, member: &GroupMember) -> &LaunchTemplateData {
        let id = &self.observed.templates.get(&group.name).unwrap().id;
        &self.versions[&(id.clone(), member.template_version.as_ref().unwrap().parse().unwrap())]
    }

    /// Tasks of all services that run.
    pub(crate) fn running_tasks(&self) -> usize {
        self.observed.tasks.values().flat_map(|tasks| &tasks.tasks).filter(|task| task.last_status == "RUNNING").count()
    }

    /// Instances that take tasks.
    pub(crate) fn active(&self) -> usize {
        self.observed.instances["ml"].iter().filter(|instance| instance.status == "ACTIVE").count()
    }

    /// Tasks that services are set to and that do not run.
    pub(crate) fn missing(&self) -> i32 {
        let services = self.observed.all_services().filter(|service| service.status == ServiceStatus::Active);
        services.map(|service| (service.settings.desired_count.unwrap() - service.running).abs()).sum()
    }

    pub(crate) fn desired(&self) -> Rc<Desired> {
        let Specs { clusters, pools, services } = &self.specs;
        let mut known = self.known.borrow_mut();
        if let Some(([c, p, s], desired)) = known.as_ref()
            && (c, p, s) == (clusters, pools, services)
        {
            return Rc::clone(desired);
        }
        let desired = Rc::new(self.specs.desired());
        *known = Some(([clusters.clone(), pools.clone(), services.clone()], Rc::clone(&desired)));
        desired
    }

    /// Plans with nothing remembered.
    pub(crate) fn plan_of(&self, observed: &Observed) -> Plan {
        let desired = self.desired();
        let world = World { installation: &self.installation, desired: &desired, observed };
        let limits = Limits::fresh(self.now, Prune::Enabled);
        let plan = axon_core::plan::plan(world, &limits);
        assert_eq!(axon_core::check::check(world, &limits, &plan), []);
        plan
    }

    /// Plans with nothing remembered; a state that is built from one sweep must come to the same.
    pub(crate) fn plan(&self) -> Plan {
        let plan = self.plan_of(&self.observed);
        let mut state = ignorant(Pruning::On);
        let desired = Desired::clone(&self.desired());
        let specified = Specified { revision: "main@sha1:1".into(), desired, completeness: Completeness::Complete };
        state.fold(Event::Specified(Box::new(specified)));
        state.fold(Event::Swept(Box::new(self.sweep())));
        let (after_restart, violations) = state.plan(self.now);
        assert_eq!(violations, []);
        assert_eq!(text(&after_restart.steps), text(&plan.steps), "a restart changes nothing");
        plan
    }

    fn sweep(&self) -> Sweep {
        fn all<T: Clone>(listing: &Listing<T>) -> Vec<T> {
            listing.iter().cloned().collect()
        }
        let observed = &self.observed;
        Sweep {
            started: self.now,
            clusters: Ok(all(&observed.clusters)),
            providers: observed.providers.iter().map(|(k, l)| (k.clone(), Ok(all(l)))).collect(),
            services: observed.services.iter().map(|(k, l)| (k.clone(), Ok(all(l)))).collect(),
            task_definitions: Some(Ok(all(&observed.task_definitions))),
            tasks: observed.tasks.iter().map(|(k, t)| (k.clone(), Ok(t.clone()))).collect(),
            history: observed.history.iter().map(|(k, h)| (k.clone(), Ok(h.deployments.clone()))).collect(),
            jobs: Some(JobSweep {
                records: Some(Ok(all(&observed.records))),
                tasks: observed.standalone.iter().map(|(k, l)| (k.clone(), Ok(all(l)))).collect(),
            }),
            ec2: Some(Ec2Sweep {
                providers: Ok(all(&observed.group_providers)),
                templates: Ok(all(&observed.templates)),
                groups: Ok(all(&observed.groups)),
                machines: Ok(all(&observed.machines)),
                images: observed.images.iter().map(|(k, i)| (k.clone(), Ok(i.clone()))).collect(),
                instances: observed.instances.iter().map(|(k, l)| (k.clone(), Ok(all(l)))).collect(),
                subnets: Ok(observed.subnets.clone()),
            }),
            calls: 1,
        }
    }

    /// Plans, does as planned, and lets AWS go on. Gives what was done.
    pub(crate) fn pass(&mut self) -> String {
        let plan = self.plan();
        self.carry_out(plan)
    }

    /// Does as planned, and lets AWS go on for a while. Gives what was done.
    pub(crate) fn carry_out(&mut self, plan: Plan) -> String {
        for step in &plan.steps {
            self.carry_out_step(step);
        }
        let asked = plan.needs_history;
        let done = text(&plan.steps);
        self.log.push_str(&done);
        for cause in plan.steps.iter().flat_map(|step| &step.because) {
            if let Cause::Failed { reason } = cause {
                writeln!(self.log, "  because {reason}").unwrap();
            }
        }
        self.now += self.step;
        self.arrive();
        self.scale();
        self.schedule();
        self.count();
        // As a sweep does: a history is good for the plan after it.
        self.observed.history.clear();
        for key in asked {
            let deployments = self.deployments.get(&key).cloned().unwrap_or_default();
            self.observed.history.insert(key, History { read: self.now, deployments });
        }
        self.observed.tasks_read = self.observed.tasks.keys().map(|key| (key.clone(), self.now)).collect();
        self.look();
        done
    }

    /// Goes on until a pass does nothing and `done` holds; at most two hundred passes.
    pub(crate) fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if self.pass().is_empty() && done(self) {
                return;
            }
        }
        panic!("it does not come to that:\n{}\n{}", self.log, waits(&self.plan()));
    }

    fn carry_out_step(&mut self, step: &Step) {
        let before = match &step.action {
            Action::UpdateService(request) => self.service(request.cluster.as_ref(), request.service.as_ref()).cloned(),
            Action::DeleteService { cluster, service } => {
                let found = self.observed.services.get_mut(cluster).unwrap().get_mut(service).unwrap();
                found.status = ServiceStatus::Draining;
                found.settings.desired_count = Some(0);
                return;
            }
            Action::UpdateContainerInstancesState { instance, .. } => {
                self.watch.touched.insert(instance.clone());
                None
            }
            _ => None,
        };
        assume(&mut self.observed, step);
        match &step.action {
            Action::RegisterTaskDefinition(request) => {
                let of_family = self
                    .observed
                    .task_definitions
                    .iter()
                    .filter(|found| Some(&found.family) == request.family.as_ref());
                let newest = of_family.max_by_key(|found| found.revision).unwrap().arn.clone();
                self.revisions.insert(newest, request.clone());
            }
            Action::CreateLaunchTemplate(request) => {
                let id = self.observed.templates.get(&request.launch_template_name).unwrap().id.clone();
                self.versions.insert((id, 1), request.launch_template_data.clone());
            }
            Action::CreateLaunchTemplateVersion(request) => {
                let mut templates = self.observed.templates.iter();
                let template = templates.find(|found| found.id == request.launch_template_id).unwrap();
                let number = template.versions.iter().map(|version| version.number).max().unwrap();
                self.versions.insert((template.id.clone(), number), request.launch_template_data.clone());
            }
            Action::CreateService(request) => {
                let found = self.service(request.cluster.as_ref(), request.service_name.as_ref()).unwrap();
                self.begin(&found.clone(), None);
            }
            Action::UpdateService(_) => self.begin(&before.clone().unwrap(), before),
            _ => {}
        }
    }

    fn service(&self, cluster: Option<&String>, name: Option<&String>) -> Option<&Service> {
        self.observed.services.get(cluster?)?.get(name?)
    }

    /// A service was created or changed: tasks are still as they were, and a new revision is a new deployment.
    fn begin(&mut self, place: &Service, before: Option<Service>) {
        let (now, key) = (self.now, (place.cluster.clone(), place.name.clone()));
        let found = self.observed.services.get_mut(&key.0).unwrap().get_mut(&key.1).unwrap();
        let mut primary = found.deployments.remove(0);
        let created = before.is_none();
        let same =
            before.as_ref().is_some_and(|before| before.settings.task_definition == found.settings.task_definition);
        if let Some(before) = before {
            (found.running, found.pending, found.deployments) = (before.running, before.pending, before.deployments);
        } else {
            (found.running, found.pending) = (0, 0);
        }
        if same {
            found.deployments[0].desired = found.settings.desired_count.unwrap();
            return;
        }
        for deployment in &mut found.deployments {
            deployment.primary = false;
        }
        self.counter += 1;
        primary.id = format!("deployment/{}", self.counter);
        (primary.rollout, primary.created, primary.running, primary.failed) = (Rollout::InProgress, Some(now), 0, 0);
        let (arn, result) = (primary.id.clone(), DeploymentResult::Running);
        found.deployments.insert(0, primary);
        let past = self.deployments.entry(key.clone()).or_default();
        if created {
            past.clear();
            self.observed.tasks.entry(key).or_default();
        }
        past.insert(0, PastDeployment { arn, result, reason: None, created: Some(now) });
    }

    /// What was in transition arrives.
    fn arrive(&mut self) {
        let observed = &mut self.observed;
        if let Listing::Read(clusters) = &mut observed.clusters {
            for cluster in clusters.values_mut() {
                if cluster.status == ClusterStatus::Provisioning {
                    cluster.status = ClusterStatus::Active;
                }
                cluster.attachments_status = None;
            }
        }
        if let Listing::Read(providers) = &mut observed.group_providers {
            for provider in providers.values_mut() {
                match provider.status {
                    ProviderStatus::Provisioning => provider.status = ProviderStatus::Active,
                    ProviderStatus::Deprovisioning => provider.status = ProviderStatus::Inactive,
                    _ => {}
                }
                provider.update_status = None;
            }
        }
        for cluster in observed.clusters.iter() {
            let instances = observed.instances.entry(cluster.name.clone()).or_default();
            if !instances.is_read() {
                *instances = Listing::Read(BTreeMap::new());
            }
        }
    }
}
