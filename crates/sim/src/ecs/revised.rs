//! Members of a service that only its revisions and deployments return: Service Connect, volumes configured at launch, VPC
//! Lattice, monitoring. Neighbours: `service` keeps them in `Service::revised`, `deployment` writes them into revisions,
//! `connect` and `volumes` check them. AWS's shape of a service has none of them, and a deployment has no `monitoring`.

use serde_json::{Value, json};

use super::{connect, names, volumes};
use crate::{
    state::Cluster,
    wire::{
        fault::Fault,
        value::{Read, pick, put},
    },
};

/// All of them, as a service revision has them.
pub(crate) const MEMBERS: [&str; 4] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations", "monitoring"];
/// Those that a deployment returns too.
pub(crate) const OF_DEPLOYMENT: [&str; 3] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// What a request makes of what was there: a member that is left out stays, an empty list or object takes it away.
pub(crate) fn over(old: &Value, input: &Value, cluster: &Cluster, definition: &Value) -> Result<Value, Fault> {
    let mut out = pick(old, &MEMBERS);
    for (key, value) in pick(input, &MEMBERS).as_object().into_iter().flatten() {
        let value =
            if key == "serviceConnectConfiguration" { connect::resolved(value, cluster)? } else { value.clone() };
        put(&mut out, key, value);
    }
    if let Some(map) = out.as_object_mut() {
        map.retain(|key, v| !v.as_array().is_some_and(Vec::is_empty) && (key != "monitoring" || configures(v)));
    }
    if let Some(connect) = out.at("serviceConnectConfiguration") {
        connect::check(connect, definition)?;
    }
    volumes::check(out.list("volumeConfigurations"), definition)?;
    out.list("vpcLatticeConfigurations").iter().try_for_each(|l| lattice(l, definition))?;
    monitoring(out.at("monitoring").unwrap_or(&Value::Null))?;
    Ok(out)
}

/// Whether the difference starts a deployment. UpdateService: the first three do when they differ. For `monitoring` it says
/// neither; that it does is a guess from its being part of the service revision. Service Connect that is off counts as none.
pub(crate) fn differ(before: &Value, after: &Value) -> bool {
    let off = json!({"enabled": false});
    let of =
        |from: &Value, key: &str| from.at(key).filter(|v| v.flag("enabled") != Some(false)).unwrap_or(&off).clone();
    MEMBERS.iter().any(|key| of(before, key) != of(after, key))
}

fn lattice(given: &Value, definition: &Value) -> Result<(), Fault> {
    let role = given.text("roleArn").unwrap_or_default();
    if !names::iam_arn(role, "role") {
        return Err(Fault::invalid(format!("The role '{role}' of a VPC Lattice configuration is not valid.")));
    }
    let group = given.text("targetGroupArn").unwrap_or_default();
    if !group.starts_with("arn:") || !group.contains(":vpc-lattice:") {
        return Err(Fault::invalid(format!("'{group}' is not the ARN of a VPC Lattice target group.")));
    }
    connect::named_port(given.text("portName").unwrap_or_default(), definition)
}

fn configures(monitoring: &Value) -> bool {
    !monitoring.list("metricConfigurations").is_empty()
}

fn monitoring(given: &Value) -> Result<(), Fault> {
    for metric in given.list("metricConfigurations") {
        if let Some(bad) = metric
            .strings("metricNames")
            .iter()
            .find(|n| !["CPUUtilization", "MemoryUtilization"].contains(&n.as_str()))
        {
            return Err(Fault::invalid(format!("The metric '{bad}' cannot be configured for a service.")));
        }
        if !matches!(metric.number("resolutionSeconds"), Some(20 | 60)) {
            return Err(Fault::invalid("The resolution of a metric must be 20 or 60 seconds."));
        }
    }
    Ok(())
}
