//! Plans attempts on which several nodes work together: all of them, or none.
//!
//! Part of `job`. An attempt first gathers its nodes: its group may not be smaller than that takes, until enough instances
//! stand ready and idle. Then it is written down which they are, node 0 is started, and as soon as an instance has taken it, the
//! others. One that fails, or is late, ends all. What is written down before the first task also settles who is first when
//! one process starts an attempt and another gives it up.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, JobWait, Planner, Wait};
use crate::desired::{DesiredGroup, DesiredJob, DesiredPool, JobTasks};
use crate::job::agenda::Stand;
use crate::job::gang::{self, LATE};
use crate::job::outcome::OUR_REASON;
use crate::job::{Attempt, AttemptEnd, AttemptId, Gang, GivenUp, Intent, Nodes, RecordName, RunBook, RunId, Verdict};
use crate::layout::InstanceState;
use crate::neuron::DeviceSet;
use crate::observe::{Instance, StandaloneTask};
use crate::observed::Listing;
use crate::ownership;
use crate::spec::{Failure, ObjectKey};
use crate::step::{Action, Cause, Resource, Step};

/// How an attempt of several nodes may go on.
#[derive(Clone, Debug)]
pub(super) enum Course {
    /// Everything that it needs is started.
    Go,
    /// What runs goes on, and nothing is gathered any more.
    Finish(String),
    /// Everything is stopped.
    Stop(String, Cause),
}

impl Course {
    /// What a run comes to, for its attempts.
    pub(super) fn of(stand: &Stand, run: &RunId) -> Self {
        let stop = |why: String| Self::Stop(why.clone(), Cause::Stopped { why });
        match stand {
            Stand::Current => Self::Go,
            Stand::Draining => Self::Finish("the job has changed".to_owned()),
            Stand::Suspended => stop("the job is suspended".to_owned()),
            Stand::Ending(_, why) => stop(format!("run {run} {why}")),
        }
    }
}

/// One attempt with everything that is known of it.
struct Of<'p, 'a> {
    object: &'p ObjectKey,
    run: &'p RunId,
    id: AttemptId,
    attempt: &'p Attempt<'a>,
    intent: &'p Intent,
    gang: Gang,
}

