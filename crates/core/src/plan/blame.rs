//! Decides whether a change of image or launch template is to blame for what fails on new instances.
//!
//! Part of `plan`, asked by `rollout`. What fails on proven instances as well is no fault of the new ones. A change is
//! blamed only if the evidence tells it from a bad deployment: the same revision runs well on an old instance, or it was
//! deployed, to its end, before there was any new instance. Otherwise it is not known which of the two is bad, and nothing
//! more is drained until it is.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::image::is_bad;
use super::rollout::{Node, NodeSides, Roll};
use super::{Evidence, Planner};
use crate::desired::DesiredPool;
use crate::observe::{Rollout, Task, Template, TemplateVersion};
use crate::ownership;
use crate::spec::Duration;
use crate::step::{Action, Cause, Resource, Step};

/// Tasks that must fail on new instances before the image is blamed: one may be bad luck.
const FAILED_TASKS: usize = 2;
/// How long new instances are watched at most if they run nothing: managed scaling takes one that stands empty after fifteen
/// minutes, of which it needs some to register and to be given its tasks.
const EMPTY: SignedDuration = SignedDuration::from_mins(5);
/// A task that fails again and again does not run for so long, and one that has is worth something.
const LASTS: SignedDuration = SignedDuration::from_mins(5);
/// Most that a tag holds.
const TAG_VALUE: usize = 256;

/// What is known of the version in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing speaks against it.
    Good,
    /// It must be taken back, and why.
    Bad(String),
    /// Something fails, and it may be its fault or that of a deployment.
    Unclear(String),
}

/// Tasks on both sides of a rollout, or on instances of one version and on all others.
struct Trial<'a> {
    on_new: Vec<&'a Task>,
    on_old: Vec<&'a Task>,
    /// Since when there have been new instances.
    since: Option<Timestamp>,
}

/// EC2 instances of earlier versions on which tasks fail.
#[derive(Clone, Debug, Default)]
pub(super) struct Failing<'a> {
    /// The revisions of these tasks run well elsewhere.
    pub(super) to_blame: BTreeSet<&'a str>,
    /// Either may be at fault, but nothing else runs there: nothing is lost with them.
    pub(super) in_doubt: BTreeSet<&'a str>,
}

impl Trial<'_> {
    fn also_on_old(&self, task: &Task, fails: fn(&Task) -> bool) -> bool {
        self.on_old.iter().any(|old| old.task_definition == task.task_definition && fails(old))
    }
}

