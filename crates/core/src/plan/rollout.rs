//! Replaces running instances after a change of image or launch template: surge first, then drain, then terminate.
//!
//! Part of `plan`. There is no record of a rollout: an instance is out of date if it was launched from another template
//! or version of it than the group's, so every step is recognised from AWS and a restart goes on where it was. A rollout
//! that goes wrong leaves one mark, a tag on the template with the image (or the contents) that failed; `image` then
//! takes the group back, and the instances that failed are the ones out of date. Whether it goes wrong is decided in
//! `blame`. An instance is marked as drained by Axon before it is: if its version is wanted again, it takes tasks again,
//! where one that a person drains stays drained.

use jiff::{SignedDuration, Timestamp};

use super::blame::{Failing, Verdict, was_bad};
use super::group::Version;
use super::{Evidence, Planner, Wait};
use crate::allocate::Allocated;
use crate::desired::{DesiredGroup, DesiredPool};
use crate::observe::{Group, GroupMember, Instance, ServiceTasks, Template};
use crate::observed::Listing;
use crate::ownership::{DRAINED_FOR, Tags};
use crate::shape::deployment::DeploymentConfiguration;
use crate::spec::RolloutPolicy;
use crate::step::{Action, Cause, Place, Resource, Step};

/// ECS's word for an instance that takes no tasks and loses those it has.
const DRAINING: &str = "DRAINING";

/// Auto Scaling's word for an instance that goes when its lifecycle action is completed: ECS does that once it has no tasks.
const HELD: &str = "Terminating:Wait";
/// So long after its launch an instance of a bad version is given up that ECS does not know. One that comes within that
/// time may be given tasks while a reading still says that it has not registered, so it is drained like any other.
const REGISTERS: SignedDuration = SignedDuration::from_mins(10);

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
        self.instance.is_some_and(|instance| instance.status == DRAINING)
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
    pub fn of(group: &'a Group, instances: Option<&'a Listing<Instance>>) -> Self {
        let mut fleet = Self::default();
        for member in &group.members {
            let mut found = instances.into_iter().flat_map(Listing::iter);
            let instance =
                found.find(|instance| instance.ec2_id.as_ref() == Some(&member.id) && instance.status != "INACTIVE");
            let node = Node { member, instance };
            let side = if super::group::is_current(group, member) { &mut fleet.current } else { &mut fleet.outdated };
            side.push(node);
        }
        fleet
    }

    fn alive(&self) -> i32 {
        let alive = self.current.iter().chain(&self.outdated).filter(|node| node.lives()).count();
        i32::try_from(alive).unwrap_or(i32::MAX)
    }
}

/// One group in the middle of a change.
pub(super) struct Roll<'p> {
    pub(super) pool: &'p DesiredPool,
    pub(super) wanted: &'p DesiredGroup,
    pub(super) group: &'p Group,
    pub(super) template: &'p Template,
    pub(super) version: &'p Version,
    failing: Failing<'p>,
}

impl Roll<'_> {
    /// Whether an instance is known to be bad: a rollout has failed with its version, or it is to blame for tasks that fail.
    fn is_bad(&self, node: &Node<'_>) -> bool {
        was_bad(node, self.template) || self.failing.to_blame.contains(node.member.id.as_str())
    }

    /// Whether an instance must go before the others: in a full group, tasks of any other would go to it and fail.
    fn goes_first(&self, node: &Node<'_>) -> bool {
        self.is_bad(node) || self.failing.in_doubt.contains(node.member.id.as_str())
    }

    fn most(&self) -> i32 {
        self.wanted.settings.max_size.unwrap_or(i32::MAX)
    }
}

