//! Reads the records and tasks of jobs from AWS, and writes a record. Neighbours: the commands of `axon job`; the port is
//! `axon_core::cloud`. Not here: what is written.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::cloud::{Cloud, JobScope, Scope, Seen, Sweep};
use axon_core::job::{Attempt, Book, RecordName, RunId, book, record};
use axon_core::observe::{Cluster, ClusterName, ClusterStatus};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::{self, Installation};
use axon_core::spec::Name;
use axon_core::step::{Action, Cause, Resource, Step};
use serde::Serialize;

use super::object;
use crate::arguments::AwsArguments;
use crate::failure::Failure;
use crate::target::{Target, unanswered};

/// AWS's code for a parameter whose name is taken (Systems Manager API reference, PutParameter).
const TAKEN: &str = "ParameterAlreadyExists";

/// Where records are, and whose.
pub(in crate::commands) struct Place {
    /// The account.
    pub(in crate::commands) target: Target,
    /// Whose records.
    pub(in crate::commands) installation: Installation,
}

impl Place {
    pub(in crate::commands) async fn of(arguments: &AwsArguments) -> Result<Self, Failure> {
        let installation = arguments.installation().map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { target: Target::connect(arguments).await?, installation })
    }

    /// All records. No task is looked at.
    pub(super) async fn records(&self) -> Result<Observed, Failure> {
        Ok(self.read(BTreeSet::new()).await?.0)
    }

    /// All records and the tasks that go with them.
    pub(super) async fn records_and_tasks(&self) -> Result<Observed, Failure> {
        let (first, clusters) = self.read(BTreeSet::new()).await?;
        let wanted = clusters_of(&first, &self.installation, |attempt| attempt.result.is_none());
        // Asking for the tasks of a cluster that is gone is an error.
        let there = clusters.iter().map(|cluster| cluster.name.clone()).filter(|name| wanted.contains(name));
        let there: BTreeSet<ClusterName> = there.collect();
        if there.is_empty() { Ok(first) } else { Ok(self.read(there).await?.0) }
    }

    /// Records of one job, or of one run of it, and tasks of all jobs in the clusters of the installation. Whose records are gone is
    /// found by its tasks, as long as ECS remembers them.
    pub(in crate::commands) async fn of_job(&self, job: &Name, run: Option<&RunId>) -> Result<Observed, Failure> {
        let root = record::root(&self.installation);
        let path = run.map_or_else(|| format!("{root}/{job}"), |run| format!("{root}/{job}/{run}"));
        let (first, clusters) = self.read_below(path.clone(), BTreeSet::new()).await?;
        let wanted = clusters_of(&first, &self.installation, |_| true);
        let ours = self.installation.to_string();
        let fits = |cluster: &&Cluster| {
            wanted.contains(&cluster.name) || cluster.tags.get(ownership::MANAGED_BY) == Some(&ours)
        };
        // Which clusters there are is known only now, and asking for the tasks of one that is gone is an error.
        let there: BTreeSet<ClusterName> = clusters.iter().filter(fits).map(|cluster| cluster.name.clone()).collect();
        if there.is_empty() { Ok(first) } else { Ok(self.read_below(path, there).await?.0) }
    }

    /// All records; also gives the clusters that exist.
    async fn read(&self, tasks_of: BTreeSet<ClusterName>) -> Result<(Observed, Vec<Cluster>), Failure> {
        self.read_below(record::root(&self.installation), tasks_of).await
    }

    /// Records below a path; also gives the clusters that exist.
    async fn read_below(
        &self,
        path: String,
        tasks_of: BTreeSet<ClusterName>,
    ) -> Result<(Observed, Vec<Cluster>), Failure> {
        let scope = Scope {
            installation: self.installation.clone(),
            clusters: BTreeSet::new(),
            services: BTreeSet::new(),
            family_prefixes: BTreeSet::new(),
            tasks_of: BTreeSet::new(),
            history_of: BTreeSet::new(),
            ec2: None,
            jobs: Some(JobScope {
                records: Some(path),
                ends: BTreeSet::new(),
                started_by: book::started_by(&self.installation),
                tasks_of,
            }),
            seen: Seen::default(),
        };
        let sweep = self.target.cloud.observe(scope).await;
        let clusters = sweep.clusters.as_ref().map_err(unanswered)?.iter();
        let active = clusters.filter(|cluster| cluster.status == ClusterStatus::Active).cloned().collect();
        Ok((filed(sweep)?, active))
    }

    /// Writes a record under a name that must be free.
    pub(super) async fn write(&self, name: &RecordName, value: &impl Serialize) -> Result<String, Failure> {
        let parameter = name.parameter(&record::root(&self.installation));
        let Some(value) = record::write(value) else {
            let most = record::MAX_VALUE;
            return Err(Failure::work(format!(
                "the record {parameter} would have more than {most} characters, the most that Parameter Store takes"
            )));
        };
        let step = Step {
            object: object(name.job()),
            resource: Resource::Parameter(parameter.clone()),
            action: Action::PutParameter { name: parameter.clone(), value },
            because: vec![Cause::Missing],
        };
        match self.target.cloud.execute(&step).await {
            Ok(_) => Ok(parameter),
            Err(error) if error.code == TAKEN => {
                Err(Failure::work(format!("the record {parameter} exists already: somebody else was faster"))
                    .hint(format!("`axon job list {}` shows what is on record now", name.job())))
            }
            Err(error) => Err(unanswered(&error)),
        }
    }
}

