//! Whether the auditor of the histories notices what it is there for: calls by hand that nobody may make.

use axon_tests::trust::edit::Edit;
use axon_tests::trust::fleet::{Fleet, Image, Pool, Shape};
use axon_tests::trust::hands::{Hand, Request, ecs, findings_after, findings_amid, findings_later, form, ssm};
use axon_tests::trust::job::{Job, Work};
use axon_tests::trust::job_edit::JobEdit;
use serde_json::json;

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

/// Three nodes with work that lasts.
fn gang() -> Fleet {
    Edit::Job(JobEdit::Image(0, Work::Long)).apply(&Fleet::gang())
}

/// So many seconds after its declaration, all of its nodes run.
const ALL_NODES: u64 = 600;

#[test]
fn the_auditor_notices_nodes_that_do_not_belong_together() {
    type Bad = (Fleet, &'static [fn(&Hand<'_>) -> Request], &'static str);
    let calls: [Bad; 3] = [
        (
            gang(),
            &[
                |hand| hand.put(&(hand.run("pretrain") + "/1.0"), &json!({"gang": {"nodes": 3}})),
                |hand| hand.start(&(hand.run("pretrain") + "/1.0.0")),
            ],
            "was started and None instances are on record for 3 nodes",
        ),
        (gang(), &[|hand| hand.start(&(hand.run("pretrain") + "/0.0"))], "was started, of Some(3) nodes"),
        (lasting(), &[|hand| hand.start(&(hand.run("sweep") + "/0.0.0"))], "was started, of None nodes"),
    ];
    for (fleet, calls, expected) in calls {
        let findings = findings_amid(fleet, ALL_NODES, None, calls);
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:?}");
    }
}

#[test]
fn the_auditor_notices_what_is_deployed_before_it_is_compiled() {
    const REPOSITORY: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com";
    let deployed: &[fn(&Hand<'_>) -> Request] = &[
        |_| {
            let container = json!({"name": "server", "image": format!("{REPOSITORY}/missing:2"), "memory": 128});
            ecs("RegisterTaskDefinition", &json!({"family": "hand", "containerDefinitions": [container]}))
        },
        |_| {
            let tags = json!([
                {"key": "neuron.ecs/managed-by", "value": "scenario"},
                {"key": "neuron.ecs/name", "value": "medium"},
            ]);
            let input = json!({
                "cluster": "ml", "serviceName": "hand", "taskDefinition": "hand", "desiredCount": 0, "launchType": "EC2",
                "tags": tags,
            });
            ecs("CreateService", &input)
        },
    ];
    let without = |fleet: Fleet| Edit::Compile(0).apply(&fleet);
    for (fleet, expected) in [(Fleet::compiling(), true), (without(Fleet::compiling()), false)] {
        let findings = findings_amid(Edit::Image(0, Image::Missing).apply(&fleet), 900, None, deployed);
        let found = findings.iter().any(|finding| finding.contains("which nobody has compiled"));
        assert_eq!(found, expected, "{findings:?}");
    }
}

#[test]
fn the_auditor_notices_who_is_passed_over_in_the_queue() {
    let begin: &[fn(&Hand<'_>) -> Request] = &[|hand| hand.put("sweep/0a1b2c3d4e5f/0.0", &json!({}))];
    let passed = "is to be started while huge, which comes before it, waits for devices";
    for (priority, expected) in [(5, true), (-5, false)] {
        // One instance has room for the services and for no eight devices more.
        let huge = Job { devices: 8, priority, ..Job::on("shared") };
        let fleet = Fleet::batch().pool("shared", Pool { max: 1, ..Pool::of(Shape::Packed) }).job("huge", huge);
        let findings = findings_amid(fleet, 900, None, begin);
        assert_eq!(findings.iter().any(|finding| finding.contains(passed)), expected, "{priority}: {findings:?}");
    }
}

#[test]
fn the_auditor_notices_when_a_part_of_the_nodes_goes_on() {
    let stopped: fn(&Hand<'_>) -> Request =
        |hand| ecs("StopTask", &json!({"cluster": "ml", "task": hand.task("/0.0.1")}));
    let part = "goes on with a part of its nodes";
    let findings = findings_later(gang(), ALL_NODES, stopped, 600);
    assert!(findings.iter().any(|finding| finding.contains(part)), "{findings:?}");
    let findings = findings_later(gang(), ALL_NODES, stopped, 60);
    assert!(!findings.iter().any(|finding| finding.contains(part)), "there is time to stop the others: {findings:?}");
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
