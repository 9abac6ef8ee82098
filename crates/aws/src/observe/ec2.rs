//! The EC2 path: providers of Auto Scaling groups, launch templates, groups, their machines, images, container instances,
//! subnets.
//!
//! Part of `observe`; each has a file of its own. They are read at the same time, but for the machines, which are
//! those of the groups found, and the images' descriptions, which follow the parameters that name them.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::cloud::{Ec2Sweep, Reading, Scope};
use axon_core::observe::{Cluster, ClusterName, ClusterStatus, Group, Instance, Machine};

use super::{each, groups, images, instances, machines, providers, subnets, templates};
use crate::call::Caller;

/// Reads the EC2 path if `scope` asks for it.
pub(super) async fn read(caller: &Caller, scope: &Scope, clusters: &Reading<Vec<Cluster>>) -> Option<Ec2Sweep> {
    let wanted = scope.ec2.as_ref()?;
    let installation = scope.installation.to_string();
    let (providers, templates, (groups, machines), images, instances, subnets) = futures::join!(
        Box::pin(providers::of_groups(caller)),
        Box::pin(templates::all(caller, &installation, &wanted.names)),
        Box::pin(groups_with_machines(caller, &installation, &wanted.names)),
        Box::pin(images::of(caller, &wanted.images)),
        Box::pin(instances_of(caller, (&wanted.instances_of, &scope.seen.instances), clusters)),
        Box::pin(subnets::of(caller, &wanted.subnets)),
    );
    Some(Ec2Sweep { providers, templates, groups, machines, images, instances, subnets })
}

async fn groups_with_machines(
    caller: &Caller,
    installation: &str,
    names: &BTreeSet<String>,
) -> (Reading<Vec<Group>>, Reading<Vec<Machine>>) {
    let groups = groups::all(caller, installation, names).await;
    let machines = match &groups {
        Ok(groups) => machines::of(caller, groups).await,
        Err(error) => Err(error.clone()),
    };
    (groups, machines)
}

/// A cluster that does not exist has no instances, and ECS need not be asked for them.
async fn instances_of(
    caller: &Caller,
    (wanted, seen): (&BTreeSet<ClusterName>, &BTreeMap<ClusterName, BTreeSet<String>>),
    clusters: &Reading<Vec<Cluster>>,
) -> BTreeMap<ClusterName, Reading<Vec<Instance>>> {
    let clusters = match clusters {
        Ok(clusters) => clusters,
        Err(error) => return wanted.iter().map(|name| (name.clone(), Err(error.clone()))).collect(),
    };
    let exists =
        |name: &str| clusters.iter().any(|found| found.name == *name && found.status != ClusterStatus::Inactive);
    each(wanted.clone(), |name| {
        let (caller, exists) = (caller.clone(), exists(&name));
        let seen = seen.get(&name).cloned().unwrap_or_default();
        async move { if exists { instances::of(&caller, &name, seen).await } else { Ok(Vec::new()) } }
    })
    .await
}
