//! A short run of what `cargo xtask crash-sweep` and `cargo xtask soak` do for hours: histories from seeds, calls that go wrong, and
//! whether the auditor notices what it is there for.

use axon_tests::trust::edit::Edit;
use axon_tests::trust::fault::Fate;
use axon_tests::trust::fleet::{Fleet, Pool, Shape};
use axon_tests::trust::hands::{Hand, Request, ecs, findings_after, findings_amid, form, ssm};
use axon_tests::trust::history::{Event, History, Tamper};
use axon_tests::trust::job::{Job, Work};
use axon_tests::trust::job_edit::JobEdit;
use axon_tests::trust::play::play;
use axon_tests::trust::scenarios::scenarios;
use axon_tests::trust::sweep::{Extent, sweep};
use serde_json::json;

/// Histories that found something once, cut down.
fn kept() -> Vec<History> {
    let packed = vec![Event::Pass(600), Event::Edit(Edit::Devices(1, 5)), Event::Pass(300)];
    let empty = [Event::Pass(114), Event::Ami(677), Event::Kill, Event::Pass(75), Event::Ami(579), Event::Lag(300)];
    let histories = [
        // A clock that went back stopped everything for as long.
        (1, Fleet::managed(), vec![Event::Pass(120), Event::Jump(86_400), Event::Pass(60), Event::Jump(-86_400)]),
        // The provider of a group that was deleted and made again could not be replaced.
        (1, Fleet::rolling(), vec![Event::Pass(600), Event::Tamper(Tamper::DeletesGroup, 0), Event::Pass(60)]),
        // A replica was stopped for one that had only just started.
        (1, Fleet::packed(), packed),
        // An instance that had been read as empty was drained, and terminated with the task that it had got since.
        (101, Fleet::mixed(), [&empty[..], &[Event::Pass(839)]].concat()),
    ];
    histories.map(|(seed, fleet, events)| History { seed, fleet, events }).to_vec()
}

#[test]
fn histories_end_like_a_fresh_installation_of_the_last_specification() {
    let drawn = (100..102).map(|seed| History::drawn(seed, 12));
    for history in kept().into_iter().chain(drawn) {
        let played = play(&history);
        assert_eq!(played.findings, Vec::<String>::new(), "{history:?}");
        assert_eq!(played.events, history.events.len());
    }
}

#[test]
fn the_same_seed_gives_the_same_calls_at_the_same_instants() {
    let history = History::drawn(200, 8);
    let [first, second] = [play(&history), play(&history)];
    assert_eq!((first.trace, first.calls), (second.trace, second.calls));
    assert!(first.calls > 10, "{first:?}");
    let other = play(&History { seed: 201, ..history });
    assert_ne!(first.trace, other.trace, "another seed, another account");
}

#[test]
fn whatever_goes_wrong_with_one_call_the_end_is_the_same() {
    let first = scenarios().into_iter().find(|scenario| scenario.name == "managed: first installation").unwrap();
    let swept = sweep(&first, Extent { every_read: 200, pairs: 1, only_call: None });
    assert_eq!(swept.findings, Vec::<String>::new());
    assert!(swept.runs > 20, "{swept:?}");
    assert!(swept.ways.contains_key(Fate::DiesAfter.name()), "{swept:?}");
}

#[test]
fn there_are_more_than_a_hundred_scenarios_and_no_two_are_alike() {
    let all = scenarios();
    let names: std::collections::BTreeSet<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    assert!(names.len() > 100, "{}", names.len());
    assert_eq!(names.len(), all.len());
}

/// A call by hand, in words, on which fleet, and what the auditor says.
type Bad = (&'static str, Fleet, fn(&Hand<'_>) -> Request, &'static str);

/// Calls on what is declared.
fn against_declarations() -> Vec<Bad> {
    vec![
        (
            "a declared service is deleted",
            Fleet::managed(),
            |_| ecs("DeleteService", &json!({"cluster": "ml", "service": "llama", "force": true})),
            "leaves 0 desired tasks of llama",
        ),
        (
            "a declared service is scaled below its floor",
            Fleet::managed(),
            |_| ecs("UpdateService", &json!({"cluster": "ml", "service": "llama", "desiredCount": 1})),
            "leaves 1 desired tasks of llama",
        ),
        (
            "the last provider of a declared pool is deleted",
            Fleet::empty().pool("workers", Pool::of(Shape::Rolling)),
            |hand| ecs("DeleteCapacityProvider", &json!({"capacityProvider": hand.free_provider()})),
            "has no other",
        ),
        (
            "the group of a declared pool is deleted",
            Fleet::rolling(),
            |hand| {
                form(
                    "autoscaling",
                    "DeleteAutoScalingGroup",
                    &[("AutoScalingGroupName", &hand.group()), ("ForceDelete", "true")],
                )
            },
            "has no other",
        ),
        (
            "a revision in use is deregistered",
            Fleet::managed(),
            |hand| ecs("DeregisterTaskDefinition", &json!({"taskDefinition": hand.revision("llama")})),
            "is on it",
        ),
        (
            "a machine with tasks is terminated",
            Fleet::rolling(),
            |hand| form("ec2", "TerminateInstances", &[("InstanceId.1", &hand.machine())]),
            "tasks shall run",
        ),
    ]
}

