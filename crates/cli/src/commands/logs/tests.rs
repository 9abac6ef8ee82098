//! `axon logs` against the simulated AWS, in simulated time, beside an operator that runs jobs and services.

use std::time::Duration;

use axon_core::logs::LogStream;
use axon_sim::{Acts, Behaviour, Disturbance, LogGroups, Options};
use clap::Parser;

use super::lab::{FLEET, Lab, edit};
use super::reader::{Reader, Start};
use super::*;
use crate::arguments::{Arguments, Command};
use crate::show::logs::Label;

fn ends(after_seconds: i64, exit_code: i64) -> Behaviour {
    Behaviour::of("sweep:*").acting(Acts::Ends { after_seconds, exit_code })
}

const MINUTES: Duration = Duration::from_mins(5);

#[tokio::test(start_paused = true)]
async fn a_run_is_followed_to_its_end_with_the_attempts_that_come_and_every_line_is_there_once() {
    let lab = Lab::new(FLEET).await;
    lab.behave(ends(1_200, 0).saying(300, "step 1").saying(900, "step 2"));
    lab.behave(ends(60, 7).when("AXON_JOB_INDEX", "1").when("AXON_JOB_ATTEMPT", "0"));
    lab.until(|lab| !lab.running(None).is_empty()).await;
    let printed = lab.logs("NeuronJob/sweep -f").await;
    assert_eq!(printed.answer, Ok(Exit::Done), "{printed:#?}");
    for attempt in ["0.0", "1.1"] {
        for line in ["starting sweep:1", "step 1", "step 2", "done"] {
            assert_eq!(printed.count(&format!("{attempt} train | {line}")), 1, "{attempt} {line}: {printed:#?}");
        }
    }
    assert_eq!(printed.count("1.0 train | failed: exit code 7"), 1, "{printed:#?}");
    assert!(printed.talk.contains("The run of NeuronJob/sweep is over (Complete)"), "{}", printed.talk);
    let at = |line: &str| printed.lines().iter().position(|found| *found == line).unwrap();
    assert!(at("1.0 train | failed: exit code 7") < at("1.1 train | starting sweep:1"), "in the order of time");
}

