//! The planner: what is wanted, what is there → the calls that are safe now, and what everything else waits for.
//!
//! Between `resolve` + `state` and `check` + `execute`. Every call of [`plan`] plans the whole target afresh; there is no
//! memory of earlier plans, so a restart loses nothing. Planning cannot fail: what is unknown is waited for.
//! One file a kind: `cluster`, `pool`, `group` (what lies behind a pool of Auto Scaling groups, with `group_provider`,
//! `image`, `rollout` and `blame`), `service`, `packed` (services whose devices Axon chooses), `compile` (what
//! waits for a compiled model), `revision` (task definitions), and `removal` for what is no longer declared, within what `prune` allows. `drift` tells what others have changed from what the
//! specification has. No I/O, no clock: the time comes in with [`Limits`].

mod blame;
mod cluster;
mod compile;
mod drift;
#[cfg(test)]
mod drift_properties;
mod gang;
mod gather;
mod group;
mod group_provider;
mod image;
mod job;
mod job_run;
mod job_wait;
mod packed;
mod pool;
#[cfg(test)]
mod properties;
mod prune;
mod removal;
mod revision;
mod rollout;
mod service;
mod tags;
mod wait_texts;
mod waiting;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::allocate::{Allocation, allocate};
use crate::cloud::{CloudError, ServiceKey};
use crate::fingerprint::Fingerprint;
use crate::job::agenda::Agenda;
use crate::observe::{Provider, TaskDefinition};
use crate::ownership::Installation;
use crate::roles::RoleRules;
use crate::spec::ObjectKey;
use crate::step::{Action, Change, Resource, Step};
use crate::world::World;

pub use drift::Deviation;
pub use group::{is_current, version_of};
pub use job_wait::JobWait;
pub use prune::{PruneBlock, PruneLimit, PruneLimits};
pub use rollout::{Node, NodeSides};
pub use waiting::{Wait, Waiting};

/// How long AWS may go on showing the state before a call that created something (AWS advises up to five minutes).
pub const CREATE_GRACE: SignedDuration = SignedDuration::from_secs(300);
/// How long a creation is waited for of which nobody knows whether AWS has accepted it. Making it again does no harm: AWS
/// refuses a name that is taken. What has numbers instead of a name is made again only after it has been looked for, or
/// as many would be made as there are attempts.
pub const UNKNOWN_GRACE: SignedDuration = SignedDuration::from_secs(30);
/// How long AWS may go on showing the state before any other call.
pub const WRITE_GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What keeps a plan from doing at once everything that differs.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The time of planning.
    pub now: Timestamp,
    /// Whether anything may be written.
    pub writes: Writes,
    /// Whether objects that are no longer declared are removed.
    pub prune: Prune,
    /// How much of that may be removed at once.
    pub prune_limits: PruneLimits,
    /// Which IAM roles calls may pass.
    pub roles: RoleRules,
    /// Steps that are being executed.
    pub in_flight: BTreeMap<Resource, Step>,
    /// Steps that succeeded lately.
    pub recent: BTreeMap<Resource, Vec<Recent>>,
    /// Steps that failed and when to try again.
    pub retries: BTreeMap<Resource, Retry>,
    /// What was seen as declared where drift is only reported: the hash of the declaration, by resource.
    pub declared: BTreeMap<Resource, String>,
}

impl Limits {
    /// No restriction besides the rules of AWS: a fresh process with nothing in flight.
    pub const fn fresh(now: Timestamp, prune: Prune) -> Self {
        Self {
            now,
            writes: Writes::Allowed,
            prune,
            prune_limits: PruneLimits::NONE,
            roles: RoleRules::ANY,
            in_flight: BTreeMap::new(),
            recent: BTreeMap::new(),
            retries: BTreeMap::new(),
            declared: BTreeMap::new(),
        }
    }

    /// Whether AWS may have carried out, or may still carry out, a step on a resource of which no reading tells.
    fn is_in_doubt(&self, resource: &Resource) -> bool {
        let unheard = |recent: &Vec<Recent>| recent.iter().any(|recent| recent.answer != Answer::Accepted);
        self.in_flight.contains_key(resource)
            || self.retries.contains_key(resource)
            || self.recent.get(resource).is_some_and(unheard)
    }
}

/// Whether anything may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Yes.
    Allowed,
    /// Plan only.
    ReadOnly,
}

/// Whether objects that are no longer declared are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prune {
    /// They stay.
    Disabled,
    /// They go.
    Enabled,
    /// They would go, but something forbids it.
    Blocked(PruneBlock),
}

/// A step that AWS has accepted, or may have, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Which step.
    pub step: Fingerprint,
    /// When AWS answered.
    pub at: Timestamp,
    /// What AWS answered.
    pub answer: Answer,
    /// The revision (ARN) that it put a service on.
    pub revision: Option<String>,
}

/// What is known of a step that AWS may have accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// AWS said so.
    Accepted,
    /// The answer was lost, or no answer.
    Unknown,
    /// The same, of something that has a number instead of a name, and what there is of its kind has not been read since.
    NotLookedFor,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Which step. Another step on the same resource is not held back.
    pub step: Fingerprint,
    /// What AWS answered last.
    pub error: CloudError,
    /// Failures in a row.
    pub attempts: u32,
    /// When to try again.
    pub not_before: Timestamp,
}

/// What to do now and what to wait for.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a plan that nobody reads changes nothing"]
pub struct Plan {
    /// Calls that are safe now, at most one per resource, in order of creation.
    pub steps: Vec<Step>,
    /// What could not be planned, and why.
    pub waiting: Vec<Waiting>,
    /// Services whose past deployments the next plan needs.
    pub needs_history: BTreeSet<ServiceKey>,
    /// Which devices every replica of a packed service has and should have.
    pub allocation: Allocation,
}

