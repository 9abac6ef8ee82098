//! The token buckets of ECS, EC2, Auto Scaling, Parameter Store and CloudWatch Logs, per account and Region. Neighbours: `aws` asks before an
//! operation runs. Source: "Request throttling for the Amazon ECS API" (burst and sustained rate per group of operations).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wire::fault::Fault;

/// Whether the published rates apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttling {
    /// The rates of the ECS developer guide.
    Published,
    /// No request is ever throttled.
    Off,
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    bucket: &'static str,
    burst: i64,
    per_second: i64,
}

const fn rate(bucket: &'static str, burst: i64, per_second: i64) -> Rate {
    Rate { bucket, burst, per_second }
}

/// EC2 limits each operation by itself. Source: "Request throttling for the Amazon EC2 API".
fn of_ec2(operation: &str) -> Rate {
    match operation {
        "CreateTags" | "DeleteTags" => rate("", 100, 10),
        "CreateLaunchTemplateVersion" | "ModifyLaunchTemplate" | "TerminateInstances" => rate("", 100, 5),
        _ if operation.starts_with("Describe") => rate("", 100, 20),
        _ => rate("", 50, 5),
    }
}

/// One bucket for all of Auto Scaling. AWS publishes no numbers: these are the simulator's own.
const AUTOSCALING: Rate = rate("autoscaling", 100, 10);

/// Parameter Store. Source of the first: "AWS Systems Manager endpoints and quotas": 40 transactions a second for these together, no
/// burst published. AWS publishes no numbers for the others. 3 a second for PutParameter is what AWS Support told users who say so
/// in public, 5 for DeleteParameter what users report; both without a burst, though users have seen one. The rest is the simulator's own.
fn of_ssm(operation: &str) -> Option<Rate> {
    Some(match operation {
        "GetParameter" | "GetParameters" | "GetParametersByPath" => rate("read", 40, 40),
        "PutParameter" => rate("put", 3, 3),
        "DeleteParameter" | "DeleteParameters" => rate("delete", 5, 5),
        "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => rate("tags", 5, 5),
        _ => return None,
    })
}

/// CloudWatch Logs limits each operation by itself. Source: "CloudWatch Logs quotas", which has other numbers for some Regions; no
/// burst is published.
fn of_logs(operation: &str, region: &str) -> Option<Rate> {
    let slow = ["ap-northeast-3", "ap-southeast-3", "ca-west-1", "eu-central-1", "il-central-1"].contains(&region);
    let per_second = match (operation, region) {
        ("GetLogEvents", "eu-west-3") => 30,
        ("GetLogEvents", "us-west-2" | "eu-west-1") => 10,
        ("GetLogEvents", _) if slow => 10,
        ("GetLogEvents" | "DescribeLogStreams", _) | ("FilterLogEvents", "us-east-1") => 25,
        ("FilterLogEvents", _) if slow => 5,
        ("FilterLogEvents" | "DescribeLogGroups" | "CreateLogGroup" | "DeleteLogGroup", _) => 10,
        _ => return None,
    };
    Some(rate("", per_second, per_second))
}

fn of(service: &str, operation: &str, region: &str) -> Option<(String, Rate)> {
    match service {
        "logs" => of_logs(operation, region).map(|r| (format!("logs {operation}"), r)),
        "ec2" => Some((format!("ec2 {operation}"), of_ec2(operation))),
        "autoscaling" => Some((AUTOSCALING.bucket.to_owned(), AUTOSCALING)),
        "ssm" => of_ssm(operation).map(|r| (format!("ssm {}", r.bucket), r)),
        _ => of_ecs(operation).map(|r| (r.bucket.to_owned(), r)),
    }
}

/// What a throttled request is told.
pub(crate) fn fault(service: &str) -> Fault {
    match service {
        "ec2" => Fault { status: 503, ..Fault::new("RequestLimitExceeded", "Request limit exceeded.") },
        "autoscaling" => Fault::new("Throttling", "Rate exceeded"),
        _ => Fault::new("ThrottlingException", "Rate exceeded"),
    }
}

fn of_ecs(operation: &str) -> Option<Rate> {
    Some(match operation {
        "CreateCluster"
        | "DeleteCluster"
        | "UpdateCluster"
        | "UpdateClusterSettings"
        | "PutClusterCapacityProviders" => rate("cluster modify", 20, 1),
        "DescribeClusters" | "ListClusters" => rate("cluster read", 50, 20),
        "CreateCapacityProvider" | "UpdateCapacityProvider" | "DeleteCapacityProvider" => {
            rate("capacity provider modify", 10, 1)
        }
        "DescribeCapacityProviders" => rate("capacity provider read", 50, 20),
        "RegisterTaskDefinition" | "DeregisterTaskDefinition" => rate("task definition modify", 20, 1),
        "DeleteTaskDefinitions" => rate("task definition delete", 5, 1),
        "DescribeTaskDefinition" | "ListTaskDefinitions" | "ListTaskDefinitionFamilies" => {
            rate("task definition read", 50, 20)
        }
        "CreateService" | "UpdateService" | "DeleteService" => rate("service modify", 50, 5),
        "DescribeServices" | "ListServices" => rate("service read", 100, 20),
        "DescribeServiceDeployments" | "ListServiceDeployments" => rate("service deployment read", 50, 20),
        "DescribeServiceRevisions" => rate("service revision read", 50, 20),
        "RunTask"
        | "StartTask"
        | "StopTask"
        | "PutAttributes"
        | "DeleteAttributes"
        | "UpdateContainerInstancesState"
        | "DeregisterContainerInstance" => rate("cluster resource modify", 100, 40),
        "DescribeTasks" | "ListTasks" | "DescribeContainerInstances" | "ListContainerInstances" | "ListAttributes" => {
            rate("cluster resource read", 100, 20)
        }
        "TagResource" | "UntagResource" => rate("tag modify", 20, 10),
        "ListTagsForResource" => rate("tag read", 50, 20),
        "PutAccountSetting" => rate("settings modify", 10, 1),
        "ListAccountSettings" => rate("settings read", 50, 20),
        _ => return None,
    })
}

/// The state of every bucket, in thousandths of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets(BTreeMap<String, (i64, Timestamp)>);

impl Buckets {
    /// Takes one token; false means "Rate exceeded". StopServiceDeployment has no published bucket and is not limited.
    pub(crate) fn take(&mut self, (service, operation): (&str, &str), region: &str, now: Timestamp) -> bool {
        let Some((bucket, rate)) = of(service, operation, region) else { return true };
        let full = rate.burst * 1000;
        let (left, since) = self.0.get(&bucket).copied().unwrap_or((full, now));
        let elapsed = now.as_millisecond() - since.as_millisecond();
        let left = elapsed.saturating_mul(rate.per_second).saturating_add(left).min(full);
        let granted = left >= 1000;
        self.0.insert(bucket, (if granted { left - 1000 } else { left }, now));
        granted
    }
}
