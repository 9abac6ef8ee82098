//! Instances of the miniature: Auto Scaling launches them, they register or do not, ECS's managed scaling asks for more
//! and takes back what is idle.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::neuron::Catalog;
use axon_core::observe::{Activity, Group, GroupMember, Instance, Machine, Task};
use axon_core::observed::Listing;
use axon_core::ownership::Tags;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;

use super::{MUTE_SCRIPT, Miniature};

/// After how long an instance without tasks is taken back.
const IDLE: SignedDuration = SignedDuration::from_mins(20);

impl Miniature {
    pub(super) fn instances(&mut self) -> &mut BTreeMap<String, Instance> {
        let Some(Listing::Read(entries)) = self.observed.instances.get_mut("ml") else { panic!("there is a cluster") };
        entries
    }

    /// Instances that were terminated leave, those that were launched register, and groups launch what they lack.
    pub(super) fn scale(&mut self) {
        if self.observed.clusters.get("ml").is_none() {
            return;
        }
        let groups: Vec<Group> = self.observed.groups.iter().cloned().collect();
        let members: BTreeSet<String> =
            groups.iter().flat_map(|group| group.members.iter().map(|member| member.id.clone())).collect();
        self.instances().retain(|_, found| members.contains(found.ec2_id.as_ref().unwrap()));
        if let Listing::Read(machines) = &mut self.observed.machines {
            machines.retain(|id, _| members.contains(id));
        }
        for group in &groups {
            for member in &group.members {
                self.register(group, member);
            }
        }
        for group in &groups {
            self.launch(group);
        }
    }

    fn register(&mut self, group: &Group, member: &GroupMember) {
        let arn = format!("container-instance/{}", member.id);
        let contents = self.contents_of(group, member);
        let image = contents.image_id.clone().unwrap();
        let script = BASE64_STANDARD.decode(contents.user_data.as_ref().unwrap()).unwrap();
        let is_mute = String::from_utf8(script).unwrap().contains(MUTE_SCRIPT) || self.faults.mute.contains(&image);
        if is_mute || self.instances().contains_key(&arn) {
            return;
        }
        let arn_of = |given: &axon_core::observe::Provider| {
            given.auto_scaling_group.as_ref().is_some_and(|behind| behind.auto_scaling_group_arn == group.arn)
        };
        let provider = self.observed.group_providers.iter().find(|given| arn_of(given)).map(|given| given.name.clone());
        let found = Instance {
            arn: arn.clone(),
            ec2_id: Some(member.id.clone()),
            instance_type: member.instance_type.clone(),
            availability_zone: Some(member.zone.clone()),
            status: "ACTIVE".into(),
            provider,
            connected: true,
            image: Some(image),
            agent_version: None,
            registered: Some(self.now),
            running_tasks: 0,
            pending_tasks: 0,
        };
        self.instances().insert(arn, found);
    }

    fn launch(&mut self, group: &Group) {
        let (name, now) = (group.name.clone(), self.now);
        let version = axon_core::plan::version_of(group).unwrap();
        let template = self.observed.templates.get(&name).unwrap().id.clone();
        let kind = self.versions[&(template.clone(), version)].instance_type.clone().unwrap();
        let short = self.faults.short.contains(&kind);
        let found = self.observed.groups.get_mut(&name).unwrap();
        if found.members.len() >= usize::try_from(found.desired).unwrap() {
            found.activities.clear();
        }
        while found.members.len() < usize::try_from(found.desired).unwrap() {
            if short {
                let message =
                    format!("We currently do not have sufficient {kind} capacity. (InsufficientInstanceCapacity)");
                found.activities.insert(
                    0,
                    Activity {
                        status: "Failed".into(),
                        message: Some(message),
                        description: None,
                        started: Some(now),
                        ended: Some(now),
                    },
                );
                found.activities.truncate(10);
                self.watch.seen.failed_launches += 1;
                return;
            }
            self.counter += 1;
            let id = format!("i-{:03}", self.counter);
            found.members.push(GroupMember {
                id: id.clone(),
                instance_type: Some(kind.clone()),
                zone: if self.counter.is_multiple_of(2) { "us-east-1a" } else { "us-east-1b" }.into(),
                lifecycle: "InService".into(),
                healthy: true,
                protected: true,
                template: Some(template.clone()),
                template_version: Some(version.to_string()),
            });
            let group = Some(name.clone());
            let machine = Machine {
                id: id.clone(),
                image: None,
                state: "running".into(),
                launched: Some(now),
                address: Some("10.0.0.7".into()),
                group,
                tags: Tags::new(),
            };
            self.observed.machines.put(id, machine);
        }
    }

    /// An instance is gone: without a word, and with everything on it.
    pub(crate) fn lose(&mut self, id: &str) {
        let Listing::Read(groups) = &mut self.observed.groups else { return };
        for group in groups.values_mut() {
            group.members.retain(|member| member.id != id);
        }
        let arn = format!("container-instance/{id}");
        self.excuse(&arn);
        self.instances().remove(&arn);
        self.drop_tasks_of_the_lost();
    }

    /// Services that have tasks on an instance may be short of them now, and it is not our doing.
    pub(crate) fn excuse(&mut self, arn: &str) {
        for ((_, name), tasks) in &self.observed.tasks {
            if tasks.tasks.iter().any(|task| task.container_instance.as_deref() == Some(arn)) {
                self.watch.excuse_unit(name);
            }
        }
    }

