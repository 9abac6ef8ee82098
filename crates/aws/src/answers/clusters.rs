//! A cluster as AWS answers it.
//!
//! Used by `observe` and `execute`. No calls, no opinion.

use aws_sdk_ecs::types;
use axon_core::observe::{Cluster, ClusterStatus};

use super::{Incomplete, present, tags};
use crate::convert::FromSdk;

/// Reads a cluster.
pub(crate) fn cluster(sdk: types::Cluster) -> Result<Cluster, Incomplete> {
    let settings = sdk.settings.into_iter().flatten();
    Ok(Cluster {
        name: present(sdk.cluster_name, "clusterName")?,
        arn: present(sdk.cluster_arn, "clusterArn")?,
        status: status(&present(sdk.status, "status")?),
        settings: settings
            .filter_map(|setting| Some((setting.name?.as_str().to_owned(), setting.value.unwrap_or_default())))
            .collect(),
        configuration: FromSdk::from_sdk(sdk.configuration),
        service_connect_namespace: sdk.service_connect_defaults.and_then(|defaults| defaults.namespace),
        tags: tags(sdk.tags),
        registered_instances: sdk.registered_container_instances_count,
        capacity_providers: sdk.capacity_providers.unwrap_or_default(),
        default_strategy: FromSdk::from_sdk(sdk.default_capacity_provider_strategy),
        attachments_status: sdk.attachments_status,
    })
}

fn status(word: &str) -> ClusterStatus {
    match word {
        "ACTIVE" => ClusterStatus::Active,
        "PROVISIONING" => ClusterStatus::Provisioning,
        "DEPROVISIONING" => ClusterStatus::Deprovisioning,
        "FAILED" => ClusterStatus::Failed,
        "INACTIVE" => ClusterStatus::Inactive,
        other => ClusterStatus::Other(other.to_owned()),
    }
}
