//! Files what a sweep found of jobs, and says when records are read again.
//!
//! Part of `state`. Our own writes since the sweep began are newer: a record that was just made is not missing. Records change
//! by our own writes, which are filed at once, and by those of people and of other processes. Parameter Store gives ten at a call,
//! so where there are many they are not read with every sweep.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::merge::Newer;
use crate::cloud::{ErrorClass, JobSweep};
use crate::job::book;
use crate::job::record::{self, RecordName};
use crate::observed::Listing;
use crate::step::Resource;

/// Records that one GetParametersByPath gives at most (Systems Manager API reference).
const PAGE: usize = 10;
/// On average so much time goes by for each page that is read.
const A_PAGE: SignedDuration = SignedDuration::from_secs(1);
/// No later than this records are read again, however many there are. Less than the time between two sweeps while nothing moves.
const LONGEST: SignedDuration = SignedDuration::from_secs(45);

impl State {
    /// Whether the next sweep should read records.
    pub(super) fn are_records_due(&self, now: Timestamp) -> bool {
        let Some(read) = self.looked_for_jobs else { return true };
        let pages = i32::try_from(self.observed.records.iter().count().div_ceil(PAGE)).unwrap_or(i32::MAX);
        let doubted = self.records_doubted.is_some_and(|doubted| doubted >= read);
        now.duration_since(read).abs() >= (A_PAGE * pages).min(LONGEST) || doubted || self.runs_without_record()
    }

    /// Whether a task runs that only another process can have recorded.
    fn runs_without_record(&self) -> bool {
        let root = record::root(&self.installation);
        let has_record = |group: &str| {
            let Some((job, run, task)) = book::task_of(&self.installation, group) else { return true };
            let intent = RecordName::Intent(job, run, task.attempt);
            self.observed.records.get(&intent.parameter(&root)).is_some()
        };
        let tasks = self.observed.standalone.values().flat_map(Listing::iter);
        tasks.filter(|found| found.task.last_status != "STOPPED").any(|found| !has_record(&found.group))
    }

    pub(super) fn swept_jobs(&mut self, jobs: JobSweep, started: Timestamp) {
        // Without jobs nobody needs what was read; an operator without them may lack the permission.
        let nothing = match &jobs.records {
            Some(Ok(records)) => records.is_empty(),
            Some(Err(error)) => error.class == ErrorClass::Denied,
            None => false,
        };
        let unwanted = nothing && !self.has_jobs();
        if unwanted || matches!(jobs.records, Some(Ok(_))) {
            self.looked_for_jobs = Some(started);
        }
        if unwanted {
            return;
        }
        let newer = Newer::than(&self.written, started);
        match jobs.records {
            Some(Ok(records)) => {
                let entries = records.into_iter().map(|record| (record.name.clone(), record));
                newer.merge(&mut self.observed.records, entries.collect(), |name, _| {
                    Resource::Parameter(name.to_owned())
                });
            }
            Some(Err(error)) => self.last_errors.push(error),
            None => {}
        }
        for (cluster, reading) in jobs.tasks {
            let listing = self.observed.standalone.entry(cluster.clone()).or_default();
            match reading {
                Ok(tasks) => {
                    let entries = tasks.into_iter().map(|found| (found.task.arn.clone(), found));
                    newer.merge(listing, entries.collect(), |_, found| Resource::Task {
                        cluster: found.cluster.clone(),
                        group: found.group.clone(),
                    });
                    self.observed.standalone_read.insert(cluster, started);
                }
                Err(error) => self.last_errors.push(error),
            }
        }
    }
}
