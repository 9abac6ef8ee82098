//! What services and RunTask check alike: where to run, networks, placement. Neighbours:
//! `service`, `run_task`. The exception type is InvalidParameterException wherever AWS names none (a guess).

use serde_json::{Value, json};

use super::{
    names,
    revision_validate::{self, On},
    strategy::{self, Kind},
};
use crate::{
    wire::{
        fault::Fault,
        value::{Read, fill},
    },
    world::World,
};

/// Where tasks go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// Capacity providers.
    Strategy(Vec<Value>),
    /// The launch type EC2: container instances of the cluster, with or without a provider.
    Ec2,
}

pub(crate) fn target(world: &World, cluster: &str, input: &Value) -> Result<Target, Fault> {
    let items = input.list("capacityProviderStrategy");
    match input.text("launchType") {
        Some(_) if !items.is_empty() => {
            return Err(Fault::invalid("Specify either a launch type or a capacity provider strategy, not both."));
        }
        Some("EC2") => return Ok(Target::Ec2),
        Some("MANAGED_INSTANCES") => {
            return Err(Fault::invalid(
                "The launch type MANAGED_INSTANCES cannot be requested: use a capacity provider strategy.",
            ));
        }
        Some(other) => return Err(Fault::not_modelled(format!("the launch type {other}"))),
        None => {}
    }
    let found = names::find_cluster(world, cluster)?;
    let checked = strategy::check(world, found, if items.is_empty() { &found.strategy } else { items })?;
    Ok(if checked.is_empty() { Target::Ec2 } else { Target::Strategy(checked) })
}

/// What a definition is held against.
pub(crate) fn on(world: &World, strategy: &[Value]) -> On {
    if strategy::kind(world, strategy) == Kind::Managed { On::ManagedInstances } else { On::Anything }
}

/// Whether a definition may run on the capacity of a strategy; without one it is the launch type EC2.
pub(crate) fn compatible(world: &World, strategy: &[Value], definition: &Value) -> Result<(), Fault> {
    let wanted = if on(world, strategy) == On::ManagedInstances { "MANAGED_INSTANCES" } else { "EC2" };
    if definition.strings("compatibilities").iter().any(|c| c == wanted) {
        return Ok(());
    }
    Err(Fault::invalid(format!("The task definition does not support the compatibility {wanted}.")))
}

/// Public addresses of tasks are for Fargate.
pub(crate) fn public_address(on: On, network: Option<&Value>) -> Result<(), Fault> {
    let given = network.and_then(|n| n.at("awsvpcConfiguration")).and_then(|c| c.text("assignPublicIp"));
    if on == On::Anything && given == Some("ENABLED") {
        return Err(Fault::invalid("Assign public IP is not supported for this launch type."));
    }
    Ok(())
}

/// The network configuration of a request, with the default that ECS returns.
pub(crate) fn network(definition: &Value, input: &Value) -> Result<Option<Value>, Fault> {
    let given = input.at("networkConfiguration").and_then(|n| n.at("awsvpcConfiguration"));
    let awsvpc = definition.text("networkMode") == Some("awsvpc");
    let given = match (given, awsvpc) {
        (None, true) => {
            return Err(Fault::invalid(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            ));
        }
        (Some(_), false) => {
            return Err(Fault::invalid(
                "Network Configuration is not valid for the given networkMode of this task definition.",
            ));
        }
        (None, false) => return Ok(None),
        (Some(given), true) => given,
    };
    let (subnets, groups) = (given.strings("subnets"), given.strings("securityGroups"));
    if subnets.is_empty() || subnets.len() > 16 || groups.len() > 5 {
        return Err(Fault::invalid("A network configuration has from 1 to 16 subnets and up to 5 security groups."));
    }
    if let Some(bad) = subnets.iter().find(|s| !names::ec2_id(s, "subnet-")) {
        return Err(Fault::invalid(format!("The subnet ID '{bad}' does not exist")));
    }
    if let Some(bad) = groups.iter().find(|s| !names::ec2_id(s, "sg-")) {
        return Err(Fault::invalid(format!("The security group '{bad}' does not exist")));
    }
    let mut out = given.clone();
    fill(&mut out, "securityGroups", json!([]));
    fill(&mut out, "assignPublicIp", "DISABLED");
    Ok(Some(json!({"awsvpcConfiguration": out})))
}

/// Placement constraints and strategies. AWS does not say whether Managed Instances take strategies: they are stored.
pub(crate) fn placement(input: &Value, in_definition: usize, on: On) -> Result<(), Fault> {
    let constraints = input.list("placementConstraints");
    if constraints.len() + in_definition > 10 {
        return Err(Fault::invalid("A task can have at most 10 placement constraints."));
    }
    for constraint in constraints {
        let expression = constraint.text("expression");
        match (constraint.text("type"), expression) {
            (Some("distinctInstance"), None) => {}
            (Some("distinctInstance"), Some(_)) => {
                return Err(Fault::invalid("distinctInstance has no expression."));
            }
            (_, expression) => {
                let text = expression.unwrap_or_default();
                revision_validate::check_expression(text, on).map_err(|f| Fault::invalid(f.message))?;
            }
        }
    }
    if input.list("placementStrategy").len() > 5 {
        return Err(Fault::invalid("A task can have at most 5 placement strategies."));
    }
    input.list("placementStrategy").iter().try_for_each(order)
}

fn order(strategy: &Value) -> Result<(), Fault> {
    let field = strategy.text("field").unwrap_or_default().to_ascii_lowercase();
    let good = match strategy.text("type") {
        Some("binpack") => ["cpu", "memory"].contains(&field.as_str()),
        Some("spread") => ["instanceid", "host"].contains(&field.as_str()) || field.starts_with("attribute:"),
        Some("random") => field.is_empty(),
        _ => false,
    };
    if good { Ok(()) } else { Err(Fault::invalid("The field of a placement strategy is not valid for its type.")) }
}

/// Members of service requests that have no meaning here.
pub(crate) fn modelled(input: &Value) -> Result<(), Fault> {
    let members = ["gatewayConnectors", "platformVersion", "role"];
    if let Some(member) = members.iter().find(|m| input.has(m)) {
        return Err(Fault::not_modelled(format!("{member} of a service")));
    }
    if input.text("schedulingStrategy") == Some("DAEMON") {
        return Err(Fault::not_modelled("the scheduling strategy DAEMON"));
    }
    let controller = input.at("deploymentController").and_then(|c| c.text("type"));
    if controller.is_some_and(|c| c != "ECS") {
        return Err(Fault::not_modelled("deployment controllers other than ECS"));
    }
    Ok(())
}
