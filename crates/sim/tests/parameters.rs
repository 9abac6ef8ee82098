//! The account's own parameters: created once, versions, names, limits, tags, pages, throttling, and reads that trail writes.
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

use account::Account;
use axon_sim::{Options, Quirks, RecreatedParameter, Throttling};
use serde_json::{Value, json};

/// An account that throttles nobody.
fn calm() -> Account {
    with(Quirks::default())
}

fn with(quirks: Quirks) -> Account {
    Account::with(Options { quirks, throttling: Throttling::Off, ..Options::default() })
}

fn said(answer: (u16, Value)) -> Result<Value, String> {
    match answer {
        (200, body) => Ok(body),
        (_, body) => Err(body["__type"].as_str().unwrap().to_owned()),
    }
}

fn put(account: &mut Account, name: &str, value: &str, more: Value) -> Result<Value, String> {
    let mut input = json!({"Name": name, "Value": value, "Type": "String"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    said(account.ssm("PutParameter", input))
}

fn get(account: &mut Account, name: &str) -> Result<String, String> {
    let found = said(account.ssm("GetParameter", json!({"Name": name})))?;
    Ok(found["Parameter"]["Value"].as_str().unwrap().to_owned())
}

#[test]
fn a_name_is_created_once_and_overwritten_only_on_demand() {
    let mut account = calm();
    account.pass(100);
    assert_eq!(put(&mut account, "/jobs/a/0", "first", json!({})).unwrap(), json!({"Version": 1, "Tier": "Standard"}));
    let again = put(&mut account, "/jobs/a/0", "second", json!({"Overwrite": false}));
    assert_eq!(again.unwrap_err(), "ParameterAlreadyExists");
    let (_, found) = account.ssm("GetParameter", json!({"Name": "/jobs/a/0"}));
    let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/jobs/a/0";
    let expected = json!({"Name": "/jobs/a/0", "Type": "String", "Value": "first", "Version": 1, "DataType": "text",
                          "LastModifiedDate": 1_767_225_700.0, "ARN": arn});
    assert_eq!(found["Parameter"], expected);
    account.pass(60);
    assert_eq!(put(&mut account, "/jobs/a/0", "second", json!({"Overwrite": true})).unwrap()["Version"], 2);
    assert_eq!(get(&mut account, "/jobs/a/0").unwrap(), "second");
    assert_eq!(get(&mut account, "/jobs/a/0:1").unwrap(), "first");
    assert_eq!(get(&mut account, &format!("{arn}:2")).unwrap(), "second");
    assert_eq!(get(&mut account, "/jobs/a/0:3").unwrap_err(), "ParameterVersionNotFound");
    let (_, found) = account.ssm("GetParameter", json!({"Name": arn}));
    assert_eq!(found["Parameter"]["LastModifiedDate"], 1_767_225_760.0);
}

#[test]
fn someone_else_can_write_and_delete_without_leaving_a_trace_in_the_log() {
    let mut account = Account::new();
    let input = json!({"Name": "/theirs", "Value": "x", "Type": "StringList"});
    account.aws.act_on("ssm", "PutParameter", &input).unwrap();
    assert!(account.aws.calls().is_empty());
    assert_eq!(put(&mut account, "/theirs", "mine", json!({})).unwrap_err(), "ParameterAlreadyExists");
    account.aws.act_on("ssm", "DeleteParameter", &json!({"Name": "/theirs"})).unwrap();
    assert_eq!(get(&mut account, "/theirs").unwrap_err(), "ParameterNotFound");
}

#[test]
fn a_value_of_more_than_4096_characters_and_what_the_simulator_does_not_model_are_refused() {
    let mut account = calm();
    put(&mut account, "/long", &"x".repeat(4096), json!({})).unwrap();
    let refused = [
        ("x".repeat(4097), json!({}), "ValidationException"),
        (String::new(), json!({}), "ValidationException"),
        ("{{ssm:other}}".to_owned(), json!({}), "ValidationException"),
        ("x".to_owned(), json!({"Type": null}), "ValidationException"),
        ("x".to_owned(), json!({"Type": "Number"}), "ValidationException"),
        ("x".to_owned(), json!({"Overwrite": true, "Tags": [{"Key": "a", "Value": "b"}]}), "ValidationException"),
        ("x".to_owned(), json!({"AllowedPattern": "^\\d+$"}), "ParameterPatternMismatchException"),
        ("x".to_owned(), json!({"AllowedPattern": "("}), "InvalidAllowedPatternException"),
        ("x".to_owned(), json!({"Type": "SecureString"}), "NotModelledBySimulator"),
        ("x".to_owned(), json!({"KeyId": "alias/a"}), "NotModelledBySimulator"),
        ("x".to_owned(), json!({"Tier": "Advanced"}), "NotModelledBySimulator"),
        ("x".to_owned(), json!({"Policies": "[]"}), "NotModelledBySimulator"),
        ("x".to_owned(), json!({"DataType": "aws:ec2:image"}), "NotModelledBySimulator"),
    ];
    for (value, more, code) in refused {
        assert_eq!(put(&mut account, "/bad", &value, more.clone()).unwrap_err(), code, "{more}");
    }
    assert_eq!(get(&mut account, "/bad").unwrap_err(), "ParameterNotFound");
    put(&mut account, "/good", "12", json!({"AllowedPattern": "^\\d+$"})).unwrap();
    // A JSON document may end in two braces.
    put(&mut account, "/json", r#"{"a":{"b":1}}"#, json!({})).unwrap();
    let other = json!({"Overwrite": true, "Type": "StringList"});
    assert_eq!(put(&mut account, "/good", "13", other).unwrap_err(), "HierarchyTypeMismatchException");
    assert_eq!(put(&mut account, "/good", "13", json!({"Overwrite": true, "Type": null})).unwrap()["Version"], 2);
}

#[test]
fn a_name_with_and_without_its_slash_is_the_same_parameter() {
    let mut account = calm();
    put(&mut account, "alone", "x", json!({})).unwrap();
    assert_eq!(put(&mut account, "/alone", "y", json!({})).unwrap_err(), "ParameterAlreadyExists");
    assert_eq!(get(&mut account, "/alone").unwrap(), "x");
    assert_eq!(get(&mut account, " alone ").unwrap(), "x");
    assert_eq!(get(&mut account, "a lone").unwrap_err(), "ValidationException");
    let elsewhere = "arn:aws:ssm:us-east-1:444455556666:parameter/alone";
    assert_eq!(get(&mut account, elsewhere).unwrap_err(), "NotModelledBySimulator");
}

#[test]
fn a_hundred_versions_are_kept() {
    let mut account = calm();
    put(&mut account, "/many", "0", json!({})).unwrap();
    for number in 1..=100 {
        put(&mut account, "/many", &number.to_string(), json!({"Overwrite": true})).unwrap();
    }
    assert_eq!(get(&mut account, "/many:1").unwrap_err(), "ParameterVersionNotFound");
    assert_eq!(get(&mut account, "/many:2").unwrap(), "1");
    assert_eq!(get(&mut account, "/many:101").unwrap(), "100");
}

#[test]
fn ten_thousand_parameters_are_the_most() {
    let mut account = calm();
    for number in 0..10_000 {
        let input = json!({"Name": format!("/n/{number}"), "Value": "x", "Type": "String"});
        account.aws.act_on("ssm", "PutParameter", &input).unwrap();
    }
    assert_eq!(put(&mut account, "/one/more", "x", json!({})).unwrap_err(), "ParameterLimitExceeded");
    put(&mut account, "/n/7", "y", json!({"Overwrite": true})).unwrap();
    account.ssm("DeleteParameter", json!({"Name": "/n/7"}));
    put(&mut account, "/one/more", "x", json!({})).unwrap();
}

#[test]
fn deleting_says_what_was_there() {
    let mut account = calm();
    for name in ["/a", "/b"] {
        put(&mut account, name, "x", json!({})).unwrap();
    }
    assert_eq!(account.ssm("DeleteParameter", json!({"Name": "/a"})), (200, json!({})));
    assert_eq!(said(account.ssm("DeleteParameter", json!({"Name": "/a"}))).unwrap_err(), "ParameterNotFound");
    let (_, answer) = account.ssm("DeleteParameters", json!({"Names": ["/a", "/b"]}));
    assert_eq!(answer, json!({"DeletedParameters": ["/b"], "InvalidParameters": ["/a"]}));
    assert_eq!(get(&mut account, "/b").unwrap_err(), "ParameterNotFound");
    let public = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended";
    assert_eq!(said(account.ssm("DeleteParameter", json!({"Name": public}))).unwrap_err(), "ParameterNotFound");
    let eleven: Vec<String> = (0..11).map(|n| format!("/{n}")).collect();
    assert_eq!(said(account.ssm("DeleteParameters", json!({"Names": eleven}))).unwrap_err(), "ValidationException");
}

#[test]
fn a_name_may_be_blocked_for_thirty_seconds_after_it_was_deleted() {
    for (quirk, code) in [(RecreatedParameter::Refused, Some("TooManyUpdates")), (RecreatedParameter::Accepted, None)] {
        let mut account = with(Quirks { recreated_parameter: quirk, ..Quirks::default() });
        put(&mut account, "/again", "x", json!({})).unwrap();
        account.ssm("DeleteParameter", json!({"Name": "/again"}));
        account.pass(29);
        assert_eq!(put(&mut account, "/again", "y", json!({})).err().as_deref(), code);
        account.pass(1);
        let later = put(&mut account, "/again", "z", json!({}));
        assert_eq!(later.is_ok(), code.is_some());
        assert_eq!(get(&mut account, "/again:1").unwrap(), if code.is_some() { "z" } else { "y" });
    }
}

#[test]
fn a_path_is_read_in_pages_of_ten_and_public_parameters_stay_where_they_are() {
    let mut account = calm();
    for number in 0..23 {
        put(&mut account, &format!("/jobs/{number:02}"), "x", json!({})).unwrap();
    }
    put(&mut account, "/jobs/deep/er", "x", json!({})).unwrap();
    put(&mut account, "/jobsite", "x", json!({})).unwrap();
    let (mut seen, mut token) = (Vec::new(), Value::Null);
    loop {
        let (_, page) = account.ssm("GetParametersByPath", json!({"Path": "/jobs/", "NextToken": token}));
        let found = page["Parameters"].as_array().unwrap();
        assert!(found.len() <= 10);
        seen.extend(found.iter().map(|p| p["Name"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, (0..23).map(|n| format!("/jobs/{n:02}")).collect::<Vec<_>>());
    let names = |account: &mut Account, input: Value| -> Vec<String> {
        let (_, page) = account.ssm("GetParametersByPath", input);
        page["Parameters"].as_array().unwrap().iter().map(|p| p["Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&mut account, json!({"Path": "/"})), ["/jobsite"]);
    assert!(names(&mut account, json!({"Path": "/", "Recursive": true})).iter().all(|n| n.starts_with("/jobs")));
    assert_eq!(names(&mut account, json!({"Path": "/jobs/deep", "Recursive": true})), ["/jobs/deep/er"]);
    assert_eq!(names(&mut account, json!({"Path": "/jobs/deep/er"})), Vec::<String>::new());
    assert!(!names(&mut account, json!({"Path": "/aws/service", "Recursive": true})).is_empty());
    let (_, answer) = account.ssm("GetParameters", json!({"Names": ["/jobs/05", "/none", "/jobs/02"]}));
    let order: Vec<&str> =
        answer["Parameters"].as_array().unwrap().iter().map(|p| p["Name"].as_str().unwrap()).collect();
    assert_eq!(order, ["/jobs/02", "/jobs/05"]);
    assert_eq!(answer["InvalidParameters"], json!(["/none"]));
}

#[test]
fn tags_come_with_a_new_parameter_and_change_afterwards() {
    let mut account = calm();
    put(&mut account, "/t", "x", json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})).unwrap();
    let of = |account: &mut Account, more: Value| {
        let mut input = json!({"ResourceType": "Parameter", "ResourceId": "/t"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let operation = match (input.get("Tags"), input.get("TagKeys")) {
            (Some(_), _) => "AddTagsToResource",
            (_, Some(_)) => "RemoveTagsFromResource",
            _ => "ListTagsForResource",
        };
        said(account.ssm(operation, input))
    };
    of(&mut account, json!({"Tags": [{"Key": "b", "Value": "3"}]})).unwrap();
    of(&mut account, json!({"TagKeys": ["a", "none"]})).unwrap();
    assert_eq!(of(&mut account, json!({})).unwrap(), json!({"TagList": [{"Key": "b", "Value": "3"}]}));
    let many: Vec<Value> = (0..50).map(|n| json!({"Key": n.to_string(), "Value": ""})).collect();
    assert_eq!(of(&mut account, json!({"Tags": many})).unwrap_err(), "TooManyTagsError");
    assert_eq!(of(&mut account, json!({"ResourceId": "/u"})).unwrap_err(), "InvalidResourceId");
    assert_eq!(of(&mut account, json!({"ResourceType": "Document"})).unwrap_err(), "NotModelledBySimulator");
    // An overwritten parameter keeps its tags.
    put(&mut account, "/t", "y", json!({"Overwrite": true})).unwrap();
    assert_eq!(of(&mut account, json!({})).unwrap()["TagList"][0]["Key"], "b");
}

#[test]
fn three_writes_five_deletions_and_forty_reads_a_second_are_answered() {
    let refused = |operation: &str, input: Value| {
        let mut account = Account::new();
        let throttled = |account: &mut Account| {
            said(account.ssm(operation, input.clone())) == Err("ThrottlingException".to_owned())
        };
        let first = (0..100).position(|_| throttled(&mut account));
        account.pass(1);
        assert!(!throttled(&mut account));
        first
    };
    let input = json!({"Name": "/a", "Value": "x", "Type": "String", "Overwrite": true});
    assert_eq!(refused("PutParameter", input), Some(3));
    assert_eq!(refused("DeleteParameter", json!({"Name": "/a"})), Some(5));
    assert_eq!(refused("GetParameter", json!({"Name": "/a"})), Some(40));
    // What is refused as not modelled is not throttled.
    assert_eq!(refused("DescribeParameters", json!({})), None);
}

#[test]
fn reads_trail_writes_and_the_check_that_a_name_is_free_does_not() {
    let mut account = with(Quirks { read_lag_seconds: 30, ..Quirks::default() });
    put(&mut account, "/lag", "x", json!({})).unwrap();
    assert_eq!(get(&mut account, "/lag").unwrap_err(), "ParameterNotFound");
    let (_, page) = account.ssm("GetParametersByPath", json!({"Path": "/"}));
    assert_eq!(page["Parameters"], json!([]));
    assert_eq!(put(&mut account, "/lag", "y", json!({})).unwrap_err(), "ParameterAlreadyExists");
    assert!(account.aws.act_on("ssm", "GetParameter", &json!({"Name": "/lag"})).is_ok());
    account.pass(31);
    assert_eq!(get(&mut account, "/lag").unwrap(), "x");
}
