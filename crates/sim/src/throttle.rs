//! The published token buckets of ECS and Parameter Store, per account and Region. Neighbours: `aws` asks before an
//! operation runs. Source: "Request throttling for the Amazon ECS API" (burst and sustained rate per group of operations).

use std::collections::BTreeMap;

use jiff::Timestamp;

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

fn of(operation: &str) -> Option<Rate> {
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
        // Parameter Store: 40 transactions a second for these together, no burst published.
        "GetParameter" | "GetParameters" | "GetParametersByPath" => rate("parameter read", 40, 40),
        _ => return None,
    })
}

/// The state of every bucket, in thousandths of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets(BTreeMap<&'static str, (i64, Timestamp)>);

impl Buckets {
    /// Takes one token; false means "Rate exceeded". StopServiceDeployment has no published bucket and is not limited.
    pub(crate) fn take(&mut self, operation: &str, now: Timestamp) -> bool {
        let Some(rate) = of(operation) else { return true };
        let full = rate.burst * 1000;
        let (left, since) = self.0.get(rate.bucket).copied().unwrap_or((full, now));
        let elapsed = now.as_millisecond() - since.as_millisecond();
        let left = elapsed.saturating_mul(rate.per_second).saturating_add(left).min(full);
        let granted = left >= 1000;
        self.0.insert(rate.bucket, (if granted { left - 1000 } else { left }, now));
        granted
    }
}
