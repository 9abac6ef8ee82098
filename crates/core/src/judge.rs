//! Turns what is wanted, what is there, and what the plan waits for into a status per object.
//!
//! The last stage: total, pure, and the only place that words conditions. `runtime` adds the transition times and keeps
//! the history. A message says the cause, the evidence, and what happens next.

mod domain;
mod group;
mod job;
mod packed;
mod service;
mod shortage;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cloud::ErrorClass;
use crate::desired::{DesiredCluster, DesiredPool};
use crate::job::agenda::Agenda;
use crate::observe::{Provider, ProviderStatus};
use crate::observed::Slot;
use crate::plan::{Plan, Wait, Waiting};
use crate::spec::{Kind, ObjectKey};
use crate::status::{Condition, ConditionType, Reason, ResourceStatus, Status, Truth};
use crate::step::{Cause, Change, Step};
use crate::world::World;

/// What a judgement is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is wanted and what is there.
    pub world: World<'a>,
    /// What is being done and waited for.
    pub plan: &'a Plan,
    /// Steps being executed.
    pub in_flight: &'a BTreeMap<crate::step::Resource, Step>,
    /// Now.
    pub now: Timestamp,
}

/// What stands between an object and readiness, weightiest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) stalled: bool,
}

impl Finding {
    pub(crate) fn progress(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), stalled: false }
    }

    pub(crate) fn stall(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), stalled: true }
    }
}

/// The status of every declared object and of every object whose resources are being removed.
pub fn judge(case: Case<'_>, before: &BTreeMap<ObjectKey, Status>) -> BTreeMap<ObjectKey, Status> {
    let planned = case.plan.steps.iter().map(|step| &step.object);
    let waiting = case.plan.waiting.iter().map(|waiting| &waiting.object);
    let running = case.in_flight.values().map(|step| &step.object);
    let mut keys = case.world.desired.objects();
    keys.extend(planned.chain(waiting).chain(running).cloned());
    let hearing = Hearing::of(case);
    // Clusters come before pools and pools before services, so what an object waits for is judged before it.
    let mut judged = BTreeMap::new();
    for key in keys {
        let mut status = hearing.object(&key, &judged);
        if let Some(before) = before.get(&key) {
            keep_transition_times(&mut status, before);
        }
        judged.insert(key, status);
    }
    judged
}

fn keep_transition_times(status: &mut Status, before: &Status) {
    for condition in &mut status.conditions {
        let earlier = before.condition(condition.kind).filter(|earlier| earlier.status == condition.status);
        if let Some(earlier) = earlier {
            condition.last_transition_time = earlier.last_transition_time;
        }
    }
}

/// A case, sorted by object.
#[derive(Debug)]
struct Hearing<'a> {
    world: World<'a>,
    plan: &'a Plan,
    now: Timestamp,
    waiting: BTreeMap<&'a ObjectKey, Vec<&'a Waiting>>,
    /// Steps that are due or under way.
    steps: BTreeMap<&'a ObjectKey, Vec<&'a Step>>,
    providers: BTreeMap<ObjectKey, Vec<(Option<&'a str>, &'a Provider)>>,
    agenda: Agenda<'a>,
}

impl<'a> Hearing<'a> {
    fn of(case: Case<'a>) -> Self {
        let Case { world, plan, in_flight, now } = case;
        let mut waiting: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in &plan.waiting {
            waiting.entry(&one.object).or_default().push(one);
        }
        let mut steps: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in plan.steps.iter().chain(in_flight.values()) {
            steps.entry(&step.object).or_default().push(step);
        }
        let providers = world.observed.providers_by_owner(world.installation);
        Self { world, plan, now, waiting, steps, providers, agenda: Agenda::of(world, now) }
    }

