//! Target groups of a service as configuration: checked, stored, returned. There is no listener, no target and no traffic
//! behind them. Neighbours: `service` calls the checks, `deployment` writes `resolved` into service revisions.
//! Sources: LoadBalancer and AdvancedConfiguration in the API reference; "Troubleshooting Amazon ECS blue/green deployments",
//! "Update the Amazon ECS deployment strategy" and the pages on required resources in the developer guide. ECS takes
//! `advancedConfiguration` with ROLLING too: that is how a service is got ready for another strategy.
//! Guesses: that the alternate group, the production rule and the role are needed together, and the exception types, but for
//! the ClientException of `shifts`, which users of the live API report.

use serde_json::{Value, json};

use super::{deployment, names};
use crate::{
    state::Service,
    wire::{
        fault::Fault,
        value::{Read, put_some},
    },
};

/// Containers and ports must exist, and what shifts traffic must be whole.
pub(crate) fn check(definition: &Value, input: &Value) -> Result<(), Fault> {
    let balancers = input.list("loadBalancers");
    if balancers.len() > 5 {
        return Err(Fault::invalid("load balancers can have at most 5 items."));
    }
    for balancer in balancers {
        if balancer.has("loadBalancerName") {
            return Err(Fault::not_modelled("load balancers other than target groups"));
        }
        target(definition, balancer)?;
    }
    let advanced = balancers.iter().filter(|b| b.has("advancedConfiguration")).count();
    if advanced == 0 {
        return Ok(());
    }
    if advanced != balancers.len() {
        return Err(Fault::invalid(
            "Either all or none of the provided loadBalancers must have advancedConfiguration defined",
        ));
    }
    balancers.iter().try_for_each(whole)?;
    distinct(balancers)
}

fn target(definition: &Value, balancer: &Value) -> Result<(), Fault> {
    let container = balancer.text("containerName").unwrap_or_default();
    let port = balancer.number("containerPort");
    let mut containers = definition.list("containerDefinitions").iter();
    let found = containers
        .find(|c| c.text("name") == Some(container))
        .ok_or_else(|| Fault::invalid(format!("The container {container} does not exist in the task definition.")))?;
    if !found.list("portMappings").iter().any(|p| p.number("containerPort") == port) {
        return Err(Fault::invalid(format!("The container {container} does not have the container port given.")));
    }
    Ok(())
}

/// The members of one `advancedConfiguration`, and the target group beside it.
fn whole(balancer: &Value) -> Result<(), Fault> {
    let Some(advanced) = balancer.at("advancedConfiguration") else { return Ok(()) };
    for key in ["alternateTargetGroupArn", "productionListenerRule", "roleArn"] {
        if advanced.text(key).is_none_or(str::is_empty) {
            return Err(Fault::invalid(format!("{key} of advancedConfiguration must be provided.")));
        }
    }
    for (from, key) in [(balancer, "targetGroupArn"), (advanced, "alternateTargetGroupArn")] {
        let group = from.text(key).unwrap_or_default();
        if !is(group, &[("targetgroup/", 2)]) {
            return Err(Fault::invalid(format!("{key} has an invalid ARN format. Got: {group}")));
        }
    }
    for key in ["productionListenerRule", "testListenerRule"] {
        let Some(rule) = advanced.text(key) else { continue };
        if !is(rule, &[("listener-rule/app/", 4), ("listener/net/", 3)]) {
            return Err(Fault::invalid(format!(
                "{key} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: {rule}"
            )));
        }
    }
    let role = advanced.text("roleArn").unwrap_or_default();
    if !names::iam_arn(role, "role") {
        return Err(Fault::invalid(format!("The role '{role}' of advancedConfiguration is not valid.")));
    }
    Ok(())
}

/// Whether a text is an ARN of Elastic Load Balancing that goes on with one of these heads and so many parts after it.
fn is(text: &str, kinds: &[(&str, usize)]) -> bool {
    let mut parts = text.splitn(6, ':');
    let head = parts.next() == Some("arn") && parts.next().is_some_and(|p| p.starts_with("aws"));
    let balancing = parts.next() == Some("elasticloadbalancing") && parts.next().is_some_and(|r| !r.is_empty());
    let account = parts.next().is_some_and(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit()));
    let resource = parts.next().unwrap_or_default();
    let fits = |(kind, count): &(&str, usize)| {
        let rest = resource.strip_prefix(kind);
        rest.is_some_and(|r| r.split('/').count() == *count && r.split('/').all(|part| !part.is_empty()))
    };
    head && balancing && account && kinds.iter().any(fits)
}

