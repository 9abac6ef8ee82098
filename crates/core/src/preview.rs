//! Imagines the effect of steps, so that a plan can be shown to its end without writing anything.
//!
//! [`preview`] plans, applies every step's assumed effect to a copy of what was observed, lets time pass for what is in
//! transition, and plans again until nothing is left. `axon plan` prints the result; "it ends, and planning after it is
//! empty" is the first property that the planner is tested for. [`assume`] also files outcomes that AWS answers
//! without telling the new state.

mod capacity;
mod ec2;
mod job;
mod service;

use jiff::Timestamp;

use crate::observe::{ClusterStatus, ProviderStatus};
use crate::observed::{Listing, Observed};
use crate::ownership::Tags;
use crate::plan::{JobWait, Limits, Plan, Wait, Waiting, plan};
use crate::shape::shared::Tag;
use crate::step::{Action, Step};
use crate::world::World;

/// More rounds than any chain of dependencies needs.
const MAX_ROUNDS: usize = 200;

/// All steps to convergence, in the order in which they become possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Steps round by round: those of one round do not depend on one another.
    pub rounds: Vec<Vec<Step>>,
    /// What will not come about without a person.
    pub blocked: Vec<Waiting>,
    /// Whether planning came to rest. Anything else is a bug in the planner.
    pub ended: bool,
}

impl Preview {
    /// All steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.rounds.iter().flatten()
    }
}

/// Plays a target to its end, within [`Limits::fresh`]: nothing is in flight and nothing has failed in this imagined world.
pub fn preview(world: World<'_>, limits: &Limits) -> Preview {
    let mut observed = world.observed.clone();
    let mut preview = Preview::default();
    for _ in 0..MAX_ROUNDS {
        let plan: Plan = plan(World { observed: &observed, ..world }, limits);
        for step in &plan.steps {
            assume(&mut observed, step);
        }
        let moved = settle(&mut observed, &plan);
        if plan.steps.is_empty() && !moved {
            preview.blocked = plan.waiting.into_iter().filter(|waiting| !goes_on(&waiting.on)).collect();
            preview.ended = true;
            return preview;
        }
        if !plan.steps.is_empty() {
            preview.rounds.push(plan.steps);
        }
    }
    preview
}

/// Whether a job just takes its time: its tasks run, or it is in the queue behind others, or its schedule has its next run.
const fn goes_on(wait: &Wait) -> bool {
    matches!(wait, Wait::Job(job) if job.passes() || matches!(job, JobWait::Schedule { next: Some(_) }))
}

/// Lets everything in transition arrive; says whether anything did.
fn settle(observed: &mut Observed, plan: &Plan) -> bool {
    let before = observed.clone();
    if let Listing::Read(clusters) = &mut observed.clusters {
        for cluster in clusters.values_mut() {
            match cluster.status {
                ClusterStatus::Provisioning => cluster.status = ClusterStatus::Active,
                ClusterStatus::Deprovisioning => cluster.status = ClusterStatus::Inactive,
                ClusterStatus::Active | ClusterStatus::Failed | ClusterStatus::Inactive | ClusterStatus::Other(_) => {}
            }
            cluster.registered_instances = 0;
            cluster.attachments_status = None;
        }
    }
    let group_providers = entries_mut(&mut observed.group_providers);
    for provider in observed.providers.values_mut().flat_map(entries_mut).chain(group_providers) {
        match provider.status {
            ProviderStatus::Provisioning if provider.update_status.as_deref() != Some("CREATE_FAILED") => {
                provider.status = ProviderStatus::Active;
            }
            ProviderStatus::Deprovisioning => provider.status = ProviderStatus::Inactive,
            ProviderStatus::Provisioning
            | ProviderStatus::Active
            | ProviderStatus::Inactive
            | ProviderStatus::Other(_) => {}
        }
        if provider.update_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
            provider.update_status = Some("UPDATE_COMPLETE".to_owned());
        }
    }
    for service in observed.services.values_mut().flat_map(entries_mut) {
        service::settle(service);
    }
    ec2::settle(observed);
    // Services that wait for their history are imagined to have a clean one.
    for key in &plan.needs_history {
        let read = Timestamp::UNIX_EPOCH;
        let clean = crate::observed::History { read, deployments: Vec::new() };
        observed.history.entry(key.clone()).or_insert(clean);
    }
    *observed != before
}