    /// What an object waits for.
    fn waiting(&self, key: &ObjectKey) -> impl Iterator<Item = &'a Waiting> + use<'a, '_> {
        self.waiting.get(key).into_iter().flatten().copied()
    }

    /// What is due or under way for an object.
    fn steps(&self, key: &ObjectKey) -> impl Iterator<Item = &'a Step> + use<'a, '_> {
        self.steps.get(key).into_iter().flatten().copied()
    }

    fn object(&self, key: &ObjectKey, judged: &BTreeMap<ObjectKey, Status>) -> Status {
        let desired = self.world.desired;
        let mut status = Status {
            object: key.clone(),
            observed_revision: self.world.desired.revisions.of(key).to_owned(),
            conditions: Vec::new(),
            resources: Vec::new(),
            replicas: None,
            groups: Vec::new(),
            job: None,
        };
        let held = desired.held.contains(key);
        let findings = if held {
            vec![Finding::stall(
                Reason::InvalidSpec,
                "the specification is invalid and no valid version of it is known; `axon validate` lists the findings",
            )]
        } else {
            let mut findings = self.findings(key, &mut status);
            self.inherit_stalls(key, judged, &mut findings);
            findings
        };
        self.conclude(&mut status, &findings);
        status
    }

    fn findings(&self, key: &ObjectKey, status: &mut Status) -> Vec<Finding> {
        let desired = self.world.desired;
        let mut findings = self.blockers(key);
        match key.kind {
            Kind::NeuronCluster => match desired.clusters.get(&key.name) {
                Some(cluster) => self.cluster(cluster, status),
                None => findings.extend(removal(&findings)),
            },
            Kind::NeuronPool => match desired.pools.get(&key.name) {
                Some(pool) => {
                    self.pool(pool, status);
                    findings.extend(self.shortages(pool));
                }
                None => findings.extend(removal(&findings)),
            },
            Kind::NeuronService => match desired.services.get(&key.name) {
                Some(service) => findings.extend(self.service(service, status)),
                None => match desired.packed.get(&key.name) {
                    Some(service) => findings.extend(self.packed(service, status)),
                    None => findings.extend(removal(&findings)),
                },
            },
            Kind::NeuronJob => match desired.jobs.get(&key.name) {
                Some(job) => findings.extend(self.job(job, status)),
                None => findings.extend(removal(&findings)),
            },
        }
        findings
    }

    /// Who waits for an object that only a person can bring further needs that person, too.
    fn inherit_stalls(&self, key: &ObjectKey, judged: &BTreeMap<ObjectKey, Status>, findings: &mut Vec<Finding>) {
        let stalled = self
            .waiting(key)
            .filter_map(|waiting| awaited(&waiting.on))
            .find(|other| judged.get(other).is_some_and(Status::is_stalled));
        if let Some(other) = stalled {
            let text = format!("waits for {other}, which is stalled; see there");
            findings.push(Finding::stall(Reason::DependencyNotReady, text));
        }
    }

    /// What the plan is doing about the object and what it waits for.
    fn blockers(&self, key: &ObjectKey) -> Vec<Finding> {
        let waiting = self.waiting(key).filter(|waiting| !waiting.on.is_planned());
        let mut findings: Vec<Finding> = waiting.map(|waiting| finding(&waiting.on)).collect();
        findings.extend(self.steps(key).map(doing));
        findings
    }

    fn cluster(&self, wanted: &DesiredCluster, status: &mut Status) {
        let slot = self.world.observed.cluster(wanted.object.name.as_str(), self.world.installation);
        if let Slot::Ours(found, _) | Slot::Foreign(found, _) = slot {
            let state = format!("{:?}", found.status).to_uppercase();
            status.resources.push(ResourceStatus { kind: "cluster".to_owned(), id: found.arn.clone(), state });
        }
    }

    fn pool(&self, wanted: &DesiredPool, status: &mut Status) {
        let mine = self.providers.get(&wanted.object).into_iter().flatten().map(|(_, provider)| provider);
        for provider in mine.filter(|provider| provider.status != ProviderStatus::Inactive) {
            status.resources.push(ResourceStatus {
                kind: "capacity provider".to_owned(),
                id: provider.arn.clone(),
                state: format!("{:?}", provider.status).to_uppercase(),
            });
        }
        for group in wanted.groups() {
            self.group(wanted, group, status);
        }
    }

    fn conclude(&self, status: &mut Status, findings: &[Finding]) {
        let condition = |kind, truth, reason, message: &str| Condition {
            kind,
            status: truth,
            reason,
            message: message.to_owned(),
            last_transition_time: self.now,
        };
        let drifted = self.drift(&status.object);
        // A stall outweighs progress: it is what a person has to look at.
        let decisive = findings.iter().find(|finding| finding.stalled).or_else(|| findings.first());
        let conditions = &mut status.conditions;
        match decisive {
            None => {
                let message = if self.reported(&status.object).is_empty() {
                    "as declared"
                } else {
                    "works; what somebody else has changed is in the condition Drifted"
                };
                conditions.push(condition(ConditionType::Ready, Truth::True, Reason::Succeeded, message));
            }
            Some(finding) => {
                let truth = if finding.reason == Reason::NotObserved { Truth::Unknown } else { Truth::False };
                conditions.push(condition(ConditionType::Ready, truth, finding.reason, &finding.message));
                let kind = if finding.stalled { ConditionType::Stalled } else { ConditionType::Reconciling };
                conditions.push(condition(kind, Truth::True, finding.reason, &finding.message));
            }
        }
        if self.world.desired.declares(&status.object) {
            let domain = self.domain(status, findings);
            status.conditions.extend(domain);
        }
        if let Some(fields) = drifted {
            status.conditions.push(condition(ConditionType::Drifted, Truth::True, Reason::DriftDetected, &fields));
        }
    }

    /// What others have changed or removed, where that is only reported.
    fn reported(&self, key: &ObjectKey) -> Vec<String> {
        let drift = self.waiting(key).filter(|waiting| matches!(waiting.on, Wait::Drift { .. } | Wait::Gone { .. }));
        drift.map(|waiting| waiting.on.to_string()).collect()
    }

    /// What AWS has otherwise than declared: what is only reported, or else the fields that are being brought back.
    fn drift(&self, key: &ObjectKey) -> Option<String> {
        let reported = self.reported(key);
        if !reported.is_empty() {
            return Some(reported.join(". "));
        }
        let fields: Vec<&str> = self
            .steps(key)
            .filter(|step| step.action.change() == Change::Update)
            .flat_map(|step| &step.because)
            .filter_map(|cause| if let Cause::Field(change) = cause { Some(change.path.as_str()) } else { None })
            .collect();
        (!fields.is_empty()).then(|| format!("differs from what is declared: {}", fields.join(", ")))
    }
}

