//! Service Connect as configuration: checked, stored, returned. There is no proxy, no namespace and no Cloud Map behind it:
//! every namespace is taken to exist. Neighbours: `revised` calls it, `describe` shows the resources, `cluster` keeps the
//! default namespace. Sources: ServiceConnectConfiguration, ServiceConnectService and ServiceConnectClientAlias in the API
//! reference. A namespace is returned as it was sent, and the exception types are InvalidParameterException: guesses.

use serde_json::{Value, json};

use crate::{
    state::Cluster,
    wire::{
        fault::Fault,
        value::{Read, fill},
    },
    world::World,
};

/// The configuration with the cluster's default namespace, when it is on and names none.
pub(crate) fn resolved(given: &Value, cluster: &Cluster) -> Result<Value, Fault> {
    let mut out = given.clone();
    if given.flag("enabled") != Some(true) || given.has("namespace") {
        return Ok(out);
    }
    let Some(namespace) = &cluster.namespace else {
        return Err(Fault::invalid(
            "Service Connect needs a namespace: neither the service nor the cluster's serviceConnectDefaults has one.",
        ));
    };
    fill(&mut out, "namespace", namespace.clone());
    Ok(out)
}

/// The ARN of a namespace; a name gets a made-up id that the name determines.
pub(crate) fn namespace_arn(world: &World, named: &str) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    let options = &world.options;
    let id = crate::ids::of_text(named);
    format!("arn:aws:servicediscovery:{}:{}:namespace/ns-{id:016x}", options.region, options.account)
}

/// A port mapping of the task definition must have the name.
pub(crate) fn named_port(name: &str, definition: &Value) -> Result<(), Fault> {
    let containers = definition.list("containerDefinitions").iter();
    if !name.is_empty() && containers.flat_map(|c| c.list("portMappings")).any(|p| p.text("name") == Some(name)) {
        return Ok(());
    }
    Err(Fault::invalid(format!("The port name '{name}' is not the name of a port mapping in the task definition.")))
}

pub(crate) fn check(given: &Value, definition: &Value) -> Result<(), Fault> {
    if given.flag("enabled") != Some(true) {
        return Ok(());
    }
    if given.has("accessLogConfiguration") && !given.has("logConfiguration") {
        return Err(Fault::invalid("The access logs of Service Connect need a logConfiguration."));
    }
    let mut seen: Vec<&str> = Vec::new();
    for service in given.list("services") {
        named_port(service.text("portName").unwrap_or_default(), definition)?;
        let name = discovery(service);
        if seen.contains(&name) {
            return Err(Fault::invalid(format!("The discovery name '{name}' is used twice.")));
        }
        seen.push(name);
        if service.has("discoveryName") && !fits(name, 64, "_-") {
            return Err(Fault::invalid(format!("The discovery name '{name}' is not valid.")));
        }
        aliases(service.list("clientAliases"))?;
    }
    Ok(())
}

fn discovery(service: &Value) -> &str {
    service.text("discoveryName").or(service.text("portName")).unwrap_or_default()
}

/// Lowercase letters, digits and some signs, and no hyphen at the start.
fn fits(text: &str, most: usize, signs: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || signs.contains(c);
    (1..=most).contains(&text.len()) && !text.starts_with('-') && text.chars().all(allowed)
}

/// "You must provide at least one clientAlias with one port", and "the maximum number is 1".
fn aliases(given: &[Value]) -> Result<(), Fault> {
    let [alias] = given else {
        return Err(Fault::invalid("Each service of Service Connect must have exactly one client alias."));
    };
    if !alias.number("port").is_some_and(|p| (1..=65_535).contains(&p)) {
        return Err(Fault::invalid("The port of a client alias must be from 1 to 65535."));
    }
    match alias.text("dnsName").filter(|name| !fits(name, 127, "_-.")) {
        Some(bad) => Err(Fault::invalid(format!("The DNS name '{bad}' of a client alias is not valid."))),
        None => Ok(()),
    }
}

/// `serviceConnectResources` of a deployment: one made-up Cloud Map service for each discovery name.
pub(crate) fn resources(world: &World, given: &Value) -> Option<Value> {
    if given.flag("enabled") != Some(true) {
        return None;
    }
    let (region, account) = (&world.options.region, &world.options.account);
    let namespace = given.text("namespace").unwrap_or_default();
    let row = |service: &Value| {
        let name = discovery(service);
        let id = crate::ids::of_text(&format!("{namespace}/{name}"));
        let arn = format!("arn:aws:servicediscovery:{region}:{account}:service/srv-{id:016x}");
        json!({"discoveryName": name, "discoveryArn": arn})
    };
    Some(given.list("services").iter().map(row).collect())
}
