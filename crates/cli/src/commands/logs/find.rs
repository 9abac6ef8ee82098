//! Which tasks are meant: attempts of a run by records and by ECS, tasks of a service by ECS alone.
//!
//! Between `wish` and `streams`. ECS forgets a task an hour after it has stopped; a record of the attempt still knows it, until a
//! quarter of an hour after the run. Not here: where a task writes.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::cloud::{Cloud, Scope, Seen, ServiceKey};
use axon_core::job::{Attempt, AttemptEnd, AttemptId, Book, JobBook, RunBook, RunEnd, RunId};
use axon_core::observe::{Service, ServiceStatus, StandaloneTask, Task};
use axon_core::ownership;
use axon_core::spec::{Kind, Name, ObjectKey};
use jiff::Timestamp;

use super::wish::{Attempts, Tasks, Whose, Wish};
use crate::commands::job::records::Place;
use crate::failure::Failure;
use crate::show::logs::Label;
use crate::target::unanswered;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Whose tasks they are.
    pub(super) object: String,
    /// The run, of a job.
    pub(super) run: Option<RunId>,
    /// Tasks by id.
    pub(super) tasks: BTreeMap<String, FoundTask>,
    /// Set once no other task can come, and all of these have stopped.
    pub(super) ending: Option<Ending>,
    /// What people should know about it.
    pub(super) note: Option<String>,
}

/// How the work has ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The run is over.
    Run(RunEnd),
    /// The only attempt that is wanted is over.
    Attempt(AttemptEnd),
    /// The only tasks that are wanted have stopped.
    Task,
}

/// One task.
#[derive(Clone, Debug)]
pub(super) struct FoundTask {
    pub(super) label: Label,
    /// Its task definition (ARN).
    pub(super) revision: String,
    /// When it had stopped; it writes nothing after that.
    pub(super) stopped: Option<Timestamp>,
}

pub(super) async fn find(place: &Place, wish: &Wish) -> Result<Found, Failure> {
    match &wish.of {
        Whose::Job { name, run, which } => {
            let observed = place.of_job(name, run.as_ref()).await?;
            let book = Book::of(&observed, &place.installation).unwrap_or_default();
            let none = JobBook::default();
            let job = book.jobs.get(name).unwrap_or(&none);
            let (run, known) = chosen(place, name, (run.as_ref(), job), wish)?;
            attempts(name, (run, known), which, wish)
        }
        Whose::Service { name, which } => service(place, name, which).await,
    }
}

