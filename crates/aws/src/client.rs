//! One AWS account and Region as the [`Cloud`] that `core` declares.
//!
//! Made by `connect`; hands the work to `observe` and `execute` and keeps what outlives a call: the pace, the
//! remembered revisions, the identity.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_async::time::SharedTimeSource;
use axon_core::cloud::{Cloud, CloudError, Effect, Facts, Scope, Sweep};
use axon_core::observe::Identity;
use axon_core::step::Step;

use crate::answers::{Incomplete, present};
use crate::call::{Caller, complete};
use crate::execute;
use crate::observe::{self, task_definitions::Revisions};
use crate::operations::Operation;
use crate::pace::Pace;

/// A connection to one AWS account and Region.
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) region: String,
    pub(crate) clock: SharedTimeSource,
    pub(crate) pace: Arc<Pace>,
    pub(crate) revisions: Arc<Revisions>,
    pub(crate) identity: Arc<Mutex<Option<Identity>>>,
}

impl Aws {
    /// Region that the calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    fn caller(&self) -> Caller {
        Caller::new(self.ecs.clone(), self.clock.clone(), Arc::clone(&self.pace))
    }

    async fn ask_identity(&self) -> Result<Identity, CloudError> {
        let answer = self.caller().send(Operation::GetCallerIdentity, self.sts.get_caller_identity().send()).await?;
        complete(Operation::GetCallerIdentity, identity(answer.account, answer.arn.as_deref(), &self.region))
    }
}

impl Cloud for Aws {
    async fn lookup(&self) -> Result<Facts, CloudError> {
        let remembered = self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(identity) = remembered {
            return Ok(Facts { identity });
        }
        let identity = self.ask_identity().await?;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
        Ok(Facts { identity })
    }

    async fn observe(&self, scope: Scope) -> Sweep {
        observe::sweep(self.caller(), &self.revisions, scope).await
    }

    async fn execute(&self, step: &Step) -> Result<Effect, CloudError> {
        execute::execute(&self.caller(), &self.revisions, step.action.clone()).await
    }
}

fn identity(account: Option<String>, arn: Option<&str>, region: &str) -> Result<Identity, Incomplete> {
    let partition = present(arn.and_then(|arn| arn.split(':').nth(1)), "Arn")?;
    Ok(Identity { account: present(account, "Account")?, region: region.to_owned(), partition: partition.to_owned() })
}