impl Plan {
    /// Whether nothing is left to do or to wait for, besides what is due at a chosen time.
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.waiting.iter().all(|waiting| waiting.on.is_planned())
    }
}

/// Plans the whole target.
pub fn plan(world: World<'_>, limits: &Limits) -> Plan {
    let agenda = Agenda::doubting(world, limits.now, &|name| limits.is_in_doubt(&Resource::Parameter(name)));
    let jobs: Vec<&str> = agenda.revisions(world);
    let mut planner = Planner {
        world,
        limits,
        plan: Plan { allocation: allocate(world, &agenda), ..Plan::default() },
        agenda,
        taken: BTreeSet::new(),
        revisions: revision::by_owner(world),
        revisions_in_use: revision::in_use(world.observed, limits, &jobs),
        providers: world.observed.providers_by_owner(world.installation),
        chosen: BTreeSet::new(),
        turns: packed::Turns::default(),
        pruning: prune::Verdict::default(),
    };
    planner.clusters();
    planner.pools();
    planner.services();
    planner.packed();
    planner.jobs();
    planner.removals();
    planner.gather();
    planner.plan.steps.sort_by(order);
    planner.plan.waiting.sort();
    planner.plan.waiting.dedup();
    planner.plan
}

/// Creations and changes in order of dependency, then deletions in the reverse order.
fn order(a: &Step, b: &Step) -> Ordering {
    let deletes = |step: &Step| step.action.change() == Change::Delete;
    match (deletes(a), deletes(b)) {
        (false, false) => a.resource.cmp(&b.resource),
        (true, true) => b.resource.cmp(&a.resource),
        (a, b) => a.cmp(&b),
    }
}

struct Planner<'a> {
    world: World<'a>,
    limits: &'a Limits,
    plan: Plan,
    /// Resources that this plan writes already.
    taken: BTreeSet<Resource>,
    /// Our active task definition revisions by the object that they are for.
    revisions: BTreeMap<ObjectKey, Vec<&'a TaskDefinition>>,
    /// Every revision (ARN) that a living service runs or is moving away from.
    revisions_in_use: BTreeSet<&'a str>,
    /// Our providers by the object that they are for, with the cluster that they were found in.
    providers: BTreeMap<ObjectKey, Vec<(Option<&'a str>, &'a Provider)>>,
    /// What is known of jobs and who of them waits for devices.
    agenda: Agenda<'a>,
    /// EC2 instances that this plan gives to nodes of jobs.
    chosen: BTreeSet<String>,
    /// Who may start a deployment.
    turns: packed::Turns,
    /// Whether what is no longer declared may go.
    pruning: prune::Verdict,
}

/// What speaks for a step on a resource that a list does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    /// A reading that may lag behind our own writes.
    Reading,
    /// AWS itself says that the earlier resource is gone.
    SeenGone,
}

impl<'a> Planner<'a> {
    fn wait(&mut self, object: &ObjectKey, on: Wait) {
        self.plan.waiting.push(Waiting { object: object.clone(), on });
    }

    /// Puts a step into the plan unless something holds it back, which is then waited for.
    fn step(&mut self, step: Step, evidence: Evidence) {
        if let Some(wait) = self.held_back(&step, evidence) {
            self.wait(&step.object, wait);
        } else {
            self.taken.insert(step.resource.clone());
            self.plan.steps.push(step);
        }
    }

    fn held_back(&self, step: &Step, evidence: Evidence) -> Option<Wait> {
        // Suspended is what Axon does, not what ECS forgets within the hour.
        if self.world.desired.suspended.contains(&step.object) && !step.action.is_result() {
            return Some(Wait::Suspended);
        }
        if self.limits.writes == Writes::ReadOnly {
            return Some(Wait::ReadOnly { operation: step.action.operation() });
        }
        if let Some(running) = self.limits.in_flight.get(&step.resource) {
            return Some(Wait::InFlight { operation: running.action.operation() });
        }
        if self.taken.contains(&step.resource) {
            return Some(Wait::Turn { resource: step.resource.clone() });
        }
        let known = self.limits.recent.contains_key(&step.resource) || self.limits.retries.contains_key(&step.resource);
        if !known {
            // Nothing to compare with, and fingerprints of ten thousand requests are most of a second.
            return None;
        }
        let fingerprint = step.fingerprint();
        if evidence == Evidence::Reading
            && let Some(at) = self.lately(step, &fingerprint)
        {
            return Some(Wait::ReadLag { operation: step.action.operation(), since: at });
        }
        let retry = self.limits.retries.get(&step.resource)?;
        let same = retry.step == fingerprint && retry.not_before > self.limits.now;
        same.then(|| Wait::Retry { error: retry.error.clone(), attempts: retry.attempts, not_before: retry.not_before })
    }

    /// When the same step succeeded, if that is so recent that readings may not show it yet.
    fn lately(&self, step: &Step, fingerprint: &Fingerprint) -> Option<Timestamp> {
        let recent = self.limits.recent.get(&step.resource)?;
        let last = recent.iter().rev().find(|recent| recent.step == *fingerprint)?;
        let grace = match (last.answer, step.action.change()) {
            (Answer::NotLookedFor, _) => return Some(last.at),
            (Answer::Unknown, Change::Create) => UNKNOWN_GRACE,
            _ => grace(&step.action),
        };
        (self.limits.now.duration_since(last.at) < grace).then_some(last.at)
    }

    const fn installation(&self) -> &'a Installation {
        self.world.installation
    }
}

/// How long readings may lag behind an action.
pub fn grace(action: &Action) -> SignedDuration {
    match action.change() {
        Change::Create => CREATE_GRACE,
        Change::Update | Change::Delete => WRITE_GRACE,
    }
}
