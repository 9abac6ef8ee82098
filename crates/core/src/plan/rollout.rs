//! Replaces running instances after a change of image or launch template: surge first, then drain, then terminate.
//!
//! Part of `plan`. There is no record of a rollout: an instance is out of date if it was launched from another version
//! of the template than the group's, so every step is recognised from AWS and a restart goes on where it was. A rollout
//! that goes wrong leaves one mark, a tag on the template with the image (or the contents) that failed; `image` then
//! takes the group back, and the instances that failed are the ones out of date.

use jiff::{SignedDuration, Timestamp};

use super::group::Version;
use super::image::is_bad;
use super::{Evidence, Planner, Wait};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::observe::{Group, GroupMember, Instance, Task, Template};
use crate::observed::Listing;
use crate::ownership;
use crate::spec::{Duration, RolloutPolicy};
use crate::step::{Action, Cause, Place, Resource, Step};

/// Tasks that must fail on new instances before the image is blamed: one may be bad luck.
const FAILED_TASKS: usize = 2;
/// Most that a tag holds.
const TAG_VALUE: usize = 256;

/// An instance of a group, with what ECS knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// What Auto Scaling knows.
    pub member: &'a GroupMember,
    /// What ECS knows, once it has registered.
    pub instance: Option<&'a Instance>,
}

impl Node<'_> {
    fn is_draining(&self) -> bool {
        self.instance.is_some_and(|instance| instance.status == "DRAINING")
    }

    pub(super) fn tasks(&self) -> i32 {
        self.instance.map_or(0, |instance| instance.running_tasks + instance.pending_tasks)
    }

    /// Ready for the tasks of another one.
    fn is_spare(&self) -> bool {
        let ready = |instance: &Instance| instance.status == "ACTIVE" && instance.connected;
        self.lives() && self.tasks() == 0 && self.instance.is_some_and(ready)
    }

    pub(super) fn lives(&self) -> bool {
        !self.member.lifecycle.starts_with("Terminat")
    }
}

/// The instances of a group, told apart by the version that they were launched from.
#[derive(Clone, Debug, Default)]
pub struct NodeSides<'a> {
    /// Launched from the version in force.
    pub current: Vec<Node<'a>>,
    /// Launched from another one.
    pub outdated: Vec<Node<'a>>,
}

impl<'a> NodeSides<'a> {
    /// Tells the instances of a group apart. `instances` are the container instances of its cluster.
    pub fn of(group: &'a Group, version: i64, instances: Option<&'a Listing<Instance>>) -> Self {
        let version = version.to_string();
        let mut fleet = Self::default();
        for member in &group.members {
            let mut found = instances.into_iter().flat_map(Listing::iter);
            let instance =
                found.find(|instance| instance.ec2_id.as_ref() == Some(&member.id) && instance.status != "INACTIVE");
            let node = Node { member, instance };
            let side = if member.template_version.as_ref() == Some(&version) {
                &mut fleet.current
            } else {
                &mut fleet.outdated
            };
            side.push(node);
        }
        fleet
    }
}

/// One group in the middle of a change.
struct Roll<'p> {
    pool: &'p DesiredPool,
    wanted: &'p DesiredGroup,
    group: &'p Group,
    template: &'p Template,
    version: &'p Version,
}

