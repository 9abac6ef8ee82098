//! Conditions about one side of an object each: is it registered, is there capacity, do its tasks run?

use std::collections::BTreeSet;

use super::job::{Stages, evicted};
use super::{Finding, Hearing};
use crate::desired::PackedService;
use crate::plan::Wait;
use crate::spec::{Failure, Kind, ObjectKey, Spread};
use crate::status::{Condition, ConditionType, Reason, RunState, RunStatus, Status, Truth};

/// What a condition says, before it gets its time.
struct Word {
    kind: ConditionType,
    truth: Truth,
    reason: Reason,
    message: String,
}

impl Word {
    fn holds(kind: ConditionType, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::True, reason: Reason::Succeeded, message: message.into() }
    }

    fn fails(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        let truth = if reason == Reason::NotObserved { Truth::Unknown } else { Truth::False };
        Self { kind, truth, reason, message: message.into() }
    }
}

impl Hearing<'_> {
    /// The domain conditions of a declared object.
    pub(super) fn domain(&self, status: &Status, findings: &[Finding]) -> Vec<Condition> {
        let mut words = vec![self.registered(status, findings)];
        match status.object.kind {
            Kind::NeuronCluster => {}
            Kind::NeuronPool => {
                words.push(self.pool_capacity(status, findings));
                words.extend(image(status, findings));
                words.extend(drift(status).map(|word| self.with_opening(&status.object, word)));
            }
            Kind::NeuronService => {
                words.push(capacity(findings));
                if let Some(packed) = self.world.desired.packed.get(&status.object.name) {
                    words.push(devices(findings));
                    words.extend(self.spread(packed));
                }
                words.push(available(status, findings));
            }
            Kind::NeuronJob => {
                let waits: Vec<&Wait> = self.waiting(&status.object).map(|waiting| &waiting.on).collect();
                words.extend(stages(&Stages::of(status, &waits)));
            }
        }
        let condition = |word: Word| Condition {
            kind: word.kind,
            status: word.truth,
            reason: word.reason,
            message: word.message,
            last_transition_time: self.now,
        };
        words.into_iter().map(condition).collect()
    }

    /// Whether a pool can get instances.
    fn pool_capacity(&self, status: &Status, findings: &[Finding]) -> Word {
        let short = findings.iter().find(|finding| finding.reason == Reason::InsufficientCapacity);
        if let Some(finding) = short {
            return Word::fails(ConditionType::CapacityReady, finding.reason, finding.message.clone());
        }
        let mut word = provider_ready(status, findings);
        let pool = self.world.desired.pools.get(&status.object.name);
        if let Some(refused) = pool.and_then(|pool| self.elsewhere(pool)) {
            word.message = format!("{}; {refused}", word.message);
        }
        word
    }

    /// Says of what is out of date when it will be replaced.
    fn with_opening(&self, object: &ObjectKey, mut word: Word) -> Word {
        let opening = |on: &Wait| matches!(on, Wait::Window { .. });
        for waiting in self.waiting(object).filter(|waiting| opening(&waiting.on)) {
            word.message = format!("{}; {}", word.message, waiting.on);
        }
        word
    }

    /// Whether the subnets of its pool lie in zones enough for replicas that are to be spread.
    fn spread(&self, packed: &PackedService) -> Option<Word> {
        let pool = self.world.desired.pools.get(&packed.pool).filter(|_| packed.spread == Spread::AvailabilityZones)?;
        let mut zones = BTreeSet::new();
        for group in pool.groups() {
            zones.extend(group.zones(&self.world.observed.subnets)?);
        }
        let named = zones.iter().copied().collect::<Vec<_>>().join(", ");
        match zones.len() {
            0 => None,
            1 => Some(Word::fails(
                ConditionType::Spread,
                Reason::OneZone,
                format!(
                    "`spread: AvailabilityZones` has no effect: all subnets of {} lie in {named}; add a subnet in another \
                     zone to the pool, or write `spread: Pack`",
                    pool.object
                ),
            )),
            _ => Some(Word::holds(ConditionType::Spread, format!("subnets of {} lie in {named}", pool.object))),
        }
    }

    /// Whether ECS has the object as rendered.
    fn registered(&self, status: &Status, findings: &[Finding]) -> Word {
        let pending = self.steps(&status.object).map(|step| step.action.operation()).next();
        let main = status.resources.first();
        match (main, pending) {
            (Some(main), None) if main.state == "ACTIVE" => Word::holds(ConditionType::Registered, main.id.clone()),
            (Some(main), None) => {
                Word::fails(ConditionType::Registered, Reason::Progressing, format!("{} is {}", main.id, main.state))
            }
            (_, Some(operation)) => {
                Word::fails(ConditionType::Registered, Reason::Progressing, format!("{operation} is due"))
            }
            (None, None) => missing(ConditionType::Registered, findings, "nothing of it exists on AWS yet"),
        }
    }
}

fn missing(kind: ConditionType, findings: &[Finding], otherwise: &str) -> Word {
    match findings.first() {
        Some(finding) => Word::fails(kind, finding.reason, finding.message.clone()),
        None => Word::fails(kind, Reason::Progressing, otherwise),
    }
}

fn provider_ready(status: &Status, findings: &[Finding]) -> Word {
    match status.resources.iter().find(|resource| resource.state == "ACTIVE") {
        Some(provider) => Word::holds(ConditionType::CapacityReady, format!("{} can be used", provider.id)),
        None => missing(ConditionType::CapacityReady, findings, "its capacity provider is not active yet"),
    }
}