/// Calls on what is not ours.
fn against_strangers() -> Vec<Bad> {
    vec![
        (
            "a stranger's service is changed",
            Fleet::managed(),
            |_| ecs("UpdateService", &json!({"cluster": "theirs", "service": "web", "forceNewDeployment": true})),
            "which is not ours",
        ),
        (
            "a stranger's cluster is tagged",
            Fleet::managed(),
            |hand| {
                ecs("TagResource", &json!({"resourceArn": hand.their_cluster(), "tags": [{"key": "a", "value": "b"}]}))
            },
            "which is not ours",
        ),
        (
            "a stranger's group is changed",
            Fleet::managed(),
            |_| form("autoscaling", "UpdateAutoScalingGroup", &[("AutoScalingGroupName", "theirs"), ("MaxSize", "3")]),
            "which is not ours",
        ),
        (
            "a stranger's template goes",
            Fleet::managed(),
            |_| form("ec2", "DeleteLaunchTemplate", &[("LaunchTemplateName", "theirs")]),
            "which is not ours",
        ),
        (
            "a service is made without tags",
            Fleet::managed(),
            |_| {
                ecs(
                    "CreateService",
                    &json!({"cluster": "ml", "serviceName": "stray", "taskDefinition": "web", "desiredCount": 0, "launchType": "EC2"}),
                )
            },
            "without our tags",
        ),
    ]
}

#[test]
fn the_auditor_notices_every_call_that_must_not_be_made() {
    let bad = against_declarations().into_iter().chain(against_strangers());
    for (name, fleet, call, expected) in bad {
        let findings = findings_after(fleet, call);
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{name}: {findings:?}");
    }
}

/// So many seconds after its declaration, a batch runs: the first three of six indexes.
const AMID: u64 = 330;

/// The batch with work that lasts.
fn lasting() -> Fleet {
    Edit::Job(JobEdit::Image(0, Work::Long)).apply(&Fleet::batch())
}

