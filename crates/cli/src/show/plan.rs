//! A plan for people: rounds of signed steps, each with its causes, and what stays undone with its reason.
//!
//! Neighbours: `axon_core::preview` makes the plan; `plan_markdown` draws the same for a pull request. Not here: how a
//! plan comes about.

use std::fmt::Write as _;

use axon_core::preview::Preview;
use axon_core::step::{Action, Cause, Change, FieldChange, Place, Step};
use axon_runtime::Foreseen;
use serde_json::{Value, json};

use super::layouts;
use super::signs::{color, sign};
use crate::output::paint::{CAUTION, FAINT, STRONG, paint};

/// Longest value of a field that is printed whole.
const LONGEST_VALUE: usize = 72;

/// How many steps of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Something new.
    pub create: usize,
    /// Something that stays, with other contents.
    pub change: usize,
    /// Something that goes.
    pub delete: usize,
}

impl Totals {
    /// Counts.
    pub(crate) fn of(preview: &Preview) -> Self {
        preview.steps().fold(Self::default(), |mut totals, step| {
            match step.action.change() {
                Change::Create => totals.create += 1,
                Change::Update => totals.change += 1,
                Change::Delete => totals.delete += 1,
            }
            totals
        })
    }
}

/// A step, and those that follow it and are the same but for the attempt of a job.
pub(crate) struct Fold<'a> {
    /// What is drawn.
    pub first: &'a Step,
    /// The attempts of those that are not drawn.
    alike: Vec<&'a str>,
}

impl Fold<'_> {
    /// What is not drawn, in words.
    pub(crate) fn more(&self) -> Option<String> {
        let (next, last) = (self.alike.first()?, self.alike.last()?);
        Some(match self.alike.len() {
            1 => format!("likewise for attempt {next}"),
            more => format!("likewise for {more} more attempts, {next} to {last}"),
        })
    }
}

/// The steps of a round as they are drawn: a job of a thousand indexes has thousands that say the same.
pub(crate) fn folds(round: &[Step]) -> Vec<Fold<'_>> {
    let mut folds: Vec<Fold<'_>> = Vec::new();
    for step in round {
        match (folds.last_mut(), attempt(step)) {
            (Some(fold), Some(attempt)) if is_alike(fold.first, step) => fold.alike.push(attempt),
            _ => folds.push(Fold { first: step, alike: Vec::new() }),
        }
    }
    folds
}

fn is_alike(a: &Step, b: &Step) -> bool {
    attempt(a).is_some() && a.object == b.object && a.action.operation() == b.action.operation()
}

/// The attempt that a step is for.
pub(crate) fn attempt(step: &Step) -> Option<&str> {
    match step.because.as_slice() {
        [Cause::Attempt { attempt }] => Some(attempt),
        _ => None,
    }
}