impl Planner<'_> {
    /// Brings an attempt of several nodes further.
    pub(super) fn gang(
        &mut self,
        object: &ObjectKey,
        (run, id): (&RunId, AttemptId),
        attempt: &Attempt<'_>,
        course: &Course,
    ) {
        let Some((intent, gang)) = attempt.intent.as_ref().and_then(|intent| Some((intent, intent.gang?))) else {
            return;
        };
        let of = Of { object, run, id, attempt, intent, gang };
        match &attempt.members.placed {
            None => self.await_nodes(&of, course),
            Some((nodes, _)) => match &nodes.given_up {
                Some(given_up) => {
                    let verdict = if given_up.failure.is_some() { Verdict::Failed } else { Verdict::Cancelled };
                    let end = AttemptEnd::without_task(verdict, given_up.reason.clone(), self.limits.now);
                    self.ended(object, (run, id), &AttemptEnd { failure: given_up.failure, ..end });
                }
                None => self.nodes(&of, nodes, course),
            },
        }
    }

    /// Waits for instances, and takes them as soon as there are enough.
    fn await_nodes(&mut self, of: &Of<'_, '_>, course: &Course) {
        let give_up =
            |reason: String, failure| Nodes { given_up: Some(GivenUp { reason, failure }), ..Nodes::default() };
        let until = deadline(of.attempt.written, of.gang);
        let ready = self.ready(of);
        let wanted = usize::try_from(of.gang.nodes).unwrap_or(usize::MAX);
        let nodes = match course {
            Course::Stop(why, _) | Course::Finish(why) => give_up(format!("{OUR_REASON}{why}"), None),
            Course::Go if ready.len() >= wanted => {
                let mut chosen = ready.into_iter().take(wanted);
                let first = chosen.next();
                let address = first.as_ref().map(|(_, address)| address.clone()).unwrap_or_default();
                Nodes {
                    instances: first.into_iter().chain(chosen).map(|(id, _)| id).collect(),
                    address,
                    given_up: None,
                }
            }
            Course::Go if until.is_some_and(|until| self.limits.now >= until) => {
                let reason =
                    format!("{} of {} instances stood ready within {} s", ready.len(), wanted, of.gang.start_within);
                give_up(reason, Some(Failure::Capacity))
            }
            Course::Go => {
                let wait = JobWait::Gathering {
                    attempt: of.id.to_string(),
                    ready: u32::try_from(ready.len()).unwrap_or(u32::MAX),
                    of: of.gang.nodes,
                    until: until.unwrap_or(self.limits.now),
                };
                return self.wait(of.object, Wait::Job(wait));
            }
        };
        self.chosen.extend(nodes.instances.iter().cloned());
        let name = RecordName::Nodes(of.object.name.clone(), of.run.clone(), of.id);
        self.write_record(of.object, &name, &nodes, Cause::Attempt { attempt: of.id.to_string() });
    }

    /// Instances that stand ready for an attempt, with their addresses: those that the layout gives to its job, all devices of
    /// each, if ECS places tasks there and has none there yet, whoever's.
    fn ready(&self, of: &Of<'_, '_>) -> Vec<(String, String)> {
        let Some(job) = self.world.desired.jobs.get(&of.object.name) else { return Vec::new() };
        let (JobTasks::Packed(tasks), Some((kind, set))) = (&job.tasks, &of.intent.devices) else { return Vec::new() };
        let Ok(set) = set.parse::<DeviceSet>() else { return Vec::new() };
        let layouts = self.plan.allocation.pools.get(&tasks.pool).into_iter().flatten();
        let Some(pool) = layouts.into_iter().find(|layout| layout.instance_type == *kind) else { return Vec::new() };
        let given = pool
            .layout
            .rows
            .iter()
            .filter(|row| row.slots.iter().any(|slot| slot.workload == of.object.name && slot.devices == set));
        let cluster = of.intent.request.cluster.as_deref().unwrap_or_default();
        let instances = self.world.observed.instances.get(cluster);
        let ready = |id: &String| {
            let found =
                instances.into_iter().flat_map(Listing::iter).find(|found| found.ec2_id.as_ref() == Some(id))?;
            let machine = self.world.observed.machines.get(id)?;
            let leaves = machine.tags.contains_key(ownership::DRAINED_FOR);
            (takes_tasks(found) && !leaves && !self.chosen.contains(id))
                .then_some((id.clone(), machine.address.clone()?))
        };
        given.filter_map(|row| row.instance.as_ref()).filter_map(ready).collect()
    }

    /// Brings nodes further whose instances are known.
    fn nodes(&mut self, of: &Of<'_, '_>, nodes: &Nodes, course: &Course) {
        let ranks = 0..of.gang.nodes;
        for rank in ranks.clone() {
            let member = of.attempt.members.node(rank);
            if let Some(found) = member.task.filter(|_| member.result.is_none() && !member.is_live()) {
                self.node_ended(of, rank, &AttemptEnd::of(&found.task, &of.intent.container));
            }
        }
        if let Some((why, cause)) = self.stops(of, course) {
            for rank in ranks.clone() {
                self.stop_node(of, rank, &why, &cause);
            }
        } else {
            let first_is_placed = of.attempt.members.node(0).is_placed() || of.attempt.members.node(0).result.is_some();
            for rank in ranks.filter(|rank| *rank == 0 || first_is_placed) {
                let member = of.attempt.members.node(rank);
                if member.task.is_none() && member.result.is_none() {
                    self.start_node(of, nodes, rank);
                }
            }
        }
        if let Some(end) = of.attempt.members.conclusion(of.gang.nodes) {
            self.ended(of.object, (of.run, of.id), &end);
        }
    }

    /// Why all nodes are to be stopped, if they are.
    fn stops(&self, of: &Of<'_, '_>, course: &Course) -> Option<(String, Cause)> {
        if let Course::Stop(why, cause) = course {
            return Some((why.clone(), cause.clone()));
        }
        let because = |why: String| Some((why.clone(), Cause::Stopped { why }));
        let members = &of.attempt.members;
        let over = |rank: u32| {
            let member = members.node(rank);
            let seen = member.task.filter(|_| !member.is_live());
            member.result.or_else(|| seen.map(|found| AttemptEnd::of(&found.task, &of.intent.container)))
        };
        let failed = (0..of.gang.nodes).find(|rank| over(*rank).is_some_and(|end| end.verdict != Verdict::Succeeded));
        if let Some(rank) = failed {
            return because(format!("node {rank} of attempt {} has ended", of.id));
        }
        // One that has run and is ending has come in time, whatever its state is called.
        let has_run = |found: &StandaloneTask| found.task.runs() || found.task.started.is_some();
        let starts = |rank: u32| over(rank).is_none() && !members.node(rank).task.is_some_and(has_run);
        let written = members.placed.as_ref().and_then(|(_, written)| *written);
        let late = deadline(written, of.gang).is_some_and(|until| self.limits.now >= until);
        if late && (0..of.gang.nodes).any(starts) {
            return because(format!("{LATE}, {} s", of.gang.start_within));
        }
        None
    }

    fn stop_node(&mut self, of: &Of<'_, '_>, rank: u32, why: &str, cause: &Cause) {
        let member = of.attempt.members.node(rank);
        match member.task {
            Some(found) if member.is_live() => {
                if found.task.desired_status != "STOPPED" {
                    self.stop_task(of.object, found, why, cause.clone());
                }
            }
            // Its end was read just now.
            Some(_) => {}
            None if member.result.is_some() => {}
            None if self.may_start(of) => {
                let reason = format!("{OUR_REASON}{why}; it was not started");
                self.node_ended(of, rank, &AttemptEnd::without_task(Verdict::Cancelled, reason, self.limits.now));
            }
            None => self.lost_node(of, rank),
        }
    }

    fn start_node(&mut self, of: &Of<'_, '_>, nodes: &Nodes, rank: u32) {
        let Some(request) = gang::request(of.intent, nodes, rank) else {
            let end = AttemptEnd::without_task(Verdict::Unknown, "its record cannot be read", self.limits.now);
            return self.node_ended(of, rank, &end);
        };
        if !self.may_start(of) {
            return self.lost_node(of, rank);
        }
        let cluster = request.cluster.clone().unwrap_or_default();
        let resource = Resource::Task { cluster, group: request.group.clone().unwrap_or_default() };
        if let Some(reason) = self.refusal(&resource, self.age_of_nodes(of)) {
            let end = AttemptEnd::without_task(Verdict::Failed, reason, self.limits.now);
            return self.node_ended(of, rank, &AttemptEnd { failure: Some(Failure::Start), ..end });
        }
        let because = vec![Cause::Attempt { attempt: format!("{}.{rank}", of.id) }];
        let action = Action::RunTask(Box::new(request));
        self.step(Step { object: of.object.clone(), resource, action, because }, Evidence::Reading);
    }

    /// A node that AWS may have forgotten.
    fn lost_node(&mut self, of: &Of<'_, '_>, rank: u32) {
        let written = of.attempt.members.placed.as_ref().and_then(|(_, written)| *written);
        if let Some(until) = self.unclear(of.intent, written) {
            let wait = JobWait::Unclear { attempt: format!("{}.{rank}", of.id), until };
            return self.wait(of.object, Wait::Job(wait));
        }
        let end = AttemptEnd::without_task(Verdict::Unknown, super::job_run::UNSEEN, self.limits.now);
        self.node_ended(of, rank, &end);
    }

    /// Whether AWS is sure to recognise the tokens of this attempt.
    fn may_start(&self, of: &Of<'_, '_>) -> bool {
        self.age_of_nodes(of) < super::job_run::REPEAT_WITHIN
    }

    fn age_of_nodes(&self, of: &Of<'_, '_>) -> SignedDuration {
        let written = of.attempt.members.placed.as_ref().and_then(|(_, written)| *written);
        written.map_or(SignedDuration::ZERO, |written| self.limits.now.duration_since(written))
    }

    fn node_ended(&mut self, of: &Of<'_, '_>, rank: u32, end: &AttemptEnd) {
        let name = RecordName::NodeResult(of.object.name.clone(), of.run.clone(), of.id, rank);
        let how = format!("node {rank} of attempt {} {}", of.id, crate::job::progress::in_words(end));
        self.write_record(of.object, &name, end, Cause::Ended { how });
    }

    /// Stops nodes whose attempt is over: a call may have arrived after that was written down.
    pub(super) fn stragglers(&mut self, object: &ObjectKey, run: &RunBook<'_>) {
        for (id, attempt) in run.attempts.iter().filter(|(_, attempt)| !attempt.is_open()) {
            let why = format!("attempt {id} is over");
            for member in attempt.members.nodes.values().filter(|member| member.is_live()) {
                if let Some(found) = member.task.filter(|found| found.task.desired_status != "STOPPED") {
                    self.stop_task(object, found, &why, Cause::Stopped { why: why.clone() });
                }
            }
        }
    }

    /// Brings an attempt of a job that is not declared to its end, as far as that is allowed.
    pub(super) fn retire_gang(&mut self, object: &ObjectKey, (run, id): (&RunId, AttemptId), attempt: &Attempt<'_>) {
        let why = "the job is no longer declared".to_owned();
        let live = attempt.members.nodes.values().filter(|member| member.is_live()).filter_map(|member| member.task);
        let resources = live.map(|found| Resource::Task { cluster: found.cluster.clone(), group: found.group.clone() });
        let resources: Vec<Resource> = resources.collect();
        let goes = resources.iter().all(|resource| self.lets_go(object, resource, &Cause::NotDeclared));
        let course = if goes { Course::Stop(why, Cause::NotDeclared) } else { Course::Finish(why) };
        self.gang(object, (run, id), attempt, &course);
    }

    /// The fewest instances that a group may have now, if attempts gather their nodes in it or are about to start on them: without
    /// that, ECS would take idle instances away again.
    pub(super) fn gathered(&self, pool: &DesiredPool, group: &DesiredGroup) -> Option<u32> {
        let here = |job: &&DesiredJob| matches!(&job.tasks, JobTasks::Packed(tasks) if tasks.pool == pool.object.name);
        let book = self.agenda.book.as_ref()?;
        let mut wanted = None;
        for job in self.world.desired.jobs.values().filter(here) {
            let (Some(agenda), Some(known)) = (self.agenda.jobs.get(&job.object.name), book.jobs.get(&job.object.name))
            else {
                continue;
            };
            let current = |run: &&RunId| matches!(agenda.runs.get(*run), Some((Stand::Current, _)));
            let runs = known.runs.iter().filter(|(run, _)| current(run));
            for attempt in runs.flat_map(|(_, found)| found.attempts.values()).filter(|attempt| attempt.is_open()) {
                wanted = more(wanted, attempt, &group.instance_type);
            }
        }
        let layouts = self.plan.allocation.pools.get(&pool.object.name).into_iter().flatten();
        let live = layouts.filter(|layout| layout.instance_type == group.instance_type).flat_map(|layout| &layout.live);
        let taken = live.filter(|live| live.state == InstanceState::Draining || !live.holds.is_empty()).count();
        let taken = u32::try_from(taken).unwrap_or(u32::MAX);
        wanted.map(|wanted: u32| wanted.saturating_add(taken).min(group.max_size))
    }
}