impl<'a> Planner<'a> {
    pub(super) fn roll(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, group: &'a Group, version: &Version) {
        let observed = self.world.observed;
        let Some(template) = observed.templates.get(&wanted.name) else { return };
        // Until the group names the version, new instances would be outdated as well.
        if super::group::version_of(group) != Some(version.number) {
            return;
        }
        let instances = observed.instances.get(pool.cluster.as_str());
        let fleet = NodeSides::of(group, version.number, instances);
        if fleet.outdated.iter().all(|node| !node.lives()) {
            return;
        }
        if instances.is_none_or(|listing| !listing.is_read()) {
            let what = format!("container instances of cluster {}", pool.cluster);
            self.wait(&pool.object, Wait::NotRead { what });
            return;
        }
        let roll = Roll { pool, wanted, group, template, version };
        if let Some(reason) = self.failure(&roll, &fleet) {
            self.quarantine(&roll, &fleet, reason);
            return;
        }
        let due = |node: &&Node<'a>| {
            node.lives() && (wanted.rollout.policy == RolloutPolicy::Roll || was_bad(node, template))
        };
        let due: Vec<Node<'a>> = fleet.outdated.iter().filter(due).copied().collect();
        if !due.is_empty() {
            self.replace(&roll, &fleet, &due);
        }
    }

    /// Terminates what is drained, then drains as many as the budget allows.
    fn replace(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>, due: &[Node<'a>]) {
        self.terminate(roll, due);
        let under_way = self.under_way(roll);
        let mut next: Vec<&Node<'a>> =
            due.iter().filter(|node| node.instance.is_some() && !node.is_draining()).collect();
        next.sort_by_key(|node| (node.tasks(), node.member.id.clone()));
        let budget = usize::try_from(roll.wanted.rollout.max_unavailable).unwrap_or(usize::MAX);
        if next.is_empty() || under_way >= budget {
            let what = match under_way {
                0 => "one that was launched before the change has not registered yet".to_owned(),
                count => format!("{count} are being drained or terminated"),
            };
            self.wait_for_roll(roll, what);
            return;
        }
        let urgent = due.iter().any(|node| was_bad(node, roll.template));
        let now = self.limits.now;
        if !urgent && !roll.wanted.rollout.is_open(now) {
            let opens = roll.wanted.rollout.next_opening(now).unwrap_or(Timestamp::MAX);
            self.wait(&roll.pool.object, Wait::Window { group: roll.group.name.clone(), opens });
            return;
        }
        for node in next.into_iter().take(budget - under_way) {
            if node.tasks() > 0 && !self.has_spare(roll, fleet) {
                return;
            }
            self.drain(roll, node);
        }
    }

    /// Instances of the whole pool that are being replaced, with those that this plan drains.
    fn under_way(&self, roll: &Roll<'_>) -> usize {
        let observed = self.world.observed;
        let instances = observed.instances.get(roll.pool.cluster.as_str());
        let groups = roll.pool.groups().iter().filter_map(|wanted| observed.groups.get(&wanted.name));
        let sides = groups.filter_map(|group| Some(NodeSides::of(group, super::group::version_of(group)?, instances)));
        let going = |sides: NodeSides<'_>| sides.outdated.iter().filter(|n| n.is_draining() || !n.lives()).count();
        let drains = |action: &Action| matches!(action, Action::UpdateContainerInstancesState { .. });
        let steps = self.plan.steps.iter().filter(|step| step.object == roll.pool.object && drains(&step.action));
        sides.map(going).sum::<usize>() + steps.count()
    }

    /// Terminates instances that have lost their tasks, and those that never had any and never will.
    fn terminate(&mut self, roll: &Roll<'_>, due: &[Node<'a>]) {
        let mut size = roll.group.desired;
        let goes = |node: &&Node<'a>| {
            let lost = node.instance.is_none() && (was_bad(node, roll.template) || self.is_silent(roll, node));
            lost || (is_idle(node) && node.is_draining())
        };
        let gone: Vec<&Node<'a>> = due.iter().filter(goes).collect();
        for node in gone {
            let fewest = roll.wanted.settings.min_size.unwrap_or(0);
            let place = if size > fewest { Place::Removed } else { Place::Refilled };
            size -= i32::from(place == Place::Removed);
            let action = Action::TerminateInstanceInAutoScalingGroup { instance: node.member.id.clone(), place };
            self.roll_step(roll, Resource::Instance(node.member.id.clone()), action);
        }
    }

    /// Whether a new instance stands ready for the tasks of the next old one; otherwise asks for one.
    fn has_spare(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> bool {
        if let Some(what) = self.unwell(roll, fleet) {
            self.wait_for_roll(roll, what);
            return false;
        }
        if let Some(until) = self.soaking(roll, fleet) {
            self.wait(&roll.pool.object, Wait::Soak { group: roll.group.name.clone(), until });
            return false;
        }
        let unregistered = fleet.current.iter().any(|node| node.lives() && node.instance.is_none());
        let alive = fleet.current.iter().chain(&fleet.outdated).filter(|node| node.lives()).count();
        let alive = i32::try_from(alive).unwrap_or(i32::MAX);
        if unregistered || roll.group.desired > alive {
            let trouble = roll.group.activities.first().filter(|activity| activity.status == "Failed");
            let why = trouble.and_then(|activity| activity.message.as_deref());
            let why = why.map(|why| format!("; the last launch failed: {why}")).unwrap_or_default();
            self.wait_for_roll(roll, format!("a new one is being launched{why}"));
            return false;
        }
        let most = roll.wanted.settings.max_size.unwrap_or(i32::MAX);
        // A full group has no room for a surge: the budget alone says what may be missing.
        if fleet.current.iter().any(Node::is_spare) || alive >= most {
            return true;
        }
        let action = Action::SetDesiredCapacity { group: roll.group.name.clone(), desired: alive + 1 };
        self.roll_step(roll, Resource::AutoScalingGroup(roll.group.name.clone()), action);
        false
    }

    /// What keeps new instances from being proven, besides time.
    fn unwell(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Option<String> {
        let tasks = self.tasks_on(roll.pool.cluster.as_str(), &fleet.current);
        let ill = tasks.into_iter().filter(|task| is_meant_to_run(task)).find(|task| !is_well(task))?;
        let health = ill.health.as_deref().filter(|health| *health == "UNHEALTHY").map_or("", |_| " and unhealthy");
        Some(format!("task {} on a new one is {}{health}", ill.arn, ill.last_status))
    }

    /// Until when new instances and their tasks are watched before the next old instance is drained.
    fn soaking(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Option<Timestamp> {
        let soak = span(roll.wanted.rollout.soak);
        let registered = fleet.current.iter().filter_map(|node| node.instance?.registered);
        let tasks = self.tasks_on(roll.pool.cluster.as_str(), &fleet.current);
        let started = tasks.into_iter().filter(|task| is_meant_to_run(task)).filter_map(|task| task.started);
        let newest = registered.chain(started).max()?;
        let until = newest.checked_add(soak).unwrap_or(Timestamp::MAX);
        (until > self.limits.now).then_some(until)
    }

    fn drain(&mut self, roll: &Roll<'_>, node: &Node<'_>) {
        let Some(instance) = node.instance else { return };
        let action = Action::UpdateContainerInstancesState {
            cluster: roll.pool.cluster.to_string(),
            instance: instance.arn.clone(),
            status: "DRAINING",
        };
        self.roll_step(roll, Resource::Instance(node.member.id.clone()), action);
    }

    fn roll_step(&mut self, roll: &Roll<'_>, resource: Resource, action: Action) {
        let by = format!("version {} of launch template {}", roll.version.number, roll.group.name);
        let because = vec![Cause::Superseded { by }];
        self.step(Step { object: roll.pool.object.clone(), resource, action, because }, Evidence::Reading);
    }

    fn wait_for_roll(&mut self, roll: &Roll<'_>, what: String) {
        self.wait(&roll.pool.object, Wait::Rollout { group: roll.group.name.clone(), what });
    }

    /// Why the version in force must be bad, if it is. What fails on proven instances as well is no fault of the new ones.
    fn failure(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Option<String> {
        let in_force = roll.template.versions.iter().find(|version| version.number == roll.version.number)?;
        let proven = fleet.outdated.iter().any(|node| node.instance.is_some() && !was_bad(node, roll.template));
        if is_bad(roll.template, in_force) || !proven {
            return None;
        }
        let image = in_force.image.as_deref().unwrap_or("its image");
        let timeout = roll.wanted.rollout.timeout;
        if let Some(node) = fleet.current.iter().find(|node| node.instance.is_none() && self.is_silent(roll, node)) {
            return Some(format!("{}, launched from {image}, has not registered within {timeout}", node.member.id));
        }
        let cluster = roll.pool.cluster.as_str();
        let on_old = self.tasks_on(cluster, &fleet.outdated);
        let also_on_old = |task: &Task, fails: fn(&Task) -> bool| {
            on_old.iter().any(|old| old.task_definition == task.task_definition && fails(old))
        };
        let on_new = self.tasks_on(cluster, &fleet.current);
        let failed: Vec<&Task> =
            on_new.iter().copied().filter(|task| has_failed(task) && !also_on_old(task, has_failed)).collect();
        if let (Some(task), true) = (failed.first(), failed.len() >= FAILED_TASKS) {
            let (count, why) = (failed.len(), task.stopped_reason.as_deref().unwrap_or("no reason given"));
            return Some(format!("{count} tasks have failed on instances from {image}, the last with: {why}"));
        }
        let is_ill: fn(&Task) -> bool = |task| is_meant_to_run(task) && !is_well(task);
        let late = |task: &Task| task.created.is_some_and(|at| self.is_late(roll, at));
        let ill = on_new.iter().find(|task| is_ill(task) && late(task) && !also_on_old(task, is_ill))?;
        let (task, state) = (&ill.arn, &ill.last_status);
        Some(format!("task {task} on an instance from {image} is {state} and not well within {timeout}"))
    }

    /// Launched so long ago that it should have registered. It is asked of instances that have not.
    fn is_silent(&self, roll: &Roll<'_>, node: &Node<'_>) -> bool {
        let machine = self.world.observed.machines.get(&node.member.id);
        let launched = machine.and_then(|machine| machine.launched);
        node.lives() && launched.is_some_and(|at| self.is_late(roll, at))
    }

    fn is_late(&self, roll: &Roll<'_>, since: Timestamp) -> bool {
        self.limits.now.duration_since(since) > span(roll.wanted.rollout.timeout)
    }

    /// Marks the image as failed; or, if the image is the one that the old instances run, the contents.
    fn quarantine(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>, reason: String) {
        let Some(bad) = roll.template.versions.iter().find(|version| version.number == roll.version.number) else {
            return;
        };
        let same_image =
            fleet.outdated.iter().any(|node| version_of(node, roll.template).is_some_and(|v| v.image == bad.image));
        let mark = if same_image { &bad.description } else { &bad.image };
        let Some(mark) = mark.clone() else { return };
        let known = roll.template.tags.get(ownership::QUARANTINED).map_or("", String::as_str);
        let mut value = mark;
        for earlier in known.split(' ').filter(|earlier| !earlier.is_empty()) {
            if value.len() + 1 + earlier.len() <= TAG_VALUE {
                value = format!("{value} {earlier}");
            }
        }
        let tags = ownership::Tags::from([(ownership::QUARANTINED.to_owned(), value)]);
        let action = Action::CreateTags { id: roll.template.id.clone(), tags };
        let resource = Resource::LaunchTemplate(roll.template.name.clone());
        let because = vec![Cause::Failed { reason }];
        self.step(Step { object: roll.pool.object.clone(), resource, action, because }, Evidence::Reading);
    }

    /// Tasks of ours on some instances, running or stopped within the hour.
    fn tasks_on(&self, cluster: &str, nodes: &[Node<'_>]) -> Vec<&'a Task> {
        let arns: Vec<&str> =
            nodes.iter().filter_map(|node| node.instance.map(|instance| instance.arn.as_str())).collect();
        let services = self.world.observed.tasks.iter().filter(|((of, _), _)| of == cluster);
        let tasks = services.flat_map(|(_, tasks)| &tasks.tasks);
        tasks.filter(|task| task.container_instance.as_deref().is_some_and(|arn| arns.contains(&arn))).collect()
    }
}

fn span(duration: Duration) -> SignedDuration {
    SignedDuration::from_secs(i64::from(duration.seconds()))
}

fn is_idle(node: &Node<'_>) -> bool {
    node.tasks() == 0
}

fn version_of<'t>(node: &Node<'_>, template: &'t Template) -> Option<&'t crate::observe::TemplateVersion> {
    let number: i64 = node.member.template_version.as_deref()?.parse().ok()?;
    template.versions.iter().find(|version| version.number == number)
}

fn was_bad(node: &Node<'_>, template: &Template) -> bool {
    version_of(node, template).is_some_and(|version| is_bad(template, version))
}

fn is_well(task: &Task) -> bool {
    task.last_status == "RUNNING" && task.health.as_deref() != Some("UNHEALTHY")
}

/// Neither stopped nor told to.
fn is_meant_to_run(task: &Task) -> bool {
    task.last_status != "STOPPED" && task.desired_status != "STOPPED"
}

fn has_failed(task: &Task) -> bool {
    task.last_status == "STOPPED"
        && matches!(task.stop_code.as_deref(), Some("EssentialContainerExited" | "TaskFailedToStart"))
}
