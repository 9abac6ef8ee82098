//! What AWS has accepted lately, or may have: `plan` does not ask for it again while readings may not show it yet.
//!
//! Part of `state`, which files outcomes and sweeps here.

use jiff::Timestamp;

use super::State;
use crate::cloud::{ErrorClass, Sweep};
use crate::plan::{Answer, CREATE_GRACE, Recent};
use crate::shape::service::{CreateService, UpdateService};
use crate::step::{Action, Resource, Step};

impl State {
    pub(super) fn remember(&mut self, step: &Step, at: Timestamp, answer: Answer) {
        let recent = self.recent.entry(step.resource.clone()).or_default();
        let fingerprint = step.fingerprint();
        recent.retain(|recent| recent.step != fingerprint && is_recent(recent, at));
        let revision = revision_of(&step.action).cloned();
        recent.push(Recent { step: fingerprint, at, answer, revision });
    }

    /// AWS may have done what it answers a failure of its own to, or nothing.
    pub(super) fn remember_failed(&mut self, step: &Step, at: Timestamp, class: ErrorClass) {
        let unclear = matches!(class, ErrorClass::Ambiguous | ErrorClass::Transient);
        if unclear && step.action.is_numbered() {
            self.remember(step, at, Answer::NotLookedFor);
        } else if class == ErrorClass::Ambiguous {
            self.remember(step, at, Answer::Unknown);
        }
    }

    /// Of what has numbers, a sweep shows what came of the attempts before it. What was accepted long ago holds nothing back
    /// any more.
    pub(super) fn look_for_recent(&mut self, sweep: &Sweep) {
        let revisions = sweep.task_definitions.as_ref().is_some_and(Result::is_ok);
        let templates = sweep.ec2.as_ref().is_some_and(|ec2| ec2.templates.is_ok());
        for (resource, all) in &mut self.recent {
            let read = match resource {
                Resource::TaskDefinition(_) => revisions,
                Resource::LaunchTemplate(_) => templates,
                Resource::Cluster(_)
                | Resource::AutoScalingGroup(_)
                | Resource::CapacityProvider(_)
                | Resource::Service { .. }
                | Resource::Parameter(_)
                | Resource::Task { .. }
                | Resource::Instance(_) => false,
            };
            for recent in all.iter_mut().filter(|recent| read && recent.at < sweep.started) {
                if recent.answer == Answer::NotLookedFor {
                    recent.answer = Answer::Unknown;
                }
            }
        }
        self.recent.retain(|_, all| all.iter().any(|recent| is_recent(recent, sweep.started)));
    }
}

/// The revision (ARN) that a step puts a service on.
const fn revision_of(action: &Action) -> Option<&String> {
    let (Action::CreateService(CreateService { task_definition, .. })
    | Action::UpdateService(UpdateService { task_definition, .. })) = action
    else {
        return None;
    };
    task_definition.as_ref()
}

/// Whether readings may not show yet what came of it.
pub(super) fn is_recent(recent: &Recent, now: Timestamp) -> bool {
    recent.answer == Answer::NotLookedFor || now.duration_since(recent.at) < CREATE_GRACE
}
