//! A second opinion on every plan, written without the planner's code.
//!
//! Between `plan` and `execute`. A plan with a violation is a bug: nothing of it is executed, and the violation is
//! reported. The rules are stated from the outside (what must never be asked of AWS), so a mistake in the planner is not
//! repeated here.

mod ec2;
mod job;
mod prune;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;

use crate::desired::Desired;
use crate::observe::{ClusterStatus, ProviderStatus, Service, ServiceStatus};
use crate::observed::Observed;
use crate::ownership::{ADOPTED, MANAGED_BY, PRUNE, Tags};
use crate::plan::{Limits, Plan, Prune, Writes};
use crate::spec::Name;
use crate::step::{Action, Cause, Step};
use crate::world::World;

/// Something that a plan must never contain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The step that breaks it, in words.
    pub step: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.step)
    }
}

/// What must hold for every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Rule {
    /// One writer per resource.
    #[error("two steps write one resource")]
    OneStepPerResource,
    /// No second call while one is under way.
    #[error("a step writes a resource that another step is writing")]
    NotInFlight,
    /// Nothing while writing is off.
    #[error("a step is planned although writing is switched off")]
    WritesAllowed,
    /// Suspended objects stay as they are.
    #[error("a step is planned for a suspended object")]
    NotSuspended,
    /// Other people's things stay as they are.
    #[error("a step changes something that does not carry our installation id")]
    OnlyOurs,
    /// Nothing on a guess.
    #[error("a step acts on a place that was never read")]
    NothingUnread,
    /// No second one beside an existing one.
    #[error("a step creates something that exists")]
    NoDuplicate,
    /// What is declared stays.
    #[error("a step deletes something that is declared and in charge")]
    NothingDeclaredIsDeleted,
    /// No pruning against the rules.
    #[error("a step removes something although pruning is not allowed")]
    PruneAllowed,
    /// No pruning of more than is allowed.
    #[error("a step removes something although more objects are gone from the source than may be removed at once")]
    PruneLimited,
    /// A service only on providers that can be used.
    #[error("a service is to use a capacity provider that is not active")]
    ProvidersActive,
    /// A service only on an existing revision.
    #[error("a service is to run a revision that is not active")]
    RevisionActive,
    /// A provider with users stays.
    #[error("a capacity provider is to be deleted while services use it")]
    ProviderUnused,
    /// A group with a provider stays.
    #[error("an Auto Scaling group is to be deleted while a capacity provider uses it")]
    GroupUnused,
    /// A template with a group stays.
    #[error("a launch template is to be deleted while an Auto Scaling group uses it")]
    TemplateUnused,
    /// Tasks are drained before their instance goes.
    #[error("an instance is to be terminated while tasks run on it")]
    InstanceIdle,
    /// A task is started only after the record that says so.
    #[error("a task is to be started of which there is no record")]
    IntentFirst,
    /// What is over is not started again.
    #[error("an attempt is to be started, or written down, of a run that is over")]
    OverIsOver,
    /// Records stay until the end of their run is written down.
    #[error("a record is to be removed that is needed to know what has run")]
    RecordNeeded,
    /// A role hands its rights to whoever gets it.
    #[error("a step passes an IAM role that the operator does not allow")]
    RolesAllowed,
    /// What Axon creates must be recognisable as Axon's.
    #[error("a step creates something without our installation id")]
    CreatedTagged,
}

/// Everything that is wrong with a plan; empty for a good one.
pub fn check(world: World<'_>, limits: &Limits, plan: &Plan) -> Vec<Violation> {
    let review = Review { world, limits, may_prune: prune::is_within(world, limits), known: Known::default() };
    let mut seen = BTreeSet::new();
    let mut violations = Vec::new();
    for step in &plan.steps {
        let mut broken = review.step(step);
        if !seen.insert(&step.resource) {
            broken.push(Rule::OneStepPerResource);
        }
        let text = format!("{} on {}", step.action.operation(), step.resource);
        violations.extend(broken.into_iter().map(|rule| Violation { rule, step: text.clone() }));
    }
    violations
}

struct Review<'a> {
    world: World<'a>,
    limits: &'a Limits,
    may_prune: bool,
    known: Known<'a>,
}