fn entries_mut<T>(listing: &mut Listing<T>) -> impl Iterator<Item = &mut T> {
    match listing {
        Listing::Unread => None,
        Listing::Read(entries) => Some(entries.values_mut()),
    }
    .into_iter()
    .flatten()
}

/// Files the effect that a step has if AWS does as asked.
pub fn assume(observed: &mut Observed, step: &Step) {
    match &step.action {
        Action::CreateCluster(request) => capacity::create_cluster(observed, request),
        Action::UpdateCluster(request) => capacity::update_cluster(observed, request),
        Action::DeleteCluster { cluster } => capacity::delete_cluster(observed, cluster),
        Action::CreateCapacityProvider(request) => capacity::create_provider(observed, request),
        Action::UpdateCapacityProvider(request) => capacity::update_provider(observed, request),
        Action::DeleteCapacityProvider { name, cluster } => {
            capacity::delete_provider(observed, name, cluster.as_ref());
        }
        Action::PutClusterCapacityProviders(_)
        | Action::CreateLaunchTemplate(_)
        | Action::CreateLaunchTemplateVersion(_)
        | Action::DeleteLaunchTemplate { .. }
        | Action::CreateTags { .. }
        | Action::DeleteTags { .. }
        | Action::CreateAutoScalingGroup(_)
        | Action::UpdateAutoScalingGroup(_)
        | Action::DeleteAutoScalingGroup { .. }
        | Action::CreateOrUpdateTags { .. }
        | Action::DeleteGroupTags { .. }
        | Action::SetDesiredCapacity { .. }
        | Action::TerminateInstanceInAutoScalingGroup { .. }
        | Action::UpdateContainerInstancesState { .. } => ec2::assume(observed, step),
        Action::RegisterTaskDefinition(request) => service::register(observed, request),
        Action::DeregisterTaskDefinition { arn } => observed.task_definitions.remove(arn),
        Action::CreateService(request) => service::create(observed, request),
        Action::UpdateService(request) => service::update(observed, request),
        Action::DeleteService { cluster, service } => {
            if let Some(listing) = observed.services.get_mut(cluster) {
                listing.remove(service);
            }
        }
        Action::PutParameter { name, value } => job::put(observed, name, value),
        Action::DeleteParameters { names } => job::delete(observed, names),
        Action::RunTask(request) => job::run(observed, request),
        Action::StopTask { .. } => job::stop(observed, step),
        Action::TagResource { arn, tags } => {
            if let Some(found) = tags_of(observed, arn) {
                found.extend(tags.clone());
            }
        }
        Action::UntagResource { arn, keys } => {
            if let Some(found) = tags_of(observed, arn) {
                found.retain(|key, _| !keys.contains(key));
            }
        }
    }
}

fn tags_of<'o>(observed: &'o mut Observed, arn: &str) -> Option<&'o mut Tags> {
    let clusters = entries_mut(&mut observed.clusters).map(|found| (&found.arn, &mut found.tags));
    let providers = observed.providers.values_mut().flat_map(entries_mut).map(|found| (&found.arn, &mut found.tags));
    let services = observed.services.values_mut().flat_map(entries_mut).map(|found| (&found.arn, &mut found.tags));
    let revisions = entries_mut(&mut observed.task_definitions).map(|found| (&found.arn, &mut found.tags));
    let group_providers = entries_mut(&mut observed.group_providers).map(|found| (&found.arn, &mut found.tags));
    let all = clusters.chain(providers).chain(group_providers).chain(services).chain(revisions);
    all.into_iter().find(|(found, _)| *found == arn).map(|(_, tags)| tags)
}

fn tags(list: &[Tag]) -> Tags {
    list.iter().filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect()
}
