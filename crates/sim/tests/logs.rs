//! CloudWatch Logs: what containers write with the driver `awslogs`, and how it is read, page by page, in both directions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on should panic, and JSON literals read best handed over by value"
)]

mod account;

use account::{Account, managed};
use axon_sim::{Acts, Behaviour, EmptyLogPages, LogGroups, Options, Quirks};
use serde_json::{Value, json};

const GROUP: &str = "/ml/job";

fn options() -> Options {
    let quirks = Quirks { empty_log_pages: EmptyLogPages::Never, ..Quirks::default() };
    Options { quirks, ..Options::default() }
}

/// An account with a family `job` whose container logs to CloudWatch.
fn with(options: Options, more: Value) -> Account {
    let mut account = Account::with(options);
    account.ready();
    let mut definition = managed("job", "job:1");
    let mut settings = json!({"awslogs-group": GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "out"});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    definition["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": settings});
    account.call("RegisterTaskDefinition", definition);
    account
}

/// The stream of a new task, whose RunTask gives the container one variable.
fn stream(account: &mut Account) -> String {
    let overrides = json!([{"name": "server", "environment": [{"name": "INDEX", "value": "3"}]}]);
    let answer = account.call(
        "RunTask",
        json!({
            "cluster": "ml",
            "taskDefinition": "job",
            "capacityProviderStrategy": [{"capacityProvider": "inf2", "weight": 1}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
            "overrides": {"containerOverrides": overrides},
        }),
    );
    let arn = answer["tasks"][0]["taskArn"].as_str().unwrap();
    format!("out/server/{}", arn.rsplit('/').next().unwrap())
}

fn runs(account: &mut Account) {
    while account.tasks("RUNNING").iter().any(|task| task["lastStatus"] != "RUNNING") {
        account.pass(1);
    }
}

/// A stream with these lines and no other, written a second apart.
fn written(account: &mut Account, lines: &[String]) -> String {
    let mut behaviour = Behaviour::of("job:*");
    for (second, line) in (1..).zip(lines) {
        behaviour = behaviour.saying(second, line.clone());
    }
    account.aws.world_mut().behave(behaviour);
    let stream = stream(account);
    runs(account);
    account.pass(i64::try_from(lines.len()).unwrap() + 10);
    stream
}

fn get(account: &mut Account, stream: &str, more: Value) -> Value {
    let mut input = json!({"logGroupName": GROUP, "logStreamName": stream});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    account.logs("GetLogEvents", input)
}

fn messages(answer: &Value) -> Vec<String> {
    answer["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap().to_owned()).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("line {number}")).collect()
}

#[test]
fn a_task_says_with_what_it_was_started_what_its_behaviour_has_and_how_it_ended() {
    let mut account = with(options(), json!({}));
    let ends = Acts::Ends { after_seconds: 30, exit_code: 7 };
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(ends).saying(10, "step 1").saying(40, "never"));
    let stream = stream(&mut account);
    runs(&mut account);
    assert_eq!(messages(&get(&mut account, &stream, json!({}))), Vec::<String>::new(), "written, and not ingested yet");
    account.pass(5);
    let said = ["starting job:1", "told at its start: INDEX=3", "step 1", "failed: exit code 7"];
    assert_eq!(messages(&get(&mut account, &stream, json!({}))), said[..2]);
    account.pass(600);
    let answer = get(&mut account, &stream, json!({}));
    assert_eq!(messages(&answer), said);
    let event = &answer["events"][2];
    assert_eq!(event["ingestionTime"].as_i64().unwrap() - event["timestamp"].as_i64().unwrap(), 5_000);
}

#[test]
fn the_end_of_a_stream_gives_back_the_token_that_was_sent_and_goes_on_from_there() {
    let mut account = with(options(), json!({}));
    account.aws.world_mut().behave(Behaviour::of("job:*").saying(60, "later"));
    let stream = stream(&mut account);
    runs(&mut account);
    account.pass(6);
    let first = get(&mut account, &stream, json!({"startFromHead": true, "limit": 1}));
    assert_eq!(messages(&first), ["starting job:1"]);
    let second = get(&mut account, &stream, json!({"startFromHead": true, "nextToken": first["nextForwardToken"]}));
    assert_eq!(messages(&second), ["told at its start: INDEX=3"]);
    let end = json!({"startFromHead": true, "nextToken": second["nextForwardToken"]});
    let third = get(&mut account, &stream, end.clone());
    assert_eq!((messages(&third).len(), &third["nextForwardToken"]), (0, &second["nextForwardToken"]));
    account.pass(60);
    assert_eq!(messages(&get(&mut account, &stream, end)), ["later"]);
}

#[test]
fn the_latest_events_come_first_unless_the_head_is_asked_for_and_backwards_there_is_an_end_too() {
    let mut account = with(options(), json!({}));
    let stream = written(&mut account, &numbered(8));
    let last = get(&mut account, &stream, json!({"limit": 3}));
    assert_eq!(messages(&last), ["line 5", "line 6", "line 7"]);
    let before = get(&mut account, &stream, json!({"limit": 5, "nextToken": last["nextBackwardToken"]}));
    assert_eq!(messages(&before), ["line 0", "line 1", "line 2", "line 3", "line 4"]);
    let rest = get(&mut account, &stream, json!({"nextToken": before["nextBackwardToken"]}));
    assert_eq!(messages(&rest).len(), 2, "what is said at the start");
    let end = get(&mut account, &stream, json!({"nextToken": rest["nextBackwardToken"]}));
    assert_eq!((messages(&end).len(), &end["nextBackwardToken"]), (0, &rest["nextBackwardToken"]));
    let after = get(&mut account, &stream, json!({"startFromHead": true, "nextToken": before["nextForwardToken"]}));
    assert_eq!(messages(&after), ["line 5", "line 6", "line 7"]);
}

#[test]
fn a_page_holds_a_megabyte_and_no_event_is_lost_between_pages() {
    let mut account = with(options(), json!({}));
    let lines: Vec<String> = (0..10).map(|number| format!("{number}{}", "x".repeat(250_000))).collect();
    let stream = written(&mut account, &lines);
    let (mut token, mut read, mut pages) = (Value::Null, Vec::new(), 0);
    loop {
        let page = get(&mut account, &stream, json!({"startFromHead": true, "nextToken": token}));
        if page["nextForwardToken"] == token {
            break;
        }
        read.extend(messages(&page));
        token = page["nextForwardToken"].clone();
        pages += 1;
    }
    assert_eq!(read[2..], lines);
    assert_eq!(pages, 3, "four of a quarter of a megabyte fit into one, with their overhead");
}

#[test]
fn the_first_page_may_be_empty_although_there_are_events() {
    let mut account = with(Options::default(), json!({}));
    let stream = written(&mut account, &numbered(1));
    let empty = get(&mut account, &stream, json!({"startFromHead": true}));
    assert_eq!(messages(&empty).len(), 0);
    let next = get(&mut account, &stream, json!({"startFromHead": true, "nextToken": empty["nextForwardToken"]}));
    assert_eq!(messages(&next).len(), 3);
    let empty = account.logs("FilterLogEvents", json!({"logGroupName": GROUP}));
    let next = account.logs("FilterLogEvents", json!({"logGroupName": GROUP, "nextToken": empty["nextToken"]}));
    assert_eq!((messages(&empty).len(), messages(&next).len()), (0, 3));
    assert!(next["nextToken"].is_null());
}

#[test]
fn the_start_of_a_span_is_covered_and_its_end_is_not_but_in_a_group_it_is() {
    let mut account = with(options(), json!({}));
    let stream = written(&mut account, &numbered(5));
    let all = get(&mut account, &stream, json!({}));
    let at = |line: usize| all["events"][line + 2]["timestamp"].clone();
    let span = json!({"startTime": at(1), "endTime": at(3)});
    assert_eq!(messages(&get(&mut account, &stream, span)), ["line 1", "line 2"]);
    let span = json!({"logGroupName": GROUP, "startTime": at(1), "endTime": at(3)});
    assert_eq!(messages(&account.logs("FilterLogEvents", span)), ["line 1", "line 2", "line 3"]);
}

#[test]
fn the_streams_of_a_group_are_read_together_by_time_in_both_directions() {
    let mut account = with(options(), json!({}));
    let start = account.aws.now().as_millisecond();
    let first = written(&mut account, &numbered(2));
    let second = written(&mut account, &["other".to_owned()]);
    let input = json!({"logGroupName": GROUP, "logStreamNames": [first, second], "startTime": start, "limit": 5});
    let page = account.logs("FilterLogEvents", input);
    assert_eq!(messages(&page)[2..], ["line 0", "line 1", "starting job:1"]);
    let from = |event: usize| page["events"][event]["logStreamName"].as_str().unwrap().to_owned();
    assert_eq!((from(3), from(4)), (first.clone(), second.clone()));
    let next = account.logs("FilterLogEvents", json!({"logGroupName": GROUP, "nextToken": page["nextToken"]}));
    assert_eq!(messages(&next), ["told at its start: INDEX=3", "other"]);
    let back = json!({"logGroupName": GROUP, "startTime": start, "startFromHead": false, "limit": 2});
    let page = account.logs("FilterLogEvents", back);
    assert_eq!(messages(&page), ["other", "told at its start: INDEX=3"]);
    let one = json!({"logGroupName": GROUP, "logStreamNamePrefix": second});
    assert_eq!(messages(&account.logs("FilterLogEvents", one)).len(), 3);
}

#[test]
fn what_is_not_there_and_what_makes_no_sense_is_refused() {
    let mut account = with(options(), json!({}));
    let stream = written(&mut account, &numbered(1));
    let refused =
        |account: &mut Account, operation: &str, input: Value| account.try_logs(operation, input).unwrap_err();
    let missing = "ResourceNotFoundException".to_owned();
    let none = json!({"logGroupName": "/no", "logStreamName": stream});
    let said = refused(&mut account, "GetLogEvents", none);
    assert_eq!(said, (missing.clone(), "The specified log group does not exist.".to_owned()));
    let none = json!({"logGroupName": GROUP, "logStreamName": "no"});
    let said = refused(&mut account, "GetLogEvents", none);
    assert_eq!(said, (missing.clone(), "The specified log stream does not exist.".to_owned()));
    let none = json!({"logGroupName": GROUP, "logStreamNames": [stream, "no"]});
    assert_eq!(refused(&mut account, "FilterLogEvents", none).0, missing);
    let both = json!({"logGroupName": GROUP, "logGroupIdentifier": GROUP, "logStreamName": stream});
    let forward = get(&mut account, &stream, json!({}))["nextForwardToken"].clone();
    for input in [
        both,
        json!({"logStreamName": stream}),
        json!({"logGroupName": GROUP, "logStreamName": stream, "limit": 0}),
        json!({"logGroupName": GROUP, "logStreamName": stream, "nextToken": "made-up"}),
        json!({"logGroupName": GROUP, "logStreamName": stream, "nextToken": forward}),
    ] {
        assert_eq!(refused(&mut account, "GetLogEvents", input.clone()).0, "InvalidParameterException", "{input}");
    }
    let back = json!({"logGroupName": GROUP, "startFromHead": false});
    assert_eq!(refused(&mut account, "FilterLogEvents", back).0, "InvalidParameterException");
    for (operation, input) in [
        ("FilterLogEvents", json!({"logGroupName": GROUP, "filterPattern": "ERROR"})),
        ("GetLogEvents", json!({"logGroupName": GROUP, "logStreamName": stream, "unmask": true})),
        ("StartLiveTail", json!({})),
    ] {
        assert_eq!(refused(&mut account, operation, input).0, axon_sim::NOT_MODELLED, "{operation}");
    }
}

#[test]
fn a_token_lasts_for_a_day() {
    let mut account = with(options(), json!({}));
    let stream = written(&mut account, &numbered(1));
    let token = get(&mut account, &stream, json!({}))["nextForwardToken"].clone();
    let input = json!({"logGroupName": GROUP, "logStreamName": stream, "startFromHead": true, "nextToken": token});
    account.pass(86_400);
    assert!(account.try_logs("GetLogEvents", input.clone()).is_ok());
    account.pass(1);
    assert_eq!(account.try_logs("GetLogEvents", input).unwrap_err().0, "InvalidParameterException");
}

#[test]
fn without_its_group_a_container_cannot_start_unless_the_driver_may_create_it() {
    let strict = || Options { log_groups: LogGroups::Created, ..options() };
    let mut account = with(strict(), json!({}));
    stream(&mut account);
    account.pass(300);
    let task = account.tasks("STOPPED").remove(0);
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    let said = task["stoppedReason"].as_str().unwrap();
    assert!(said.starts_with("CannotStartContainerError: ") && said.ends_with("log group does not exist."), "{said}");
    assert!(account.logs("DescribeLogGroups", json!({}))["logGroups"].as_array().unwrap().is_empty());

    account.logs("CreateLogGroup", json!({"logGroupName": GROUP}));
    assert_eq!(
        account.try_logs("CreateLogGroup", json!({"logGroupName": GROUP})).unwrap_err().0,
        "ResourceAlreadyExistsException"
    );
    stream(&mut account);
    account.pass(300);
    assert_eq!(account.tasks("RUNNING")[0]["lastStatus"], "RUNNING");

    let mut account = with(strict(), json!({"awslogs-create-group": "true"}));
    stream(&mut account);
    account.pass(300);
    assert_eq!(account.tasks("RUNNING")[0]["lastStatus"], "RUNNING");
    assert_eq!(account.logs("DescribeLogGroups", json!({}))["logGroups"][0]["logGroupName"], GROUP);
}

#[test]
fn groups_and_streams_are_described_page_by_page() {
    let mut account = with(options(), json!({}));
    let names: Vec<String> = (0..60).map(|number| format!("/other/{number:02}")).collect();
    for name in &names {
        account.logs("CreateLogGroup", json!({"logGroupName": name}));
        account.pass(1);
    }
    let first = account.logs("DescribeLogGroups", json!({"logGroupNamePrefix": "/other/"}));
    assert_eq!(first["logGroups"].as_array().unwrap().len(), 50);
    let input = json!({"logGroupNamePrefix": "/other/", "nextToken": first["nextToken"]});
    let second = account.logs("DescribeLogGroups", input);
    assert_eq!(second["logGroups"][0]["logGroupName"], "/other/50");
    assert!(second["nextToken"].is_null());

    let early = written(&mut account, &numbered(1));
    let late = written(&mut account, &numbered(1));
    let by_time = json!({"logGroupName": GROUP, "orderBy": "LastEventTime", "descending": true});
    let streams = account.logs("DescribeLogStreams", by_time)["logStreams"].clone();
    let found: Vec<&str> = streams.as_array().unwrap().iter().map(|s| s["logStreamName"].as_str().unwrap()).collect();
    assert_eq!(found, [late.as_str(), early.as_str()]);
    assert!(streams[0]["lastEventTimestamp"].as_i64() > streams[0]["firstEventTimestamp"].as_i64());
    let arn = format!("arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}");
    let by_arn = json!({"logGroupIdentifier": arn, "logStreamNamePrefix": early});
    assert_eq!(account.logs("DescribeLogStreams", by_arn)["logStreams"].as_array().unwrap().len(), 1);
    account.logs("DeleteLogGroup", json!({"logGroupName": GROUP}));
    let gone = json!({"logGroupName": GROUP});
    assert_eq!(account.try_logs("DescribeLogStreams", gone).unwrap_err().0, "ResourceNotFoundException");
}

#[test]
fn the_groups_of_other_regions_are_not_here() {
    let mut account = with(options(), json!({"awslogs-region": "eu-west-1"}));
    stream(&mut account);
    runs(&mut account);
    account.pass(60);
    assert!(account.logs("DescribeLogGroups", json!({}))["logGroups"].as_array().unwrap().is_empty());
}

#[test]
fn each_operation_is_limited_by_itself_and_not_alike_in_every_region() {
    let granted = |region: &str, operation: &str| {
        let mut account = Account::with(Options { region: region.to_owned(), ..options() });
        let input = json!({"logGroupName": "/no", "logStreamName": "no"});
        (0..100)
            .take_while(|_| account.try_logs(operation, input.clone()).unwrap_err().0 != "ThrottlingException")
            .count()
    };
    assert_eq!((granted("us-east-1", "GetLogEvents"), granted("eu-central-1", "GetLogEvents")), (25, 10));
}
