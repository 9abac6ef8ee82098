//! Calls of EC2 and Auto Scaling over the wire: forms go in as the protocols write them, documents come back as trees. Used by
//! the tests beside it; no behaviour is tested here.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::account::{Account, Outcome};

/// The members of a form, by their dotted keys.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A signed POST; the answer's status and text.
pub(crate) fn post(account: &mut Account, scope: &str, body: String) -> (u16, String) {
    let credential = format!("AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{scope}/aws4_request, Signature=0");
    let request = http::Request::post("/").header("authorization", credential).body(Bytes::from(body)).unwrap();
    let response = account.aws.answer(&request);
    (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
}

fn body(action: &str, version: &str, pairs: Pairs<'_>) -> String {
    let mut body = format!("Action={action}&Version={version}");
    for (key, value) in pairs {
        body.extend(["&", &encoded(key), "=", &encoded(value)]);
    }
    body
}

pub(crate) fn try_ec2(account: &mut Account, action: &str, pairs: Pairs<'_>) -> Outcome {
    let (status, text) = post(account, "ec2", body(action, "2016-11-15", pairs));
    let mut tree = parse(&text);
    if status == 200 {
        assert!(tree["requestId"].is_string(), "{text}");
        return Ok(tree);
    }
    let error = tree["Errors"]["Error"].take();
    Err((error["Code"].as_str().unwrap().to_owned(), error["Message"].as_str().unwrap().to_owned()))
}

pub(crate) fn ec2(account: &mut Account, action: &str, pairs: Pairs<'_>) -> Value {
    try_ec2(account, action, pairs).unwrap_or_else(|e| panic!("{action}: {e:?}"))
}

/// The code of a refusal.
pub(crate) fn ec2_code(account: &mut Account, action: &str, pairs: Pairs<'_>) -> String {
    try_ec2(account, action, pairs).expect_err("it was accepted").0
}

pub(crate) fn try_groups(account: &mut Account, action: &str, pairs: Pairs<'_>) -> Outcome {
    let (status, text) = post(account, "autoscaling", body(action, "2011-01-01", pairs));
    let mut tree = parse(&text);
    if status == 200 {
        assert!(tree["ResponseMetadata"]["RequestId"].is_string(), "{text}");
        return Ok(tree[format!("{action}Result")].take());
    }
    let error = tree["Error"].take();
    Err((error["Code"].as_str().unwrap().to_owned(), error["Message"].as_str().unwrap().to_owned()))
}

pub(crate) fn groups(account: &mut Account, action: &str, pairs: Pairs<'_>) -> Value {
    try_groups(account, action, pairs).unwrap_or_else(|e| panic!("{action}: {e:?}"))
}

/// The code and the message of a refusal.
pub(crate) fn groups_error(account: &mut Account, action: &str, pairs: Pairs<'_>) -> (String, String) {
    try_groups(account, action, pairs).expect_err("it was accepted")
}

/// A document without its root: elements with `item` or `member` children are lists, the others objects or texts.
pub(crate) fn parse(text: &str) -> Value {
    let text = text.split_once("?>").map_or(text, |(_, rest)| rest);
    let (_, value, rest) = element(text);
    assert!(rest.is_empty(), "after the root: {rest}");
    value
}

fn element(text: &str) -> (String, Value, &str) {
    let (open, mut rest) =
        text.strip_prefix('<').unwrap_or_else(|| panic!("no element: {text}")).split_once('>').unwrap();
    let name = open.split(' ').next().unwrap().to_owned();
    let close = format!("</{name}>");
    if !rest.starts_with('<') || rest.starts_with(&close) {
        let (inner, after) = rest.split_once(&close).unwrap();
        let plain = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        return (name, Value::from(plain), after);
    }
    let mut children = Vec::new();
    while !rest.starts_with(&close) {
        let (child, value, after) = element(rest);
        children.push((child, value));
        rest = after;
    }
    let list = children.iter().all(|(n, _)| n == "item" || n == "member");
    let value = if list {
        children.into_iter().map(|(_, v)| v).collect()
    } else {
        Value::Object(children.into_iter().collect::<Map<String, Value>>())
    };
    (name, value, rest.strip_prefix(close.as_str()).unwrap())
}

pub(crate) const IMAGE: &str = "ami-0a1b2c3d4e5f60718";
pub(crate) const SUBNETS: &str = "subnet-0123456789abcdef0,subnet-0123456789abcdef1";

/// A launch template with an image, a type and user data; its id.
pub(crate) fn template(account: &mut Account, name: &str, kind: &str) -> String {
    let pairs = [
        ("LaunchTemplateName", name),
        ("LaunchTemplateData.ImageId", IMAGE),
        ("LaunchTemplateData.InstanceType", kind),
        ("LaunchTemplateData.UserData", "IyEvYmluL2Jhc2gK"),
    ];
    ec2(account, "CreateLaunchTemplate", &pairs)["launchTemplate"]["launchTemplateId"].as_str().unwrap().to_owned()
}

/// A group `workers` of inf2.xlarge in two zones.
pub(crate) fn group(account: &mut Account, sizes: [&str; 3], more: Pairs<'_>) {
    template(account, "workers", "inf2.xlarge");
    let mut pairs = vec![
        ("AutoScalingGroupName", "workers"),
        ("MinSize", sizes[0]),
        ("DesiredCapacity", sizes[1]),
        ("MaxSize", sizes[2]),
        ("VPCZoneIdentifier", SUBNETS),
        ("LaunchTemplate.LaunchTemplateName", "workers"),
    ];
    pairs.extend_from_slice(more);
    groups(account, "CreateAutoScalingGroup", &pairs);
}

/// The group `workers`, or null.
pub(crate) fn workers(account: &mut Account) -> Value {
    let pairs = [("AutoScalingGroupNames.member.1", "workers")];
    groups(account, "DescribeAutoScalingGroups", &pairs)["AutoScalingGroups"][0].clone()
}

/// The members of `workers` in a lifecycle state.
pub(crate) fn members(account: &mut Account, state: &str) -> Vec<Value> {
    let found = workers(account)["Instances"].clone();
    let all = found.as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|m| m["LifecycleState"] == state).collect()
}

/// The instance ids of the members of `workers` in service.
pub(crate) fn in_service(account: &mut Account) -> Vec<String> {
    members(account, "InService").iter().map(|m| m["InstanceId"].as_str().unwrap().to_owned()).collect()
}

/// Scaling activities of `workers`, newest first.
pub(crate) fn activities(account: &mut Account) -> Vec<Value> {
    let found = groups(account, "DescribeScalingActivities", &[("AutoScalingGroupName", "workers")]);
    found["Activities"].as_array().cloned().unwrap_or_default()
}
