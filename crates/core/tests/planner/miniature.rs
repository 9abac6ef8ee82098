//! A miniature of ECS and Auto Scaling: instances come and register, tasks start where their devices are free, draining
//! instances lose their tasks. Nothing here decides what the planner decides.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::cloud::{Ec2Sweep, Sweep};
use axon_core::neuron::DeviceSet;
use axon_core::observe::{GroupMember, ImageAnswer, Instance, Machine, Service, ServiceTasks, Task};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership;
use axon_core::plan::{Limits, Plan, Prune, Writes};
use axon_core::preview::assume;
use axon_core::spec::Completeness;
use axon_core::state::{Event, Permissions, Pruning, Specified, State};
use jiff::{Timestamp, ToSpan as _};

use super::fixture::{
    NOW, Specs, converge, empty_ec2_account, group_name, image, installation, plan_with, source, text,
};

pub(crate) struct Miniature {
    pub(crate) specs: Specs,
    pub(crate) observed: Observed,
    pub(crate) now: Timestamp,
    /// Images whose instances never register.
    pub(crate) mute: BTreeSet<String>,
    /// Instances launched from this version of the template or a later one never register.
    pub(crate) mute_versions_from: Option<i64>,
    /// Images on whose instances every task fails.
    pub(crate) broken: BTreeSet<String>,
    /// Every step so far, one a line.
    pub(crate) log: String,
    counter: u32,
}

impl Miniature {
    /// The fleet as installed, with everything running.
    pub(crate) fn running(specs: Specs) -> Self {
        let observed = converge(&specs.desired(), empty_ec2_account(), Prune::Enabled);
        let (mute, broken) = (BTreeSet::new(), BTreeSet::new());
        let mut mini =
            Self { specs, observed, now: NOW, mute, mute_versions_from: None, broken, log: String::new(), counter: 0 };
        for _ in 0..6 {
            mini.pass();
        }
        mini.now += 1.hour();
        mini.pass();
        assert_eq!(text(&mini.plan().steps), "", "the fleet is steady at first");
        mini
    }

    pub(crate) fn publish(&mut self, id: &str) {
        self.observed.images.insert(source(), ImageAnswer::Found(image(id)));
    }

    pub(crate) fn group(&self) -> &axon_core::observe::Group {
        self.observed.groups.get(&group_name(&self.specs)).unwrap()
    }

    pub(crate) fn template(&self) -> &axon_core::observe::Template {
        self.observed.templates.get(&group_name(&self.specs)).unwrap()
    }

