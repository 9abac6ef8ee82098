//! What a sweep reads of Auto Scaling groups, their activities and their machines.

use axon_core::cloud::{Ec2Scope, ErrorClass};

use crate::ec2_sweeps::{calls, fake, named, swept, values};
use crate::fake::{Call, Reply, xml};

fn group(name: &str, desired: i32, members: &str) -> String {
    format!(
        "<member><AutoScalingGroupName>{name}</AutoScalingGroupName>\
         <AutoScalingGroupARN>arn:{name}</AutoScalingGroupARN>\
         <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>3</Version></LaunchTemplate>\
         <MinSize>0</MinSize><MaxSize>8</MaxSize><DesiredCapacity>{desired}</DesiredCapacity>\
         <VPCZoneIdentifier>subnet-1</VPCZoneIdentifier><HealthCheckType>EC2</HealthCheckType>\
         <NewInstancesProtectedFromScaleIn>true</NewInstancesProtectedFromScaleIn>\
         <TerminationPolicies><member>Default</member></TerminationPolicies>\
         <Tags><member><Key>neuron.ecs/managed-by</Key><Value>axon</Value></member></Tags>\
         <Instances>{members}</Instances></member>"
    )
}

fn member(id: &str, lifecycle: &str) -> String {
    format!(
        "<member><InstanceId>{id}</InstanceId><InstanceType>trn1.32xlarge</InstanceType>\
         <AvailabilityZone>us-east-1a</AvailabilityZone><LifecycleState>{lifecycle}</LifecycleState>\
         <HealthStatus>Healthy</HealthStatus><ProtectedFromScaleIn>true</ProtectedFromScaleIn>\
         <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>3</Version></LaunchTemplate></member>"
    )
}

/// `full` has what it wants; `short` is found by name only, lacks an instance, and is being deleted.
fn two_groups(call: &Call) -> Option<Reply> {
    match call.operation.as_str() {
        "DescribeAutoScalingGroups" => {
            let Some(filter) = call.form.get("Filters.member.1.Name") else {
                let short = group("short", 2, &(member("i-2", "InService") + &member("i-3", "Pending:Wait")));
                let short = short.replace("<MinSize>", "<Status>Delete in progress</Status><MinSize>");
                return Some(xml(call, &format!("<AutoScalingGroups>{short}</AutoScalingGroups>")));
            };
            assert_eq!(filter, "tag:neuron.ecs/managed-by");
            let full = group("full", 1, &member("i-1", "InService"));
            Some(match call.form.get("NextToken") {
                None => xml(call, "<AutoScalingGroups/><NextToken>2</NextToken>"),
                Some(_) => xml(call, &format!("<AutoScalingGroups>{full}</AutoScalingGroups>")),
            })
        }
        "DescribeScalingActivities" => {
            assert_eq!(call.form.get("AutoScalingGroupName").map(String::as_str), Some("short"));
            assert_eq!(call.form.get("MaxRecords").map(String::as_str), Some("10"));
            let activity = "<member><ActivityId>a</ActivityId><StatusCode>Failed</StatusCode>\
                <StatusMessage>We currently do not have sufficient capacity.</StatusMessage>\
                <Description>Launching a new EC2 instance</Description><StartTime>2026-01-02T03:04:05Z</StartTime>\
                </member>";
            Some(xml(call, &format!("<Activities>{activity}</Activities><NextToken>2</NextToken>")))
        }
        "DescribeInstances" => {
            let instance = |id: &str, state: &str, group: &str| {
                format!(
                    "<item><instanceId>{id}</instanceId><imageId>ami-1</imageId>\
                     <instanceState><code>16</code><name>{state}</name></instanceState>\
                     <launchTime>2026-01-02T03:04:05.000Z</launchTime>\
                     <tagSet><item><key>aws:autoscaling:groupName</key><value>{group}</value></item></tagSet></item>"
                )
            };
            let page = match call.form.get("NextToken") {
                None => instance("i-1", "running", "full") + &instance("i-2", "stopping", "short"),
                Some(_) => instance("i-3", "pending", "short"),
            };
            let next = if call.form.contains_key("NextToken") { "" } else { "<nextToken>2</nextToken>" };
            let reservation =
                format!("<item><reservationId>r</reservationId><instancesSet>{page}</instancesSet></item>");
            Some(xml(call, &format!("<reservationSet>{reservation}</reservationSet>{next}")))
        }
        _ => None,
    }
}

