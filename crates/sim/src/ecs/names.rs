//! Names and ARNs of ECS: reading what a request names, checking what it may be called. Neighbours: every operation.
//! Nothing about the things themselves.

use serde_json::{Value, json};

use crate::{
    state::Cluster,
    wire::{fault::Fault, value::Read},
    world::{World, tail},
};

/// The name of the active cluster a request means; "default" when it names none.
pub(crate) fn cluster(world: &World, input: &Value) -> Result<String, Fault> {
    find_cluster(world, input.text("cluster").unwrap_or("default")).map(|c| c.name.clone())
}

/// An active cluster by name or ARN.
pub(crate) fn find_cluster<'w>(world: &'w World, name: &str) -> Result<&'w Cluster, Fault> {
    let found = world.state.clusters.get(tail(name)).filter(|c| c.status == "ACTIVE");
    let found = found.filter(|c| !name.starts_with("arn:") || c.arn == name);
    found.ok_or_else(Fault::cluster_not_found)
}

/// The key of the service a request means, whatever its status.
pub(crate) fn service(world: &World, input: &Value, member: &str) -> Result<(String, String), Fault> {
    let cluster = cluster(world, input)?;
    let name = input.text(member).unwrap_or_default();
    find_service(world, &cluster, name).ok_or_else(Fault::service_not_found)
}

pub(crate) fn find_service(world: &World, cluster: &str, name: &str) -> Option<(String, String)> {
    let key = (cluster.to_owned(), tail(name).to_owned());
    let found = world.state.services.get(&key)?;
    (!name.starts_with("arn:") || found.arn == name).then_some(key)
}

/// A failures[] entry.
pub(crate) fn failure(arn: &str, reason: &str) -> Value {
    json!({"arn": arn, "reason": reason})
}

/// A failures[] entry for something that is not there, named by ARN or by the end of one.
pub(crate) fn missing(world: &World, named: &str, kind: &str) -> Value {
    let arn = if named.starts_with("arn:") { named.to_owned() } else { world.arn(&format!("{kind}/{named}")) };
    failure(&arn, "MISSING")
}

/// Letters, digits, `_` and `-`, from 1 to 255.
pub(crate) fn plain(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether a text is `arn:<partition>:iam::<12 digits>:<kind>/<name>`.
pub(crate) fn iam_arn(text: &str, kind: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let head = parts.next() == Some("arn") && parts.next().is_some_and(|p| p.starts_with("aws"));
    let iam = parts.next() == Some("iam") && parts.next() == Some("");
    let account = parts.next().is_some_and(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit()));
    let name = parts.next().and_then(|r| r.strip_prefix(kind)).and_then(|r| r.strip_prefix('/'));
    head && iam && account && name.is_some_and(|n| !n.is_empty())
}

/// Whether a text is a prefix such as `subnet-` and 8 or 17 hexadecimal digits.
pub(crate) fn ec2_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|r| matches!(r.len(), 8 | 17) && r.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// At most so many names, and at least one, as the Describe operations ask.
pub(crate) fn some_names(names: &[String], most: usize, what: &str) -> Result<(), Fault> {
    if names.is_empty() {
        return Err(Fault::invalid(format!("{what} cannot be empty.")));
    }
    if names.len() > most {
        return Err(Fault::invalid(format!("{what} can have at most {most} items.")));
    }
    Ok(())
}
