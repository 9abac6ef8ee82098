//! Remembers what was as declared under `drift.policy: Report`, so that its disappearance is not taken for a wish.
//!
//! Part of `state`. The memory is of this process; marks on task definitions outlast it (see `plan::drift`).

use super::State;
use crate::observed::Observed;
use crate::ownership::{DECLARED, Tags};
use crate::step::{Action, Change, Resource, Step};

impl State {
    /// Takes over the marks of everything that exists, but for what Axon itself is removing: readings may show that for
    /// a while.
    pub(super) fn remember_declared(&mut self) {
        for (resource, mark) in marks(&self.observed) {
            if !self.let_go.contains(&resource) {
                self.declared.insert(resource, mark);
            }
        }
    }

    /// What Axon itself has removed is missed by nobody, until Axon makes it again.
    pub(super) fn forget_declared(&mut self, step: &Step) {
        let on_an_instance = matches!(step.action, Action::TerminateInstanceInAutoScalingGroup { .. });
        match step.action.change() {
            Change::Delete if !on_an_instance => {
                // Records and tasks of jobs have no mark, and are too many to be remembered.
                if !matches!(step.resource, Resource::Parameter(_) | Resource::Task { .. }) {
                    self.declared.remove(&step.resource);
                    self.let_go.insert(step.resource.clone());
                }
            }
            Change::Create => {
                self.let_go.remove(&step.resource);
            }
            Change::Delete | Change::Update => {}
        }
    }
}

fn marks(observed: &Observed) -> Vec<(Resource, String)> {
    let mark = |tags: &Tags| tags.get(DECLARED).cloned();
    let clusters = observed.clusters.iter().filter_map(|found| {
        let mark = mark(&found.tags)?;
        Some((Resource::Cluster(found.name.clone()), mark))
    });
    let providers = observed.all_providers().filter_map(|found| {
        let mark = mark(&found.tags)?;
        Some((Resource::CapacityProvider(found.name.clone()), mark))
    });
    let services = observed.all_services().filter_map(|found| {
        let mark = mark(&found.tags)?;
        Some((Resource::Service { cluster: found.cluster.clone(), name: found.name.clone() }, mark))
    });
    let groups = observed.groups.iter().filter_map(|found| {
        let mark = mark(&found.tags)?;
        Some((Resource::AutoScalingGroup(found.name.clone()), mark))
    });
    let templates = observed.templates.iter().filter_map(|found| {
        let mark = mark(&found.tags)?;
        Some((Resource::LaunchTemplate(found.name.clone()), mark))
    });
    clusters.chain(providers).chain(services).chain(groups).chain(templates).collect()
}