/// What is asked about many steps, looked up once when it is asked first.
#[derive(Default)]
struct Known<'a> {
    /// ARNs of clusters, providers, services and revisions that are ours.
    our_arns: OnceCell<BTreeSet<&'a str>>,
    /// ARNs of revisions that a living service runs or is moving away from.
    run: OnceCell<BTreeSet<&'a str>>,
    /// Names of providers that a living service uses.
    used: OnceCell<BTreeSet<&'a str>>,
    /// Names of providers that can be used.
    active: OnceCell<BTreeSet<&'a str>>,
}

impl<'a> Review<'a> {
    fn step(&self, step: &Step) -> Vec<Rule> {
        let mut broken = Vec::new();
        let mut rule = |holds: bool, rule: Rule| {
            if !holds {
                broken.push(rule);
            }
        };
        rule(self.limits.writes == Writes::Allowed, Rule::WritesAllowed);
        rule(!self.limits.in_flight.contains_key(&step.resource), Rule::NotInFlight);
        let notes = matches!(&step.action, Action::PutParameter { name, .. } if name.strip_suffix(".end").is_some());
        rule(notes || !self.desired().suspended.contains(&step.object), Rule::NotSuspended);
        rule(self.passes_allowed_roles(step), Rule::RolesAllowed);
        rule(self.may_prune || !step.because.contains(&Cause::NotDeclared), Rule::PruneLimited);
        for (holds, name) in self.action(step) {
            rule(holds, name);
        }
        broken
    }

    /// Of the whole request, so that no member is forgotten. What cannot be looked through passes nothing on trust.
    fn passes_allowed_roles(&self, step: &Step) -> bool {
        let roles = &self.limits.roles;
        roles.is_any() || serde_json::to_value(&step.action).is_ok_and(|request| roles.refused(&request).is_empty())
    }

    fn action(&self, step: &Step) -> Vec<(bool, Rule)> {
        match &step.action {
            Action::CreateCluster(request) => {
                let name = request.cluster_name.as_deref().unwrap_or_default();
                let free = self.observed().clusters.get(name).is_none_or(|c| c.status == ClusterStatus::Inactive);
                vec![
                    (self.observed().clusters.is_read(), Rule::NothingUnread),
                    (free, Rule::NoDuplicate),
                    (self.is_tagged(&request.tags), Rule::CreatedTagged),
                ]
            }
            Action::UpdateCluster(request) => {
                vec![(self.owns_cluster(request.cluster.as_deref().unwrap_or_default()), Rule::OnlyOurs)]
            }
            Action::DeleteCluster { cluster } => self.delete_cluster(step, cluster),
            Action::PutClusterCapacityProviders(request) => self.associate(request),
            Action::CreateLaunchTemplate(request) => self.create_template(request),
            Action::CreateLaunchTemplateVersion(request) => self.write_ec2(&request.launch_template_id),
            Action::CreateTags { id, .. } | Action::DeleteTags { id, .. } => self.write_ec2(id),
            Action::DeleteLaunchTemplate { name, .. } => self.delete_template(step, name),
            Action::CreateAutoScalingGroup(request) => self.create_group(request),
            Action::UpdateAutoScalingGroup(request) => {
                self.write_group(request.auto_scaling_group_name.as_deref().unwrap_or_default())
            }
            Action::CreateOrUpdateTags { group, .. }
            | Action::DeleteGroupTags { group, .. }
            | Action::SetDesiredCapacity { group, .. } => self.write_group(group),
            Action::DeleteAutoScalingGroup { name } => self.delete_group(step, name),
            Action::TerminateInstanceInAutoScalingGroup { instance, .. } => self.terminate(instance),
            Action::UpdateContainerInstancesState { instance, .. } => self.set_state(instance),
            Action::CreateCapacityProvider(request) => self.create_provider(request),
            Action::UpdateCapacityProvider(request) => {
                let tags = self.provider_tags(request.name.as_deref().unwrap_or_default());
                vec![(tags.is_some_and(|tags| self.is_ours(tags)), Rule::OnlyOurs)]
            }
            Action::DeleteCapacityProvider { name, .. } => self.delete_provider(step, name),
            Action::RegisterTaskDefinition(request) => vec![
                (self.observed().task_definitions.is_read(), Rule::NothingUnread),
                (self.is_tagged(&request.tags), Rule::CreatedTagged),
            ],
            Action::DeregisterTaskDefinition { arn } => {
                let tags = self.observed().task_definitions.get(arn).map(|found| &found.tags);
                vec![
                    (tags.is_some_and(|tags| self.is_ours(tags)), Rule::OnlyOurs),
                    (!self.is_run(arn), Rule::NothingDeclaredIsDeleted),
                ]
            }
            Action::CreateService(request) => self.create_service(request),
            Action::UpdateService(request) => self.update_service(request),
            Action::DeleteService { cluster, service } => self.delete_service(step, cluster, service),
            Action::PutParameter { name, .. } => self.put_record(name),
            Action::DeleteParameters { names } => self.delete_records(names),
            Action::RunTask(request) => self.run_task(request),
            Action::StopTask { cluster, task, .. } => self.stop_task(step, cluster, task),
            Action::TagResource { arn, .. } | Action::UntagResource { arn, .. } => {
                let adopts = step.because == [Cause::Adoption];
                vec![(adopts || self.owns_arn(arn), Rule::OnlyOurs)]
            }
        }
    }