impl<'a> Planner<'a> {
    /// What is known of the version in force.
    pub(super) fn verdict(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Verdict {
        let Some(in_force) = version_numbered(roll.template, roll.version.number) else { return Verdict::Good };
        let proven = fleet.outdated.iter().any(|node| node.instance.is_some() && !was_bad(node, roll.template));
        if is_bad(roll.template, in_force) || !proven {
            return Verdict::Good;
        }
        let image = in_force.image.as_deref().unwrap_or("its image");
        let timeout = roll.wanted.rollout.timeout;
        if let Some(node) = fleet.current.iter().find(|node| node.instance.is_none() && self.is_silent(roll, node)) {
            return Verdict::Bad(format!(
                "{}, launched from {image}, has not registered within {timeout}",
                node.member.id
            ));
        }
        let trial = self.trial(roll, fleet);
        let has = |of: fn(&Task) -> bool| trial.on_new.iter().copied().filter(move |task| of(task));
        let failed: Vec<&Task> = has(has_failed).filter(|task| !trial.also_on_old(task, has_failed)).collect();
        let (clear, unclear): (Vec<&Task>, Vec<&Task>) =
            failed.into_iter().filter(|task| self.is_deployed(task)).partition(|task| self.tells(&trial, task));
        if let (Some(task), true) = (clear.first(), clear.len() >= FAILED_TASKS) {
            let (count, why) = (clear.len(), task.stopped_reason.as_deref().unwrap_or("no reason given"));
            return Verdict::Bad(format!("{count} tasks have failed on instances from {image}, the last with: {why}"));
        }
        // A task may have waited for its instance: what an instance is to blame for begins when it registers.
        let registered = |task: &Task| {
            let instances = fleet.current.iter().filter_map(|node| node.instance);
            let mut at = instances.filter(|instance| Some(&instance.arn) == task.container_instance.as_ref());
            at.next().and_then(|instance| instance.registered)
        };
        let late = |task: &&Task| {
            task.created.is_some_and(|at| self.is_late(roll, registered(task).map_or(at, |since| since.max(at))))
        };
        let mut ill = has(is_ill).filter(late).filter(|task| !trial.also_on_old(task, is_ill));
        if let Some(task) = ill.clone().find(|task| self.tells(&trial, task)) {
            let (task, state) = (&task.arn, &task.last_status);
            return Verdict::Bad(format!(
                "task {task} on an instance from {image} is {state} and not well within {timeout}"
            ));
        }
        let doubtful = unclear.first().copied().filter(|_| unclear.len() >= FAILED_TASKS).or_else(|| ill.next());
        doubtful.map_or(Verdict::Good, |task| Verdict::Unclear(doubt(task, image)))
    }

    /// EC2 instances of earlier versions on which tasks fail. Nobody has blamed such a version: the next one came before there were
    /// tasks on its instances.
    pub(super) fn failing<'g>(
        &self,
        (pool, template): (&DesiredPool, &Template),
        fleet: &NodeSides<'g>,
    ) -> Failing<'g> {
        let version = |node: &Node<'_>| (node.member.template.clone(), node.member.template_version.clone());
        let versions: BTreeSet<_> =
            fleet.outdated.iter().filter(|node| !was_bad(node, template)).map(version).collect();
        let cluster = pool.cluster.as_str();
        let mut failing = Failing::default();
        for one in versions {
            let (here, others): (Vec<Node<'g>>, Vec<Node<'g>>) =
                fleet.outdated.iter().chain(&fleet.current).partition(|node| version(node) == one);
            let (on_new, on_old) = (self.tasks_on(cluster, &here), self.tasks_on(cluster, &others));
            let trial = Trial { on_new, on_old, since: None };
            let lasts = |task: &&Task| {
                let ran = task.started.map(|at| self.limits.now.duration_since(at));
                is_well(task) && ran.is_some_and(|ran| ran >= LASTS)
            };
            let only_here =
                |task: &&Task| has_failed(task) && self.is_deployed(task) && !trial.also_on_old(task, has_failed);
            let failed: Vec<&Task> = trial.on_new.iter().copied().filter(only_here).collect();
            let to_blame = failed.iter().filter(|task| trial.also_on_old(task, has_run_well)).count();
            let ids = here.iter().map(|node| node.member.id.as_str());
            if to_blame >= FAILED_TASKS {
                failing.to_blame.extend(ids);
            } else if failed.len() >= FAILED_TASKS && !trial.on_new.iter().any(lasts) {
                failing.in_doubt.extend(ids);
            }
        }
        failing
    }

    fn trial(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Trial<'a> {
        let cluster = roll.pool.cluster.as_str();
        let launched = |node: &Node<'_>| {
            let machine = self.world.observed.machines.get(&node.member.id);
            machine.and_then(|machine| machine.launched).or_else(|| node.instance?.registered)
        };
        Trial {
            on_new: self.tasks_on(cluster, &fleet.current),
            on_old: self.tasks_on(cluster, &fleet.outdated),
            since: fleet.current.iter().filter_map(launched).min(),
        }
    }

    /// Whether what is wrong with a task on a new instance can only be the fault of the instance.
    fn tells(&self, trial: &Trial<'_>, task: &Task) -> bool {
        let mut deployments = self.deployments_of(task);
        let was_there = deployments.any(|deployment| {
            let before = deployment.created.is_none_or(|created| trial.since.is_some_and(|since| created < since));
            deployment.rollout == Rollout::Completed && before
        });
        was_there || trial.also_on_old(task, has_run_well)
    }

    /// Whether a service still runs the revision of a task, or is moving to it. What was taken back is no evidence.
    fn is_deployed(&self, task: &Task) -> bool {
        self.deployments_of(task).next().is_some()
    }

    fn deployments_of(&self, task: &Task) -> impl Iterator<Item = &'a crate::observe::Deployment> {
        let revision = task.task_definition.clone();
        let all = self.world.observed.all_services().flat_map(|service| &service.deployments);
        all.filter(move |deployment| deployment.task_definition == revision && deployment.rollout != Rollout::Failed)
    }

    /// What keeps new instances from being proven, besides time.
    pub(super) fn unwell(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Option<String> {
        let tasks = self.tasks_on(roll.pool.cluster.as_str(), &fleet.current);
        let ill = tasks.into_iter().find(|task| is_ill(task))?;
        let health = ill.health.as_deref().filter(|health| *health == "UNHEALTHY").map_or("", |_| " and unhealthy");
        Some(format!("task {} on a new one is {}{health}", ill.arn, ill.last_status))
    }

    /// Until when new instances and their tasks are watched before the next old instance is drained.
    pub(super) fn soaking(&self, roll: &Roll<'_>, fleet: &NodeSides<'a>) -> Option<Timestamp> {
        let soak = span(roll.wanted.rollout.soak);
        let registered = fleet.current.iter().filter_map(|node| node.instance?.registered);
        let tasks = self.tasks_on(roll.pool.cluster.as_str(), &fleet.current);
        let started = tasks.into_iter().filter(|task| is_meant_to_run(task)).filter_map(|task| task.started);
        let after = |newest: Option<Timestamp>, time| newest?.checked_add(time).ok();
        let until = after(registered.max(), soak.min(EMPTY)).max(after(started.max(), soak))?;
        (until > self.limits.now).then_some(until)
    }

    /// Launched so long ago that it should have registered. It is asked of instances that have not.
    pub(super) fn is_silent(&self, roll: &Roll<'_>, node: &Node<'_>) -> bool {
        self.has_been_for(node, span(roll.wanted.rollout.timeout))
    }

    /// Launched longer ago than this, and not on its way out.
    pub(super) fn has_been_for(&self, node: &Node<'_>, time: SignedDuration) -> bool {
        let machine = self.world.observed.machines.get(&node.member.id);
        let launched = machine.and_then(|machine| machine.launched);
        node.lives() && launched.is_some_and(|at| self.limits.now.duration_since(at) > time)
    }

    fn is_late(&self, roll: &Roll<'_>, since: Timestamp) -> bool {
        self.limits.now.duration_since(since) > span(roll.wanted.rollout.timeout)
    }

    /// Marks the image as failed; or, if the image is the one that the old instances run, the contents.
    pub(super) fn quarantine(&mut self, roll: &Roll<'_>, fleet: &NodeSides<'a>, reason: String) {
        let Some(bad) = version_numbered(roll.template, roll.version.number) else { return };
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

fn doubt(task: &Task, image: &str) -> String {
    let Task { arn, task_definition, last_status, stopped_reason, .. } = task;
    let why = stopped_reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!(
        "paused, because task {arn} on an instance from {image} is {last_status}{why}, and no old instance runs its revision \
         {task_definition}, which was deployed meanwhile: either may be at fault. It goes on when the revision runs well \
         on any instance or is replaced by one that does"
    )
}

fn span(duration: Duration) -> SignedDuration {
    SignedDuration::from_secs(i64::from(duration.seconds()))
}

fn version_numbered(template: &Template, number: i64) -> Option<&TemplateVersion> {
    template.versions.iter().find(|version| version.number == number)
}

fn version_of<'t>(node: &Node<'_>, template: &'t Template) -> Option<&'t TemplateVersion> {
    // Of a template that was deleted and made again, the same number is another version.
    let same = node.member.template.as_ref() == Some(&template.id);
    version_numbered(template, node.member.template_version.as_deref().filter(|_| same)?.parse().ok()?)
}

/// Whether a rollout has failed with the version that an instance was launched from.
pub(super) fn was_bad(node: &Node<'_>, template: &Template) -> bool {
    version_of(node, template).is_some_and(|version| is_bad(template, version))
}

fn is_well(task: &Task) -> bool {
    task.last_status == "RUNNING" && task.health.as_deref() != Some("UNHEALTHY")
}

/// Neither stopped nor told to.
fn is_meant_to_run(task: &Task) -> bool {
    task.last_status != "STOPPED" && task.desired_status != "STOPPED"
}

/// It runs, or it ran until the scheduler stopped it for a reason of its own.
fn has_run_well(task: &Task) -> bool {
    is_well(task) || task.last_status == "STOPPED" && task.started.is_some() && !has_failed(task)
}

fn is_ill(task: &Task) -> bool {
    is_meant_to_run(task) && !is_well(task)
}

fn has_failed(task: &Task) -> bool {
    task.last_status == "STOPPED"
        && matches!(task.stop_code.as_deref(), Some("EssentialContainerExited" | "TaskFailedToStart"))
}
