//! One launch of a group: which template, type and market, in which zone, and why not. Neighbours: `scaling` asks,
//! `ec2::instance` starts it. A failure is the text that the activity shows.

use serde_json::Value;

use super::{
    activity::{self, Start},
    group::{Group, Lifecycle, Member},
};
use crate::{
    catalog::{self, Type},
    ec2::{
        image,
        instance::{self, Market, Order, Tags},
        subnet, template, template_data,
    },
    wire::value::Read,
    world::World,
};

/// The key of a launch template in a mixed instances policy and its overrides.
const SPECIFICATION: &str = "LaunchTemplateSpecification";

/// A template version with what an override changes.
struct Choice {
    /// Id, name and version.
    template: (String, String, i64),
    data: Value,
    kind: &'static Type,
    image: String,
}

/// Starts one instance of a group.
pub(crate) fn one(world: &mut World, name: &str, cause: &str) -> Result<(), String> {
    let Some(group) = world.state.groups.get(name) else { return Ok(()) };
    let group = &*group.launching();
    let failed = |message: String| format!("{message} Launching EC2 instance failed.");
    let (choice, subnet, market) = choose(world, group).map_err(failed)?;
    let passed_over = passed_over(world, group, &choice, &subnet);
    let zone = world.zone_of(&subnet);
    let order = Order {
        kind: choice.kind,
        subnet: subnet.clone(),
        image_id: choice.image.clone(),
        template: (choice.template.0.clone(), choice.template.2),
        user_data: template::user_data(&choice.data),
        tags: tags(group, &choice),
        market,
        group: name.to_owned(),
        data: choice.data.clone(),
    };
    let protected = group.new_instances_protected;
    for (place, message) in passed_over {
        let description = format!("Launching a new EC2 instance.  Status Reason: {message}");
        activity::fail(world, name, Start { description, cause: cause.to_owned(), place: Some(place) }, message);
    }
    let id = instance::launch(world, order);
    let description = format!("Launching a new EC2 instance: {id}");
    let start = Start { description, cause: cause.to_owned(), place: Some((subnet, zone.clone())) };
    let activity = activity::begin(world, name, start);
    let member = Member {
        lifecycle: Lifecycle::Pending,
        protected,
        healthy: true,
        template: choice.template,
        instance_type: choice.kind.name.to_owned(),
        zone,
        market,
        joined_at: world.now,
        serial: world.next_serial(),
        activity,
    };
    if let Some(group) = world.state.groups.get_mut(name) {
        group.members.insert(id, member);
    }
    Ok(())
}

fn choose(world: &World, group: &Group) -> Result<(Choice, String, Market), String> {
    let mut choices = choices(world, group)?;
    let spot_template = choices
        .first()
        .and_then(|c| c.data.at("InstanceMarketOptions"))
        .is_some_and(|m| m.text("MarketType") == Some("spot"));
    let market = if group.mixed.is_some() {
        next_market(group)
    } else if spot_template {
        Market::Spot
    } else {
        Market::OnDemand
    };
    if cheapest_first(group, market) {
        choices.sort_by_key(|c| c.kind.price);
    }
    let subnets = subnets(world, group);
    let why = match (subnets.first(), choices.first()) {
        (Some(subnet), Some(first)) => shortage(world, first.kind, &world.zone_of(subnet), market),
        _ => format!("The subnet ID '{}' does not exist.", group.subnets.join(",")),
    };
    for subnet in subnets {
        let zone = world.zone_of(&subnet);
        let place = choices.iter().position(|c| available(world, c.kind, &zone, market));
        if let Some(place) = place {
            return Ok((choices.swap_remove(place), subnet, market));
        }
    }
    Err(why)
}

/// The places that the group tried before, and why they failed. A launch by a mixed policy asks for all zones at once. That
/// each of the others is an activity of its own is a reading of "attempts to launch in another zone until it succeeds".
fn passed_over(world: &World, group: &Group, choice: &Choice, chosen: &str) -> Vec<((String, String), String)> {
    let tried = subnets(world, group).into_iter().take_while(|s| s != chosen).filter(|_| group.mixed.is_none());
    let failed = tried.map(|subnet| {
        let zone = world.zone_of(&subnet);
        let message = shortage(world, choice.kind, &zone, Market::OnDemand);
        ((subnet, zone), format!("{message} Launching EC2 instance failed."))
    });
    failed.collect()
}

fn available(world: &World, kind: &Type, zone: &str, market: Market) -> bool {
    let sold = market == Market::OnDemand || kind.sold_on_spot();
    sold && world.offered(kind.name, zone) && !world.short(kind.name, zone) && world.exceeded_vcpus(kind).is_none()
}

fn shortage(world: &World, kind: &Type, zone: &str, market: Market) -> String {
    let name = kind.name;
    if !world.offered(name, zone) {
        return format!(
            "Your requested instance type ({name}) is not supported in your requested Availability Zone ({zone})."
        );
    }
    if let Some(limit) = world.exceeded_vcpus(kind) {
        return format!(
            "You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket \
             that the specified instance type belongs to."
        );
    }
    if world.full() {
        return "You have reached the limit of instances that the account may run.".to_owned();
    }
    match market {
        Market::Spot => "There is no Spot capacity available that matches your request.".to_owned(),
        Market::OnDemand => format!(
            "We currently do not have sufficient {name} capacity in the Availability Zone you requested ({zone}). Our \
             system will be working on provisioning additional capacity."
        ),
    }
}