    fn delete_cluster(&self, step: &Step, cluster: &str) -> Vec<(bool, Rule)> {
        let declared = self.desired().clusters.keys().any(|name| name.as_str() == cluster);
        let mut rules = self.deletion(step, self.observed().clusters.get(cluster).map(|found| &found.tags));
        rules.push((!declared, Rule::NothingDeclaredIsDeleted));
        rules
    }

    fn create_provider(&self, request: &crate::shape::provider::CreateCapacityProvider) -> Vec<(bool, Rule)> {
        let name = request.name.as_deref().unwrap_or_default();
        let observed = self.observed();
        let (read, ours) = if let Some(cluster) = request.cluster.as_deref() {
            let listing = observed.providers.get(cluster);
            (listing.is_some_and(crate::observed::Listing::is_read), self.owns_cluster(cluster))
        } else {
            let arn = request.auto_scaling_group_provider.as_ref().map(|given| &given.auto_scaling_group_arn);
            let group = observed.groups.iter().find(|group| Some(&group.arn) == arn);
            (observed.group_providers.is_read(), group.is_some_and(|group| self.is_ours(&group.tags)))
        };
        vec![
            (read, Rule::NothingUnread),
            (self.provider_tags(name).is_none(), Rule::NoDuplicate),
            (self.is_tagged(&request.tags), Rule::CreatedTagged),
            (ours, Rule::OnlyOurs),
        ]
    }

    fn delete_provider(&self, step: &Step, name: &str) -> Vec<(bool, Rule)> {
        let used = self.known.used.get_or_init(|| {
            let strategies = self.living_services().map(|service| &service.settings.capacity_provider_strategy);
            strategies.flatten().flatten().map(|item| item.capacity_provider.as_str()).collect()
        });
        let mut rules = self.deletion(step, self.provider_tags(name));
        rules.push((!used.contains(name), Rule::ProviderUnused));
        rules
    }

    fn create_service(&self, request: &crate::shape::service::CreateService) -> Vec<(bool, Rule)> {
        let cluster = request.cluster.as_deref().unwrap_or_default();
        let name = request.service_name.as_deref().unwrap_or_default();
        let listing = self.observed().services.get(cluster);
        let found = listing.and_then(|listing| listing.get(name));
        vec![
            (listing.is_some_and(crate::observed::Listing::is_read), Rule::NothingUnread),
            (found.is_none_or(|found| found.status == ServiceStatus::Inactive), Rule::NoDuplicate),
            (self.is_tagged(&request.tags), Rule::CreatedTagged),
            (self.are_active(&request.capacity_provider_strategy), Rule::ProvidersActive),
            (self.is_active(request.task_definition.as_deref()), Rule::RevisionActive),
        ]
    }

    fn update_service(&self, request: &crate::shape::service::UpdateService) -> Vec<(bool, Rule)> {
        let cluster = request.cluster.as_deref().unwrap_or_default();
        let name = request.service.as_deref().unwrap_or_default();
        let found = self.observed().services.get(cluster).and_then(|listing| listing.get(name));
        let strategy = request.capacity_provider_strategy.as_deref().unwrap_or_default();
        vec![
            (found.is_some_and(|found| self.is_ours(&found.tags)), Rule::OnlyOurs),
            (self.are_active(strategy), Rule::ProvidersActive),
            // Without a revision the service keeps the one that it runs.
            (
                request.task_definition.is_none() || self.is_active(request.task_definition.as_deref()),
                Rule::RevisionActive,
            ),
        ]
    }