/// What a sweep has read. What could not be read ends the command: half of the records are no basis for another.
fn filed(sweep: Sweep) -> Result<Observed, Failure> {
    let mut observed = Observed::default();
    let Some(jobs) = sweep.jobs else { return Ok(observed) };
    if let Some(records) = jobs.records {
        let records = records.map_err(|error| unanswered(&error))?.into_iter();
        observed.records = Listing::Read(records.map(|record| (record.name.clone(), record)).collect());
    }
    for (cluster, tasks) in jobs.tasks {
        let tasks = tasks.map_err(|error| unanswered(&error))?;
        let tasks: BTreeMap<_, _> = tasks.into_iter().map(|found| (found.task.arn.clone(), found)).collect();
        observed.standalone.insert(cluster, Listing::Read(tasks));
    }
    Ok(observed)
}

/// Clusters in which these attempts may have tasks.
fn clusters_of(
    observed: &Observed,
    installation: &Installation,
    fits: impl Fn(&Attempt<'_>) -> bool,
) -> BTreeSet<ClusterName> {
    let book = Book::of(observed, installation).unwrap_or_default();
    let attempts = book.jobs.values().flat_map(|job| job.runs.values()).flat_map(|run| run.attempts.values());
    let fitting = attempts.filter(|attempt| fits(attempt));
    fitting.filter_map(|attempt| attempt.intent.as_ref()?.request.cluster.clone()).collect()
}

#[cfg(test)]
mod tests {
    use axon_core::job::{Begin, RunId};
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command, JobCommand};

    async fn simulated() -> Place {
        let line = ["axon", "job", "list", "--simulate", "--installation", "lab.1"];
        let Command::Job(job) = Arguments::try_parse_from(line).unwrap().command else { panic!("not job") };
        let JobCommand::List(list) = job.command else { panic!("not list") };
        Place::of(&list.aws).await.unwrap()
    }

    #[tokio::test]
    async fn a_record_is_read_as_it_was_written_and_its_name_is_taken_from_then_on() {
        let place = simulated().await;
        assert_eq!(Book::of(&place.records().await.unwrap(), &place.installation).unwrap().jobs.len(), 0);
        let (job, run) = ("train".parse().unwrap(), RunId::new("m1").unwrap());
        let name = RecordName::Begin(job, run.clone());
        let begin = Begin { indexes: [3, 5].into(), by: "somebody".to_owned() };
        assert_eq!(place.write(&name, &begin).await.unwrap(), "/axon/lab.1/jobs/train/m1/begin");

        let observed = place.records_and_tasks().await.unwrap();
        let book = Book::of(&observed, &place.installation).unwrap();
        let known = &book.jobs[name.job()].runs[&run];
        assert_eq!(known.begin.as_ref().map(|(begin, _)| begin), Some(&begin));

        let failure = place.write(&name, &Begin::default()).await.unwrap_err();
        assert!(failure.cause.ends_with("exists already: somebody else was faster"), "{}", failure.cause);
    }

    #[tokio::test]
    async fn a_record_that_parameter_store_would_not_take_is_not_sent() {
        let name = RecordName::Begin("train".parse().unwrap(), RunId::new("m1").unwrap());
        let begin = Begin { by: "x".repeat(record::MAX_VALUE), ..Begin::default() };
        let failure = simulated().await.write(&name, &begin).await.unwrap_err();
        assert!(failure.cause.contains("more than 4096 characters"), "{}", failure.cause);
    }
}