/// Only pools of Auto Scaling groups have an image of their own.
fn image(status: &Status, findings: &[Finding]) -> Option<Word> {
    let unusable = findings.iter().find(|finding| finding.reason == Reason::ImageUnusable);
    if let Some(finding) = unusable {
        return Some(Word::fails(ConditionType::AmiResolved, finding.reason, finding.message.clone()));
    }
    let image = status.groups.first()?.image.as_ref()?;
    let name = image.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    Some(Word::holds(ConditionType::AmiResolved, format!("new instances launch {}{name}", image.id)))
}

/// Instances that were launched from something older than new ones get.
fn drift(status: &Status) -> Option<Word> {
    let instances = || status.groups.iter().flat_map(|group| &group.instances);
    let outdated = instances().filter(|instance| instance.out_of_date).count();
    let message = format!("{outdated} of {} instances have an older image or launch template", instances().count());
    (outdated > 0).then_some(Word {
        kind: ConditionType::AmiDrift,
        truth: Truth::True,
        reason: Reason::OutOfDate,
        message,
    })
}

fn devices(findings: &[Finding]) -> Word {
    let lacks = |finding: &&Finding| matches!(finding.reason, Reason::InsufficientDevices | Reason::NotObserved);
    match findings.iter().find(lacks) {
        Some(finding) => Word::fails(ConditionType::DevicesAllocated, finding.reason, finding.message.clone()),
        None => Word::holds(ConditionType::DevicesAllocated, "every replica has its devices"),
    }
}

fn capacity(findings: &[Finding]) -> Word {
    let lacks = |finding: &&Finding| {
        matches!(finding.reason, Reason::InsufficientCapacity | Reason::DependencyNotReady | Reason::NotObserved)
    };
    match findings.iter().find(lacks) {
        Some(finding) => Word::fails(ConditionType::CapacityReady, finding.reason, finding.message.clone()),
        None => Word::holds(ConditionType::CapacityReady, "no task lacks capacity"),
    }
}

fn available(status: &Status, findings: &[Finding]) -> Word {
    match &status.replicas {
        Some(replicas) if replicas.running >= replicas.desired => {
            let message = format!("{} of {} tasks run", replicas.running, replicas.desired);
            Word::holds(ConditionType::Available, message)
        }
        Some(replicas) => {
            let reason = findings.first().map_or(Reason::TasksStarting, |finding| finding.reason);
            let message = format!("{} of {} tasks run", replicas.running, replicas.desired);
            Word::fails(ConditionType::Available, reason, message)
        }
        None => missing(ConditionType::Available, findings, "its service does not exist yet"),
    }
}

/// Where the newest run of a job stands, in the words of Kueue and of Kubernetes.
fn stages(stages: &Stages) -> Vec<Word> {
    let Some(run) = &stages.newest else { return Vec::new() };
    let mut words = match run.state {
        RunState::Pending | RunState::Running | RunState::Suspended | RunState::Ending => admission(stages, run),
        RunState::Complete => vec![Word::holds(ConditionType::Complete, format!("run {} {}", run.run, run.message))],
        RunState::Failed
        | RunState::DeadlineExceeded
        | RunState::Cancelled
        | RunState::Superseded
        | RunState::Unknown => {
            let reason = if run.state == RunState::Unknown { Reason::OutcomeUnknown } else { Reason::JobFailed };
            vec![Word {
                truth: Truth::True,
                ..Word::fails(ConditionType::Failed, reason, format!("run {} {}", run.run, run.message))
            }]
        }
    };
    if let Some((attempt, _)) = evicted(run).filter(|_| run.ended.is_none()) {
        let why = attempt.reason.clone().unwrap_or_default();
        let (reason, what) = match attempt.failure {
            Some(Failure::Preempted) => (Reason::Preempted, "gave up its devices"),
            Some(_) | None => (Reason::Succeeded, "lost its instance"),
        };
        let text = format!("attempt {} {what}: {why}", attempt.attempt);
        words.push(Word { reason, ..Word::holds(ConditionType::Evicted, text) });
        words.push(Word::holds(
            ConditionType::Requeued,
            "it is tried again, and that does not count against backoffLimit",
        ));
    }
    words
}

fn admission(stages: &Stages, run: &RunStatus) -> Vec<Word> {
    let reserved = match &stages.queued {
        Some(queued) => Word::fails(ConditionType::QuotaReserved, Reason::InsufficientDevices, queued.clone()),
        None => Word::holds(ConditionType::QuotaReserved, "every attempt that is due has its devices"),
    };
    let admitted = if run.attempts.is_empty() {
        Word::fails(ConditionType::Admitted, Reason::Progressing, format!("run {} has not started anything", run.run))
    } else {
        Word::holds(ConditionType::Admitted, format!("run {} has started {} attempts", run.run, run.attempts.len()))
    };
    let running = run.attempts.iter().filter(|attempt| attempt.state == "RUNNING").count();
    let active = usize::try_from(run.active).unwrap_or(usize::MAX);
    let text = format!("{running} of {active} tasks run");
    let ready = if active > 0 && running >= active {
        Word::holds(ConditionType::TasksReady, text)
    } else {
        Word::fails(ConditionType::TasksReady, Reason::TasksStarting, text)
    };
    vec![reserved, admitted, ready]
}
