//! A capacity provider as AWS answers it.
//!
//! Used by `observe` and `execute`. No calls, no opinion.

use aws_sdk_ecs::types;
use axon_core::observe::{Provider, ProviderStatus};

use super::{Incomplete, name_of, present, tags};
use crate::convert::FromSdk;

/// Reads a provider. A Managed Instances provider belongs to the cluster that it was `asked` with if AWS does not say
/// so itself; providers of other kinds belong to none, not even to the cluster that they are associated with.
pub(crate) fn provider(sdk: types::CapacityProvider, asked: &str) -> Result<Provider, Incomplete> {
    let cluster = match (&sdk.cluster, &sdk.managed_instances_provider) {
        _ if sdk.auto_scaling_group_provider.is_some() => String::new(),
        (Some(cluster), _) => name_of(cluster).to_owned(),
        (None, Some(_)) => asked.to_owned(),
        (None, None) => String::new(),
    };
    Ok(Provider {
        name: present(sdk.name, "name")?,
        arn: present(sdk.capacity_provider_arn, "capacityProviderArn")?,
        cluster,
        status: status(present(sdk.status, "status")?.as_str()),
        update_status: sdk.update_status.map(|word| word.as_str().to_owned()),
        update_status_reason: sdk.update_status_reason,
        managed_instances: FromSdk::from_sdk(sdk.managed_instances_provider),
        auto_scaling_group: FromSdk::from_sdk(sdk.auto_scaling_group_provider),
        tags: tags(sdk.tags),
    })
}

fn status(word: &str) -> ProviderStatus {
    match word {
        "PROVISIONING" => ProviderStatus::Provisioning,
        "ACTIVE" => ProviderStatus::Active,
        "DEPROVISIONING" => ProviderStatus::Deprovisioning,
        "INACTIVE" => ProviderStatus::Inactive,
        other => ProviderStatus::Other(other.to_owned()),
    }
}
