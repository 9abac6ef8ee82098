//! Plans services whose devices Axon chooses: one ECS service for each set of devices, within one budget.
//!
//! `allocate` says which ECS services there should be and how many tasks each may have now; here they are created,
//! changed and removed like any other. A deployment starts only when the budget of the whole NeuronService has room for
//! it, and in none of its ECS services while another one was rolled back.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::service::failure_since;
use super::{Evidence, Planner, Wait};
use crate::allocate::{Allocated, Departing, Healthy, Ledger, Units};
use crate::desired::{DesiredService, PackedService};
use crate::diff::{self, diff};
use crate::fingerprint::{Comparison, Fingerprint};
use crate::observe::{Service, ServiceStatus};
use crate::observed::Slot;
use crate::ownership;
use crate::shape::deployment::DeploymentConfiguration;
use crate::shape::service::UpdateService;
use crate::step::{Action, Cause, Resource, Step};

impl Planner<'_> {
    pub(super) fn packed(&mut self) {
        let desired = self.world.desired;
        for service in desired.packed.values() {
            match self.plan.allocation.services.get(&service.object.name).cloned() {
                Some(Allocated::Units(units)) => self.units(service, &units),
                Some(Allocated::Blind { what }) => self.wait(&service.object, Wait::NotRead { what }),
                None => {
                    // It is left out of the layout until its model is compiled.
                    if let Some(variant) = service.variants.values().next() {
                        self.is_compiled(variant);
                    }
                }
            }
        }
    }

    fn units(&mut self, service: &PackedService, units: &Units) {
        if let Some((replicas, why)) = &units.unplaced {
            self.wait(&service.object, Wait::Devices { replicas: *replicas, why: why.clone() });
        }
        for (name, tasks) in &units.surplus {
            let resource = Resource::Service { cluster: service.cluster.to_string(), name: name.clone() };
            self.wait(&service.object, Wait::Surplus { resource, tasks: *tasks });
        }
        let halted = units.stay.values().find(|unit| self.is_taken_back(unit)).map(super::service::resource);
        self.turns =
            Turns { left: Some((units.ledger, units.healthy.clone())), drained: units.drained.clone(), halted };
        for unit in units.stay.values() {
            self.service(unit);
            self.trim_revisions(unit);
        }
        self.turns = Turns::default();
        // Whoever comes after a failure in between still finds replicas desired.
        let all_there = units.stay.values().all(|unit| self.is_there(unit));
        for (name, departing) in &units.leave {
            if departing.count == 0 && !all_there {
                let resource = Resource::Service { cluster: service.cluster.to_string(), name: name.clone() };
                self.wait(&service.object, Wait::Replacement { resource });
            } else {
                self.leave(service, name, departing);
            }
        }
    }

    fn is_there(&self, unit: &DesiredService) -> bool {
        let slot = self.world.observed.service(unit.cluster.as_str(), &unit.name, self.installation());
        matches!(slot, Slot::Ours(found, _) if found.status == ServiceStatus::Active)
    }

    /// Whether a service may start a deployment in this plan. Only those of packed services take turns.
    pub(super) fn may_deploy(&mut self, wanted: &DesiredService, found: &Service) -> bool {
        let Some((ledger, healthy)) = &mut self.turns.left else { return true };
        let number = |number: i32| u32::try_from(number).unwrap_or(0);
        let (count, asked) = (number(found.running), number(found.settings.desired_count.unwrap_or(0)));
        if let Some(resource) = self.turns.halted.clone() {
            if resource == super::service::resource(wanted) {
                return true;
            }
            self.wait(&wanted.object, Wait::Turn { resource });
            return false;
        }
        // A deployment takes the place of one that is under way, whose share is in the ledger already.
        let has_turn = found.deployments.len() > 1;
        let (mut stops, starts) = ledger.turn(count, asked);
        // While tasks of it are drained it is set to stop no more than those, for whatever reason.
        if self.turns.drained.contains(&wanted.name) {
            stops = 0;
        }
        // One of which nothing runs has nothing to lose.
        if has_turn || ledger.take_turn(healthy, &wanted.name, (stops, starts)) || count == 0 {
            return true;
        }
        let (ledger, healthy) = (*ledger, healthy.surely());
        let wait = Wait::Budget {
            service: wanted.name.clone(),
            available: ledger.available,
            healthy,
            floor: ledger.floor,
            total: ledger.total,
            ceiling: ledger.ceiling,
        };
        self.wait(&wanted.object, wait);
        false
    }

    /// Whether ECS has rolled this very specification back, or whether that is not known yet.
    fn is_taken_back(&self, wanted: &DesiredService) -> bool {
        let (cluster, name) = (wanted.cluster.as_str(), wanted.name.as_str());
        let Slot::Ours(found, _) = self.world.observed.service(cluster, name, self.installation()) else {
            return false;
        };
        let pushed = found.tags.get(ownership::FINGERPRINT).map(|tag| Fingerprint::from_tag(tag));
        let same = pushed.is_some_and(|pushed| wanted.fingerprint.compare(&pushed) == Comparison::Same);
        let runs = self.revision_with(wanted).is_some_and(|r| found.settings.task_definition.as_ref() == Some(&r.arn));
        if !same || runs {
            return false;
        }
        let history = self.world.observed.history.get(&(found.cluster.clone(), found.name.clone()));
        history.is_none_or(|history| failure_since(&history.deployments, found).is_some())
    }

    /// Whether an ECS service was made or deployed a moment ago.
    fn is_new(&self, found: &Service) -> bool {
        let age = |at| self.limits.now.duration_since(at);
        // By a clock that is behind, everything is younger than it can be, and nothing is known.
        let is_recent = |age: SignedDuration| !age.is_negative() && age < SETTLES;
        found.deployments.iter().filter_map(|deployment| deployment.created).map(age).any(is_recent)
    }

    /// Takes an ECS service out of use, as far as the budget allows.
    fn leave(&mut self, service: &PackedService, name: &str, departing: &Departing) {
        let cluster = service.cluster.to_string();
        let Slot::Ours(found, _) = self.world.observed.service(&cluster, name, self.installation()) else { return };
        if found.status != ServiceStatus::Active {
            return;
        }
        let resource = Resource::Service { cluster: cluster.clone(), name: name.to_owned() };
        let document = |count, deployment| UpdateService {
            desired_count: count,
            deployment_configuration: deployment,
            ..UpdateService::default()
        };
        let count = i32::try_from(departing.count).unwrap_or(i32::MAX);
        let wanted = document(Some(count), departing.deployment.clone());
        let given = document(found.settings.desired_count, found.settings.deployment_configuration.clone());
        let changes = diff(&wanted, &given, &diff::SERVICE);
        let (action, because) = if count == 0 && self.is_new(found) {
            self.wait(&service.object, Wait::Replacement { resource });
            return;
        } else if count == 0 {
            let cause = Cause::Superseded { by: format!("the layout of pool {}", service.pool) };
            if !self.unmark(&service.object, found, &cause) {
                return;
            }
            (Action::DeleteService { cluster, service: name.to_owned() }, vec![cause])
        } else if changes.is_empty() {
            self.wait(&service.object, Wait::Replacement { resource });
            return;
        } else {
            // What an update leaves out stays as it is.
            let other = |wanted: &DeploymentConfiguration| given.deployment_configuration.as_ref() != Some(wanted);
            let request = UpdateService {
                cluster: Some(cluster),
                service: Some(name.to_owned()),
                deployment_configuration: wanted.deployment_configuration.filter(other),
                ..document(wanted.desired_count, None)
            };
            (Action::UpdateService(request), changes.into_iter().map(Cause::Field).collect())
        };
        let step = Step { object: service.object.clone(), resource, action, because };
        self.step(step, Evidence::Reading);
    }
}

/// So long after its last deployment an ECS service of another layout stays: another process that has read the account at another
/// moment may have made it, and deleted for it the one that this process keeps by its own reading.
const SETTLES: SignedDuration = SignedDuration::from_mins(2);

/// Who may start a deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// What is left of the budget of the packed service that is being planned.
    left: Option<(Ledger, Healthy)>,
    /// Those of its ECS services that lose tasks to instances which are drained.
    drained: BTreeSet<String>,
    /// One of its ECS services that was rolled back, or of which that is not known yet.
    halted: Option<Resource>,
}