#[tokio::test]
async fn groups_are_found_by_tag_and_by_name_with_settings_members_and_tags() {
    let fake = fake(two_groups);
    let groups = swept(&fake, named(&["short", "unmade"])).await.groups.expect("read");
    assert_eq!(groups.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["full", "short"]);
    let full = &groups[0];
    assert_eq!((full.arn.as_str(), full.desired, full.status.as_deref()), ("arn:full", 1, None));
    assert_eq!(full.tags.get("neuron.ecs/managed-by").map(String::as_str), Some("axon"));
    assert_eq!((full.settings.min_size, full.settings.max_size), (Some(0), Some(8)));
    assert_eq!(full.settings.auto_scaling_group_name.as_deref(), Some("full"));
    assert_eq!(full.settings.termination_policies, ["Default"]);
    assert_eq!(full.settings.new_instances_protected_from_scale_in, Some(true));
    assert_eq!(full.settings.placement_group, None);
    let launches = full.settings.launch_template.as_ref().expect("told");
    assert_eq!((launches.launch_template_id.as_deref(), launches.version.as_deref()), (Some("lt-1"), Some("3")));
    let member = &full.members[0];
    assert_eq!(
        (member.id.as_str(), member.lifecycle.as_str(), member.zone.as_str()),
        ("i-1", "InService", "us-east-1a")
    );
    assert!(member.healthy && member.protected);
    assert_eq!((member.template.as_deref(), member.template_version.as_deref()), (Some("lt-1"), Some("3")));
    assert_eq!(groups[1].status.as_deref(), Some("Delete in progress"));
    let asked = calls(&fake, "DescribeAutoScalingGroups");
    assert_eq!(values(&asked[0], "Filters.member.1.Values.member"), ["axon"]);
    assert_eq!(values(asked.last().expect("asked"), "AutoScalingGroupNames.member"), ["short", "unmade"]);
}

#[tokio::test]
async fn activities_are_read_while_a_group_lacks_instances() {
    let fake = fake(two_groups);
    let groups = swept(&fake, named(&["short"])).await.groups.expect("read");
    assert_eq!(groups[0].activities, [], "it has what it wants");
    let activity = &groups[1].activities[0];
    assert_eq!((activity.status.as_str(), activity.started), ("Failed", "2026-01-02T03:04:05Z".parse().ok()));
    assert!(activity.message.as_deref().is_some_and(|message| message.contains("sufficient capacity")));
    assert_eq!(fake.count("DescribeScalingActivities"), 1, "the newest are enough");
}

#[tokio::test]
async fn activities_are_read_while_instances_are_of_another_version_of_the_template() {
    let left = "<member><ActivityId>a</ActivityId><StatusCode>Successful</StatusCode>\
        <Description>Terminating EC2 instance: i-9</Description><StartTime>2026-01-02T03:04:05Z</StartTime>\
        <EndTime>2026-01-02T03:05:05Z</EndTime></member>";
    let old = group("full", 1, &member("i-1", "InService").replace("<Version>3<", "<Version>2<"));
    let fake = fake(move |call| match call.operation.as_str() {
        "DescribeAutoScalingGroups" => Some(xml(call, &format!("<AutoScalingGroups>{old}</AutoScalingGroups>"))),
        "DescribeScalingActivities" => Some(xml(call, &format!("<Activities>{left}</Activities>"))),
        _ => None,
    });
    let groups = swept(&fake, named(&[])).await.groups.expect("read");
    let activity = &groups[0].activities[0];
    assert!(activity.is_termination(), "{activity:?}");
    assert_eq!(activity.ended, "2026-01-02T03:05:05Z".parse().ok());
}

#[tokio::test]
async fn machines_are_those_of_the_groups_that_were_found() {
    let fake = fake(two_groups);
    let machines = swept(&fake, named(&["short"])).await.machines.expect("read");
    let found: Vec<_> =
        machines.iter().map(|found| (found.id.as_str(), found.state.as_str(), found.group.as_deref())).collect();
    let expected =
        [("i-1", "running", Some("full")), ("i-2", "stopping", Some("short")), ("i-3", "pending", Some("short"))];
    assert_eq!(found, expected);
    assert_eq!(machines[0].image.as_deref(), Some("ami-1"));
    assert_eq!(machines[0].launched, "2026-01-02T03:04:05Z".parse().ok());
    let asked = &calls(&fake, "DescribeInstances")[0];
    assert_eq!(asked.form.get("Filter.1.Name").map(String::as_str), Some("tag:aws:autoscaling:groupName"));
    assert_eq!(values(asked, "Filter.1.Value"), ["full", "short"]);
    assert_eq!(asked.form.get("Filter.2.Name").map(String::as_str), Some("instance-state-name"));
    assert_eq!(values(asked, "Filter.2.Value"), ["pending", "running", "shutting-down", "stopping", "stopped"]);
}

#[tokio::test]
async fn without_groups_there_are_no_machines_and_unknown_groups_have_unknown_machines() {
    let none = fake(|_| None);
    assert_eq!(swept(&none, Ec2Scope::default()).await.machines, Ok(vec![]));
    assert_eq!(none.count("DescribeInstances"), 0);
    let denied = fake(|call| {
        (call.operation == "DescribeAutoScalingGroups").then_some(Reply::Refused(403, "AccessDenied", "Not yours."))
    });
    let sweep = swept(&denied, Ec2Scope::default()).await;
    assert_eq!(sweep.groups.as_ref().map_err(|error| error.class), Err(ErrorClass::Denied));
    assert_eq!(sweep.machines.map_err(|error| error.class), Err(ErrorClass::Denied));
}
