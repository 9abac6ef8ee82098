//! Active revisions of families: ListTaskDefinitions → DescribeTaskDefinition, one a call and each only once.
//!
//! Part of `observe`. A revision never changes but for its tags, and those are ours to change: what was described is
//! remembered until `execute` writes to it. Tags that someone else changes behind our back are seen after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_ecs::types::{TaskDefinitionField, TaskDefinitionStatus};
use axon_core::cloud::Reading;
use axon_core::observe::TaskDefinition;
use axon_core::ownership::Tags;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::{CALLS, PAGE, pages, patiently};
use crate::answers::tags;
use crate::answers::task_definitions::{family_of, task_definition};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// What is remembered of revisions.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    by_arn: BTreeMap<String, TaskDefinition>,
    /// Counts what was forgotten, so that an answer older than a write is not remembered.
    writes: u64,
}

impl Revisions {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a revision, because its tags or status are about to change or have changed.
    pub(crate) fn forget(&self, arn: &str) {
        let mut memory = self.memory();
        memory.by_arn.remove(arn);
        memory.writes += 1;
    }

    /// Tags of a revision, if remembered.
    pub(crate) fn tags(&self, arn: &str) -> Option<Tags> {
        self.memory().by_arn.get(arn).map(|revision| revision.tags.clone())
    }

    /// Active revisions of all families that start with one of `prefixes`.
    pub(super) async fn read(&self, caller: &Caller, prefixes: &BTreeSet<String>) -> Reading<Vec<TaskDefinition>> {
        let listed = listed(caller, prefixes).await?;
        let reading: Vec<_> = listed.iter().map(|arn| patiently(caller, || self.revision(caller, arn))).collect();
        let revisions: Vec<TaskDefinition> = stream::iter(reading).buffered(CALLS).try_collect().await?;
        self.keep_only(&listed, prefixes);
        Ok(revisions.into_iter().filter(|revision| revision.active).collect())
    }

    async fn revision(&self, caller: &Caller, arn: &str) -> Reading<TaskDefinition> {
        let writes = {
            let memory = self.memory();
            if let Some(revision) = memory.by_arn.get(arn) {
                return Ok(revision.clone());
            }
            memory.writes
        };
        let request = caller.ecs.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
        let answer = caller.send(Operation::DescribeTaskDefinition, request.send()).await?;
        let read = task_definition(answer.task_definition, tags(answer.tags));
        let revision = complete(Operation::DescribeTaskDefinition, read)?;
        let mut memory = self.memory();
        if memory.writes == writes && revision.active {
            memory.by_arn.insert(arn.to_owned(), revision.clone());
        }
        Ok(revision)
    }

    /// Drops what is no longer listed.
    fn keep_only(&self, listed: &BTreeSet<String>, prefixes: &BTreeSet<String>) {
        self.memory().by_arn.retain(|arn, _| listed.contains(arn) || !wanted(arn, prefixes));
    }
}

async fn listed(caller: &Caller, prefixes: &BTreeSet<String>) -> Reading<BTreeSet<String>> {
    // `familyPrefix` of this operation is a whole family, so all are listed and sorted out here.
    let arns = pages(caller, Operation::ListTaskDefinitions, |token| {
        let request = caller
            .ecs
            .list_task_definitions()
            .status(TaskDefinitionStatus::Active)
            .max_results(PAGE)
            .set_next_token(token);
        async move {
            let answer = caller.send(Operation::ListTaskDefinitions, request.send()).await?;
            Ok((answer.task_definition_arns, answer.next_token))
        }
    });
    Ok(arns.await?.into_iter().filter(|arn| wanted(arn, prefixes)).collect())
}

fn wanted(arn: &str, prefixes: &BTreeSet<String>) -> bool {
    let family = family_of(arn);
    prefixes.iter().any(|prefix| family.starts_with(prefix.as_str()))
}