    pub(super) fn drop_tasks_of_the_lost(&mut self) {
        let known: BTreeSet<String> = self.instances().keys().cloned().collect();
        for tasks in self.observed.tasks.values_mut() {
            tasks.tasks.retain(|task| task.container_instance.as_ref().is_none_or(|arn| known.contains(arn)));
        }
    }

    /// Managed scaling: as many more instances as the tasks without a place need, and fewer where some have long been
    /// idle.
    pub(super) fn manage_scaling(&mut self) {
        let groups: Vec<Group> = self.observed.groups.iter().cloned().collect();
        for group in groups {
            let needed = self.needed(&group);
            let registered: Vec<Instance> = self.instances_of(&group).cloned().collect();
            let coming = group.members.len() - registered.len();
            let (least, most) = (group.settings.min_size.unwrap(), group.settings.max_size.unwrap());
            if needed > coming {
                let wanted = i32::try_from(group.members.len() + needed - coming).unwrap();
                let found = self.observed.groups.get_mut(&group.name).unwrap();
                found.desired = found.desired.max(wanted).min(most);
            }
            for instance in registered {
                let is_idle = instance.running_tasks + instance.pending_tasks == 0 && instance.status == "ACTIVE";
                if !is_idle || needed > 0 {
                    self.idle_since.remove(&instance.arn);
                    continue;
                }
                let now = self.now;
                let since = *self.idle_since.entry(instance.arn.clone()).or_insert(now);
                let found = self.observed.groups.get_mut(&group.name).unwrap();
                if now.duration_since(since) > IDLE && found.desired > least {
                    found.desired -= 1;
                    found.members.retain(|member| Some(&member.id) != instance.ec2_id.as_ref());
                    self.instances().remove(&instance.arn);
                }
            }
        }
    }

    fn instances_of<'m>(&'m self, group: &'m Group) -> impl Iterator<Item = &'m Instance> {
        let all = self.observed.instances["ml"].iter();
        all.filter(|found| group.members.iter().any(|member| Some(&member.id) == found.ec2_id.as_ref()))
    }

    /// How many empty instances the tasks would take that wait for this group.
    fn needed(&self, group: &Group) -> usize {
        let arn = |given: &&axon_core::observe::Provider| {
            given.auto_scaling_group.as_ref().is_some_and(|behind| behind.auto_scaling_group_arn == group.arn)
        };
        let Some(provider) = self.observed.group_providers.iter().find(arn) else { return 0 };
        let kind = self.desired().pools.values().flat_map(|pool| pool.groups().to_vec()).find(|g| g.name == group.name);
        let Some(kind) = kind else { return 0 };
        let mut bins: Vec<Room> = Vec::new();
        for service in self.observed.all_services() {
            let strategy = service.settings.capacity_provider_strategy.iter().flatten();
            if strategy.into_iter().all(|item| item.capacity_provider != provider.name) {
                continue;
            }
            let tasks = &self.observed.tasks[&(service.cluster.clone(), service.name.clone())].tasks;
            for task in tasks.iter().filter(|task| task.last_status == "PROVISIONING") {
                let needs = self.needs(task);
                if let Some(bin) = bins.iter_mut().find(|bin| bin.takes(&needs)) {
                    bin.give(&needs);
                } else {
                    let mut bin = Room::of(&kind.instance_type);
                    bin.give(&needs);
                    bins.push(bin);
                }
            }
        }
        bins.len()
    }

    /// What a task takes of an instance, as far as ECS counts.
    pub(super) fn needs(&self, task: &Task) -> Room {
        let revision = &self.revisions[&task.task_definition];
        let mappings = revision.container_definitions.iter().flat_map(|container| &container.port_mappings);
        Room {
            cpu: revision.cpu.as_ref().unwrap().parse().unwrap(),
            memory: revision.memory.as_ref().unwrap().parse().unwrap(),
            ports: mappings.filter_map(|mapping| mapping.host_port).collect(),
        }
    }

    /// What is left of an instance.
    pub(super) fn room_on(&self, instance: &Instance) -> Room {
        let mut room = Room::of(instance.instance_type.as_ref().unwrap());
        for task in self.observed.tasks.values().flat_map(|tasks| &tasks.tasks) {
            if task.last_status != "STOPPED" && task.container_instance.as_ref() == Some(&instance.arn) {
                room.give(&self.needs(task));
            }
        }
        room
    }
}

/// CPU units, MiB, and host ports that are taken.
#[derive(Clone, Debug)]
pub(super) struct Room {
    cpu: i64,
    pub(super) memory: i64,
    ports: BTreeSet<i32>,
}

impl Room {
    fn of(kind: &str) -> Self {
        thread_local!(static CATALOG: Catalog = Catalog::builtin());
        let (cpu, memory) = CATALOG.with(|catalog| catalog.get(kind).unwrap().offers(1024));
        Self { cpu: cpu.into(), memory: memory.into(), ports: BTreeSet::new() }
    }

    pub(super) fn takes(&self, needs: &Self) -> bool {
        self.cpu >= needs.cpu && self.memory >= needs.memory && self.ports.is_disjoint(&needs.ports)
    }

    pub(super) fn give(&mut self, needs: &Self) {
        self.cpu -= needs.cpu;
        self.memory -= needs.memory;
        self.ports.extend(&needs.ports);
    }
}