/// The whole plan.
pub(crate) fn text(foreseen: &Foreseen) -> String {
    let preview = &foreseen.preview;
    let mut text = String::new();
    for (number, round) in (1..).zip(&preview.rounds) {
        let after = if number == 1 { "" } else { ", after the one before" };
        let _ = writeln!(text, "{}{}", paint(STRONG, format!("Round {number}")), paint(FAINT, after));
        for fold in folds(round) {
            text.push_str(&drawn(fold.first));
            if let Some(more) = fold.more() {
                let _ = writeln!(text, "      {more}");
            }
        }
        text.push('\n');
    }
    text.push_str(&layouts::text(foreseen));
    if !preview.blocked.is_empty() {
        let _ = writeln!(text, "{}", paint(STRONG, "Not done"));
        for waiting in &preview.blocked {
            let _ = writeln!(text, "  {} {}: {}", paint(CAUTION, "!"), waiting.object, waiting.on);
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", paint(STRONG, summary(preview)));
    text
}

/// The last line.
pub(crate) fn summary(preview: &Preview) -> String {
    let Totals { create, change, delete } = Totals::of(preview);
    if create + change + delete > 0 {
        return format!("Plan: {create} to create, {change} to change, {delete} to delete.");
    }
    match preview.blocked.len() {
        0 => "No changes. AWS matches these files.".to_owned(),
        1 => "No changes can be made: 1 object waits for a person.".to_owned(),
        more => format!("No changes can be made: {more} objects wait for a person."),
    }
}

fn drawn(step: &Step) -> String {
    let change = step.action.change();
    let mut text = format!(
        "  {} {}  {} {}\n",
        paint(color(change), sign(change)),
        step.resource,
        call(&step.action),
        paint(FAINT, format!("for {}", step.object)),
    );
    for cause in &step.because {
        let _ = writeln!(text, "      {}", because(step, cause));
    }
    text
}

/// The operation, with what it is about where the name alone does not say it.
pub(crate) fn call(action: &Action) -> String {
    let operation = action.operation();
    match action {
        Action::SetDesiredCapacity { desired, .. } => format!("{operation} to {desired}"),
        Action::UpdateContainerInstancesState { status, .. } => format!("{operation} to {status}"),
        Action::TerminateInstanceInAutoScalingGroup { place: Place::Refilled, .. } => {
            format!("{operation}, and the group launches another")
        }
        Action::TerminateInstanceInAutoScalingGroup { place: Place::Removed, .. } => {
            format!("{operation}, and the group has one less")
        }
        _ => operation.to_owned(),
    }
}

/// A cause in words.
pub(crate) fn because(step: &Step, cause: &Cause) -> String {
    match cause {
        // The mark of a rollout that went wrong, and the surge before one.
        Cause::Failed { reason } if matches!(step.action, Action::CreateTags { .. }) => {
            format!("its rollout failed and is taken back: {reason}")
        }
        Cause::Superseded { by } if matches!(step.action, Action::SetDesiredCapacity { .. }) => {
            format!("one more before an instance is replaced: superseded by {by}")
        }
        Cause::Missing => "does not exist".to_owned(),
        Cause::NewContent => "no revision with this content exists".to_owned(),
        Cause::Field(change) => field(change),
        Cause::NotDeclared => "no longer declared".to_owned(),
        Cause::Superseded { by } => format!("superseded by {by}"),
        Cause::BeyondHistory { limit } => format!("older than the {limit} revisions that are kept"),
        Cause::Surplus { needed, held } => {
            format!("its tasks fit on other instances: {needed} would do, and {held} are in use")
        }
        Cause::Attempt { attempt } if matches!(step.action, Action::RunTask(_)) => {
            format!("attempt {attempt} is on record and was not started")
        }
        Cause::Attempt { attempt } => format!("attempt {attempt} is due; it is put on record before it is started"),
        Cause::Ended { how: words } | Cause::Stopped { why: words } => words.clone(),
        Cause::Due { at } => format!("a run is due since {at:.0}"),
        Cause::Expired => "is kept no longer".to_owned(),
        Cause::Adoption => "exists and is taken over, as neuron.ecs/adopt allows".to_owned(),
        Cause::Failed { reason } => format!("failed and cannot be repaired: {reason}"),
    }
}

fn field(change: &FieldChange) -> String {
    format!("{}: {} → {}", change.path, value(change.from.as_ref()), value(change.to.as_ref()))
}

fn value(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "(not set)".to_owned(),
        Some(Value::String(text)) if !text.is_empty() => text.escape_debug().to_string().replace("\\\"", "\""),
        Some(other) => other.to_string(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The plan for machines.
pub(crate) fn json(foreseen: &Foreseen) -> Value {
    let preview = &foreseen.preview;
    let Totals { create, change, delete } = Totals::of(preview);
    let rounds: Vec<Value> = preview.rounds.iter().map(|round| json!(round)).collect();
    json!({
        "rounds": rounds,
        "layouts": layouts::json(foreseen),
        "blocked": preview.blocked.iter().map(blocked_json).collect::<Vec<_>>(),
        "create": create,
        "change": change,
        "delete": delete,
    })
}

fn blocked_json(waiting: &axon_core::plan::Waiting) -> Value {
    let mut value = json!(waiting);
    if let Some(members) = value.as_object_mut() {
        members.insert("message".to_owned(), Value::String(waiting.on.to_string()));
    }
    value
}

#[cfg(test)]
pub(crate) mod tests {
    use axon_core::plan::{Wait, Waiting};
    use axon_core::spec::ObjectKey;
    use axon_core::step::Resource;

    use super::*;

    /// One step of each sign and one blocked object.
    pub(crate) fn sample() -> Preview {
        let (cluster, service) = ("ml".to_owned(), "llama".to_owned());
        let object = ObjectKey::service("llama".parse().unwrap());
        let resource = Resource::Service { cluster: cluster.clone(), name: service.clone() };
        let field = FieldChange {
            path: "deploymentConfiguration.maximumPercent".to_owned(),
            from: Some(json!(200)),
            to: Some(json!(150)),
        };
        let create = Step {
            object: ObjectKey::cluster("ml".parse().unwrap()),
            resource: Resource::Cluster(cluster.clone()),
            action: Action::CreateCluster(axon_core::shape::cluster::CreateCluster::default()),
            because: vec![Cause::Missing],
        };
        let update = Step {
            object: object.clone(),
            resource: resource.clone(),
            action: Action::UpdateService(axon_core::shape::service::UpdateService::default()),
            because: vec![Cause::Field(field)],
        };
        let delete = Step {
            object: object.clone(),
            resource,
            action: Action::DeleteService { cluster, service },
            because: vec![Cause::NotDeclared],
        };
        let blocked = vec![Waiting { object, on: Wait::Suspended }];
        Preview { rounds: vec![vec![create], vec![update, delete]], blocked, ended: true }
    }

    /// A preview without layouts.
    fn seen(preview: Preview) -> Foreseen {
        Foreseen { preview, ..Foreseen::default() }
    }

    #[test]
    fn steps_on_instances_say_what_becomes_of_them() {
        let by = "version 3 of launch template axon-shared".to_owned();
        let step = |resource, action| Step {
            object: ObjectKey::pool("shared".parse().unwrap()),
            resource,
            action,
            because: vec![Cause::Superseded { by: by.clone() }],
        };
        let group = "axon-shared".to_owned();
        let instance = || Resource::Instance("i-1".to_owned());
        let (cluster, arn) = ("ml".to_owned(), "arn".to_owned());
        let rounds = vec![vec![
            step(Resource::AutoScalingGroup(group.clone()), Action::SetDesiredCapacity { group, desired: 3 }),
            step(instance(), Action::UpdateContainerInstancesState { cluster, instance: arn, status: "DRAINING" }),
            step(
                instance(),
                Action::TerminateInstanceInAutoScalingGroup { instance: "i-1".to_owned(), place: Place::Removed },
            ),
        ]];
        let expected = "\
Round 1
  ~ Auto Scaling group axon-shared  SetDesiredCapacity to 3 for NeuronPool/shared
      one more before an instance is replaced: superseded by version 3 of launch template axon-shared
  ~ instance i-1  UpdateContainerInstancesState to DRAINING for NeuronPool/shared
      superseded by version 3 of launch template axon-shared
  - instance i-1  TerminateInstanceInAutoScalingGroup, and the group has one less for NeuronPool/shared
      superseded by version 3 of launch template axon-shared

Devices
  ~ instance i-1: to be drained
  - instance i-1: to be terminated

Plan: 0 to create, 2 to change, 1 to delete.
";
        let preview = Preview { rounds, blocked: Vec::new(), ended: true };
        assert_eq!(anstream::adapter::strip_str(&text(&seen(preview))).to_string(), expected);
    }

    #[test]
    fn a_failed_rollout_is_not_called_a_failed_template() {
        let step = Step {
            object: ObjectKey::pool("shared".parse().unwrap()),
            resource: Resource::LaunchTemplate("axon-shared".to_owned()),
            action: Action::CreateTags { id: "lt-1".to_owned(), tags: axon_core::ownership::Tags::new() },
            because: vec![Cause::Failed { reason: "2 tasks have failed".to_owned() }],
        };
        let text = because(&step, &step.because[0]);
        assert_eq!(text, "its rollout failed and is taken back: 2 tasks have failed");
    }

    #[test]
    fn a_plan_says_what_why_and_how_much() {
        let expected = "\
Round 1
  + cluster ml  CreateCluster for NeuronCluster/ml
      does not exist

Round 2, after the one before
  ~ service ml/llama  UpdateService for NeuronService/llama
      deploymentConfiguration.maximumPercent: 200 → 150
  - service ml/llama  DeleteService for NeuronService/llama
      no longer declared

Not done
  ! NeuronService/llama: suspended by the annotation neuron.ecs/suspend

Plan: 1 to create, 1 to change, 1 to delete.
";
        assert_eq!(anstream::adapter::strip_str(&text(&seen(sample()))).to_string(), expected);
    }

    /// A step of an attempt of a job: its record, or its task.
    pub(crate) fn of_attempt(attempt: &str, action: Action) -> Step {
        Step {
            object: ObjectKey::job("train".parse().unwrap()),
            resource: Resource::Parameter(format!("/axon/axon/jobs/train/r/{attempt}")),
            action,
            because: vec![Cause::Attempt { attempt: attempt.to_owned() }],
        }
    }

    #[test]
    fn attempts_of_a_job_are_told_by_the_first_and_all_are_counted() {
        let put = |attempt: &str| {
            let action = Action::PutParameter { name: attempt.to_owned(), value: "{}".to_owned() };
            of_attempt(attempt, action)
        };
        let run = |attempt: &str| of_attempt(attempt, Action::RunTask(Box::default()));
        let rounds = vec![vec![put("0.0"), put("1.0"), put("2.0")], vec![run("0.0"), run("1.0")]];
        let preview = Preview { rounds, blocked: Vec::new(), ended: true };
        let expected = "\
Round 1
  + parameter /axon/axon/jobs/train/r/0.0  PutParameter for NeuronJob/train
      attempt 0.0 is due; it is put on record before it is started
      likewise for 2 more attempts, 1.0 to 2.0

Round 2, after the one before
  + parameter /axon/axon/jobs/train/r/0.0  RunTask for NeuronJob/train
      attempt 0.0 is on record and was not started
      likewise for attempt 1.0

Plan: 5 to create, 0 to change, 0 to delete.
";
        assert_eq!(anstream::adapter::strip_str(&text(&seen(preview))).to_string(), expected);
    }

    #[test]
    fn an_empty_plan_says_so() {
        let text = text(&seen(Preview { ended: true, ..Preview::default() }));
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), "No changes. AWS matches these files.\n");
    }

    #[test]
    fn values_are_short_and_on_one_line() {
        assert_eq!(value(None), "(not set)");
        assert_eq!(value(Some(&json!("a\nb"))), "a\\nb");
        assert_eq!(value(Some(&json!(""))), "\"\"");
        assert_eq!(value(Some(&json!("x".repeat(200)))).chars().count(), LONGEST_VALUE + 1);
    }

    #[test]
    fn machines_get_steps_totals_and_reasons() {
        let value = json(&seen(sample()));
        assert_eq!(value["rounds"][0][0]["operation"], "CreateCluster");
        assert_eq!(value["blocked"][0]["message"], "suspended by the annotation neuron.ecs/suspend");
        assert_eq!((&value["create"], &value["delete"]), (&json!(1), &json!(1)));
    }
}
