//! Files what a sweep found of jobs.
//!
//! Part of `state`. Our own writes since the sweep began are newer: a record that was just made is not missing.

use jiff::Timestamp;

use super::State;
use super::merge::Newer;
use crate::cloud::{ErrorClass, JobSweep};
use crate::step::Resource;

impl State {
    pub(super) fn swept_jobs(&mut self, jobs: JobSweep, started: Timestamp) {
        // Without jobs nobody needs what was read; an operator without them may lack the permission.
        let nothing = match &jobs.records {
            Ok(records) => records.is_empty(),
            Err(error) => error.class == ErrorClass::Denied,
        };
        if nothing || jobs.records.is_ok() {
            self.looked_for_jobs = Some(started);
        }
        if nothing && !self.has_jobs() {
            return;
        }
        let newer = Newer::than(&self.written, started);
        match jobs.records {
            Ok(records) => {
                let entries = records.into_iter().map(|record| (record.name.clone(), record));
                newer.merge(&mut self.observed.records, entries.collect(), |name, _| {
                    Resource::Parameter(name.to_owned())
                });
            }
            Err(error) => self.last_errors.push(error),
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