impl<'a> Planner<'a> {
    pub(super) fn roll(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, group: &'a Group, version: &Version) {
        let observed = self.world.observed;
        let Some(template) = observed.templates.get(&wanted.name) else { return };
        // Until the group names the version, new instances would be outdated as well.
        if !super::group::launches_from(group, version) {
            return;
        }
        let instances = observed.instances.get(pool.cluster.as_str());
        let fleet = NodeSides::of(group, instances);
        let failing = self.failing((pool, template), &fleet);
        let roll = Roll { pool, wanted, group, template, version, failing };
        self.take_back(&roll, &fleet);
        self.drain_leaving(&roll, &fleet);
        if fleet.outdated.iter().all(|node| !node.lives()) {
            return;
        }
        if instances.is_none_or(|listing| !listing.is_read()) {
            let what = format!("container instances of cluster {}", pool.cluster);
            self.wait(&pool.object, Wait::NotRead { what });
            return;
        }
        let verdict = self.verdict(&roll, &fleet);
        if let Verdict::Bad(reason) = verdict {
            self.quarantine(&roll, &fleet, reason);
            return;
        }
        let due = |node: &&Node<'a>| {
            node.lives() && (wanted.rollout.policy == RolloutPolicy::Roll || was_bad(node, template))
        };
        let due: Vec<Node<'a>> = fleet.outdated.iter().filter(due).copied().collect();
        if due.is_empty() {
            return;
        }
        self.terminate(&roll, &due);
        match verdict {
            Verdict::Unclear(what) => self.wait_for_roll(&roll, what),
            Verdict::Bad(_) | Verdict::Good => self.replace(&roll, &fleet, &due),
        }
    }

    /// Lets instances take tasks again that were drained for a change which is itself taken back, or for one that another one
    /// has followed: their tasks may have nowhere to go but to instances of a version that nobody looks at any more. So do good
    /// ones that were drained before all bad ones. Whoever drains an instance by hand has reasons of his own.
    fn take_back(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>) {
        let has_bad = fleet.outdated.iter().any(|node| node.lives() && !node.is_draining() && roll.goes_first(node));
        let overtaken = |node: &&Node<'a>| {
            // What is empty already goes, and what is bad must go, and first: the tasks of any other would go to it.
            let stays = roll.goes_first(node) || node.is_draining() && is_idle(node);
            (has_bad || !self.is_marked_for(roll, node)) && !stays
        };
        let nodes = fleet.current.iter().chain(fleet.outdated.iter().filter(overtaken));
        let released: Vec<Node<'a>> = nodes.filter(|node| node.lives() && self.is_marked(node)).copied().collect();
        for node in &released {
            if node.is_draining() {
                self.set_state(roll, node, "ACTIVE");
            } else if node.instance.is_some() {
                let action = Action::DeleteTags { id: node.member.id.clone(), keys: vec![DRAINED_FOR.to_owned()] };
                self.roll_step(roll, Resource::Instance(node.member.id.clone()), action);
            }
        }
    }

    /// An instance that its group holds back until it is empty takes no tasks, or it never would be. ECS drains it; another
    /// process may have taken that back in the same moment.
    fn drain_leaving(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>) {
        for node in fleet.current.iter().chain(&fleet.outdated).filter(|node| node.member.lifecycle == HELD) {
            if !node.is_draining() && !is_idle(node) {
                self.set_state(roll, node, DRAINING);
            }
        }
    }

    /// Whether Axon has drained an instance, or is about to.
    fn is_marked(&self, node: &Node<'_>) -> bool {
        self.mark(node).is_some()
    }

    /// The same, for the version in force.
    fn is_marked_for(&self, roll: &Roll<'_>, node: &Node<'_>) -> bool {
        self.mark(node).is_some_and(|mark| *mark == roll.version.number.to_string())
    }

    /// The version for which it is drained.
    fn mark(&self, node: &Node<'_>) -> Option<&'a String> {
        self.world.observed.machines.get(&node.member.id)?.tags.get(DRAINED_FOR)
    }

    /// Drains as many as the budget allows.
    fn replace(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>, due: &[Node<'a>]) {
        let under_way = self.under_way(roll, due);
        let mut next: Vec<&Node<'a>> =
            due.iter().filter(|node| node.instance.is_some() && !node.is_draining()).collect();
        next.sort_by_key(|node| {
            (!roll.goes_first(node), !self.is_marked_for(roll, node), node.tasks(), node.member.id.clone())
        });
        let budget = usize::try_from(roll.wanted.rollout.max_unavailable).unwrap_or(usize::MAX);
        if next.is_empty() || under_way >= budget {
            let what = match under_way {
                0 => "one that was launched before the change has not registered yet".to_owned(),
                count => format!("{count} are being drained or terminated{}", crowded(roll, fleet)),
            };
            self.wait_for_roll(roll, what);
            return;
        }
        let urgent = due.iter().any(|node| roll.is_bad(node));
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
    fn under_way(&self, roll: &Roll<'_>, due: &[Node<'a>]) -> usize {
        // What others drain, a person or EC2, may wait for the bad ones to go: its tasks may find no other place.
        let urgent = due.iter().any(|node| roll.goes_first(node));
        let counts = |node: &&Node<'_>| {
            let goes = node.is_draining() || !node.lives();
            goes && (!urgent || self.is_marked(node))
        };
        let observed = self.world.observed;
        let instances = observed.instances.get(roll.pool.cluster.as_str());
        let groups = roll.pool.groups().iter().filter_map(|wanted| observed.groups.get(&wanted.name));
        let sides = groups.map(|group| NodeSides::of(group, instances));
        let going = |sides: NodeSides<'_>| sides.outdated.iter().filter(counts).count();
        let drains = |step: &&Step| {
            let action = &step.action;
            matches!(step.resource, Resource::Instance(_))
                && matches!(action, Action::UpdateContainerInstancesState { .. } | Action::CreateTags { .. })
        };
        let steps = self.plan.steps.iter().filter(|step| step.object == roll.pool.object).filter(drains);
        sides.map(going).sum::<usize>() + steps.count()
    }

    /// Terminates instances that have lost their tasks, and those that never had any and never will.
    fn terminate(&mut self, roll: &Roll<'_>, due: &[Node<'a>]) {
        let mut size = roll.group.desired;
        let living = roll.group.members.iter().filter(|member| !member.lifecycle.starts_with("Terminat")).count();
        let mut living = i32::try_from(living).unwrap_or(i32::MAX);
        let goes = |node: &&Node<'a>| {
            let lost = self.is_silent(roll, node) || was_bad(node, roll.template) && self.has_been_for(node, REGISTERS);
            node.instance.is_none() && lost || (is_idle(node) && node.is_draining())
        };
        let gone: Vec<&Node<'a>> = due.iter().filter(goes).collect();
        for node in gone {
            // A job of several nodes may keep the group larger; Auto Scaling refuses to go below what it is set to.
            let fewest = roll.group.settings.min_size.max(roll.wanted.settings.min_size).unwrap_or(0);
            // Managed scaling may have made the group smaller already and not have found an instance that it may end.
            let place = if size > fewest && size >= living { Place::Removed } else { Place::Refilled };
            size -= i32::from(place == Place::Removed);
            living -= 1;
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
        let alive = fleet.alive();
        if unregistered || roll.group.desired > alive {
            let trouble = roll.group.activities.first().filter(|activity| activity.status == "Failed");
            let why = trouble.and_then(|activity| activity.message.as_deref());
            let why = why.map(|why| format!("; the last launch failed: {why}")).unwrap_or_default();
            self.wait_for_roll(roll, format!("a new one is being launched{why}"));
            return false;
        }
        // A full group has no room for a surge: the budget alone says what may be missing.
        if fleet.current.iter().any(Node::is_spare) || alive >= roll.most() {
            return true;
        }
        // Otherwise the alarm that took an instance which was too many takes this one as well.
        if !roll.group.is_counted(self.limits.now) {
            let what = "one has left, and one more is asked for when managed scaling has counted those that stay";
            self.wait_for_roll(roll, what.to_owned());
            return false;
        }
        let action = Action::SetDesiredCapacity { group: roll.group.name.clone(), desired: alive + 1 };
        self.roll_step(roll, Resource::AutoScalingGroup(roll.group.name.clone()), action);
        false
    }

    /// Marks an instance, and drains it once the mark can be read.
    fn drain(&mut self, roll: &Roll<'_>, node: &Node<'_>) {
        let id = &node.member.id;
        if self.is_marked_for(roll, node) {
            if self.is_announced(node) {
                self.set_state(roll, node, DRAINING);
            } else {
                let what = format!("services on {id} learn how many of their replicas may be missing while it drains");
                self.wait_for_roll(roll, what);
            }
        } else if self.world.observed.machines.get(id).is_some() {
            let tags = Tags::from([(DRAINED_FOR.to_owned(), roll.version.number.to_string())]);
            let action = Action::CreateTags { id: id.clone(), tags };
            self.roll_step(roll, Resource::Instance(id.clone()), action);
        } else {
            self.wait(&roll.pool.object, Wait::NotRead { what: format!("EC2 instance {id}") });
        }
    }

    /// Whether the ECS services on an instance have the percentages by which it can be drained within their budgets.
    fn is_announced(&self, node: &Node<'_>) -> bool {
        let Some(instance) = node.instance else { return false };
        let is_here = |tasks: &ServiceTasks| {
            let mut tasks = tasks.tasks.iter().filter(|task| task.last_status != "STOPPED");
            tasks.any(|task| task.container_instance.as_ref() == Some(&instance.arn))
        };
        let here = self.world.observed.tasks.iter().filter(|(_, tasks)| is_here(tasks));
        here.into_iter().all(|((cluster, name), _)| {
            let found = self.world.observed.services.get(cluster).and_then(|listing| listing.get(name));
            let given = found.and_then(|found| found.settings.deployment_configuration.as_ref());
            let percentages = |of: &DeploymentConfiguration| (of.minimum_healthy_percent, of.maximum_percent);
            self.plan.allocation.services.values().all(|allocated| match allocated {
                Allocated::Blind { .. } => false,
                Allocated::Units(units) => {
                    units.deployment(name).is_none_or(|wanted| given.map(percentages) == Some(percentages(wanted)))
                }
            })
        })
    }

    fn set_state(&mut self, roll: &Roll<'_>, node: &Node<'_>, status: &'static str) {
        let Some(instance) = node.instance else { return };
        let (cluster, instance) = (roll.pool.cluster.to_string(), instance.arn.clone());
        let action = Action::UpdateContainerInstancesState { cluster, instance, status };
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
}

fn is_idle(node: &Node<'_>) -> bool {
    node.tasks() == 0
}

/// Why tasks may stay where they are drained, and what to do: where the group is full, ECS finds no place for others.
fn crowded(roll: &Roll<'_>, fleet: &NodeSides<'_>) -> String {
    let mut nodes = fleet.current.iter().chain(&fleet.outdated);
    let busy = nodes.find(|node| node.is_draining() && !is_idle(node)).filter(|_| fleet.alive() >= roll.most());
    let why = |node: &Node<'_>| {
        let (id, most, tasks) = (&node.member.id, roll.most(), node.tasks());
        format!(
            "; {id} still has {tasks} tasks, and the group is at maxSize ({most}): if they find no place on other instances, \
             raise maxSize, or lower minimumHealthyPercent of their services"
        )
    };
    busy.map(why).unwrap_or_default()
}