    /// Images of the living instances.
    pub(crate) fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = self.group().members.iter().map(|member| self.image_of(member)).collect();
        images.sort();
        images
    }

    fn image_of(&self, member: &GroupMember) -> String {
        let number: i64 = member.template_version.as_ref().unwrap().parse().unwrap();
        let version = self.template().versions.iter().find(|version| version.number == number);
        version.unwrap().image.clone().unwrap()
    }

    /// Tasks of all services that run.
    pub(crate) fn running_tasks(&self) -> usize {
        self.observed.tasks.values().flat_map(|tasks| &tasks.tasks).filter(|task| task.last_status == "RUNNING").count()
    }

    /// Plans with nothing remembered; a state that is built from one sweep must come to the same.
    pub(crate) fn plan(&self) -> Plan {
        let desired = self.specs.desired();
        let plan = plan_with(&desired, &self.observed, &Limits::fresh(self.now, Prune::Enabled));
        let permissions = Permissions { writes: Writes::Allowed, prune: Pruning::On };
        let mut state = State::new(installation(), permissions);
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

    /// Plans, does as planned, and lets AWS go on for a minute. Gives what was done.
    pub(crate) fn pass(&mut self) -> String {
        let plan = self.plan();
        for step in &plan.steps {
            assume(&mut self.observed, step);
        }
        for key in plan.needs_history {
            let clean = axon_core::observed::History { read: self.now, deployments: Vec::new() };
            self.observed.history.insert(key, clean);
        }
        let done = text(&plan.steps);
        self.log.push_str(&done);
        self.now += 1.minute();
        self.register();
        self.launch();
        self.stop_drained();
        self.start_tasks();
        self.count();
        done
    }

    /// Goes on until a pass does nothing and `done` holds; at most two hundred minutes.
    pub(crate) fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if self.pass().is_empty() && done(self) {
                return;
            }
        }
        panic!("it does not come to that:\n{}\n{:?}", self.log, self.plan().waiting);
    }

    fn instances(&mut self) -> &mut BTreeMap<String, Instance> {
        let listing = self.observed.instances.entry("ml".into()).or_default();
        if !listing.is_read() {
            *listing = Listing::Read(BTreeMap::new());
        }
        let Listing::Read(entries) = listing else { unreachable!() };
        entries
    }

    fn register(&mut self) {
        let members = self.group().members.clone();
        let images: Vec<String> = members.iter().map(|member| self.image_of(member)).collect();
        let provider = self.observed.group_providers.iter().next().map(|provider| provider.name.clone());
        let (now, mute, mute_versions_from) = (self.now, self.mute.clone(), self.mute_versions_from);
        let is_mute = |member: &GroupMember| {
            let number: i64 = member.template_version.as_ref().unwrap().parse().unwrap();
            mute_versions_from.is_some_and(|from| number >= from)
        };
        self.instances().retain(|_, found| members.iter().any(|member| found.ec2_id.as_ref() == Some(&member.id)));
        for (member, image) in members.iter().zip(images).filter(|(m, image)| !mute.contains(image) && !is_mute(m)) {
            let arn = format!("container-instance/{}", member.id);
            self.instances().entry(arn.clone()).or_insert(Instance {
                arn,
                ec2_id: Some(member.id.clone()),
                instance_type: Some("inf2.24xlarge".into()),
                availability_zone: Some(member.zone.clone()),
                status: "ACTIVE".into(),
                provider: provider.clone(),
                connected: true,
                image: Some(image),
                agent_version: None,
                registered: Some(now),
                running_tasks: 0,
                pending_tasks: 0,
            });
        }
    }

    fn launch(&mut self) {
        let name = group_name(&self.specs);
        let now = self.now;
        let group = self.observed.groups.get_mut(&name).unwrap();
        while group.members.len() < usize::try_from(group.desired).unwrap() {
            self.counter += 1;
            let id = format!("i-{:03}", self.counter);
            let version = axon_core::plan::version_of(group).unwrap().to_string();
            group.members.push(GroupMember {
                id: id.clone(),
                instance_type: Some("inf2.24xlarge".into()),
                zone: "us-east-1a".into(),
                lifecycle: "InService".into(),
                healthy: true,
                protected: true,
                template_version: Some(version),
            });
            let group = Some(name.clone());
            let machine = Machine { id: id.clone(), image: None, state: "running".into(), launched: Some(now), group };
            self.observed.machines.put(id, machine);
        }
    }

    /// A draining instance loses its tasks within a minute.
    fn stop_drained(&mut self) {
        let draining: BTreeSet<String> =
            self.instances().values().filter(|i| i.status == "DRAINING").map(|i| i.arn.clone()).collect();
        let known: BTreeSet<String> = self.instances().keys().cloned().collect();
        for tasks in self.observed.tasks.values_mut() {
            tasks.tasks.retain(|task| {
                let arn = task.container_instance.as_ref().unwrap();
                !draining.contains(arn) && known.contains(arn)
            });
        }
    }

    fn start_tasks(&mut self) {
        let services: Vec<Service> = self.observed.all_services().cloned().collect();
        self.observed.tasks.retain(|(_, name), _| services.iter().any(|service| service.name == *name));
        let mut homeless = 0;
        for service in services {
            let key = (service.cluster.clone(), service.name.clone());
            let mut tasks = self.observed.tasks.remove(&key).unwrap_or_default();
            let wanted = usize::try_from(service.settings.desired_count.unwrap()).unwrap();
            let revision = service.settings.task_definition.clone().unwrap();
            tasks.tasks.retain(|task| task.last_status == "STOPPED" || task.task_definition == revision);
            let live = |tasks: &ServiceTasks| tasks.tasks.iter().filter(|t| t.last_status != "STOPPED").count();
            while live(&tasks) > wanted {
                let last = tasks.tasks.iter().rposition(|task| task.last_status != "STOPPED").unwrap();
                tasks.tasks.remove(last);
            }
            let mut tries = 0;
            while live(&tasks) < wanted && tries < 2 {
                tries += 1;
                self.observed.tasks.insert(key.clone(), tasks.clone());
                let Some(instance) = self.free_instance(&service) else { break };
                tasks.tasks.push(self.task(&revision, &instance));
            }
            homeless += wanted - live(&tasks);
            self.observed.tasks.insert(key, tasks);
        }
        // Managed scaling asks for an instance for what waits, as far as nothing is on its way or broken.
        let name = group_name(&self.specs);
        let free = self.instances().values().filter(|i| i.status == "ACTIVE" && i.running_tasks == 0).count();
        let coming = self.group().members.len() - self.instances().len();
        let group = self.observed.groups.get_mut(&name).unwrap();
        if homeless > free + coming && group.desired < group.settings.max_size.unwrap() {
            group.desired += 1;
        }
    }

    fn task(&mut self, revision: &str, instance: &Instance) -> Task {
        self.counter += 1;
        let fails = instance.image.as_ref().is_some_and(|image| self.broken.contains(image));
        Task {
            arn: format!("task/{}", self.counter),
            task_definition: revision.into(),
            last_status: if fails { "STOPPED" } else { "RUNNING" }.into(),
            desired_status: if fails { "STOPPED" } else { "RUNNING" }.into(),
            health: None,
            container_instance: Some(instance.arn.clone()),
            availability_zone: None,
            created: Some(self.now),
            started: Some(self.now),
            stopped_reason: fails.then(|| "CannotStartContainerError: no /dev/neuron0".into()),
            stop_code: fails.then(|| "TaskFailedToStart".into()),
            containers: Vec::new(),
        }
    }

    fn free_instance(&mut self, service: &Service) -> Option<Instance> {
        let wanted = devices(service);
        let taken: Vec<(String, DeviceSet)> = self
            .observed
            .all_services()
            .flat_map(|other| {
                let tasks = self.observed.tasks.get(&(other.cluster.clone(), other.name.clone()));
                let live = tasks.into_iter().flat_map(|t| &t.tasks).filter(|task| task.last_status != "STOPPED");
                live.map(|task| (task.container_instance.clone().unwrap(), devices(other))).collect::<Vec<_>>()
            })
            .collect();
        let clash =
            |arn: &str| taken.iter().any(|(at, set)| at == arn && set.ids().any(|id| wanted.ids().any(|w| w == id)));
        self.instances().values().find(|i| i.status == "ACTIVE" && !clash(&i.arn)).cloned()
    }

    fn count(&mut self) {
        let tasks = self.observed.tasks.clone();
        let on = |arn: &str| {
            let all = tasks.values().flat_map(|tasks| &tasks.tasks);
            all.filter(|t| t.last_status == "RUNNING" && t.container_instance.as_deref() == Some(arn)).count()
        };
        for instance in self.instances().values_mut() {
            instance.running_tasks = i32::try_from(on(&instance.arn)).unwrap();
        }
        let Some(Listing::Read(services)) = self.observed.services.get_mut("ml") else { return };
        for service in services.values_mut() {
            let running = tasks[&("ml".to_owned(), service.name.clone())].tasks.iter();
            service.running = i32::try_from(running.filter(|task| task.last_status == "RUNNING").count()).unwrap();
        }
    }
}

/// The devices that every task of a service has.
fn devices(service: &Service) -> DeviceSet {
    service.tags[ownership::DEVICES].parse().unwrap()
}
