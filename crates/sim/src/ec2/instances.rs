//! DescribeInstances and TerminateInstances. Neighbours: `instance` has the steps of an instance's life. Managed instances are
//! not shown: EC2 hides them from those who do not ask for managed resources.

use serde_json::{Value, json};

use super::{
    filter,
    instance::{self, Machine, MachineState, Market},
    page, subnet, tags, template_data,
};
use crate::{
    catalog,
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put, put_some},
        xml::instant,
    },
    world::World,
};

const FILTERS: [&str; 8] = [
    "availability-zone",
    "image-id",
    "instance-id",
    "instance-lifecycle",
    "instance-state-name",
    "instance-type",
    "subnet-id",
    "vpc-id",
];

fn exists(world: &World, id: &str) -> Result<(), Fault> {
    if !filter::well_formed(id, "i-") {
        let message = format!("Invalid id: \"{id}\" (expecting \"i-...\")");
        return Err(Fault::new("InvalidInstanceID.Malformed", message));
    }
    if world.state.machines.contains_key(id) {
        return Ok(());
    }
    if world.state.instances.values().any(|i| i.ec2_id == id) {
        return Err(Fault::not_modelled("ECS managed instances in EC2 operations"));
    }
    Err(Fault::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist")))
}

pub(crate) fn describe(world: &World, input: &Value) -> Answer {
    filter::check(input, &FILTERS)?;
    if input.flag("IncludeManagedResources") == Some(true) {
        return Err(Fault::not_modelled("ECS managed instances in EC2 operations"));
    }
    let wanted = input.strings("InstanceIds");
    if !wanted.is_empty() && input.has("MaxResults") {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(Fault::new("InvalidParameterCombination", message));
    }
    if input.number("MaxResults").is_some_and(|n| !(5..=1000).contains(&n)) {
        return Err(Fault::new("InvalidParameterValue", "MaxResults must be between 5 and 1000."));
    }
    for id in &wanted {
        exists(world, id)?;
    }
    let mut machines: Vec<&Machine> = Vec::new();
    for machine in world.state.machines.values().filter(|m| wanted.is_empty() || wanted.contains(&m.id)) {
        if filter::keep(input, |name| values(machine, name))? {
            machines.push(machine);
        }
    }
    machines.sort_by_key(|m| m.serial);
    let page = page(
        world.paging(),
        machines.iter().map(|m| m.id.clone()).collect(),
        input,
        Sizes { usual: 1000, most: 1000 },
    )?;
    let reservations = page.items.iter().filter_map(|id| world.state.machines.get(id)).map(|machine| {
        json!({
            "ReservationId": machine.reservation,
            "OwnerId": world.options.account,
            "RequesterId": "auto-scaling",
            "Groups": [],
            "Instances": [shown(world, machine)],
        })
    });
    let mut answer = json!({"Reservations": array(reservations)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn values(machine: &Machine, name: &str) -> Option<Vec<String>> {
    Some(vec![match name {
        "availability-zone" => machine.zone.clone(),
        "image-id" => machine.image_id.clone(),
        "instance-id" => machine.id.clone(),
        "instance-lifecycle" => {
            return Some((machine.market == Market::Spot).then(|| "spot".to_owned()).into_iter().collect());
        }
        "instance-state-name" => machine.state.shown().1.to_owned(),
        "instance-type" => machine.instance_type.clone(),
        "subnet-id" => machine.subnet.clone(),
        "vpc-id" => subnet::VPC.to_owned(),
        other => return filter::of_tags(&machine.tags, other),
    }])
}

fn state(state: MachineState) -> Value {
    let (code, name) = state.shown();
    json!({"Code": code, "Name": name})
}

/// A terminated instance has no subnet and no address any more.
fn shown(world: &World, machine: &Machine) -> Value {
    let host = machine.address.replace('.', "-");
    let data = &machine.data;
    let mut out = json!({
        "InstanceId": machine.id,
        "ImageId": machine.image_id,
        "State": state(machine.state),
        "PrivateDnsName": format!("ip-{host}.ec2.internal"),
        "InstanceType": machine.instance_type,
        "LaunchTime": instant(machine.launched_at),
        "AmiLaunchIndex": 0,
        "Placement": {"AvailabilityZone": machine.zone, "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
        "SubnetId": machine.subnet,
        "VpcId": subnet::VPC,
        "PrivateIpAddress": machine.address,
        "StateTransitionReason": "",
        "Architecture": catalog::ARCHITECTURE,
        "RootDeviceName": template_data::ROOT,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": true,
        "Tags": tags::shown(&machine.tags),
    });
    let interfaces = data.list("NetworkInterfaces");
    let mut groups = data.strings("SecurityGroupIds");
    groups.extend(interfaces.iter().flat_map(|i| i.strings("Groups")));
    groups.sort();
    groups.dedup();
    let groups = groups.iter().map(|g| json!({"GroupId": g, "GroupName": g}));
    put(&mut out, "SecurityGroups", array(groups));
    if let Some(profile) = data.at("IamInstanceProfile") {
        let account = &world.options.account;
        let by_name =
            || format!("arn:aws:iam::{account}:instance-profile/{}", profile.text("Name").unwrap_or_default());
        let arn = profile.text("Arn").map_or_else(by_name, str::to_owned);
        put(&mut out, "IamInstanceProfile", json!({"Arn": arn, "Id": "AIPASIMULATED0000000"}));
    }
    if data.at("Monitoring").and_then(|m| m.flag("Enabled")) == Some(true) {
        put(&mut out, "Monitoring", json!({"State": "enabled"}));
    }
    put_some(&mut out, "KeyName", data.text("KeyName"));
    put_some(&mut out, "InstanceLifecycle", (machine.market == Market::Spot).then_some("spot"));
    if let Some((code, message)) = &machine.reason {
        put(&mut out, "StateReason", json!({"Code": code, "Message": message}));
    }
    if let Some(at) = machine.terminated_at {
        for gone in ["SubnetId", "VpcId", "PrivateIpAddress"] {
            put(&mut out, gone, Value::Null);
        }
        put(&mut out, "StateTransitionReason", format!("User initiated ({})", instant(at)));
    }
    out
}

/// Terminating an instance twice succeeds. Its group replaces it when the health check notices.
pub(crate) fn terminate(world: &mut World, input: &Value) -> Answer {
    let ids = input.strings("InstanceIds");
    for id in &ids {
        exists(world, id)?;
    }
    let protected = |id: &String| {
        let machine = world.state.machines.get(id);
        machine.is_some_and(|m| m.live() && m.data.flag("DisableApiTermination") == Some(true))
    };
    if let Some(id) = ids.iter().find(|id| protected(id)) {
        let message = format!(
            "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."
        );
        return Err(Fault::new("OperationNotPermitted", message));
    }
    let mut changes = Vec::new();
    for id in &ids {
        let before = world.state.machines.get(id).map(|m| m.state);
        let message = "Client.UserInitiatedShutdown: User initiated shutdown";
        instance::terminate(world, id, ("Client.UserInitiatedShutdown", message));
        let after = world.state.machines.get(id).map(|m| m.state);
        let states = before.zip(after).map(|(b, a)| (state(b), state(a)));
        let (before, after) = states.unwrap_or_default();
        changes.push(json!({"InstanceId": id, "CurrentState": after, "PreviousState": before}));
    }
    Ok(json!({"TerminatingInstances": changes}))
}