/// The run that is wanted: by name, or the newest with tasks; whoever follows wants the one that is not over.
fn chosen<'j, 'a>(
    place: &Place,
    name: &Name,
    (wanted, job): (Option<&'j RunId>, &'j JobBook<'a>),
    wish: &Wish,
) -> Result<(&'j RunId, &'j RunBook<'a>), Failure> {
    let list = format!("`axon job list {name}` shows what is on record");
    let installation = &place.installation;
    if let Some(run) = wanted {
        let none =
            || Failure::work(format!("no run {run} of NeuronJob/{name} is on record in installation {installation}"));
        return job.runs.get_key_value(run).ok_or_else(|| none().hint(&*list));
    }
    let begun = |(run, known): &(&RunId, &RunBook<'_>)| {
        let at = known.started().or_else(|| known.end.as_ref().and_then(|end| end.started.or(Some(end.at))));
        (at, known.begin.as_ref().and_then(|(_, at)| *at), (*run).clone())
    };
    let runs = || job.runs.iter();
    let open = runs().filter(|(_, known)| known.end.is_none() && wish.follow()).max_by_key(begun);
    let with_tasks = || runs().filter(|(_, known)| !known.attempts.is_empty()).max_by_key(begun);
    open.or_else(with_tasks).or_else(|| runs().max_by_key(begun)).ok_or_else(|| {
        Failure::work(format!("no run of NeuronJob/{name} is on record in installation {installation}")).hint(
            "--installation, --region and --profile say where to look; a run is on record once its first attempt is due",
        )
    })
}

fn attempts(
    name: &Name,
    (run, known): (&RunId, &RunBook<'_>),
    which: &Attempts,
    wish: &Wish,
) -> Result<Found, Failure> {
    let fits = |id: AttemptId| match which {
        Attempts::All => true,
        Attempts::Of(index) => id.index == *index,
        Attempts::One(one) => id == *one,
    };
    let fitting: Vec<(AttemptId, &Attempt<'_>)> =
        known.attempts.iter().filter(|(id, _)| fits(**id)).map(|(id, attempt)| (*id, attempt)).collect();
    let object = ObjectKey::job(name.clone()).to_string();
    if let Some(end) = known.end.as_ref().filter(|_| known.attempts.is_empty()) {
        return Err(forgotten(&object, run, end));
    }
    if fitting.is_empty() && (known.end.is_some() || !wish.follow()) {
        return Err(no_attempt(&object, run, known));
    }
    let tasks = fitting.iter().flat_map(|(id, attempt)| tasks(run, *id, attempt)).collect();
    let only = match (which, fitting.as_slice()) {
        (Attempts::One(_), [(_, attempt)]) => attempt.result.clone().map(Ending::Attempt),
        _ => None,
    };
    let ending = only.or_else(|| known.end.clone().map(Ending::Run));
    Ok(Found { note: incomplete(run, known), object, run: Some(run.clone()), tasks, ending })
}

/// The task of an attempt, or those of its nodes, as far as any have come about and are still known.
fn tasks(run: &RunId, id: AttemptId, attempt: &Attempt<'_>) -> Vec<(String, FoundTask)> {
    if !attempt.is_gang() {
        return task(run, id.to_string(), attempt, (attempt.result.as_ref(), attempt.task)).into_iter().collect();
    }
    let nodes = attempt.members.nodes.iter();
    let found = nodes.map(|(rank, node)| task(run, format!("{id}.{rank}"), attempt, (node.result.as_ref(), node.task)));
    found.flatten().collect()
}

fn task(
    run: &RunId,
    called: String,
    attempt: &Attempt<'_>,
    (result, live): (Option<&AttemptEnd>, Option<&StandaloneTask>),
) -> Option<(String, FoundTask)> {
    let live = live.map(|found| &found.task);
    let of_live = live.map(|task| id_of(&task.arn));
    let task = result.and_then(|result| result.task.clone()).or(of_live)?;
    let intended = attempt.intent.as_ref().and_then(|intent| intent.request.task_definition.clone());
    let label = Label { attempt: Some(called), run: Some(run.to_string()), task: task.clone(), ..Label::default() };
    let stopped = result.and_then(|result| result.ended).or_else(|| live.and_then(|task| task.stopped));
    let revision = live.map(|task| task.task_definition.clone()).or(intended)?;
    Some((task, FoundTask { label, revision, stopped }))
}

/// Says so if some attempts of a run are known no more.
fn incomplete(run: &RunId, known: &RunBook<'_>) -> Option<String> {
    let all = usize::try_from(known.end.as_ref()?.attempts).unwrap_or(usize::MAX);
    let left = known.attempts.len();
    (left < all).then(|| format!("Run {run} had {all} attempts; ECS and the records still know {left} of them."))
}

fn forgotten(object: &str, run: &RunId, end: &RunEnd) -> Failure {
    Failure::work(format!(
        "run {run} of {object} was over at {:.0}, and which tasks it had is known no more: records of attempts are removed a \
         quarter of an hour after the run, and ECS forgets a task after an hour",
        end.at
    ))
    .hint(
        "what they have written is still there: `aws logs describe-log-streams --order-by LastEventTime --descending \
         --log-group-name GROUP`, with the log group of the job's containers, by default /axon/CLUSTER/NAME",
    )
}

fn no_attempt(object: &str, run: &RunId, known: &RunBook<'_>) -> Failure {
    const NAMED: usize = 12;
    let ids: BTreeSet<String> = known.attempts.keys().map(ToString::to_string).take(NAMED).collect();
    let failure = Failure::work(format!("run {run} of {object} has no such attempt"));
    match known.attempts.len() {
        0 => failure.hint("none has been started yet; --follow waits for one"),
        count => {
            let named = Vec::from_iter(ids).join(", ");
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            failure.hint(format!("there are {named}{more}"))
        }
    }
}

fn id_of(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

async fn service(place: &Place, name: &Name, which: &Tasks) -> Result<Found, Failure> {
    let object = ObjectKey { kind: Kind::NeuronService, name: name.clone() }.to_string();
    let keys = services(place, name).await?;
    if keys.is_empty() {
        return Err(Failure::work(format!(
            "no ECS service of {object} is there in installation {}",
            place.installation
        ))
        .hint("--installation, --region and --profile say where to look"));
    }
    let mut tasks = BTreeMap::new();
    for read in place.target.cloud.observe(scope(place, keys)).await.tasks.into_values() {
        let read = read.map_err(|error| unanswered(&error))?;
        let fitting = read.tasks.into_iter().filter(|task| fits(task, which));
        tasks.extend(fitting.map(|task| {
            let id = id_of(&task.arn);
            let label = Label { task: id.clone(), ..Label::default() };
            let stopped = task.stopped.or_else(|| (task.last_status == "STOPPED").then_some(Timestamp::MIN));
            (id, FoundTask { label, revision: task.task_definition, stopped })
        }));
    }
    if let (Tasks::Called(id), true) = (which, tasks.is_empty()) {
        return Err(Failure::work(format!("{object} has no task whose id begins with {id}"))
            .hint("ECS forgets a task an hour after it has stopped; `axon status` has the others"));
    }
    let over = matches!(which, Tasks::Called(_)) && tasks.values().all(|task: &FoundTask| task.stopped.is_some());
    Ok(Found { object, run: None, tasks, ending: over.then_some(Ending::Task), note: None })
}

fn fits(task: &Task, which: &Tasks) -> bool {
    let stopped = task.last_status == "STOPPED";
    match which {
        Tasks::Live => !stopped,
        Tasks::Stopped => stopped,
        Tasks::Called(id) => id_of(&task.arn).starts_with(id.as_str()),
    }
}

/// The ECS services that stand for a NeuronService: several, if its replicas have devices of their own.
async fn services(place: &Place, name: &Name) -> Result<BTreeSet<ServiceKey>, Failure> {
    let sweep = place.target.cloud.observe(scope(place, BTreeSet::new())).await;
    sweep.clusters.map_err(|error| unanswered(&error))?;
    let installation = place.installation.to_string();
    let ours = |service: &&Service| {
        let tag = |key: &str, value: &str| service.tags.get(key).is_some_and(|found| found == value);
        service.status != ServiceStatus::Inactive
            && tag(ownership::MANAGED_BY, &installation)
            && tag(ownership::KIND, Kind::NeuronService.as_str())
            && tag(ownership::NAME, name.as_str())
    };
    let mut keys = BTreeSet::new();
    for (cluster, read) in sweep.services {
        let read = read.map_err(|error| unanswered(&error))?;
        keys.extend(read.iter().filter(ours).map(|service| (cluster.clone(), service.name.clone())));
    }
    Ok(keys)
}

fn scope(place: &Place, tasks_of: BTreeSet<ServiceKey>) -> Scope {
    Scope {
        installation: place.installation.clone(),
        clusters: BTreeSet::new(),
        services: BTreeSet::new(),
        family_prefixes: BTreeSet::new(),
        tasks_of,
        history_of: BTreeSet::new(),
        ec2: None,
        jobs: None,
        seen: Seen::default(),
    }
}