/// One subnet of each zone, the zone with the fewest members first.
fn subnets(world: &World, group: &Group) -> Vec<String> {
    let mut out: Vec<(usize, String, String)> = Vec::new();
    for subnet in group.subnets.iter().filter(|s| subnet::exists(world, s)) {
        let zone = world.zone_of(subnet);
        if !out.iter().any(|(_, z, _)| *z == zone) {
            let members = group.staying().filter(|(_, m)| m.zone == zone).count();
            out.push((members, zone, subnet.clone()));
        }
    }
    out.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    out.into_iter().map(|(_, _, subnet)| subnet).collect()
}

/// How many members the distribution of a mixed policy wants on demand.
pub(crate) fn on_demand_wanted(group: &Group) -> i64 {
    let distribution = group.mixed.as_ref().and_then(|m| m.at("InstancesDistribution"));
    let base = distribution.and_then(|d| d.number("OnDemandBaseCapacity")).unwrap_or(0).min(group.desired);
    let percent = distribution.and_then(|d| d.number("OnDemandPercentageAboveBaseCapacity")).unwrap_or(100);
    let above = group.desired - base;
    base + above.saturating_mul(percent).saturating_add(99).div_euclid(100)
}

fn next_market(group: &Group) -> Market {
    let have = group.staying().filter(|(_, m)| m.market == Market::OnDemand).count();
    if i64::try_from(have).unwrap_or(0) < on_demand_wanted(group) { Market::OnDemand } else { Market::Spot }
}

/// `lowest-price` and `price-capacity-optimized` by price; the others in the order of the overrides, a guess for
/// `capacity-optimized`, whose view of capacity nobody can see.
fn cheapest_first(group: &Group, market: Market) -> bool {
    let distribution = group.mixed.as_ref().and_then(|m| m.at("InstancesDistribution"));
    let key = match market {
        Market::OnDemand => "OnDemandAllocationStrategy",
        Market::Spot => "SpotAllocationStrategy",
    };
    let strategy = distribution.and_then(|d| d.text(key));
    matches!(strategy, Some("lowest-price" | "price-capacity-optimized"))
}

fn choices(world: &World, group: &Group) -> Result<Vec<Choice>, String> {
    let Some(mixed) = &group.mixed else {
        return Ok(vec![choice(world, group.template.as_ref().unwrap_or(&Value::Null), &Value::Null)?]);
    };
    let policy = mixed.at("LaunchTemplate").unwrap_or(&Value::Null);
    let base = policy.at(SPECIFICATION).unwrap_or(&Value::Null);
    let overrides = policy.list("Overrides");
    if overrides.is_empty() {
        return Ok(vec![choice(world, base, &Value::Null)?]);
    }
    overrides.iter().map(|o| choice(world, o.at(SPECIFICATION).unwrap_or(base), o)).collect()
}

fn choice(world: &World, specification: &Value, changes: &Value) -> Result<Choice, String> {
    let (found, version) = template::resolve(world, specification)
        .map_err(|f| format!("You must use a valid fully-formed launch template. {}", f.message))?;
    let data = version.data.clone();
    let named = changes.text("InstanceType").or(data.text("InstanceType")).unwrap_or("m1.small");
    let kind = catalog::find(named).ok_or_else(|| format!("The instance type '{named}' does not exist."))?;
    if let Some(problem) = template_data::problem(&data, kind) {
        return Err(problem);
    }
    let image = changes.text("ImageId").or(data.text("ImageId")).unwrap_or_default();
    let image = image::to_launch(world, image)?;
    Ok(Choice { template: (found.id.clone(), found.name.clone(), version.number), data, kind, image })
}

/// Whether a group could launch from its templates: what creating or updating it asks.
pub(crate) fn check(world: &World, group: &Group) -> Result<(), String> {
    choices(world, group).map(drop)
}

/// Whether a member has the launch template and one of the instance types that the group launches now.
pub(crate) fn matches(world: &World, group: &Group, member: &Member) -> bool {
    let same = |c: &Choice| c.template.0 == member.template.0 && c.template.2 == member.template.2;
    let found = choices(world, group).unwrap_or_default();
    found.iter().any(|c| same(c) && c.kind.name == member.instance_type)
}

/// Every LaunchTemplateSpecification of a group.
pub(crate) fn specifications(group: &Group) -> Vec<&Value> {
    let policy = group.mixed.as_ref().and_then(|m| m.at("LaunchTemplate"));
    let overrides = policy.into_iter().flat_map(|p| p.list("Overrides")).filter_map(|o| o.at(SPECIFICATION));
    group.template.iter().chain(policy.and_then(|p| p.at(SPECIFICATION))).chain(overrides).collect()
}

/// Whether the image of one of its templates is named by a Systems Manager parameter.
pub(crate) fn uses_parameter(world: &World, group: &Group) -> bool {
    let image = |s: &&Value| template::resolve(world, s).ok().and_then(|(_, v)| v.data.text("ImageId"));
    specifications(group).iter().filter_map(image).any(|i| i.starts_with("resolve:ssm:"))
}

fn tags(group: &Group, choice: &Choice) -> Tags {
    let mut tags = Tags::new();
    let wanted = choice.data.list("TagSpecifications").iter().filter(|s| s.text("ResourceType") == Some("instance"));
    for tag in wanted.flat_map(|s| s.list("Tags")) {
        tags.insert(tag.text("Key").unwrap_or_default().to_owned(), tag.text("Value").unwrap_or_default().to_owned());
    }
    for (key, tag) in group.tags.iter().filter(|(_, t)| t.propagate) {
        tags.insert(key.clone(), tag.value.clone());
    }
    tags.insert("aws:autoscaling:groupName".to_owned(), group.name.clone());
    tags.insert("aws:ec2launchtemplate:id".to_owned(), choice.template.0.clone());
    tags.insert("aws:ec2launchtemplate:version".to_owned(), choice.template.2.to_string());
    tags
}