    fn delete_service(&self, step: &Step, cluster: &str, name: &str) -> Vec<(bool, Rule)> {
        let found = self.observed().services.get(cluster).and_then(|listing| listing.get(name));
        let wanted = name.parse::<Name>().ok().and_then(|name| self.desired().services.get(&name));
        let declared = wanted.is_some_and(|wanted| wanted.cluster == *cluster);
        let mut rules = self.deletion(step, found.map(|found| &found.tags));
        rules.push((!declared, Rule::NothingDeclaredIsDeleted));
        rules
    }

    fn deletion(&self, step: &Step, tags: Option<&Tags>) -> Vec<(bool, Rule)> {
        let kept = tags.is_some_and(|tags| tags.get(PRUNE).is_some_and(|value| value == "Disabled"));
        let adopted = tags.is_some_and(|tags| tags.contains_key(ADOPTED));
        let undeclared = step.because.contains(&Cause::NotDeclared);
        let held = self.desired().held.contains(&step.object);
        vec![
            (tags.is_some_and(|tags| self.is_ours(tags)), Rule::OnlyOurs),
            (!kept && !held, Rule::NothingDeclaredIsDeleted),
            (!undeclared || (self.limits.prune == Prune::Enabled && !adopted), Rule::PruneAllowed),
            (!undeclared || !self.desired().is_empty(), Rule::PruneAllowed),
        ]
    }

    fn are_active(&self, strategy: &[crate::shape::shared::CapacityProviderStrategyItem]) -> bool {
        let active = self.known.active.get_or_init(|| {
            let active = self.observed().all_providers().filter(|found| found.status == ProviderStatus::Active);
            active.map(|found| found.name.as_str()).collect()
        });
        strategy.iter().all(|item| active.contains(item.capacity_provider.as_str()))
    }

    fn is_active(&self, arn: Option<&str>) -> bool {
        arn.and_then(|arn| self.observed().task_definitions.get(arn)).is_some_and(|found| found.active)
    }

    fn is_run(&self, arn: &str) -> bool {
        let run = self.known.run.get_or_init(|| {
            let services = self.living_services();
            let revisions = services.flat_map(|service| {
                let deployed = service.deployments.iter().map(|deployment| deployment.task_definition.as_str());
                deployed.chain(service.settings.task_definition.as_deref())
            });
            revisions.collect()
        });
        run.contains(arn)
    }

    fn living_services(&self) -> impl Iterator<Item = &'a Service> + use<'a> {
        self.observed().all_services().filter(|service| service.status != ServiceStatus::Inactive)
    }

    fn owns_cluster(&self, name: &str) -> bool {
        self.observed().clusters.get(name).is_some_and(|found| self.is_ours(&found.tags))
    }

    fn owns_arn(&self, arn: &str) -> bool {
        let ours = self.known.our_arns.get_or_init(|| {
            let observed = self.observed();
            let clusters = observed.clusters.iter().map(|found| (&found.arn, &found.tags));
            let providers = observed.all_providers().map(|found| (&found.arn, &found.tags));
            let services = observed.all_services().map(|found| (&found.arn, &found.tags));
            let revisions = observed.task_definitions.iter().map(|found| (&found.arn, &found.tags));
            let all = clusters.chain(providers).chain(services).chain(revisions);
            all.filter(|(_, tags)| self.is_ours(tags)).map(|(arn, _)| arn.as_str()).collect()
        });
        ours.contains(arn)
    }

    fn provider_tags(&self, name: &str) -> Option<&Tags> {
        self.observed().all_providers().find(|found| found.name == name).map(|found| &found.tags)
    }

    fn is_ours(&self, tags: &Tags) -> bool {
        tags.get(MANAGED_BY) == Some(&self.world.installation.to_string())
    }

    fn is_tagged(&self, tags: &[crate::shape::shared::Tag]) -> bool {
        let ours = self.world.installation.to_string();
        tags.iter().any(|tag| tag.key.as_deref() == Some(MANAGED_BY) && tag.value.as_deref() == Some(ours.as_str()))
    }

    const fn desired(&self) -> &'a Desired {
        self.world.desired
    }

    const fn observed(&self) -> &'a Observed {
        self.world.observed
    }
}

/// Whether a provider exists or is being made.
fn lives(provider: &crate::observe::Provider) -> bool {
    !matches!(provider.status, ProviderStatus::Inactive)
}
