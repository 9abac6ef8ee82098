//! One AWS account and Region as the [`Cloud`] that `core` declares.
//!
//! Made by `connect`; hands the work to `lookup`, `observe` and `execute` and keeps what outlives a call: the pace, the
//! remembered revisions, the facts.

use std::sync::{Arc, Mutex};

use axon_core::cloud::{CallObserver, Cloud, CloudError, Effect, Facts, Scope, Sweep};
use axon_core::observe::Identity;
use axon_core::step::Step;
use jiff::Timestamp;

use crate::aws_time::AwsTime;
use crate::call::{Caller, Clients};
use crate::execute;
use crate::lookup::{self, InstanceTypes};
use crate::observe::{self, task_definitions::Revisions};
use crate::pace::Pace;

/// A connection to one AWS account and Region.
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) clients: Clients,
    pub(crate) region: String,
    pub(crate) clock: AwsTime,
    pub(crate) pace: Arc<Pace>,
    pub(crate) revisions: Arc<Revisions>,
    pub(crate) identity: Arc<Mutex<Option<Identity>>>,
    pub(crate) instance_types: Arc<InstanceTypes>,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
}

impl Aws {
    /// Region that the calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Tells this observer of every call from now on.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    pub(crate) fn caller(&self) -> Caller {
        let mut caller = Caller::new(self.clients.clone(), self.clock.clone(), Arc::clone(&self.pace));
        caller.observer.clone_from(&self.observer);
        caller
    }
}

impl Cloud for Aws {
    async fn lookup(&self) -> Result<Facts, CloudError> {
        let caller = self.caller();
        let identity = lookup::identity(&caller, &self.region, &self.identity).await?;
        Ok(Facts { identity, instance_types: self.instance_types.read(&caller).await })
    }

    async fn observe(&self, scope: Scope) -> Sweep {
        observe::sweep(self.caller(), &self.revisions, scope).await
    }

    async fn execute(&self, step: &Step) -> Result<Effect, CloudError> {
        execute::execute(&self.caller(), &self.revisions, step.action.clone()).await
    }

    fn aws_time(&self, machine: Timestamp) -> Timestamp {
        self.clock.at(machine)
    }
}
