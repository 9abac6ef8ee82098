//! Keeps a sweep below AWS's read limits: one token bucket for each of AWS's read buckets, shared by all sweeps.
//!
//! Without it the sweep of a big account would be throttled half-way every time, as the SDK's own retry is off. A
//! sweep of a few hundred services never waits here. Writes are paced by the caller of `execute`, who knows which
//! matter; nothing is sent or sent again from here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;

use crate::operations::Operation;

/// Four fifths of what ECS and EC2 refill (20 a second), as Axon may not be alone in the account. SSM allows twice that.
const INTERVAL: Duration = Duration::from_micros(62_500);
/// Auto Scaling has one bucket for all of its calls and publishes no number. Ten a second is a guess on the safe side.
const INTERVAL_OF_GROUPS: Duration = Duration::from_millis(100);

/// Read limits that AWS counts separately, per account and Region. EC2 counts every operation for itself; one bucket
/// for all of them stays below each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bucket {
    Clusters,
    Providers,
    Services,
    TaskDefinitions,
    Deployments,
    ClusterResources,
    Ec2,
    Groups,
    Parameters,
}

impl Bucket {
    const fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::ListClusters | Operation::DescribeClusters => Some(Self::Clusters),
            Operation::DescribeCapacityProviders => Some(Self::Providers),
            Operation::ListServices | Operation::DescribeServices => Some(Self::Services),
            Operation::ListTaskDefinitions | Operation::DescribeTaskDefinition => Some(Self::TaskDefinitions),
            Operation::ListServiceDeployments => Some(Self::Deployments),
            Operation::ListTasks
            | Operation::DescribeTasks
            | Operation::ListContainerInstances
            | Operation::DescribeContainerInstances => Some(Self::ClusterResources),
            Operation::DescribeImages
            | Operation::DescribeInstanceTypes
            | Operation::DescribeInstances
            | Operation::DescribeLaunchTemplates
            | Operation::DescribeLaunchTemplateVersions
            | Operation::DescribeSubnets => Some(Self::Ec2),
            Operation::DescribeAutoScalingGroups | Operation::DescribeScalingActivities => Some(Self::Groups),
            Operation::GetParameters => Some(Self::Parameters),
            Operation::GetCallerIdentity
            | Operation::CreateCluster
            | Operation::UpdateCluster
            | Operation::DeleteCluster
            | Operation::PutClusterCapacityProviders
            | Operation::CreateLaunchTemplate
            | Operation::CreateLaunchTemplateVersion
            | Operation::DeleteLaunchTemplate
            | Operation::CreateTags
            | Operation::DeleteTags
            | Operation::CreateAutoScalingGroup
            | Operation::UpdateAutoScalingGroup
            | Operation::DeleteAutoScalingGroup
            | Operation::CreateOrUpdateTags
            | Operation::DeleteGroupTags
            | Operation::SetDesiredCapacity
            | Operation::TerminateInstanceInAutoScalingGroup
            | Operation::UpdateContainerInstancesState
            | Operation::CreateCapacityProvider
            | Operation::UpdateCapacityProvider
            | Operation::DeleteCapacityProvider
            | Operation::RegisterTaskDefinition
            | Operation::DeregisterTaskDefinition
            | Operation::CreateService
            | Operation::UpdateService
            | Operation::DeleteService
            | Operation::TagResource
            | Operation::UntagResource => None,
        }
    }

    /// Calls that may be sent at once, four fifths of AWS's burst.
    const fn burst(self) -> u32 {
        match self {
            Self::Services | Self::ClusterResources | Self::Ec2 => 80,
            Self::Clusters | Self::Providers | Self::TaskDefinitions | Self::Deployments => 40,
            Self::Groups | Self::Parameters => 20,
        }
    }

    /// Time from one call to the next once the burst is used up.
    const fn interval(self) -> Duration {
        match self {
            Self::Groups => INTERVAL_OF_GROUPS,
            Self::Clusters
            | Self::Providers
            | Self::Services
            | Self::TaskDefinitions
            | Self::Deployments
            | Self::ClusterResources
            | Self::Ec2
            | Self::Parameters => INTERVAL,
        }
    }
}

/// The buckets of one account and Region.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: SharedTimeSource,
    sleep: SharedAsyncSleep,
    /// When each bucket will be full again.
    full_at: Mutex<BTreeMap<Bucket, SystemTime>>,
}

impl Pace {
    pub(crate) const fn new(clock: SharedTimeSource, sleep: SharedAsyncSleep) -> Self {
        Self { clock, sleep, full_at: Mutex::new(BTreeMap::new()) }
    }

    /// Returns when `operation` may be sent.
    pub(crate) async fn turn(&self, operation: Operation) {
        let Some(bucket) = Bucket::of(operation) else { return };
        let delay = self.reserve(bucket);
        if !delay.is_zero() {
            self.sleep.sleep(delay).await;
        }
    }

    fn reserve(&self, bucket: Bucket) -> Duration {
        let now = self.clock.now();
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = all.entry(bucket).or_insert(now);
        *full_at = (*full_at).max(now) + bucket.interval();
        let backlog = full_at.duration_since(now).unwrap_or_default();
        backlog.saturating_sub(bucket.interval() * bucket.burst())
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::rt::sleep::TokioSleep;
    use aws_smithy_async::time::StaticTimeSource;

    use super::*;

    #[test]
    fn a_burst_goes_through_at_once_and_the_next_call_waits() {
        let clock = SharedTimeSource::new(StaticTimeSource::from_secs(1_000));
        let pace = Pace::new(clock, SharedAsyncSleep::new(TokioSleep::new()));
        for _ in 0..80 {
            assert_eq!(pace.reserve(Bucket::Services), Duration::ZERO);
        }
        assert_eq!(pace.reserve(Bucket::Services), INTERVAL);
        assert_eq!(pace.reserve(Bucket::Services), INTERVAL * 2);
        assert_eq!(pace.reserve(Bucket::Clusters), Duration::ZERO, "every bucket counts for itself");
        for _ in 0..20 {
            assert_eq!(pace.reserve(Bucket::Groups), Duration::ZERO);
        }
        assert_eq!(pace.reserve(Bucket::Groups), INTERVAL_OF_GROUPS);
    }
}