/// Calls by hand in the middle of a batch, what was declared before them and how long ago, and what the auditor says.
type Amid = (&'static str, Option<(Edit, u64)>, &'static [fn(&Hand<'_>) -> Request], &'static str);

const END: &str = ".end";

/// Starts and stops.
fn against_tasks() -> Vec<Amid> {
    vec![
        ("an attempt runs twice", None, &[|hand| hand.start(&(hand.run("sweep") + "/0.0"))], "a second task of sweep/"),
        ("without a record", None, &[|hand| hand.start(&(hand.run("sweep") + "/5.0"))], "started without a record"),
        (
            "while another attempt of the index runs",
            None,
            &[|hand| hand.start(&(hand.run("sweep") + "/0.1"))],
            "was started while sweep/",
        ),
        ("in a group that is no attempt", None, &[|hand| hand.start("sweep")], "which is no attempt"),
        (
            "a declared task is stopped",
            // As long as the empty account before it may still be in force, it says that nothing shall run.
            Some((Edit::Insights, 700)),
            &[|hand| ecs("StopTask", &json!({"cluster": "ml", "task": hand.task("/0.0")}))],
            "nothing says that it shall",
        ),
        (
            "the task of a service is stopped",
            None,
            &[|hand| ecs("StopTask", &json!({"cluster": "ml", "task": hand.task("service:")}))],
            "which is not ours",
        ),
    ]
}

/// Records.
fn against_records() -> Vec<Amid> {
    vec![
        (
            "a record of somebody else is removed",
            None,
            &[|_| ssm("DeleteParameters", &json!({"Names": ["/axon/theirs/jobs/sweep/0a1b2c3d4e5f/0.0"]}))],
            "which is not ours",
        ),
        (
            "a record of a run that goes on is removed",
            None,
            &[|hand| ssm("DeleteParameters", &json!({"Names": [hand.record(&(hand.run("sweep") + "/0.0"))]}))],
            "its run is not over",
        ),
        (
            "a record may be written over",
            None,
            &[|hand| {
                let name = hand.record(&(hand.run("sweep") + "/0.0"));
                ssm("PutParameter", &json!({"Name": name, "Type": "String", "Value": "{}", "Overwrite": true}))
            }],
            "may be written over",
        ),
        (
            "an attempt that runs is said to be over",
            None,
            &[|hand| hand.put(&(hand.run("sweep") + "/0.0" + END), &json!({"verdict": "Failed"}))],
            "is said to be over (Failed) and runs",
        ),
        (
            "an attempt that runs is said to have succeeded",
            None,
            &[|hand| hand.put(&(hand.run("sweep") + "/0.0" + END), &json!({"verdict": "Succeeded"}))],
            "is said to have succeeded",
        ),
    ]
}

/// Records that say what is not true, and an end that goes too early.
fn against_endings() -> Vec<Amid> {
    vec![
        (
            "nobody is said to know of a task that is there",
            None,
            &[|hand| hand.put(&(hand.run("sweep") + "/0.0" + END), &json!({"verdict": "Unknown"}))],
            "its task is there to be seen",
        ),
        (
            "nobody is said to know of an attempt that was never started, too early",
            None,
            &[
                |hand| hand.put(&(hand.run("sweep") + "/5.0"), &json!({})),
                |hand| hand.put(&(hand.run("sweep") + "/5.0" + END), &json!({"verdict": "Unknown"})),
            ],
            "after it was due",
        ),
        (
            "a run with tasks is said to be over, with work that nobody has done",
            None,
            &[|hand| hand.put(&(hand.run("sweep") + "/end"), &json!({"result": "Complete", "succeeded": 6}))],
            "is said to be complete with 6 indexes, and 0 have done their work",
        ),
        (
            "a run is over and goes on",
            None,
            &[
                |hand| hand.put(&(hand.run("sweep") + "/end"), &json!({"result": "Complete", "succeeded": 0})),
                |hand| hand.put(&(hand.run("sweep") + "/5.0"), &json!({})),
                |hand| hand.start(&(hand.run("sweep") + "/5.0")),
            ],
            "was started although its run is over (Complete)",
        ),
        (
            "the end of a run goes before the rest, and at once",
            None,
            &[
                |hand| hand.put(&(hand.run("sweep") + "/end"), &json!({"result": "Complete", "succeeded": 0})),
                |hand| ssm("DeleteParameters", &json!({"Names": [hand.record(&(hand.run("sweep") + "/end"))]})),
            ],
            "was removed before",
        ),
    ]
}

/// Attempts that are to be started although the specification says otherwise.
fn against_specifications() -> Vec<Amid> {
    let suspended = Edit::Job(JobEdit::Suspend(0));
    let removed = Edit::Job(JobEdit::Remove(0));
    vec![
        (
            "an attempt of a suspended job",
            Some((suspended, 700)),
            &[|hand| hand.put(&(hand.run("sweep") + "/5.0"), &json!({}))],
            "is suspended",
        ),
        (
            "an attempt of a job that nobody declares",
            Some((removed, 700)),
            &[|hand| hand.put(&(hand.run("sweep") + "/5.0"), &json!({}))],
            "nobody declares sweep",
        ),
        (
            "more attempts than may be",
            None,
            &[|hand| hand.put(&(hand.run("sweep") + "/5.0"), &json!({}))],
            "4 attempts of sweep are under way, of which 3 may be",
        ),
        (
            "a record that asks for something else",
            None,
            &[|hand| {
                hand.put(&(hand.run("sweep") + "/5.0"), &json!({"request": {"group": "axon:scenario/sweep/a/0.0"}}))
            }],
            "asks for \"axon:scenario/sweep/a/0.0\"",
        ),
    ]
}

#[test]
fn the_auditor_notices_every_call_about_jobs_that_must_not_be_made() {
    let bad =
        against_tasks().into_iter().chain(against_records()).chain(against_endings()).chain(against_specifications());
    for (name, then, calls, expected) in bad {
        let findings = findings_amid(lasting(), AMID, then, calls);
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{name}: {findings:?}");
    }
    // What has been done is not done again, what may not be tried again is not, and who waits begins nothing.
    let failing = Job { work: Work::Failing, backoff: 0, completions: 6, parallelism: 1, ..Job::on("shared") };
    let done = Job { work: Work::Brief, completions: 2, parallelism: 1, ..Job::on("shared") };
    let again: [(Job, &str); 2] = [(failing, "of which 0 may be tried again"), (done, "although sweep/")];
    for (job, expected) in again {
        let findings = findings_amid(
            Fleet::batch().job("sweep", job),
            AMID,
            None,
            &[|hand| hand.start(&(hand.run("sweep") + "/0.1"))],
        );
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:?}");
    }
    let waits = findings_amid(Fleet::chain(), 120, None, &[|hand| hand.put("train/0a1b2c3d4e5f/0.0", &json!({}))]);
    assert!(waits.iter().any(|finding| finding.contains("waits for another job")), "{waits:?}");
}

#[test]
fn the_auditor_has_nothing_against_calls_that_only_read_or_make_what_is_declared() {
    let reads = findings_after(Fleet::managed(), |_| ecs("ListServices", &json!({"cluster": "ml"})));
    assert_eq!(reads, Vec::<String>::new());
    let more = findings_after(Fleet::managed(), |_| {
        ecs("UpdateService", &json!({"cluster": "ml", "service": "llama", "desiredCount": 3}))
    });
    assert_eq!(more, Vec::<String>::new());
}
