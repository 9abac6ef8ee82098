//! Files what a sweep found of jobs.
//!
//! Part of `state`. Our own writes since the sweep began are newer: a record that was just made is not missing.

use jiff::Timestamp;

use super::State;
use super::merge::Newer;
use crate::cloud::JobSweep;
use crate::step::Resource;

impl State {
    pub(super) fn swept_jobs(&mut self, jobs: JobSweep, started: Timestamp) {
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
