//! How often AWS lets an account call: its token buckets, as data, and the share of them that Axon takes.
//!
//! `axon-runtime` starts a step when its bucket has a token, `axon-aws` sends a read when its bucket has one; how a
//! bucket fills and adapts is in `bucket`. The simulated AWS has a table of its own, so that a mistake here is noticed.
//! No clock and no waiting here: instants come in.

mod bucket;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use bucket::Bucket;

/// One token bucket of AWS. It counts per account and Region.
#[derive(Debug, PartialEq, Eq)]
pub struct Quota {
    /// Axon's name of it, for people and metrics.
    pub name: &'static str,
    /// Service prefix, as IAM spells it.
    pub service: &'static str,
    /// Calls that may be made at once when none was made for a while.
    pub burst: u32,
    /// Calls a second that are possible for ever.
    pub per_second: u32,
    /// AWS's names of the operations that draw from it.
    pub operations: &'static [&'static str],
    /// Where the numbers come from.
    pub source: &'static str,
}

const ECS: &str = "Amazon ECS Developer Guide, Request throttling for the Amazon ECS API";
const EC2: &str = "Amazon EC2 Developer Guide, Request throttling for the Amazon EC2 API";
const LOGS: &str = "Amazon CloudWatch Logs User Guide, CloudWatch Logs quotas";
const SSM: &str = "AWS General Reference, Systems Manager quotas (Parameter Store throughput)";
/// AWS says only that there is one bucket for all calls. It is halved here, so that reads never take a write's token.
const SUPPOSED: &str = "not published; a guess on the safe side";

const fn ecs(name: &'static str, burst: u32, per_second: u32, operations: &'static [&'static str]) -> Quota {
    Quota { name, service: "ecs", burst, per_second, operations, source: ECS }
}

/// EC2 counts each operation for itself.
const fn ec2(operations: &'static [&'static str; 1], burst: u32, per_second: u32) -> Quota {
    let [name] = *operations;
    Quota { name, service: "ec2", burst, per_second, operations, source: EC2 }
}

/// Every bucket that an operation of Axon draws from.
pub const QUOTAS: &[Quota] = &[
    ecs(
        "cluster modify",
        20,
        1,
        &["CreateCluster", "DeleteCluster", "UpdateCluster", "UpdateClusterSettings", "PutClusterCapacityProviders"],
    ),
    ecs("cluster read", 50, 20, &["DescribeClusters", "ListClusters"]),
    ecs(
        "capacity provider modify",
        10,
        1,
        &["CreateCapacityProvider", "UpdateCapacityProvider", "DeleteCapacityProvider"],
    ),
    ecs("capacity provider read", 50, 20, &["DescribeCapacityProviders"]),
    ecs("task definition modify", 20, 1, &["RegisterTaskDefinition", "DeregisterTaskDefinition"]),
    ecs(
        "task definition read",
        50,
        20,
        &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"],
    ),
    ecs("service modify", 50, 5, &["CreateService", "UpdateService", "DeleteService"]),
    ecs("service read", 100, 20, &["DescribeServices", "ListServices"]),
    ecs("service deployment read", 50, 20, &["DescribeServiceDeployments", "ListServiceDeployments"]),
    ecs("service revision read", 50, 20, &["DescribeServiceRevisions"]),
    ecs(
        "cluster resource modify",
        100,
        40,
        &[
            "RunTask",
            "StartTask",
            "StopTask",
            "PutAttributes",
            "DeleteAttributes",
            "UpdateContainerInstancesState",
            "DeregisterContainerInstance",
        ],
    ),
    ecs(
        "cluster resource read",
        100,
        20,
        &["DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances", "ListAttributes"],
    ),
    ecs("task protection", 200, 80, &["GetTaskProtection", "UpdateTaskProtection"]),
    ecs("tag modify", 20, 10, &["TagResource", "UntagResource"]),
    ecs("tag read", 50, 20, &["ListTagsForResource"]),
    ec2(&["DescribeImages"], 100, 20),
    ec2(&["DescribeInstanceTypes"], 100, 20),
    // As Axon calls it: with a filter and page by page. Otherwise it would be 50 and 10.
    ec2(&["DescribeInstances"], 100, 20),
    ec2(&["DescribeLaunchTemplates"], 100, 20),
    ec2(&["DescribeLaunchTemplateVersions"], 100, 20),
    ec2(&["DescribeSubnets"], 100, 20),
    ec2(&["CreateLaunchTemplate"], 50, 5),
    ec2(&["CreateLaunchTemplateVersion"], 100, 5),
    ec2(&["DeleteLaunchTemplate"], 50, 5),
    ec2(&["CreateTags"], 100, 10),
    ec2(&["DeleteTags"], 100, 10),
    Quota {
        name: "Auto Scaling read",
        service: "autoscaling",
        burst: 20,
        per_second: 5,
        operations: &["DescribeAutoScalingGroups", "DescribeScalingActivities"],
        source: SUPPOSED,
    },
    Quota {
        name: "Auto Scaling modify",
        service: "autoscaling",
        burst: 20,
        per_second: 5,
        operations: &[
            "CreateAutoScalingGroup",
            "UpdateAutoScalingGroup",
            "DeleteAutoScalingGroup",
            "CreateOrUpdateTags",
            "DeleteTags",
            "SetDesiredCapacity",
            "TerminateInstanceInAutoScalingGroup",
        ],
        source: SUPPOSED,
    },
    Quota {
        name: "parameter read",
        service: "ssm",
        burst: 40,
        per_second: 40,
        operations: &["GetParameter", "GetParameters", "GetParametersByPath"],
        source: SSM,
    },
    // The least of all Regions; most have 25. No burst is published.
    Quota {
        name: "log events read",
        service: "logs",
        burst: 10,
        per_second: 10,
        operations: &["GetLogEvents"],
        source: LOGS,
    },
    // AWS publishes none for these; what is quoted is 3 and 5 a second, and a score at once passes.
    Quota {
        name: "parameter create",
        service: "ssm",
        burst: 3,
        per_second: 3,
        operations: &["PutParameter"],
        source: SUPPOSED,
    },
    Quota {
        name: "parameter delete",
        service: "ssm",
        burst: 5,
        per_second: 5,
        operations: &["DeleteParameter", "DeleteParameters"],
        source: SUPPOSED,
    },
];

