//! Groups, members and activities as AWS shows them. Neighbours: `activity` shows one activity, `tags` shows tags.

use serde_json::{Value, json};

use super::{
    activity, cut,
    group::{Group, Member},
    invalid, tags,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put, put_some},
        xml::instant,
    },
    world::World,
};

/// Names of groups that do not exist are left out without an error.
pub(crate) fn groups(world: &World, input: &Value) -> Answer {
    let wanted = input.strings("AutoScalingGroupNames");
    let filters = input.list("Filters");
    let mut names = Vec::new();
    for group in world.state.groups.values() {
        let asked_for = wanted.is_empty() || wanted.contains(&group.name) || wanted.contains(&group.arn);
        if asked_for && passes(group, filters)? {
            names.push(group.name.clone());
        }
    }
    let page = cut(world.paging(), names, input, Sizes { usual: 50, most: 100 })?;
    let with_members = input.flag("IncludeInstances").unwrap_or(true);
    let shown = page.items.iter().filter_map(|n| world.state.groups.get(n)).map(|g| {
        let mut shown = shown(world, g);
        if !with_members {
            put(&mut shown, "Instances", json!([]));
        }
        shown
    });
    let mut answer = json!({"AutoScalingGroups": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn passes(group: &Group, filters: &[Value]) -> Result<bool, Fault> {
    for filter in filters {
        let (name, values) = (filter.text("Name").unwrap_or_default(), filter.strings("Values"));
        let holds = match name {
            "tag-key" => group.tags.keys().any(|k| values.contains(k)),
            "tag-value" => group.tags.values().any(|t| values.contains(&t.value)),
            _ => match name.strip_prefix("tag:") {
                Some(key) => group.tags.get(key).is_some_and(|t| values.contains(&t.value)),
                None => return Err(invalid(format!("The filter {name} is not valid."))),
            },
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn shown(world: &World, group: &Group) -> Value {
    let mut zones: Vec<String> = group.subnets.iter().map(|s| world.zone_of(s)).collect();
    zones.sort();
    zones.dedup();
    let mut out = group.document.clone();
    let members = group.members.iter().map(|(id, m)| member(world, id, m));
    let more = json!({
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "LaunchTemplate": group.template,
        "MixedInstancesPolicy": group.mixed,
        "MinSize": group.min,
        "MaxSize": group.max,
        "DesiredCapacity": group.desired,
        "AvailabilityZones": zones,
        "VPCZoneIdentifier": group.subnets.join(","),
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "TrafficSources": [],
        "Instances": array(members),
        "CreatedTime": instant(group.created_at),
        "SuspendedProcesses": [],
        "EnabledMetrics": [],
        "Tags": array(group.tags.iter().map(|(key, tag)| tags::shown(&group.name, key, tag))),
        "NewInstancesProtectedFromScaleIn": group.new_instances_protected,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        put(&mut out, key, value.clone());
    }
    if group.deleting {
        put(&mut out, "Status", "Delete in progress");
    }
    out
}

fn member(world: &World, id: &str, member: &Member) -> Value {
    let (template, name, version) = &member.template;
    let mut out = json!({
        "InstanceId": id,
        "InstanceType": member.instance_type,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.lifecycle.shown(),
        "HealthStatus": if member.healthy { "Healthy" } else { "Unhealthy" },
        "LaunchTemplate": {"LaunchTemplateId": template, "LaunchTemplateName": name, "Version": version.to_string()},
        "ProtectedFromScaleIn": member.protected,
    });
    put_some(&mut out, "ImageId", world.state.machines.get(id).map(|m| m.image_id.clone()));
    out
}

pub(crate) fn instances(world: &World, input: &Value) -> Answer {
    let wanted = input.strings("InstanceIds");
    if wanted.len() > 50 {
        return Err(invalid("At most 50 instance IDs can be given."));
    }
    let all = || world.state.groups.values().flat_map(|g| g.members.iter().map(move |(id, m)| (g, id, m)));
    let mut ids: Vec<String> =
        all().map(|(_, id, _)| id.clone()).filter(|id| wanted.is_empty() || wanted.contains(id)).collect();
    ids.sort();
    let page = cut(world.paging(), ids, input, Sizes { usual: 50, most: 50 })?;
    let shown = page.items.iter().filter_map(|id| all().find(|(_, i, _)| *i == id)).map(|(group, id, m)| {
        let mut out = member(world, id, m);
        put(&mut out, "AutoScalingGroupName", group.name.clone());
        // Here AWS writes the health status in capitals.
        put(&mut out, "HealthStatus", if m.healthy { "HEALTHY" } else { "UNHEALTHY" });
        out
    });
    let mut answer = json!({"AutoScalingInstances": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

/// Newest first.
pub(crate) fn activities(world: &World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName");
    if let Some(name) = name.filter(|n| !world.state.groups.contains_key(*n)) {
        return Err(invalid(format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")));
    }
    let wanted = input.strings("ActivityIds");
    if wanted.len() > 50 {
        return Err(invalid("At most 50 activity IDs can be given."));
    }
    let status = status_filter(input.list("Filters"))?;
    let groups = world.state.groups.values().filter(|g| name.is_none_or(|n| g.name == n));
    let mut found: Vec<(&Group, usize, &activity::Activity)> = groups
        .flat_map(|g| g.activities.iter().enumerate().map(move |(at, a)| (g, at, a)))
        .filter(|(_, _, a)| wanted.is_empty() || wanted.contains(&a.id))
        .filter(|(_, _, a)| status.is_empty() || status.iter().any(|s| s == a.status))
        .collect();
    found.sort_by_key(|(_, at, a)| std::cmp::Reverse((a.started_at, *at)));
    let ids = found.iter().map(|(_, _, a)| a.id.clone()).collect();
    let page = cut(world.paging(), ids, input, Sizes { usual: 100, most: 100 })?;
    let shown = found.iter().filter(|(_, _, a)| page.items.contains(&a.id)).map(|(g, _, a)| activity::shown(g, a));
    let mut answer = json!({"Activities": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn status_filter(filters: &[Value]) -> Result<Vec<String>, Fault> {
    let mut values = Vec::new();
    for filter in filters {
        match filter.text("Name") {
            Some("Status") => values.extend(filter.strings("Values")),
            name => return Err(Fault::not_modelled(format!("the filter {}", name.unwrap_or_default()))),
        }
    }
    Ok(values)
}
