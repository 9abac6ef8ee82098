//! Auto Scaling groups: DescribeAutoScalingGroups by tag and by name → DescribeScalingActivities where instances lack.
//!
//! Part of `observe`. Names that do not exist are not answered.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::operation::describe_auto_scaling_groups::builders::DescribeAutoScalingGroupsFluentBuilder;
use aws_sdk_autoscaling::types::Filter;
use axon_core::cloud::{ErrorClass, Reading};
use axon_core::observe::{Activity, Group, NEWEST_ACTIVITIES};
use axon_core::plan::is_current;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::filters::managed_by;
use super::{CALLS, PAGE, pages, patiently};
use crate::answers::groups::{activity, group};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Most names that one DescribeAutoScalingGroups takes.
const NAMED: usize = 50;

/// Groups that carry the installation's id, and those of `names`, whoever's.
pub(super) async fn all(caller: &Caller, installation: &str, names: &BTreeSet<String>) -> Reading<Vec<Group>> {
    let ask = caller.autoscaling.describe_auto_scaling_groups();
    let tagged = Filter::builder().name(managed_by()).values(installation).build();
    let mut found: BTreeMap<String, Group> = BTreeMap::new();
    let mut requests = vec![ask.clone().filters(tagged)];
    let names: Vec<String> = names.iter().cloned().collect();
    let by_name = names.chunks(NAMED);
    requests.extend(by_name.map(|chunk| ask.clone().set_auto_scaling_group_names(Some(chunk.to_vec()))));
    for request in requests {
        let groups = described(caller, request).await?;
        found.extend(groups.into_iter().map(|group| (group.name.clone(), group)));
    }
    let reading: Vec<_> = found.into_values().map(|group| with_activities(caller, group)).collect();
    stream::iter(reading).buffered(CALLS).try_collect().await
}

async fn described(caller: &Caller, request: DescribeAutoScalingGroupsFluentBuilder) -> Reading<Vec<Group>> {
    let found = pages(caller, Operation::DescribeAutoScalingGroups, |token| {
        let request = request.clone().max_records(PAGE).set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeAutoScalingGroups, request.send()).await?;
            Ok((answer.auto_scaling_groups, answer.next_token))
        }
    });
    let found = found.await?.into_iter();
    found.map(|sdk| complete(Operation::DescribeAutoScalingGroups, group(sdk))).collect()
}

async fn with_activities(caller: &Caller, group: Group) -> Reading<Group> {
    let in_service = group.members.iter().filter(|member| member.lifecycle == "InService").count();
    let lacks = usize::try_from(group.desired).is_ok_and(|desired| in_service < desired);
    let rolls = group.members.iter().any(|member| !is_current(&group, member));
    if lacks || rolls {
        let activities = patiently(caller, || activities(caller, &group.name)).await?;
        return Ok(Group { activities, ..group });
    }
    Ok(group)
}

/// The newest activities, newest first; none of a group that is gone by now.
async fn activities(caller: &Caller, group: &str) -> Reading<Vec<Activity>> {
    let request =
        caller.autoscaling.describe_scaling_activities().auto_scaling_group_name(group).max_records(NEWEST_ACTIVITIES);
    match caller.send(Operation::DescribeScalingActivities, request.send()).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(Vec::new()),
        answer => {
            let found = answer?.activities.into_iter().flatten();
            found.map(|sdk| complete(Operation::DescribeScalingActivities, activity(sdk))).collect()
        }
    }
}
