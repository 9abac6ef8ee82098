//! Facts that resolving a specification needs: who we are, and which Neuron instance types the Region offers.
//!
//! Called by `client`, which keeps what was learned. An account never changes; instance types are asked for again after
//! a day. Not being told the types is no error: a role without `ec2:DescribeInstanceTypes` works with the types that
//! `core` knows by itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_ec2::types::Filter;
use axon_core::cloud::{CloudError, InstanceTypeFacts, Reading};
use axon_core::observe::Identity;

use crate::answers::instance_types::instance_type;
use crate::answers::{Incomplete, present};
use crate::call::{Caller, complete};
use crate::observe::pages;
use crate::operations::Operation;

/// How long an answer holds. AWS brings new types a few times a year.
const HOLDS: Duration = Duration::from_hours(24);
/// When to ask again after not being told.
const AGAIN: Duration = Duration::from_hours(1);
/// Page size; AWS's most.
const PAGE: i32 = 100;

/// The account behind the credentials, asked for once.
pub(crate) async fn identity(
    caller: &Caller,
    region: &str,
    memory: &Mutex<Option<Identity>>,
) -> Result<Identity, CloudError> {
    let remembered = memory.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(identity) = remembered {
        return Ok(identity);
    }
    let answer = caller.send(Operation::GetCallerIdentity, caller.sts.get_caller_identity().send()).await?;
    let read = named(answer.account, answer.arn.as_deref(), region);
    let identity = complete(Operation::GetCallerIdentity, read)?;
    *memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
    Ok(identity)
}

fn named(account: Option<String>, arn: Option<&str>, region: &str) -> Result<Identity, Incomplete> {
    let partition = present(arn.and_then(|arn| arn.split(':').nth(1)), "Arn")?;
    Ok(Identity { account: present(account, "Account")?, region: region.to_owned(), partition: partition.to_owned() })
}

/// What is remembered of the instance types of the Region.
#[derive(Debug, Default)]
pub(crate) struct InstanceTypes {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    types: Vec<InstanceTypeFacts>,
    ask_after: Option<SystemTime>,
}

impl InstanceTypes {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Neuron instance types as EC2 tells them, at most a day old; older or none if it does not tell.
    pub(crate) async fn read(&self, caller: &Caller) -> Vec<InstanceTypeFacts> {
        let now = caller.clock.machine();
        {
            let memory = self.memory();
            if memory.ask_after.is_some_and(|time| now < time) {
                return memory.types.clone();
            }
        }
        let asked = ask(caller).await;
        let mut memory = self.memory();
        match asked {
            Ok(types) => *memory = Memory { types, ask_after: Some(now + HOLDS) },
            Err(error) => {
                tracing::warn!(
                    class = ?error.class,
                    "Instance types could not be looked up, so Axon goes by those it knows: {error}. Allow \
                     ec2:DescribeInstanceTypes if newer ones are to be used"
                );
                memory.ask_after = Some(now + AGAIN);
            }
        }
        memory.types.clone()
    }
}

/// All types with Neuron devices. By filter, not by name: EC2 refuses a whole call over one name that the Region lacks.
async fn ask(caller: &Caller) -> Reading<Vec<InstanceTypeFacts>> {
    let families = Filter::builder().name("instance-type").values("inf*").values("trn*").build();
    let found = pages(caller, Operation::DescribeInstanceTypes, |token| {
        let request =
            caller.ec2.describe_instance_types().filters(families.clone()).max_results(PAGE).set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeInstanceTypes, request.send()).await?;
            Ok((answer.instance_types, answer.next_token))
        }
    });
    Ok(found.await?.iter().filter_map(instance_type).collect())
}