/// Adds the instances that an attempt needs beside those that something is on; nothing if it has all that it needs.
fn more(wanted: Option<u32>, attempt: &Attempt<'_>, kind: &str) -> Option<u32> {
    let Some(gang) = attempt.intent.as_ref().and_then(|intent| {
        let (of, _) = intent.devices.as_ref()?;
        intent.gang.filter(|_| of == kind)
    }) else {
        return wanted;
    };
    if attempt.members.gathers() {
        return Some(wanted.unwrap_or(0).saturating_add(gang.nodes));
    }
    let waits = |rank: u32| {
        let member = attempt.members.node(rank);
        member.result.is_none() && !member.is_placed()
    };
    let starts = attempt.members.instances().is_some() && (0..gang.nodes).any(waits);
    if starts { Some(wanted.unwrap_or(0)) } else { wanted }
}

/// Whether ECS would place a task here, beside which there is none.
fn takes_tasks(instance: &Instance) -> bool {
    instance.status == "ACTIVE" && instance.connected && instance.running_tasks == 0 && instance.pending_tasks == 0
}

fn deadline(since: Option<Timestamp>, gang: Gang) -> Option<Timestamp> {
    since?.checked_add(SignedDuration::from_secs(i64::from(gang.start_within))).ok()
}

/// What makes the attempts of a job such of several nodes.
pub(super) fn of(job: &DesiredJob) -> Option<Gang> {
    let given = &job.spec.gang;
    let start_within = given.start_deadline.seconds();
    job.spec.is_gang().then_some(Gang { nodes: job.spec.nodes, port: given.neuron_port, start_within })
}

/// Variables that every node of a job gets.
pub(super) fn variables(job: &DesiredJob, desired: &crate::desired::Desired) -> Vec<(String, String)> {
    if !job.spec.is_gang() {
        return Vec::new();
    }
    let mut told = gang::variables(job.spec.nodes, job.spec.gang.master_port).to_vec();
    let container = job.spec.template.containers.iter().find(|found| found.name.as_str() == job.container);
    let own: BTreeSet<&str> = container
        .into_iter()
        .flat_map(|found| found.env.keys().chain(found.secrets.keys()))
        .map(String::as_str)
        .collect();
    let pool = desired.pools.get(&job.spec.pool);
    let has_fabric = pool.into_iter().flat_map(DesiredPool::groups).any(|group| {
        let kinds = group.template.network_interfaces.iter().filter_map(|found| found.interface_type.as_deref());
        kinds.into_iter().any(|kind| kind.starts_with("efa"))
    });
    let fabric = gang::FABRIC.into_iter().filter(|(name, _)| has_fabric && !own.contains(name));
    told.extend(fabric.map(|(name, value)| (name.to_owned(), value.to_owned())));
    told
}
