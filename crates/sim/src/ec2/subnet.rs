//! Subnets: every well-formed id exists unless a test has taken it away, in the zone that `World::zone_of` says, which ECS
//! asks too. Neighbours: `autoscaling::policy` asks whether one exists. VPCs, routes and addresses are not modelled.

use serde_json::{Value, json};

use super::{filter, page};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put_some},
    },
    world::World,
};

pub(crate) const VPC: &str = "vpc-0123456789abcdef0";

/// Whether a subnet exists.
pub(crate) fn exists(world: &World, id: &str) -> bool {
    filter::well_formed(id, "subnet-") && !world.missing_subnets.contains(id)
}

/// Without ids: the subnets of `Options::subnets`, those that groups use, and those that a filter names.
pub(crate) fn describe(world: &World, input: &Value) -> Answer {
    filter::check(input, &["subnet-id", "availability-zone", "availabilityZone", "vpc-id", "state"])?;
    let wanted = input.strings("SubnetIds");
    if let Some(id) = wanted.iter().find(|id| !exists(world, id)) {
        return Err(Fault::new("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist")));
    }
    let mut ids = wanted;
    if ids.is_empty() {
        ids.extend(world.options.subnets.keys().cloned());
        ids.extend(world.state.groups.values().flat_map(|g| g.subnets.clone()));
        let filters = input.list("Filters").iter().filter(|f| f.text("Name") == Some("subnet-id"));
        ids.extend(filters.flat_map(|f| f.strings("Values")));
        ids.retain(|id| exists(world, id));
    }
    ids.sort();
    ids.dedup();
    let mut kept = Vec::new();
    for id in ids {
        let zone = world.zone_of(&id);
        let values = |name: &str| {
            Some(vec![match name {
                "subnet-id" => id.clone(),
                "availability-zone" | "availabilityZone" => zone.clone(),
                "vpc-id" => VPC.to_owned(),
                "state" => "available".to_owned(),
                _ => return None,
            }])
        };
        if filter::keep(input, values)? {
            kept.push(id);
        }
    }
    let page = page(world.paging(), kept, input, Sizes { usual: 1000, most: 1000 })?;
    let mut answer = json!({"Subnets": array(page.items.iter().map(|id| shown(world, id)))});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn shown(world: &World, id: &str) -> Value {
    let (region, account) = (&world.options.region, &world.options.account);
    let zone = world.zone_of(id);
    let third = crate::ids::of_text(id) % 250;
    json!({
        "SubnetId": id,
        "SubnetArn": format!("arn:aws:ec2:{region}:{account}:subnet/{id}"),
        "State": "available",
        "VpcId": VPC,
        "OwnerId": account,
        "CidrBlock": format!("10.0.{third}.0/24"),
        "AvailableIpAddressCount": 250,
        "AvailabilityZone": zone,
        "AvailabilityZoneId": zone_id(world, &zone),
        "DefaultForAz": false,
        "MapPublicIpOnLaunch": false,
        "Tags": [],
    })
}

/// A made-up zone id in AWS's form: `use1-az1`.
pub(crate) fn zone_id(world: &World, zone: &str) -> String {
    let letter = zone.chars().last();
    let number = world.options.zones.iter().position(|z| Some(*z) == letter).unwrap_or(0) + 1;
    let mut parts = world.options.region.split('-');
    let (area, side, count) = (parts.next(), parts.next(), parts.next());
    let side = side.unwrap_or_default().chars().next().unwrap_or('x');
    format!("{}{side}{}-az{number}", area.unwrap_or_default(), count.unwrap_or_default())
}
