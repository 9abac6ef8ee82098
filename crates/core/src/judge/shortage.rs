//! Judges what EC2 refuses to Auto Scaling groups: which type is short, where, and since when.
//!
//! Part of `judge`; the activities were read with their group, while it lacked instances. What ECS says of the tasks that wait
//! is `service`'s.

use jiff::Timestamp;

use super::{Finding, Hearing};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::observe::{Activity, Group, NEWEST_ACTIVITIES, Provider};
use crate::observed::Slot;
use crate::plan::Wait;
use crate::status::Reason;

impl Hearing<'_> {
    /// A finding for each group that lacks instances which somebody waits for, because EC2 has none to give.
    pub(super) fn shortages(&self, pool: &DesiredPool) -> Vec<Finding> {
        let lacking = pool.groups().iter().filter_map(|wanted| {
            let group = self.our_group(wanted).filter(|group| self.is_awaited(wanted, group))?;
            let refusals = group.refusals();
            let newest = refusals.first()?;
            let text = format!(
                "{} of {} instances of {} are missing{}; EC2 says: {}. Auto Scaling asks again by itself; another \
                 subnet or instance type may have room",
                group.desired - group.staying(),
                group.desired,
                wanted.instance_type,
                since(&refusals),
                newest.message.as_deref().unwrap_or("no reason given")
            );
            Some(Finding::progress(Reason::InsufficientCapacity, text))
        });
        lacking.collect()
    }

    /// What EC2 refuses to groups that get their instances elsewhere.
    pub(super) fn elsewhere(&self, pool: &DesiredPool) -> Option<String> {
        let refusals = pool.groups().iter().filter_map(|wanted| {
            let group = self.our_group(wanted)?;
            group.activities.iter().find(|activity| activity.is_refusal())?.message.clone()
        });
        let said: Vec<String> = refusals.collect();
        (!said.is_empty())
            .then(|| format!("instances come from other zones or types, for EC2 says: {}", said.join("; ")))
    }

    /// Whether anybody waits for instances of a group: tasks, a rollout, or its fewest. What went to another type does not,
    /// and yet managed scaling may leave the group as it is: nothing that it measures says that an instance is too many.
    fn is_awaited(&self, wanted: &DesiredGroup, group: &Group) -> bool {
        let observed = self.world.observed;
        let behind = |provider: &&Provider| {
            provider.auto_scaling_group.as_ref().is_some_and(|given| given.auto_scaling_group_arn == group.arn)
        };
        let names: Vec<&str> =
            observed.group_providers.iter().filter(behind).map(|found| found.name.as_str()).collect();
        let waits = observed.all_services().filter(|found| found.running < found.settings.desired_count.unwrap_or(0));
        let tasks_wait = waits.flat_map(|found| found.settings.capacity_provider_strategy.iter().flatten());
        let rolls = |on: &Wait| matches!(on, Wait::Rollout { group, .. } if *group == wanted.name);
        tasks_wait.into_iter().any(|item| names.contains(&item.capacity_provider.as_str()))
            || self.plan.waiting.iter().any(|waiting| rolls(&waiting.on))
            || group.staying() < wanted.settings.min_size.unwrap_or(0)
    }

    fn our_group(&self, wanted: &DesiredGroup) -> Option<&Group> {
        match self.world.observed.group(&wanted.name, self.world.installation) {
            Slot::Ours(found, _) => Some(found),
            Slot::Foreign(..) | Slot::Absent | Slot::Unknown => None,
        }
    }
}

/// When the refusals in a row began, as far as they were read.
fn since(refusals: &[&Activity]) -> String {
    let began: Option<Timestamp> = refusals.last().and_then(|activity| activity.started);
    match began {
        // There may have been more of them than were read.
        Some(at) if i32::try_from(refusals.len()).is_ok_and(|count| count >= NEWEST_ACTIVITIES) => {
            format!(" since {at:.0} at the latest")
        }
        Some(at) => format!(" since {at:.0}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::Tags;
    use crate::shape::scaling_group::UpdateAutoScalingGroup;

    fn activity(second: i64, status: &str, message: &str) -> Activity {
        let started = Some(Timestamp::from_second(second).unwrap());
        Activity {
            status: status.to_owned(),
            message: Some(message.to_owned()),
            description: None,
            started,
            ended: started,
        }
    }

    fn short(activities: Vec<Activity>) -> Group {
        Group {
            name: "chips".to_owned(),
            arn: String::new(),
            settings: UpdateAutoScalingGroup::default(),
            desired: 1,
            status: None,
            members: Vec::new(),
            tags: Tags::new(),
            activities,
        }
    }

    const SHORT: &str =
        "We currently do not have sufficient inf2.xlarge capacity in the Availability Zone you requested.";

    #[test]
    fn a_shortage_began_with_the_first_refusal_in_a_row() {
        let since = |activities: &[Activity]| since(&short(activities.to_vec()).refusals());
        let activities = [activity(90, "Failed", SHORT), activity(60, "Failed", SHORT), activity(30, "Successful", "")];
        assert_eq!(since(&activities), " since 1970-01-01T00:01:00Z");
        let many: Vec<Activity> = (0..10).rev().map(|minute| activity(60 * minute, "Failed", SHORT)).collect();
        assert_eq!(since(&many), " since 1970-01-01T00:00:00Z at the latest");
    }

    #[test]
    fn a_launch_that_fails_for_another_reason_is_no_shortage() {
        assert!(!activity(0, "Failed", "The security group 'sg-1' does not exist").is_refusal());
        assert!(!activity(0, "Successful", SHORT).is_refusal());
    }

    #[test]
    fn a_type_is_short_when_ec2_has_refused_it_for_five_minutes_or_as_often_as_was_read() {
        let refused = |second| activity(second, "Failed", SHORT);
        assert!(!short(vec![refused(299), refused(0)]).is_short());
        assert!(short(vec![refused(300), refused(0)]).is_short());
        assert!(short((0..10).map(refused).collect()).is_short(), "more of them were not read");
        assert!(!short(vec![activity(301, "Successful", ""), refused(300), refused(0)]).is_short());
        assert!(!Group { desired: 0, ..short(vec![refused(300), refused(0)]) }.is_short(), "nothing is missing");
    }
}
