//! `axon job list`: the runs of jobs, from what is on record. Neighbours: `known` makes them, `show::jobs` draws attempts.

use axon_core::job::Book;
use axon_core::spec::Name;
use axon_core::status::RunState;
use jiff::Timestamp;
use serde_json::json;

use super::known::{KnownRun, runs};
use super::named;
use super::records::Place;
use crate::arguments::{JobList, StatusFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::output::table::table;
use crate::show::jobs::{attempts, since, state, took};
use crate::show::status::section;
use crate::show::words::{NOTHING, one_line};

pub(super) async fn list(arguments: &JobList, out: &mut Output) -> Answer {
    let only = arguments.name.as_deref().map(named).transpose()?;
    let place = Place::of(&arguments.aws).await?;
    let observed = place.records_and_tasks().await?;
    let book = Book::of(&observed, &place.installation).unwrap_or_default();
    let found = runs(&book, only.as_ref());
    let now = place.target.now();
    let text = match arguments.output {
        StatusFormat::Table => drawn(&found, only.as_ref(), now, out.data_screen.columns()),
        StatusFormat::Json => format!("{:#}\n", json!(found)),
        StatusFormat::Yaml => serde_yaml::to_string(&found).unwrap_or_default(),
    };
    out.data(&text)?;
    match only.filter(|_| found.is_empty()) {
        None => Ok(Exit::Done),
        Some(name) => Err(Failure::work(format!("no run of NeuronJob/{name} is on record in installation {}", place.installation))
            .hint("--installation, --region and --profile say where to look; a run is on record once its first attempt is due")),
    }
}

/// A row for each run; of one job also its attempts.
fn drawn(found: &[KnownRun], only: Option<&Name>, now: Timestamp, columns: Option<u16>) -> String {
    if found.is_empty() {
        // Of one job the failure says it.
        return if only.is_some() { String::new() } else { "No runs of jobs are on record.\n".to_owned() };
    }
    let heading = ["JOB", "RUN", "STATE", "DONE", "ACTIVE", "FAILURES", "STARTED", "TOOK", "MESSAGE"];
    let mut text = table(&heading, found.iter().map(|run| row(run, now)).collect(), columns);
    for run in found.iter().filter(|run| only.is_some() && !run.attempts.is_empty()) {
        section(&mut text, &format!("Attempts of run {}", run.run), &attempts(&run.attempts, now, columns));
    }
    text
}

fn row(run: &KnownRun, now: Timestamp) -> Vec<String> {
    let of = run.completions.map_or("?".to_owned(), |completions| completions.to_string());
    let done = if run.state == RunState::Pending && run.completions.is_none() {
        NOTHING.to_owned()
    } else {
        format!("{}/{of}", run.succeeded)
    };
    let message = match (&run.by, run.message.as_str()) {
        (Some(by), "") => format!("asked for by {by}"),
        (_, message) => message.to_owned(),
    };
    vec![
        run.job.clone(),
        run.run.clone(),
        state(run.state),
        done,
        run.active.to_string(),
        run.failures.to_string(),
        since(run.started, now),
        took(run.started, run.ended, now),
        one_line(&message),
    ]
}

#[cfg(test)]
mod tests {
    use axon_core::job::RunResult;

    use super::super::ask::tests::{Records, end, train};
    use super::*;
    use crate::show::status::tests::later;

    #[test]
    fn runs_are_listed_and_of_one_job_the_attempts_too() {
        use axon_core::job::Verdict;

        let records = Records::default().ended("old", &end(RunResult::Cancelled, 9)).begun("new", &[4]).attempt(
            "new",
            4,
            Verdict::Failed,
        );
        let observed = records.observed();
        let book = Book::of(&observed, &"axon".parse().unwrap()).unwrap();
        let found = runs(&book, None);
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        let expected = "\
JOB    RUN  STATE      DONE  ACTIVE  FAILURES  STARTED  TOOK  MESSAGE
train  new  Running    0/1   0       1         -        -
train  old  Cancelled  0/0   0       0         -        -     ended as Cancelled
";
        assert_eq!(plain(drawn(&found, None, later(60), None)), expected);
        let with_attempts = plain(drawn(&found, Some(&train()), later(60), None));
        assert!(with_attempts.starts_with(expected), "{with_attempts}");
        assert!(with_attempts.contains("\nAttempts of run new\n  ATTEMPT  STATE"), "{with_attempts}");
        assert!(with_attempts.contains("\n  4.0      Failed "), "{with_attempts}");
        assert_eq!(drawn(&[], None, later(60), None), "No runs of jobs are on record.\n");
    }
}