/// The object that must come further first.
fn awaited(wait: &Wait) -> Option<ObjectKey> {
    if let Wait::Object { object } = wait {
        return Some(object.clone());
    }
    let Wait::Cluster { cluster, .. } = wait else { return None };
    cluster.parse().ok().map(|name| ObjectKey { kind: Kind::NeuronCluster, name })
}

fn removal(found: &[Finding]) -> Option<Finding> {
    found.is_empty().then(|| Finding::progress(Reason::Pruning, "no longer declared; being removed"))
}

fn doing(step: &Step) -> Finding {
    let verb = match step.action.change() {
        Change::Create => "creating",
        Change::Update => "updating",
        Change::Delete => "deleting",
    };
    Finding::progress(Reason::Progressing, format!("{verb} {} ({})", step.resource, step.action.operation()))
}

fn finding(wait: &Wait) -> Finding {
    let reason = match wait {
        Wait::NotRead { .. } => Reason::NotObserved,
        Wait::InFlight { .. }
        | Wait::Turn { .. }
        | Wait::ReadLag { .. }
        | Wait::Revision { .. }
        | Wait::Draining { .. }
        | Wait::InUse { .. }
        | Wait::Replacement { .. }
        | Wait::Surplus { .. }
        | Wait::NotEmpty { .. } => Reason::Progressing,
        Wait::Cluster { .. }
        | Wait::Provider { .. }
        | Wait::Object { .. }
        | Wait::Group { .. }
        | Wait::Compile { failure: None, .. } => Reason::DependencyNotReady,
        Wait::Compile { failure: Some(_), .. } => Reason::JobFailed,
        Wait::NameTaken { .. } => Reason::NameConflict,
        Wait::Retry { error, .. } => match error.class {
            ErrorClass::Invalid | ErrorClass::Denied | ErrorClass::Quota => Reason::CallRefused,
            ErrorClass::NoCapacity => Reason::InsufficientCapacity,
            ErrorClass::Throttled => Reason::Progressing,
            ErrorClass::Transient | ErrorClass::Ambiguous | ErrorClass::Conflict | ErrorClass::NotFound => {
                Reason::CallFailed
            }
        },
        Wait::RolledBack { .. } => Reason::DeploymentRolledBack,
        Wait::Subnets { .. } => Reason::SubnetMissing,
        Wait::Image { .. } | Wait::Quarantined { .. } => Reason::ImageUnusable,
        Wait::Rollout { .. } | Wait::Soak { .. } => Reason::RolloutInProgress,
        Wait::Window { .. } => Reason::OutOfDate,
        Wait::Budget { .. } => Reason::DeploymentInProgress,
        Wait::Devices { .. } => Reason::InsufficientDevices,
        Wait::Job(wait) => job::reason(wait),
        Wait::Suspended => Reason::Suspended,
        Wait::ReadOnly { .. } => Reason::ReadOnly,
        Wait::Drift { .. } | Wait::Gone { .. } => Reason::DriftDetected,
        Wait::PruneBlocked { .. } => Reason::PruneBlocked,
    };
    let stalled = !wait.passes() || reason == Reason::CallRefused;
    Finding { reason, message: wait.to_string(), stalled }
}
