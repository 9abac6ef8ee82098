//! NeuronCluster → CreateCluster.

use super::{Context, overrides, tags};
use crate::desired::DesiredCluster;
use crate::ownership;
use crate::shape::cluster::{
    ClusterConfiguration, ClusterServiceConnectDefaultsRequest, ClusterSetting, CreateCluster,
    ExecuteCommandConfiguration, ExecuteCommandLogConfiguration, ManagedStorageConfiguration,
};
use crate::spec::{Accepted, ClusterSpec, ContainerInsights, ExecuteCommandLogging, NeuronCluster};

pub(super) fn cluster(accepted: &Accepted<NeuronCluster>, context: Context<'_>) -> Result<DesiredCluster, String> {
    let spec = &accepted.spec;
    let object = accepted.key();
    let tags = tags(accepted, &object, &[&spec.tags], context);
    let insights = match spec.container_insights {
        ContainerInsights::Disabled => "disabled",
        ContainerInsights::Enabled => "enabled",
        ContainerInsights::Enhanced => "enhanced",
    };
    let document = CreateCluster {
        cluster_name: Some(object.name.to_string()),
        tags: ownership::to_list(&tags),
        settings: vec![ClusterSetting { name: Some("containerInsights".to_owned()), value: Some(insights.to_owned()) }],
        configuration: configuration(spec),
        service_connect_defaults: spec
            .service_connect_defaults
            .as_ref()
            .map(|defaults| ClusterServiceConnectDefaultsRequest { namespace: defaults.namespace.clone() }),
    };
    let document = overrides::merge(document, &spec.overrides.cluster)?;
    Ok(DesiredCluster { object, adopt: accepted.policy.adopt, document, tags })
}

fn configuration(spec: &ClusterSpec) -> Option<ClusterConfiguration> {
    let execute_command = spec.execute_command.as_ref().map(|command| ExecuteCommandConfiguration {
        kms_key_id: command.kms_key_id.clone(),
        logging: Some(
            match command.logging {
                ExecuteCommandLogging::None => "NONE",
                ExecuteCommandLogging::Default => "DEFAULT",
                ExecuteCommandLogging::Override => "OVERRIDE",
            }
            .to_owned(),
        ),
        log_configuration: command.log_configuration.as_ref().map(|logs| ExecuteCommandLogConfiguration {
            cloud_watch_log_group_name: logs.cloud_watch_log_group_name.clone(),
            cloud_watch_encryption_enabled: logs.cloud_watch_encryption_enabled,
            s3_bucket_name: logs.s3_bucket_name.clone(),
            s3_encryption_enabled: logs.s3_encryption_enabled,
            s3_key_prefix: logs.s3_key_prefix.clone(),
        }),
    });
    let storage = spec.managed_storage.as_ref().map(|storage| ManagedStorageConfiguration {
        kms_key_id: Some(storage.kms_key_id.clone()),
        fargate_ephemeral_storage_kms_key_id: None,
    });
    let given = execute_command.is_some() || storage.is_some();
    given.then_some(ClusterConfiguration {
        execute_command_configuration: execute_command,
        managed_storage_configuration: storage,
    })
}