/// No target group twice, and no rule both for production and for tests.
fn distinct(balancers: &[Value]) -> Result<(), Fault> {
    let advanced = |b: &'_ Value, key: &str| b.at("advancedConfiguration").and_then(|a| a.text(key)).map(str::to_owned);
    let mut groups: Vec<String> = Vec::new();
    for balancer in balancers {
        let first = balancer.text("targetGroupArn").map(str::to_owned);
        for group in first.into_iter().chain(advanced(balancer, "alternateTargetGroupArn")) {
            if groups.contains(&group) {
                return Err(Fault::invalid(format!("Duplicate targetGroupArn found: {group}")));
            }
            groups.push(group);
        }
    }
    let production: Vec<String> = balancers.iter().filter_map(|b| advanced(b, "productionListenerRule")).collect();
    let mut tests = balancers.iter().filter_map(|b| advanced(b, "testListenerRule"));
    match tests.find(|rule| production.contains(rule)) {
        Some(rule) => Err(Fault::invalid(format!(
            "The following rules cannot be used as both production and test listener rules: {rule}"
        ))),
        None => Ok(()),
    }
}

fn strategy(document: &Value) -> &str {
    document.at("deploymentConfiguration").and_then(|c| c.text("strategy")).unwrap_or("ROLLING")
}

/// What a strategy needs to shift traffic. BLUE_GREEN also works without a load balancer and Service Connect, as AWS says;
/// CANARY and LINEAR "must use one of the following features". VPC Lattice is not among them.
pub(crate) fn shifts(document: &Value, revised: &Value) -> Result<(), Fault> {
    let said = match strategy(document) {
        "BLUE_GREEN" => "Blue/green",
        "CANARY" => "canary",
        "LINEAR" => "linear",
        _ => return Ok(()),
    };
    let balancers = document.list("loadBalancers");
    if balancers.iter().any(|b| !b.has("advancedConfiguration")) {
        return Err(Fault::client(format!(
            "advancedConfiguration field is required for all loadBalancers when using the {said} deployment strategy"
        )));
    }
    let connect = revised.at("serviceConnectConfiguration").and_then(|c| c.flag("enabled")).unwrap_or(false);
    if balancers.is_empty() && !connect && said != "Blue/green" {
        return Err(Fault::invalid(format!(
            "The {said} deployment strategy needs a load balancer with advancedConfiguration or Service Connect."
        )));
    }
    Ok(())
}

/// `resolvedConfiguration` of a new revision: its target groups. Where the strategy shifts traffic, that is the group of
/// each pair that the serving revision does not have; the first revision has the one that is not the alternate (a guess).
pub(crate) fn resolved(service: &Service) -> Option<Value> {
    let strategy = strategy(&service.document);
    let serving = deployment::last_completed(service).map(deployment::left_in_place);
    let before = serving.and_then(|arn| service.revisions.get(arn));
    let before = before.and_then(|r| r.at("resolvedConfiguration"));
    let taken: Vec<&str> =
        before.iter().flat_map(|r| r.list("loadBalancers")).filter_map(|b| b.text("targetGroupArn")).collect();
    let rows: Vec<Value> = service.document.list("loadBalancers").iter().map(|b| row(b, &taken, strategy)).collect();
    (!rows.is_empty()).then(|| json!({"loadBalancers": rows}))
}

fn row(balancer: &Value, taken: &[&str], strategy: &str) -> Value {
    let first = balancer.text("targetGroupArn");
    let advanced = balancer.at("advancedConfiguration");
    let other = advanced.and_then(|a| a.text("alternateTargetGroupArn"));
    let has = |group: Option<&str>| group.is_some_and(|g| taken.contains(&g));
    let changes = if strategy == "ROLLING" { has(other) } else { has(first) };
    let serves = if changes { other.or(first) } else { first };
    let mut out = json!({});
    put_some(&mut out, "targetGroupArn", serves);
    put_some(&mut out, "productionListenerRule", advanced.and_then(|a| a.text("productionListenerRule")));
    out
}