static BY_OPERATION: LazyLock<BTreeMap<(&str, &str), &Quota>> = LazyLock::new(|| {
    let of = |quota: &'static Quota| quota.operations.iter().map(move |operation| ((quota.service, *operation), quota));
    QUOTAS.iter().flat_map(of).collect()
});

/// The bucket that an operation of a service draws from, by IAM's prefix of the service and AWS's name of the operation;
/// `None` if AWS names none.
pub fn quota_of(service: &str, operation: &str) -> Option<&'static Quota> {
    BY_OPERATION.get(&(service, operation)).copied()
}

/// How much of the account's quotas Axon takes, in percent: 1 to 100.
///
/// The default is 80. One call in five is left to people and to other programs of the account, and a big change takes a
/// quarter longer than AWS would allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct Share(u8);

/// Why a number is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no share of a quota: use 1 to 100 percent")]
pub struct InvalidShare(pub u32);

impl Share {
    /// All of it. For an account that nobody else calls.
    pub const ALL: Self = Self(100);

    /// In percent.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(80)
    }
}

impl TryFrom<u32> for Share {
    type Error = InvalidShare;

    fn try_from(percent: u32) -> Result<Self, InvalidShare> {
        match u8::try_from(percent) {
            Ok(share @ 1..=100) => Ok(Self(share)),
            _ => Err(InvalidShare(percent)),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_draws_from_one_bucket_and_every_bucket_has_a_name_of_its_own() {
        let operations: Vec<&str> = QUOTAS.iter().flat_map(|quota| quota.operations).copied().collect();
        assert_eq!(BY_OPERATION.len(), operations.len());
        let names: std::collections::BTreeSet<&str> = QUOTAS.iter().map(|quota| quota.name).collect();
        assert_eq!(names.len(), QUOTAS.len());
    }

    #[test]
    fn no_bucket_is_for_reads_and_for_writes() {
        let reads = |operation: &&str| ["Describe", "List", "Get"].iter().any(|word| operation.starts_with(word));
        // AWS itself counts GetTaskProtection and UpdateTaskProtection together.
        for quota in QUOTAS.iter().filter(|quota| quota.name != "task protection") {
            let count = quota.operations.iter().filter(|operation| reads(operation)).count();
            assert!(count == 0 || count == quota.operations.len(), "{}: reads must not starve writes", quota.name);
        }
    }

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!(
            [0, 1, 100, 101, 400].map(|percent| Share::try_from(percent).is_ok()),
            [false, true, true, false, false]
        );
        assert_eq!(Share::default().to_string(), "80 %");
    }
}