#[tokio::test(start_paused = true)]
async fn every_node_of_an_attempt_has_lines_of_its_own() {
    let one_subnet = edit("[subnet-0a1b2c3d, subnet-4e5f6a7b]", "[subnet-0a1b2c3d]");
    let lab = Lab::new(&one_subnet.replace("  devices: 1\n  completions: 2", "  nodes: 2")).await;
    lab.behave(ends(1_200, 0));
    lab.until(|lab| lab.running(None).len() == 2).await;
    let printed = lab.logs("NeuronJob/sweep -f").await;
    assert_eq!(printed.answer, Ok(Exit::Done), "{printed:#?}");
    for node in ["0.0.0", "0.0.1"] {
        for line in ["starting sweep:1", "done"] {
            assert_eq!(printed.count(&format!("{node} train | {line}")), 1, "{node} {line}: {printed:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn following_ends_with_1_when_the_run_or_the_attempt_that_was_followed_has_not_succeeded() {
    let lab = Lab::new(&edit("backoffLimit: 1", "backoffLimit: 0")).await;
    lab.behave(ends(600, 0));
    lab.behave(ends(120, 7).when("AXON_JOB_INDEX", "1"));
    lab.until(|lab| !lab.running(None).is_empty()).await;
    let attempt = lab.logs("NeuronJob/sweep 1.0 --follow").await;
    assert_eq!(attempt.answer, Ok(Exit::Failed), "{attempt:#?}");
    assert!(attempt.talk.contains("it failed: ExitCode with exit code 7"), "{}", attempt.talk);
    assert_eq!(attempt.count("1.0 train | failed: exit code 7"), 1, "{attempt:#?}");
    assert!(!attempt.data.contains("0.0"), "{attempt:#?}");
    let run = lab.logs("NeuronJob/sweep -f").await;
    assert_eq!(run.answer, Ok(Exit::Failed), "{run:#?}");
    assert!(run.talk.contains("(Failed)"), "{}", run.talk);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_has_forgotten_is_found_by_its_record_until_the_record_goes_too() {
    let lab = Lab::new(FLEET).await;
    lab.behave(ends(60, 0));
    lab.behave(ends(10_800, 0).when("AXON_JOB_INDEX", "1"));
    lab.until(|lab| !lab.running(None).is_empty()).await;
    lab.pass(Duration::from_hours(2)).await;
    let printed = lab.logs("NeuronJob/sweep 0").await;
    let told = "told at its start: ";
    assert_eq!((printed.lines()[0], printed.lines()[2]), ("starting sweep:1", "done"), "{printed:#?}");
    assert!(printed.lines()[1].starts_with(told) && printed.lines()[1].contains("AXON_JOB_INDEX=0"), "{printed:#?}");
    assert_eq!(printed.answer, Ok(Exit::Done));
    let failure = lab.logs("NeuronJob/sweep 5").await.answer.unwrap_err();
    assert!(failure.cause.ends_with("has no such attempt") && failure.hint == "there are 0.0, 1.0", "{failure:?}");
    lab.pass(Duration::from_hours(4)).await;
    let failure = lab.logs("NeuronJob/sweep").await.answer.unwrap_err();
    assert!(failure.cause.contains("which tasks it had is known no more"), "{failure:?}");
    assert!(failure.hint.contains("describe-log-streams"), "{failure:?}");
    let failure = lab.logs("NeuronJob/other").await.answer.unwrap_err();
    assert_eq!(failure.cause, "no run of NeuronJob/other is on record in installation lab");
}

#[tokio::test(start_paused = true)]
async fn the_tasks_of_a_service_are_told_apart_and_those_that_have_stopped_are_asked_for_by_name() {
    let lab = Lab::new(FLEET).await;
    lab.until(|lab| lab.running(Some("small")).len() == 2).await;
    lab.pass(Duration::from_secs(20)).await;
    let tasks = lab.running(Some("small"));
    let printed = lab.logs("neuronservice/small").await;
    for task in &tasks {
        assert_eq!(printed.count(&format!("{} server | starting small:1", &task[..8])), 1, "{printed:#?}");
    }
    let one = lab.logs(&format!("NeuronService/small {} --timestamps", &tasks[0][..8])).await;
    assert_eq!(one.lines().len(), 1, "{one:#?}");
    assert!(one.lines()[0].ends_with("Z | starting small:1"), "{one:#?}");
    lab.simulated.shared().with(|aws| assert!(aws.world_mut().end_task(&tasks[0], 3)));
    lab.pass(MINUTES).await;
    let previous = lab.logs("NeuronService/small --previous").await;
    assert_eq!(previous.lines(), ["starting small:1", "failed: exit code 3"], "{previous:#?}");
    let now = lab.logs("NeuronService/small").await;
    assert!(!now.data.contains(&tasks[0][..8]) && now.data.contains(&tasks[1][..8]), "{now:#?}");
    let failure = lab.logs("NeuronService/small zzzz").await.answer.unwrap_err();
    assert_eq!(failure.cause, "NeuronService/small has no task whose id begins with zzzz");
    let failure = lab.logs("NeuronService/large").await.answer.unwrap_err();
    assert_eq!(failure.cause, "no ECS service of NeuronService/large is there in installation lab");
}

#[tokio::test(start_paused = true)]
async fn a_service_is_followed_through_the_replacement_of_a_task_and_one_task_until_it_stops() {
    let lab = Lab::new(FLEET).await;
    lab.until(|lab| lab.running(Some("small")).len() == 2).await;
    let tasks = lab.running(Some("small"));
    let story = async {
        lab.pass(MINUTES).await;
        lab.simulated.shared().with(|aws| assert!(aws.world_mut().end_task(&tasks[0], 3)));
        lab.pass(MINUTES).await;
        lab.running(Some("small")).into_iter().find(|task| !tasks.contains(task)).unwrap()
    };
    let which = format!("NeuronService/small {} -f", tasks[0]);
    let (one, all, new) = tokio::join!(lab.logs(&which), lab.logs("NeuronService/small -f"), story);
    assert_eq!(one.answer, Ok(Exit::Done));
    assert!(one.talk.contains("have stopped"), "{one:#?}");
    assert_eq!(one.count(&format!("{} server | failed: exit code 3", &tasks[0][..8])), 1, "{one:#?}");
    for line in
        [format!("{} server | failed: exit code 3", &tasks[0][..8]), format!("{} server | starting small:1", &new[..8])]
    {
        assert_eq!(all.count(&line), 1, "{line}: {all:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_lines_and_those_of_the_last_minutes_are_chosen_in_every_stream() {
    let lab = Lab::new(FLEET).await;
    lab.behave((1..=30).fold(ends(7_200, 0), |behaviour, step| behaviour.saying(step * 60, format!("step {step}"))));
    lab.until(|lab| lab.running(None).len() == 2).await;
    lab.pass(Duration::from_mins(40)).await;
    let printed = lab.logs("NeuronJob/sweep 0.0 --tail 3").await;
    assert_eq!(printed.lines(), ["step 28", "step 29", "step 30"]);
    let printed = lab.logs("NeuronJob/sweep --tail 1").await;
    let mut lines = printed.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["0.0 train | step 30", "1.0 train | step 30"]);
    let printed = lab.logs("NeuronJob/sweep 0.0 --since 15m").await;
    assert!((2..8).contains(&printed.lines().len()) && printed.lines().ends_with(&["step 30"]), "{printed:#?}");
    let printed = lab.logs("NeuronJob/sweep 0.0 --tail 2 --since 1s").await;
    assert_eq!(printed.data, "");
    assert_eq!(printed.talk, "Nothing was written by NeuronJob/sweep, in 1 log streams.\n");
    let followed = lab.logs("NeuronJob/sweep 0.0 --tail 0 -f").await;
    assert_eq!(followed.lines(), ["0.0 train | done"], "{followed:#?}");
    let printed = lab.logs("NeuronJob/sweep 0.0 --tail 1 -o json").await;
    let line: serde_json::Value = serde_json::from_str(&printed.data).unwrap();
    assert_eq!(
        (&line["attempt"], &line["container"], &line["message"]),
        (&"0.0".into(), &"train".into(), &"done".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_says_nothing_for_longer_than_a_token_lasts_is_read_on_without_a_line_twice() {
    let lab = Lab::new(FLEET).await;
    let day = 26 * 3_600;
    lab.behave(ends(day + 600, 0).saying(60, "before").saying(60, "before").saying(day, "after"));
    lab.until(|lab| lab.running(None).len() == 2).await;
    lab.operator.abort();
    lab.pass(MINUTES).await;
    let task = lab.running(None).remove(0);
    let stream = || LogStream { region: None, group: "/axon/ml/sweep".to_owned(), name: format!("train/train/{task}") };
    let reader = |tail| Reader::new(Label::default(), stream(), Start { tail, since: None }, None);
    let (mut whole, mut last) = (reader(None), reader(Some(0)));
    assert_eq!(lab.read(&mut whole).await[2..], ["before", "before"]);
    assert_eq!(lab.read(&mut last).await, Vec::<String>::new());
    lab.pass(Duration::from_hours(27)).await;
    for reader in [&mut whole, &mut last] {
        reader.look_again();
        assert_eq!(lab.read(reader).await, ["after", "done"]);
    }
    let refused = lab.simulated.shared().with(|aws| {
        let error = |call: &axon_sim::Call| call.operation == "GetLogEvents" && call.error.is_some();
        aws.take_calls().into_iter().filter(error).count()
    });
    assert_eq!(refused, 2, "a token of each reader was too old");
}

#[tokio::test(start_paused = true)]
async fn an_aws_that_has_a_bad_day_is_told_of_and_loses_no_line() {
    let lab = Lab::new(FLEET).await;
    lab.behave((1..=20).fold(ends(3_000, 0), |behaviour, step| behaviour.saying(step * 60, format!("step {step}"))));
    lab.until(|lab| lab.running(None).len() == 2).await;
    let bad = Disturbance { throttled_percent: 20, failed_percent: 20, expired_seconds: 0 };
    let story = async {
        lab.pass(Duration::from_mins(2)).await;
        lab.simulated.shared().with(|aws| aws.world_mut().disturb(bad));
    };
    let (printed, ()) = tokio::join!(lab.logs("NeuronJob/sweep 0.0 -f"), story);
    for step in 1..=20 {
        assert_eq!(printed.count(&format!("0.0 train | step {step}")), 1, "{printed:#?}");
    }
    assert_eq!(printed.answer, Ok(Exit::Done), "{printed:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_back_says_what_to_write_into_the_specification() {
    let container = r#"containers: [{name: train, image: "sweep:1"}]"#;
    let splunk = r#"containers: [{name: train, image: "sweep:1", logging: {driver: JsonFile}}]"#;
    let lab = Lab::new(&edit(container, splunk)).await;
    lab.until(|lab| !lab.running(None).is_empty()).await;
    let failure = lab.logs("NeuronJob/sweep").await.answer.unwrap_err();
    assert_eq!(
        failure.cause,
        "what container train of NeuronJob/sweep writes cannot be read back: its log driver is json-file"
    );
    assert!(failure.hint.contains("logging: {driver: Awslogs}"), "{failure:?}");

    let two = r#"containers: [{name: train, image: "sweep:1"}, {name: side, image: "side:1", essential: false, logging: {driver: None}}]"#;
    let lab = Lab::new(&edit(container, two)).await;
    lab.until(|lab| !lab.running(None).is_empty()).await;
    lab.pass(MINUTES).await;
    let printed = lab.logs("NeuronJob/sweep 0.0").await;
    assert_eq!(printed.talk, "Container side is left out: its task definition has no log driver.\n");
    assert_eq!(printed.lines().len(), 2, "{printed:#?}");
    let failure = lab.logs("NeuronJob/sweep -c other").await.answer.unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_str()), (Exit::Usage, "there are train, side"));
    let failure = lab.logs("NeuronJob/sweep -c side").await.answer.unwrap_err();
    assert!(failure.cause.ends_with("its task definition has no log driver"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_nobody_has_created_is_named_with_what_to_do() {
    let options = || Options { log_groups: LogGroups::Created, ..Options::default() };
    let named = edit(r#"image: "sweep:1""#, r#"image: "sweep:1", logging: {group: /ml}"#);
    let lab = Lab::with(options(), &named).await;
    lab.pass(Duration::from_mins(30)).await;
    let printed = lab.logs("NeuronJob/sweep").await;
    assert!(printed.talk.starts_with("The log group /ml does not exist, and"), "{printed:#?}");
    assert_eq!((printed.data.as_str(), printed.answer), ("", Ok(Exit::Done)));

    // The group that containers have if none is named is created by the driver.
    let lab = Lab::with(options(), FLEET).await;
    lab.pass(Duration::from_mins(30)).await;
    let printed = lab.logs("NeuronJob/sweep 0").await;
    assert_eq!(printed.count("starting sweep:1"), 1, "{printed:#?}");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let refused = |line: &str| {
        let line = format!("axon logs {line}");
        let Command::Logs(arguments) = Arguments::parse_from(line.split(' ')).command else { panic!("not logs") };
        let failure = Wish::of(&arguments).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        failure.cause
    };
    assert_eq!(refused("train"), "\"train\" does not say of which kind it is");
    assert_eq!(refused("NeuronPool/a"), "a NeuronPool has no tasks, so it writes nothing");
    assert_eq!(refused("Job/a"), "there is no kind Job");
    assert_eq!(refused("NeuronJob/a x.y"), "\"x.y\" is neither an index nor an attempt");
    assert_eq!(refused("NeuronJob/a --previous"), "--previous is for services");
    assert_eq!(refused("NeuronJob/a --run a/b"), "\"a/b\" is no name of a run");
    assert_eq!(refused("NeuronService/a --run x"), "--run is for jobs");
    assert_eq!(refused("NeuronService/a a/b"), "\"a/b\" cannot be the beginning of a task's id");
}
