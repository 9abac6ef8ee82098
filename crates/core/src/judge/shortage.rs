//! Judges what EC2 refuses to Auto Scaling groups: which type is short, where, and since when.
//!
//! Part of `judge`; the activities were read with their group, while it lacked instances. What ECS says of the tasks that wait
//! is `service`'s.

use jiff::Timestamp;

use super::{Finding, Hearing};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::observe::{Activity, Group, NEWEST_ACTIVITIES};
use crate::observed::Slot;
use crate::status::Reason;

/// Words in the StatusMessage of a scaling activity that mean: EC2 has no such instance to give. The first is
/// InsufficientInstanceCapacity ("We currently do not have sufficient … capacity"), the second Spot capacity, the third a
/// quota (VcpuLimitExceeded). Source: "Troubleshoot Amazon EC2 Auto Scaling: EC2 instance launch failures".
const NO_CAPACITY: [&str; 3] =
    ["not have sufficient", "no Spot capacity", "vCPU capacity than your current vCPU limit"];

impl Hearing<'_> {
    /// A finding for each group that lacks instances because EC2 has none to give.
    pub(super) fn shortages(&self, pool: &DesiredPool) -> Vec<Finding> {
        let lacking = pool.groups().iter().filter_map(|wanted| {
            let group = self.our_group(wanted)?;
            let missing = group.desired - staying(group);
            let newest = group.activities.first().filter(|activity| is_refusal(activity))?;
            (missing > 0).then(|| {
                let text = format!(
                    "{missing} of {} instances of {} are missing{}; EC2 says: {}. Auto Scaling asks again by \
                     itself; another subnet or instance type may have room",
                    group.desired,
                    wanted.instance_type,
                    since(&group.activities),
                    newest.message.as_deref().unwrap_or("no reason given")
                );
                Finding::progress(Reason::InsufficientCapacity, text)
            })
        });
        lacking.collect()
    }

    /// What EC2 refuses to groups that get their instances elsewhere.
    pub(super) fn elsewhere(&self, pool: &DesiredPool) -> Option<String> {
        let refusals = pool.groups().iter().filter_map(|wanted| {
            let group = self.our_group(wanted)?;
            group.activities.iter().find(|activity| is_refusal(activity))?.message.clone()
        });
        let said: Vec<String> = refusals.collect();
        (!said.is_empty()).then(|| format!("instances come from other zones, for EC2 says: {}", said.join("; ")))
    }

    fn our_group(&self, wanted: &DesiredGroup) -> Option<&Group> {
        match self.world.observed.group(&wanted.name, self.world.installation) {
            Slot::Ours(found, _) => Some(found),
            Slot::Foreign(..) | Slot::Absent | Slot::Unknown => None,
        }
    }
}

/// Instances that count towards the desired capacity.
fn staying(group: &Group) -> i32 {
    let counts = |lifecycle: &str| lifecycle.starts_with("Pending") || lifecycle == "InService";
    let staying = group.members.iter().filter(|member| counts(&member.lifecycle)).count();
    i32::try_from(staying).unwrap_or(i32::MAX)
}

fn is_refusal(activity: &Activity) -> bool {
    let message = activity.message.as_deref().unwrap_or_default();
    activity.status == "Failed" && NO_CAPACITY.iter().any(|words| message.contains(words))
}

/// When the refusals in a row began, as far as they were read.
fn since(activities: &[Activity]) -> String {
    let refusals: Vec<&Activity> = activities.iter().take_while(|activity| is_refusal(activity)).collect();
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

    fn activity(second: i64, status: &str, message: &str) -> Activity {
        let started = Some(Timestamp::from_second(second).unwrap());
        Activity { status: status.to_owned(), message: Some(message.to_owned()), description: None, started }
    }

    const SHORT: &str =
        "We currently do not have sufficient inf2.xlarge capacity in the Availability Zone you requested.";

    #[test]
    fn a_shortage_began_with_the_first_refusal_in_a_row() {
        let activities = [activity(90, "Failed", SHORT), activity(60, "Failed", SHORT), activity(30, "Successful", "")];
        assert_eq!(since(&activities), " since 1970-01-01T00:01:00Z");
        let many: Vec<Activity> = (0..10).rev().map(|minute| activity(60 * minute, "Failed", SHORT)).collect();
        assert_eq!(since(&many), " since 1970-01-01T00:00:00Z at the latest");
    }

    #[test]
    fn a_launch_that_fails_for_another_reason_is_no_shortage() {
        assert!(!is_refusal(&activity(0, "Failed", "The security group 'sg-1' does not exist")));
        assert!(!is_refusal(&activity(0, "Successful", SHORT)));
    }
}
